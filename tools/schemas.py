"""Schemas of arguments that come from elsewhere, made small and harmless enough to stand in each request to a model.

The invariant: what is returned is an object's schema of at most `MOST_BYTES`, nested at most `MOST_LEVELS` deep, and
all its references point into itself.
"""

from collections.abc import Mapping
from typing import Any

import orjson

MOST_BYTES = 16 * 1024
MOST_LEVELS = 24
_NOT_KEPT = frozenset(
    {"$schema", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"}
)
_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords below which the keys are names of the author's."""
_DATA = frozenset({"default", "const", "enum", "examples", "required"})
_WORDS = frozenset({"description", "title", "examples", "$comment", "default"})


def bounded_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema within its bounds; None where that cannot be done without losing the arguments' names.

    Of one that is too large first the words go, and then all but its outermost properties.
    """
    kept = _object(_kept(schema, schema, level=0))
    if _size(kept) > MOST_BYTES:
        kept = _object(_wordless(kept))
    if _size(kept) > MOST_BYTES:
        kept = _outermost(kept)
    return kept if _size(kept) <= MOST_BYTES else None


def _object(schema: Any) -> dict[str, Any]:
    made = dict(schema) if isinstance(schema, dict) else {}
    properties = made.get("properties")
    return {**made, "type": "object", "properties": properties if isinstance(properties, dict) else {}}


def _kept(value: Any, whole: Mapping[str, Any], *, level: int, are_names: bool = False) -> Any:
    if level > MOST_LEVELS:
        return {} if isinstance(value, dict) else [] if isinstance(value, list) else value
    if isinstance(value, list):
        return [_kept(one, whole, level=level + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if not are_names and "$ref" in value and not _is_inside(value["$ref"], whole):
        return {name: one for name, one in value.items() if name == "description" and isinstance(one, str)}
    made = {}
    for name, one in value.items():
        if are_names or name not in _NOT_KEPT:
            below = not are_names and name in _NAMES
            made[name] = _kept(one, whole, level=level + 1, are_names=below)
    return made


def _is_inside(reference: Any, whole: Mapping[str, Any]) -> bool:
    """Return whether a reference means a part of the schema that is there: `#`, or a pointer that leads somewhere."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return False
    at: Any = whole
    for step in reference.split("/")[1:][: MOST_LEVELS + 1]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, Mapping) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isascii() and name.isdigit() and int(name) < len(at):
            at = at[int(name)]
        else:
            return False
    return isinstance(at, Mapping | bool)


def _wordless(value: Any, *, are_names: bool = False) -> Any:
    if isinstance(value, list):
        return [_wordless(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: one if name in _DATA and not are_names else _wordless(one, are_names=not are_names and name in _NAMES)
        for name, one in value.items()
        if are_names or name not in _WORDS
    }


def _outermost(schema: dict[str, Any]) -> dict[str, Any]:
    """Return only what the properties are called and of which plain type they are."""
    plain = {
        name: {"type": one["type"]} if isinstance(one, dict) and isinstance(one.get("type"), str) else {}
        for name, one in schema["properties"].items()
    }
    required = schema.get("required")
    return {"type": "object", "properties": plain, **({"required": required} if isinstance(required, list) else {})}


def _size(schema: Mapping[str, Any]) -> int:
    return len(orjson.dumps(schema))

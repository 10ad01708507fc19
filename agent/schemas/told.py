"""Schemas of arguments that come from elsewhere, made such that they may stand in each request to a model.

Providers refuse a whole request for one schema in it, so one bad tool would end every turn. The invariant: what is returned is
a valid schema of an object (JSON Schema 2020-12) of at most `MOST_BYTES`, nested at most `MOST_LEVELS` deep, of numbers that
JSON has and patterns that providers compile, with `items` for each array and no choice at its top; its references point into itself.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agent.schemas.choices import as_secret, either
from agent.schemas.keywords import NOTHING, Patterns, data_of, number_of, texts_of, types_of, values_of

MOST_BYTES = 16 * 1024
MOST_LOOKED_AT = 8 * MOST_BYTES
"""Characters of a schema that is looked at below its outermost properties: most of a larger one would be cut away again."""
MOST_OF_PATTERNS = 4 * 1024
"""Characters of a schema's different patterns that are looked at; further ones are left out."""
MOST_LEVELS = 24
MOST_MERGED = 100
"""Branches of choices at the top that are looked at."""
MOST_TURNS = 4
"""Where a reference goes another may lead nowhere: so often that is looked at."""
_NOT_KEPT = frozenset(
    {
        *(
            "$schema",
            "$id",
            "$anchor",
            "$dynamicRef",
            "$dynamicAnchor",
            "$recursiveRef",
            "$recursiveAnchor",
            "$vocabulary",
        ),
        *("dependencies", "additionalItems"),  # of older drafts
    }
)
_ONE = frozenset(
    {
        *("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties", "contentSchema"),
    }
)
_SOME = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords below which the keys are names of the author's."""
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_COUNTS = frozenset(
    {
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("minContains", "maxContains"),
    }
)
_TEXTS = frozenset({"title", "description", "$comment", "format", "contentEncoding", "contentMediaType", "$ref"})
_FLAGS = frozenset({"uniqueItems", "deprecated", "readOnly", "writeOnly"})
_LISTS = frozenset({"enum", "examples"})
_DATA = frozenset({"default", "const", "enum", "examples", "required"})
_WORDS = frozenset({"description", "title", "examples", "$comment", "default"})
_CHOICES = ("$ref", "allOf", "anyOf", "oneOf")
_NOT_AT_TOP = frozenset({*_CHOICES, "not", "enum", "const", "if", "then", "else"})


def bounded_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema within its bounds; None where that cannot be done without losing the arguments' names.

    Of one that is too large first the words go, and then all but its outermost properties.
    """
    kept = _flat(schema, schema, [MOST_MERGED])
    if not _is_looked_at(kept):
        kept = _outermost(kept)
    patterns = Patterns(MOST_OF_PATTERNS)
    for _ in range(MOST_TURNS):
        kept, before = _object(_kept(kept, _Whole(kept, patterns), 0)), kept
        if kept == before:
            break
    else:
        kept = _outermost(kept)
    if _size(kept) > MOST_BYTES:
        kept = _object(_wordless(kept))
    if _size(kept) > MOST_BYTES:
        kept = _outermost(kept)
    return kept if _size(kept) <= MOST_BYTES else None


def _object(schema: Any) -> dict[str, Any]:
    made = dict(schema) if isinstance(schema, dict) else {}
    properties = made.get("properties")
    return {**made, "type": "object", "properties": properties if isinstance(properties, dict) else {}}


def _flat(
    schema: Mapping[str, Any], whole: Mapping[str, Any], left: list[int], behind: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return an object's schema without the choices at its top, which providers refuse: what any branch has may be given."""
    made = {name: one for name, one in schema.items() if name not in _NOT_AT_TOP}
    properties = dict(_named(schema))
    required = dict.fromkeys(texts_of(schema.get("required")))
    for keyword in (*_CHOICES, "then"):
        branches = list(_branches(schema, keyword, whole, left, behind))
        are_choices = keyword not in ("$ref", "allOf")
        for name, said in _said_in(branches).items():
            properties.setdefault(name, either(said) if are_choices else said[0])
            properties[name] = as_secret(properties[name], said)
        wanted = [dict.fromkeys(branch["required"]) for branch in branches]
        if are_choices:
            wanted = [{name: None for name in wanted[0] if all(name in one for one in wanted)}] if wanted else []
        for names in wanted:
            required |= names
    return {**made, "properties": properties, "required": list(required)}


def _said_in(branches: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return what the branches say of each property, in their order."""
    said: dict[str, list[Any]] = {}
    for branch in branches:
        for name, one in branch["properties"].items():
            said.setdefault(name, []).append(one)
    return said


def _branches(
    schema: Mapping[str, Any], keyword: str, whole: Mapping[str, Any], left: list[int], behind: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Yield the branches that are an object's, as long as some are left; a reference leads to no part that is read already."""
    found = schema.get(keyword)
    if keyword == "$ref":
        if not isinstance(found, str) or found in behind:
            return
        behind = (*behind, found)
        found = [_meant(found, whole)]
    elif keyword == "then":  # whatever the condition is
        found = [schema.get(one, {}) for one in ("then", "else")] if "if" in schema else []
    for one in found if isinstance(found, list) else ():
        left[0] -= 1
        if left[0] >= 0 and isinstance(one, dict) and "object" in _said_types(one):
            yield _flat(one, whole, left, behind)


def _said_types(schema: Mapping[str, Any]) -> list[str]:
    said = schema.get("type", "object")
    return texts_of(said if isinstance(said, list) else [said])


def _named(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class _Whole:
    """A schema whose parts are looked at."""

    schema: Mapping[str, Any]
    patterns: Patterns


def _kept(schema: Any, whole: _Whole, level: int) -> Any:
    """Return a schema with what is valid of it."""
    if schema is False:
        return False
    if not isinstance(schema, dict) or level > MOST_LEVELS:
        return {}
    if "$ref" in schema and not isinstance(_meant(schema["$ref"], whole.schema), dict | bool):
        schema = {name: one for name, one in schema.items() if name == "description"}
    made = {}
    for name, one in schema.items():
        if name not in _NOT_KEPT and (kept := _keyword(name, one, whole, level + 1)) is not NOTHING:
            made[name] = kept
    return _whole(made)


def _whole(made: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what providers miss: what an array holds, values of its type, and each property that must be there."""
    said = made.get("type", ())
    types = {said} if isinstance(said, str) else set(said)
    if "array" in types and not made.keys() & {"items", "prefixItems"}:
        made["items"] = {}
    if types and "enum" in made:
        values = made.pop("enum")
        if found := values_of(values, types):
            made["enum"] = found
        elif types == {"array"} and made.get("items") == {}:  # of what stands in it, as some write it
            made["items"] = {"enum": values}
    if "required" in made and not made.keys() & set(_CHOICES):
        made["properties"] = {**made.get("properties", {}), **_missing(made)}
    return made


def _missing(made: dict[str, Any]) -> dict[str, Any]:
    return {name: {} for name in made["required"] if name not in made.get("properties", {})}


def _keyword(name: str, value: Any, whole: _Whole, level: int) -> Any:
    """Return what a keyword may say; `NOTHING` where that is nothing."""
    if name in _ONE:
        return _kept(value, whole, level) if isinstance(value, dict | bool) else {} if name == "items" else NOTHING
    if name in _SOME:
        return [_kept(one, whole, level) for one in value] if isinstance(value, list) and value else NOTHING
    if name in _NAMES:
        return _below(value, whole, level) if isinstance(value, dict) else NOTHING
    if name in _NUMBERS:
        return number_of(value, is_positive=name == "multipleOf")
    if name in _COUNTS:
        is_count = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
        return int(value) if is_count else NOTHING
    if name in _TEXTS:
        return value if isinstance(value, str) else NOTHING
    if name in _FLAGS:
        return value if isinstance(value, bool) else NOTHING
    return _other(name, value, whole, level)


def _other(name: str, value: Any, whole: _Whole, level: int) -> Any:
    match name:
        case "type":
            return types_of(value)
        case "pattern":
            return value if isinstance(value, str) and whole.patterns.takes(value) else NOTHING
        case "required":
            return list(dict.fromkeys(texts_of(value))) or NOTHING
        case "dependentRequired":
            is_map = isinstance(value, dict)
            return {one: list(dict.fromkeys(texts_of(names))) for one, names in value.items()} if is_map else NOTHING
        case _ if name in _LISTS and not (isinstance(value, list) and value):
            return NOTHING
    kept = data_of(value, most_levels=MOST_LEVELS - level)
    return NOTHING if name in _LISTS and not kept else kept


def _below(named: Mapping[str, Any], whole: _Whole, level: int) -> dict[str, Any]:
    return {name: _kept(one, whole, level + 1) for name, one in named.items()}


def _meant(reference: Any, whole: Mapping[str, Any]) -> Any:
    """Return the part of the schema that a reference means: `#`, or a pointer that leads somewhere; else None."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    at: Any = whole
    for step in reference.split("/")[1:][: MOST_LEVELS + 1]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, Mapping) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(at):
            at = at[int(name)]
        else:
            return None
    return at


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
    """Return only what the properties are called, of which plain type they are, and which are secret."""
    plain = {}
    for name, one in schema["properties"].items():
        is_plain = isinstance(one, dict) and isinstance(one.get("type"), str)
        plain[name] = as_secret(_whole({"type": one["type"]}) if is_plain else {}, [one])
    required = schema.get("required")
    return {"type": "object", "properties": plain, **({"required": required} if isinstance(required, list) else {})}


def _is_looked_at(schema: Mapping[str, Any]) -> bool:
    try:
        return len(json.dumps(schema, ensure_ascii=False)) <= MOST_LOOKED_AT
    except (ValueError, RecursionError):
        return False


def _size(schema: Mapping[str, Any]) -> int:
    return len(orjson.dumps(schema))

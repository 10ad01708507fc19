"""Slips of models, mended where only one meaning is possible: a number as text, one value where a list is wanted, and such."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from agent.schemas.keywords import is_of

if TYPE_CHECKING:
    from tools.openapi.validation import Check

MAX_STEPS = 50_000
"""Values times branches that are looked at within one call; the rest is taken as it is."""
MAX_REFERENCES = 20
MAX_DECODED = 100_000
_INTEGER = re.compile(r"-?\d{1,18}(?:\.0{1,9})?")
_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?")
BOOLEANS = {"true": True, "false": False}
NOTHING = object()


def resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """Return a schema behind its references, which lead only within `root`; one that leads nowhere says nothing."""
    for _ in range(MAX_REFERENCES):
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return schema
        target = schema["$ref"]
        if not isinstance(target, str) or not target.startswith("#"):
            return {}
        schema = root
        for step in target[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            schema = schema.get(step) if isinstance(schema, Mapping) else None
    return {}


class Mending:
    """The mending of one call's arguments. What is valid already is not touched."""

    def __init__(self, check: "Check") -> None:
        self._check = check
        self._left = MAX_STEPS

    def object(self, value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return an object, its values mended. A null for what may be left out, and must not be null, is left out."""
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required", ())
        mended = {}
        for name, one in value.items():
            part = properties.get(name)
            if one is None and part is not None and name not in required and not self._check.fits(None, part):
                continue
            mended[name] = self.value(one, part) if part is not None else one
        return mended

    def value(self, value: Any, schema: Any) -> Any:
        """Return a value as the schema wants it, where that is certain; else as it is."""
        self._left -= 1
        schema = resolved(schema, self._check.schema)
        if self._left < 0 or not isinstance(schema, Mapping):
            return value
        for key in ("anyOf", "oneOf"):
            if isinstance(branches := schema.get(key), list):
                value = self._by_branch(value, branches)
        if isinstance(parts := schema.get("allOf"), list):
            for part in parts:
                value = self.value(value, part)
        value = self._as_wanted(value, schema)
        if isinstance(value, dict):
            return self.object(value, schema)
        items = schema.get("items")
        if isinstance(value, list) and isinstance(items, Mapping):
            return [self.value(one, items) for one in value]
        return value

    def _by_branch(self, value: Any, branches: list[Any]) -> Any:
        """Return the value for the one branch that it can be mended for; two are one too many."""
        if any(self._check.fits(value, branch) for branch in branches):
            return value
        found: list[Any] = []
        for branch in branches:
            mended = self.value(value, branch)
            if self._check.fits(mended, branch) and not any(_same(mended, other) for other in found):
                found.append(mended)
        return found[0] if len(found) == 1 else value

    def _as_wanted(self, value: Any, schema: Mapping[str, Any]) -> Any:
        types = _types(schema)
        if types and not is_of(value, types):
            for mended in (_decoded(value, types), _alone(value, types), _listed(value, types)):
                if mended is not NOTHING:
                    return self._as_wanted(mended, schema) if is_of(mended, types) else mended
        if isinstance(value, float) and "integer" in types and "number" not in types and value.is_integer():
            return int(value) if abs(value) < 2**53 else value
        return _listed_spelling(value, schema)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()


def _decoded(value: Any, types: frozenset[str]) -> Any:
    """Return what a text stands for, or a number as text where only text is wanted."""
    if isinstance(value, int) and not isinstance(value, bool) and "string" in types:
        return str(value)
    if not isinstance(value, str):
        return NOTHING
    text = value.strip()
    if {"integer", "number"} & types and _INTEGER.fullmatch(text):
        return int(text.partition(".")[0])
    if "number" in types and _NUMBER.fullmatch(text):
        number = float(text)
        return number if abs(number) < float("inf") else NOTHING
    if "boolean" in types and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if "null" in types and text.lower() in ("null", "none"):
        return None
    if ("array" in types and text.startswith("[")) or ("object" in types and text.startswith("{")):
        return _parsed(text)
    return NOTHING


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text) if len(text) <= MAX_DECODED else NOTHING
    except orjson.JSONDecodeError:
        return NOTHING


def _alone(value: Any, types: frozenset[str]) -> Any:
    """Return the only item of a list where no list is wanted."""
    if isinstance(value, list) and len(value) == 1 and "array" not in types and is_of(value[0], types):
        return value[0]
    return NOTHING


def _listed(value: Any, types: frozenset[str]) -> Any:
    return [value] if "array" in types and value is not None and not isinstance(value, list) else NOTHING


def _listed_spelling(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a text as one of the listed values has it that differs in case alone."""
    options = schema.get("enum")
    if not isinstance(value, str) or not isinstance(options, list) or value in options:
        return value
    alike = [one for one in options if isinstance(one, str) and one.casefold() == value.strip().casefold()]
    return alike[0] if len(alike) == 1 else value


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)

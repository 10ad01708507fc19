"""A schema of a document with its references followed and its `allOf` merged: one level, whose parts are still the document's.

The invariant: what was merged is valid only where every part of it is. What cannot be said in one schema is said more loosely.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from agent.schemas.keywords import TYPES, values_of
from tools.openapi.document import Document
from tools.openapi.reading import ReadingError, TooMuchError, shown

MAX_PARTS = 64
"""Schemas of one `allOf`, and references one behind the other."""
MAX_UNIONS = 16
"""Choices that hold at the same time; further ones are not told."""
MAX_WORK = 50_000
"""Schemas that are looked at for one operation, and `MAX_ALL_WORK` for a document: who is above it is not read."""
MAX_ALL_WORK = 4_000_000
MAX_COMPARED = 1000
"""Values of an enum that are compared with those of another."""
MAX_PROPERTY_NAME = 200
NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
TEXTS = frozenset({"format", "pattern", "description", "contentEncoding", "contentMediaType"})
VALUES = frozenset({"const", "default"})


@dataclass(frozen=True, slots=True)
class Union:
    """Schemas of which one holds. `keyword` is `oneOf` or `anyOf`."""

    keyword: str
    branches: tuple[Any, ...]
    tag: str | None = None
    """The property that tells the branches apart, and `tags` its values by the branch's reference."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Flat:
    """A level of a schema."""

    types: tuple[str, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    required: dict[str, None] = field(default_factory=dict)
    unions: tuple[Union, ...] = ()
    items: Any = None
    additional: Any = None
    is_read_only: bool = False
    is_write_only: bool = False
    is_deprecated: bool = False


class Flattening:
    """The schemas of one document, flattened; those behind a reference once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[str, Flat] = {}
        self._own: dict[int, tuple[Any, Flat]] = {}
        """Of one operation, those that stand where they are used: by identity, each with what has it."""
        self._work = 0
        self._all_work = 0

    def begin(self) -> None:
        """Begin with an operation: it has its own share of the work."""
        self._work = 0
        self._own.clear()

    def of(self, schema: Any, *, behind: tuple[str, ...] = ()) -> Flat:
        """Return a schema as one level.

        Raises:
            ReadingError: it is none, refers to nothing, or is only valid where it is valid itself.
        """
        if (known := self._own.get(id(schema))) is not None:
            return known[1]
        self._work += 1
        self._all_work += 1
        if self._work > MAX_WORK or self._all_work > MAX_ALL_WORK:
            raise TooMuchError("its schemas are too many or too entangled")
        if schema is True:
            return Flat()
        if not isinstance(schema, dict):
            raise ReadingError(
                f"a schema must be an object, not {shown(schema)}" if schema is not False else "no value is valid"
            )
        if len(behind) > MAX_PARTS:
            raise ReadingError(f"more than {MAX_PARTS} schemas are nested here")
        if "$ref" in schema:
            flat = self._referred(schema, behind)
            self._own[id(schema)] = schema, flat
            return flat
        if not isinstance(parts := schema.get("allOf", ()), list | tuple):
            raise ReadingError("allOf must be a list", "allOf")
        if len(parts) > MAX_PARTS:
            raise ReadingError(f"allOf holds more than {MAX_PARTS} schemas", "allOf")
        flat = own_level(schema, is_old=self._document.is_old)
        for number, part in enumerate(parts):
            try:
                flat = merged(flat, self.of(part, behind=(*behind, "")))
            except ReadingError as exc:
                raise exc.below("allOf", number) from None
        self._own[id(schema)] = schema, flat
        return flat

    def _referred(self, schema: Mapping[str, Any], behind: tuple[str, ...]) -> Flat:
        reference = schema["$ref"]
        if isinstance(reference, str) and reference in behind:
            raise ReadingError(f"the reference {shown(reference)} leads to itself")
        if not isinstance(reference, str) or reference not in self._known:
            target = self.of(self._document.resolve(reference), behind=(*behind, str(reference)))
            self._known[reference] = target
        flat = self._known[reference]
        beside = {key: one for key, one in schema.items() if key != "$ref"}
        if self._document.is_old:
            beside = {key: one for key, one in beside.items() if key == "description"}
        return merged(self.of(beside, behind=(*behind, "")), flat) if beside else flat


def own_level(schema: Mapping[str, Any], *, is_old: bool) -> Flat:
    """Return what a schema says itself, of what is kept of schemas."""
    flat = Flat(types=_types(schema, is_old=is_old))
    flat.properties = _properties(schema)
    if isinstance(required := schema.get("required"), list):
        flat.required = dict.fromkeys(one for one in required[:MAX_COMPARED] if isinstance(one, str))
    flat.items, flat.additional = schema.get("items"), schema.get("additionalProperties")
    flat.unions = tuple(_unions(schema))
    flat.is_read_only = schema.get("readOnly") is True
    flat.is_write_only = schema.get("writeOnly") is True
    flat.is_deprecated = schema.get("deprecated") is True
    flat.keywords = _keywords(schema)
    if flat.types and len(flat.keywords.get("enum", ())) in range(1, MAX_COMPARED):
        _put_right(flat)
    return flat


def _put_right(flat: Flat) -> None:
    """Let the values that are listed be of the types: documents write `true` for a text, or list for an array what it holds."""
    values = flat.keywords.pop("enum")
    if found := values_of(values, frozenset(flat.types)):
        flat.keywords["enum"] = found
    elif set(flat.types) <= {"array", "null"}:
        flat.items = _both(flat.items, {"enum": values})
    else:  # what is listed says more than the type does
        flat.keywords["enum"], flat.types = values, ()


def _types(schema: Mapping[str, Any], *, is_old: bool) -> tuple[str, ...]:
    said = schema.get("type")
    if said is None:
        return ()
    found = tuple(said) if isinstance(said, list) else (said,)
    for one in found:
        if one not in TYPES:
            raise ReadingError(f"there is no type {shown(one)}", "type")
    if is_old and schema.get("nullable") is True and "null" not in found:
        found = (*found, "null")
    return tuple(dict.fromkeys(found))


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = schema.get("properties", {})
    if not isinstance(found, dict):
        raise ReadingError(f"properties must be an object, not {shown(found)}", "properties")
    return {name: one for name, one in found.items() if 0 < len(name) <= MAX_PROPERTY_NAME and name.isprintable()}


def _unions(schema: Mapping[str, Any]) -> list[Union]:
    found = []
    for keyword in ("oneOf", "anyOf"):
        branches = schema.get(keyword)
        if branches is None:
            continue
        if not isinstance(branches, list) or not branches:
            raise ReadingError(f"{keyword} must be a list of schemas", keyword)
        tag, tags = _tags(schema.get("discriminator"))
        found.append(Union(keyword, tuple(branches), tag, tags))
    return found


def _tags(discriminator: Any) -> tuple[str | None, dict[str, str]]:
    if not isinstance(discriminator, Mapping) or not isinstance(discriminator.get("propertyName"), str):
        return None, {}
    mapping = discriminator.get("mapping")
    pairs = mapping.items() if isinstance(mapping, Mapping) else ()
    return discriminator["propertyName"], {one: value for value, one in pairs if isinstance(one, str)}


def _keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, one in schema.items():
        if name in NUMBERS:
            if is_number(one):
                kept[name] = one
        elif name in COUNTS:
            if isinstance(one, int) and not isinstance(one, bool) and one >= 0:
                kept[name] = one
        elif name == "enum":
            if not isinstance(one, list) or not one:
                raise ReadingError("enum must be a list of values", "enum")
            kept[name] = one
        elif name in VALUES or (name in TEXTS and isinstance(one, str)) or (name == "uniqueItems" and one is True):
            kept[name] = one
    for limit, keyword in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if schema.get(keyword) is True and limit in kept:  # as in 3.0
            kept[keyword] = kept.pop(limit)
    return kept


def is_number(value: Any) -> bool:
    """Return whether a value is a number, which a boolean is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def merged(one: Flat, other: Flat) -> Flat:
    """Return the level on which both hold. What only describes is the first one's."""
    flat = copy(one)
    flat.types = _both_types(one.types, other.types)
    flat.properties = dict(one.properties)
    for name, schema in other.properties.items():
        mine = flat.properties.get(name)
        flat.properties[name] = schema if mine is None or mine is schema else {"allOf": [mine, schema]}
    flat.required = {**one.required, **other.required}
    new = tuple(union for union in other.unions if all(union is not known for known in one.unions))
    flat.unions = (one.unions + new)[:MAX_UNIONS]
    flat.items = _both(one.items, other.items)
    flat.additional = _both_additional(one.additional, other.additional)
    flat.is_read_only = one.is_read_only or other.is_read_only
    flat.is_write_only = one.is_write_only or other.is_write_only
    flat.is_deprecated = one.is_deprecated or other.is_deprecated
    flat.keywords = _both_keywords(one.keywords, other.keywords)
    return flat


def _both_types(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if not one or not other:
        return one or other
    wide = {*other, *(("integer",) if "number" in other else ())}
    found = tuple(name for name in one if name in wide)
    if "integer" in other and "number" in one and "integer" not in found:
        found = (*found, "integer")
    return found or one


def _both(one: Any, other: Any) -> Any:
    if one is None or other is None or one is other:
        return one if one is not None else other
    return {"allOf": [one, other]}


def _both_additional(one: Any, other: Any) -> Any:
    """Return what more an object may hold. A `false` beside another part's properties would forbid these: it is left out."""
    found = [each for each in (one, other) if each not in (None, True, False)]
    return _both(found[0], found[1] if len(found) > 1 else None) if found else None


def _both_keywords(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {**other, **one}
    for name in both.keys() & {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}:
        both[name] = max(each[name] for each in (one, other) if name in each)
    for name in both.keys() & {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}:
        both[name] = min(each[name] for each in (one, other) if name in each)
    if "enum" in one and "enum" in other and max(len(one["enum"]), len(other["enum"])) <= MAX_COMPARED:
        both["enum"] = [value for value in one["enum"] if value in other["enum"]] or one["enum"]
    return both

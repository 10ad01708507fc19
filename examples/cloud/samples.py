"""Values that a schema describes, made without chance: its own examples where it has any."""

from collections.abc import Mapping
from typing import Any

from tools.openapi.document import Document
from tools.openapi.reading import ReadingError

DEPTH = 8
"""Levels of a value; below them objects and lists are empty, so that schemas which hold themselves end."""
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "ann@example.com",
    "uri": "https://example.com",
}
SCALARS: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}


def sample(document: Document, schema: Any, depth: int = DEPTH) -> Any:
    """Return a value of a schema; None where it refers to nothing."""
    try:
        whole = _whole(document, schema, depth)
    except ReadingError:
        return None
    for key in ("example", "default", "const"):
        if key in whole:
            return whole[key]
    for key in ("examples", "enum"):
        if isinstance(whole.get(key), list) and whole[key]:
            return whole[key][0]
    return _made(document, whole, depth)


def _whole(document: Document, schema: Any, depth: int) -> Mapping[str, Any]:
    """Return a schema with all of its parts, and the first one of those that it leaves a choice between."""
    whole: dict[str, Any] = dict(document.followed(schema))
    if depth <= 0:
        return whole
    parts = [*whole.get("allOf", ()), *whole.get("oneOf", ())[:1], *whole.get("anyOf", ())[:1]]
    for part in parts:
        other = _whole(document, part, depth - 1)
        whole = {**other, **whole, "properties": {**other.get("properties", {}), **whole.get("properties", {})}}
    return whole


def _made(document: Document, schema: Mapping[str, Any], depth: int) -> Any:
    kinds = schema.get("type", "object" if schema.get("properties") else "string")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        properties = schema.get("properties", {}) if depth > 0 else {}
        return {name: sample(document, one, depth - 1) for name, one in properties.items()}
    if kind == "array":
        return [sample(document, schema.get("items", {}), depth - 1)] if depth > 0 else []
    return SCALARS.get(kind, FORMATS.get(schema.get("format", ""), "a text"))

"""The secrets that a schema of arguments tells of, apart from what else it says.

A schema that is told is cut where it is too large, and with a part of it go the secrets in it. The invariant: what the whole of it
calls a secret is one, however large it is; where that cannot be found out in a bounded time, more is taken for one.
"""

import json
from collections.abc import Mapping
from typing import Any

from agent.schemas.told import MOST_BYTES, MOST_LOOKED_AT

_SECRET = {"writeOnly": True}
_MARKS = ('"writeOnly": true', '"password"')


def secrets_of(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a schema that says which values are secret and no more, at most `MOST_BYTES` of JSON; None where none are.

    Where there is too much to look at, each property is secret that may hold one.
    """
    said = _text(schema)
    if not _may_hold_one(said, with_references=False):
        return None
    if len(said) <= MOST_LOOKED_AT:
        try:
            bare: dict[str, Any] = _bare(schema)
        except RecursionError:
            return _outermost(schema)
        if len(_text(bare)) <= MOST_BYTES:
            return bare or None
    return _outermost(schema)


def _bare(value: Any) -> Any:
    """Return the parts of a schema that call a value secret or lead to others."""
    if isinstance(value, list):
        return [found for one in value if isinstance(one, dict) and (found := _bare(one))]
    kept: dict[str, Any] = {}
    for name, one in value.items():
        if isinstance(one, dict | list):
            if found := _bare(one):
                kept[name] = found
        elif (name, one) in (("format", "password"), ("writeOnly", True)) or name == "$ref":
            kept[name] = one
    return kept


def _outermost(schema: Mapping[str, Any]) -> dict[str, Any]:
    named = schema.get("properties")
    properties = named if isinstance(named, dict) else {}
    rest = {name: one for name, one in schema.items() if name not in ("properties", "$defs", "definitions")}
    hidden = {name: _SECRET for name, one in properties.items() if _may_hold_one(_text(one))}
    if _may_hold_one(_text(rest)) or len(_text(hidden)) > MOST_BYTES:
        return {"additionalProperties": _SECRET}  # of each property
    return {"properties": hidden}


def _may_hold_one(text: str, *, with_references: bool = True) -> bool:
    return not text or any(mark in text for mark in _MARKS) or (with_references and '"$ref"' in text)


def _text(value: Any) -> str:
    """Return a value's JSON; nothing where it cannot be told."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""

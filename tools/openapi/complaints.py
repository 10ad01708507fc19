"""Complaints about arguments, in words that a model can act on: which argument, and what is wanted."""

from collections.abc import Iterable
from typing import Any

import orjson

MAX_COMPLAINTS = 5
MAX_OPTIONS = 20
MAX_CHARACTERS = 80
"""Of a value that is shown."""
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
LIMITS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} fields",
    "maxProperties": "must have at most {} fields",
    "const": "must be {}",
    "pattern": "must have the form {}",
    "contains": "must hold an item that is wanted",
    "uniqueItems": "must not hold the same item twice",
}


def complaints(errors: Iterable[Any]) -> list[str]:
    """Return the errors of `jsonschema` in plain words, each once, at most five."""
    found: dict[str, None] = {}
    for error in errors:
        for text in _said(error):
            found[text] = None
        if len(found) >= MAX_COMPLAINTS:
            break
    return list(found)[:MAX_COMPLAINTS]


def _said(error: Any) -> list[str]:
    place = _place(error)
    match error.validator:
        case "anyOf" | "oneOf":
            return _of_branches(error)
        case "required":
            return [f"{_at(place, name)} is missing" for name in error.validator_value if name not in error.instance]
        case "dependentRequired":
            return [f"{place or 'an argument'} needs others that are missing: {_shown(error.validator_value)}"]
        case "additionalProperties":
            known = error.schema.get("properties", {})
            strange = [name for name in error.instance if name not in known]
            return [f"{_at(place, name[:MAX_CHARACTERS])} is not known" for name in strange[:MAX_COMPLAINTS]]
        case "type":
            return [f"{place or 'what is given'} must be {_wanted(error.validator_value)}"]
        case "enum":
            return [f"{place} must be one of: {_options(error.validator_value)}"]
        case str() as name if name in LIMITS:
            return [f"{place} {LIMITS[name].format(_shown(error.validator_value))}"]
    return [f"{place or 'the combination'} is not valid"]


def _of_branches(error: Any) -> list[str]:
    """Return what the nearest branch wants: one that takes the value's type; where none does, the types that there are."""
    branches: dict[Any, list[Any]] = {}
    for one in error.context:
        branches.setdefault(one.schema_path[0], []).append(one)
    here = len(error.absolute_path)
    near = [errors for errors in branches.values() if not any(_is_foreign(one, here) for one in errors)]
    if near:
        best = min(near, key=lambda errors: (len(errors), -max(len(one.absolute_path) for one in errors)))
        options = [one for errors in near for one in errors if len(near) > 1 and one.validator in ("enum", "const")]
        if len(options) > 1 and all(len(one.absolute_path) == here for one in options) and len(options) == len(near):
            return [f"{_place(error)} must be one of: {_options(_joined(options))}"]
        return [text for one in best for text in _said(one)]
    wanted = {
        one.validator_value: None
        for one in error.context
        if one.validator == "type" and isinstance(one.validator_value, str)
    }
    return [f"{_place(error) or 'what is given'} must be {_wanted(list(wanted)) if wanted else 'another value'}"]


def _is_foreign(error: Any, depth: int) -> bool:
    return error.validator == "type" and len(error.absolute_path) == depth


def _joined(errors: list[Any]) -> list[Any]:
    return [
        value for one in errors for value in (one.validator_value if one.validator == "enum" else [one.validator_value])
    ]


def _place(error: Any) -> str:
    """Return where the error is, as `items[2].price`."""
    place = ""
    for step in error.absolute_path:
        place += f"[{step}]" if isinstance(step, int) else _at("." if place else "", step)[:MAX_CHARACTERS]
    return place


def _at(place: str, name: str) -> str:
    return f"{place}{name}" if place in ("", ".") else f"{place}.{name}"


def _wanted(types: Any) -> str:
    names = [types] if isinstance(types, str) else list(types)
    return " or ".join(TYPES.get(name, str(name)) for name in names)


def _options(values: list[Any]) -> str:
    shown = [_shown(one) for one in values[:MAX_OPTIONS]]
    return ", ".join(shown) + (f" and {len(values) - MAX_OPTIONS} more" if len(values) > MAX_OPTIONS else "")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text[:MAX_CHARACTERS]

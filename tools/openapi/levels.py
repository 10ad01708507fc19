"""A level of a schema as a model gets it, without what is below it: small, and such that providers take it."""

from itertools import islice
from typing import Any

import orjson

from tools.keywords import is_pattern_taken
from tools.openapi.flat import Flat, is_number
from tools.openapi.reading import shown
from tools.openapi.wording import plain_text

MAX_ENUM_BYTES = 1500
MAX_ENUM_VALUES = 300
MAX_DEFAULT_BYTES = 200
MAX_PATTERN = 300
MAX_FORMAT = 40
_OF_TYPE = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def size_of(value: Any) -> int:
    """Return the bytes of a value as JSON; of one that is nested too deep to be written, more than any bound."""
    try:
        return len(orjson.dumps(value, default=str))
    except (TypeError, ValueError):
        return 1 << 40


def plain_level(flat: Flat, *, most_words: int, has_null: bool) -> dict[str, Any]:
    """Return a level without what is below it."""
    schema: dict[str, Any] = {}
    types = flat.types or (("object",) if flat.properties else ())
    if has_null and types and "null" not in types:
        types = (*types, "null")
    keywords = {name: one for name, one in flat.keywords.items() if _is_kept(name, one)}
    if types:
        schema["type"] = types[0] if len(types) == 1 else list(types)
    description = plain_text(keywords.pop("description", None), most=most_words)
    values = keywords.pop("enum", None)
    if values is not None:
        kept = list(islice(values, MAX_ENUM_VALUES + 1))
        if len(kept) > MAX_ENUM_VALUES or size_of(kept) > MAX_ENUM_BYTES:
            some = ", ".join(shown(str(one), most=30).strip("'") for one in kept[:5])
            description = f"{description} One of {len(values)} values, such as {some}.".strip()
        else:
            schema["enum"] = kept
            if None not in kept and "null" in types and len(types) > 1:
                rest = [one for one in types if one != "null"]
                schema["type"] = rest[0] if len(rest) == 1 else rest
    if "default" in keywords and types and not _fits(keywords["default"], types):
        del keywords["default"]
    schema |= keywords
    if description:
        schema["description"] = description
    return schema


def _is_kept(name: str, value: Any) -> bool:
    match name:
        case "default" | "const":
            return size_of(value) <= MAX_DEFAULT_BYTES
        case "pattern":
            return len(value) <= MAX_PATTERN and is_pattern_taken(value)
        case "format" | "contentEncoding" | "contentMediaType":
            return len(value) <= MAX_FORMAT
        case _:
            return True


def _fits(value: Any, types: tuple[str, ...]) -> bool:
    return any(
        isinstance(value, _OF_TYPE[one]) and (one not in ("integer", "number") or is_number(value))  # type: ignore[arg-type]
        for one in types
    )

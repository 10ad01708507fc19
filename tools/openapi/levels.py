"""A level of a schema as a model gets it, without what is below it: small, and such that providers take it."""

from itertools import islice
from typing import Any

import orjson

from agent.schemas.keywords import Patterns, is_of
from tools.openapi.flat import Flat
from tools.openapi.reading import shown
from tools.openapi.wording import plain_text

MAX_ENUM_BYTES = 1500
MAX_ENUM_VALUES = 300
MAX_DEFAULT_BYTES = 200
MAX_FORMAT = 40


def size_of(value: Any) -> int:
    """Return the bytes of a value as JSON; of one that is nested too deep to be written, more than any bound."""
    try:
        return len(orjson.dumps(value, default=str))
    except (TypeError, ValueError):
        return 1 << 40


def plain_level(flat: Flat, patterns: Patterns, *, most_words: int, has_null: bool) -> dict[str, Any]:
    """Return a level without what is below it."""
    schema: dict[str, Any] = {}
    types = flat.types or (("object",) if flat.properties else ())
    if has_null and types and "null" not in types:
        types = (*types, "null")
    keywords = {name: one for name, one in flat.keywords.items() if _is_kept(name, one, patterns)}
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
    if "default" in keywords and types and not is_of(keywords["default"], frozenset(types)):
        del keywords["default"]
    schema |= keywords
    if description:
        schema["description"] = description
    return schema


def _is_kept(name: str, value: Any, patterns: Patterns) -> bool:
    match name:
        case "default" | "const":
            return size_of(value) <= MAX_DEFAULT_BYTES
        case "pattern":
            return patterns.takes(value)
        case "format" | "contentEncoding" | "contentMediaType":
            return len(value) <= MAX_FORMAT
        case _:
            return True

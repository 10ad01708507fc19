"""Values of a schema's keywords, as far as they are valid and providers take them; the rest is left out.

The invariant: nothing of a stranger's is tried or called here, and looking at a value costs no more than its size.
"""

import math
import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
MOST_PATTERN = 300
NOTHING = object()
"""Stands for a value that cannot be taken."""
_OF_KINDS = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
_LOOKS_AROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?(?!:)")
"""A group that does more than to hold together: flags, names, and what looks ahead or back."""


@lru_cache(maxsize=1024)
def is_pattern_taken(pattern: str) -> bool:
    """Return whether providers take a regular expression: one of Python's, since some compile it so, that does not look around."""
    if len(pattern) > MOST_PATTERN or _LOOKS_AROUND.search(pattern):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def values_of(values: list[Any], types: Iterable[str]) -> list[Any]:
    """Return the values that are of these types, each once: those that are written as another one put right, as `1` for a text."""
    found = (_of_types(one, frozenset(types)) for one in values)
    return list({orjson.dumps(one): one for one in found if one is not NOTHING}.values())


def _of_types(value: Any, types: frozenset[str]) -> Any:
    if any(_is_of(value, one) for one in types):
        return value
    if "string" in types and isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and types & {"integer", "number", "boolean"}:
        try:
            meant = orjson.loads(value)
        except orjson.JSONDecodeError:
            return NOTHING
        return meant if any(_is_of(meant, one) for one in types & {"integer", "number", "boolean"}) else NOTHING
    return NOTHING


def _is_of(value: Any, kind: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("integer", "number"):
        return is_number and math.isfinite(value) and (kind == "number" or value == int(value))
    return isinstance(value, _OF_KINDS[kind])


def texts_of(value: object) -> list[str]:
    """Return the texts of a list; none of what is no list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def types_of(value: Any) -> Any:
    """Return the types that there are: some are written in capitals."""
    said = [one.lower() for one in (texts_of(value) if isinstance(value, list) else texts_of([value]))]
    found = [one for one in dict.fromkeys(said) if one in TYPES]
    return NOTHING if not found else found if isinstance(value, list) else found[0]


def number_of(value: Any, *, is_positive: bool) -> Any:
    """Return a number that JSON has; one that is an integer beyond 64 bits as the nearest one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    try:
        number = value if isinstance(value, int) and -(2**63) <= value < 2**64 else float(value)
    except OverflowError:
        return NOTHING
    return number if math.isfinite(number) and (number > 0 or not is_positive) else NOTHING


def data_of(value: Any, *, most_levels: int) -> Any:
    """Return a value as JSON has it; of what is nested too deeply, and of numbers that it has not, nothing."""
    match value:
        case bool() | str() | None:
            return value
        case int() | float():
            is_number = -(2**63) <= value < 2**64 if isinstance(value, int) else math.isfinite(value)
            return value if is_number else NOTHING
        case _ if most_levels < 0:
            return NOTHING
        case list():
            return [kept for one in value if (kept := data_of(one, most_levels=most_levels - 1)) is not NOTHING]
        case dict():
            pairs = ((str(name), data_of(one, most_levels=most_levels - 1)) for name, one in value.items())
            return {name: one for name, one in pairs if one is not NOTHING}
    return NOTHING

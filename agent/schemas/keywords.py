"""Values of a schema's keywords, as far as they are valid and providers take them; the rest is left out.

The invariant: nothing of a stranger's is tried or called here, and looking at a value costs no more than its size.
"""

import math
import re
import warnings
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

import orjson

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
MOST_PATTERN = 300
NOTHING = object()
"""Stands for a value that cannot be taken."""
_PLAIN = frozenset({"integer", "number", "boolean"})
_LOOKS_AROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?(?!:)")
"""A group that does more than to hold together: flags, names, and what looks ahead or back."""


@dataclass(slots=True)
class Patterns:
    """The regular expressions of one author, of which so many characters are looked at, those of others once more left out.

    To compile one takes a hundred times as long as to read it. What is known of them is nobody else's.
    """

    left: int
    _known: dict[str, bool] = field(default_factory=dict)

    def takes(self, pattern: str) -> bool:
        """Return whether a pattern may stand in a request. The first ones do, as far as the characters go."""
        if pattern not in self._known:
            if len(pattern) > min(self.left, MOST_PATTERN):
                return False
            self.left -= len(pattern)
            self._known[pattern] = _is_taken(pattern)
        return self._known[pattern]


def _is_taken(pattern: str) -> bool:
    """Return whether providers take a regular expression: one of Python's, since some compile it so, that does not look around."""
    if _LOOKS_AROUND.search(pattern):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def values_of(values: list[Any], types: Set[str]) -> list[Any]:
    """Return the values that are of these types, each once: those that are written as another one put right, as `1` for a text."""
    found = (_of_types(one, types) for one in values)
    return list({orjson.dumps(one): one for one in found if one is not NOTHING}.values())


def _of_types(value: Any, types: Set[str]) -> Any:
    if is_of(value, types):
        return value
    if "string" in types and isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    if isinstance(value, str) and types & _PLAIN:
        try:
            meant = orjson.loads(value)
        except orjson.JSONDecodeError:
            return NOTHING
        return meant if is_of(meant, types & _PLAIN) else NOTHING
    return NOTHING


def is_of(value: Any, types: Set[str]) -> bool:
    """Return whether a value of JSON is of one of the types: an integer may be written with a point."""
    match value:
        case None:
            return "null" in types
        case bool():
            return "boolean" in types
        case int():
            return not types.isdisjoint({"integer", "number"})
        case float():
            return ("number" in types and math.isfinite(value)) or ("integer" in types and value.is_integer())
        case str():
            return "string" in types
        case list():
            return "array" in types
    return "object" in types


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

"""The bounds of arguments: values in all, depth, characters, and numbers that JSON can carry."""

import math
from collections.abc import Mapping
from typing import Any

from agent.errors import ToolError

MAX_VALUES = 10_000
"""Values within one call, keys not counted."""
MAX_DEPTH = 32
MAX_CHARACTERS = 8 * 1024 * 1024
"""Characters of all texts and keys together; files are among them, in base64."""
MAX_NUMBER = 2**63
"""Greater numbers are read as others, or not at all, by most servers."""


def check_bounds(arguments: Mapping[str, Any]) -> None:
    """Refuse what is no JSON, or more of it than any operation needs.

    Raises:
        ToolError: the text says what is too much.
    """
    values = characters = 0
    waiting: list[tuple[Any, str, int]] = [(one, str(name)[:100], 1) for name, one in arguments.items()]
    for name in arguments:
        characters += _length(name, "an argument's name")
    while waiting:
        value, name, depth = waiting.pop()
        values += 1
        if depth > MAX_DEPTH:
            raise ToolError(f"{name} is nested too deeply: at most {MAX_DEPTH} levels.")
        match value:
            case str():
                characters += _length(value, name)
            case bool() | None:
                pass
            case int() | float():
                _check_number(value, name)
            case list() | tuple():
                waiting += [(one, name, depth + 1) for one in value]
            case dict():
                characters += sum(_length(key, name) for key in value)
                waiting += [(one, name, depth + 1) for one in value.values()]
            case _:
                raise ToolError(f"{name} is not JSON.")
        if values + len(waiting) > MAX_VALUES:
            raise ToolError(f"There are too many values: at most {MAX_VALUES} in one call. Make several calls.")
        if characters > MAX_CHARACTERS:
            raise ToolError(f"The arguments are too long: at most {MAX_CHARACTERS} characters in one call.")


def _length(text: Any, name: str) -> int:
    """Return the length of a text that can be sent."""
    if not isinstance(text, str):
        raise ToolError(f"{name} has a key that is no text.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ToolError(f"{name.encode('ascii', 'replace').decode()} holds half a character.") from None
    return len(text)


def _check_number(value: float, name: str) -> None:
    if isinstance(value, int) and not -MAX_NUMBER <= value < 2 * MAX_NUMBER:
        raise ToolError(f"{name} is too large a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ToolError(f"{name} must be a number, not infinite or undefined.")

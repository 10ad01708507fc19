"""The JSON of a backend's answer, parsed within bounds.

The invariant: what was parsed is small enough to be kept, and shallow enough that whoever walks through it may recurse.
"""

from typing import Any

import orjson

MAX_DEPTH = 64
MAX_VALUES = 250_000
"""About so many values are made of one body; each costs sixty bytes and more, however short it is."""


class BodyError(ValueError):
    """A body that is not taken. The text is for the model."""


def parse(content: bytes) -> Any:
    """Return a body's JSON.

    Raises:
        BodyError: it is no JSON, nested too deeply, or of too many values.
    """
    containers = _check_values(content)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise BodyError("The business system answered with something that is not JSON.") from exc
    if containers > MAX_DEPTH and _is_deep(value):
        raise BodyError(f"The answer is nested more than {MAX_DEPTH} levels deep, so it was not read.")
    return value


def parse_lines(content: bytes) -> list[Any]:
    """Return the JSON of each line of a body that is not empty. All of them together are bounded as one is.

    Raises:
        BodyError: as for `parse`.
    """
    _check_values(content, beside=content.count(b"\n"))
    lines = (line.strip(b"\x1e \t\r") for line in content.split(b"\n"))
    return [parse(line) for line in lines if line]


def _check_values(content: bytes, *, beside: int = 0) -> int:
    """Return how many lists and objects there may be; refuse more values than are taken."""
    containers = content.count(b"[") + content.count(b"{")
    if containers + content.count(b",") + beside > MAX_VALUES:
        raise BodyError(f"The answer has more than {MAX_VALUES:,} values. Ask for less: filter or page.")
    return containers


def _is_deep(value: Any) -> bool:
    """Return whether there are more than `MAX_DEPTH` containers one in the other; level by level, so that nothing recurses."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True

"""The manners in which the offline model says the same: at length, or in few lines. No figure is left out in either."""

import re
from typing import Literal

Manner = Literal["thorough", "brief"]

_SHORT = 60
"""Characters of a line of a list that others can stand beside."""
_CELLS = re.compile(r"(?<!\\)\|")
"""The pipe between two cells; a pipe in a cell has a backslash before it."""


def in_manner(text: str, manner: Manner) -> str:
    """Return an answer in a manner. `brief` puts short lists into one line, and a row of a table into an item of a list."""
    if manner == "thorough":
        return text
    return "\n\n".join(_brief(part) for part in text.split("\n\n"))


def _brief(part: str) -> str:
    lines = part.split("\n")
    if len(lines) > 2 and all(line.startswith("|") for line in lines):
        _, *columns = _cells(lines[0])
        return "\n".join(f"- {_row(line, columns)}" for line in lines[2:])
    if all(line.startswith("- ") and len(line) <= _SHORT for line in lines):
        return " · ".join(line.removeprefix("- ") for line in lines)
    return part


def _row(line: str, columns: list[str]) -> str:
    """Return a row as a line; of several columns behind the first each value has its name in front."""
    first, *values = _cells(line)
    if len(values) > 1:
        values = [" ".join(filter(None, one)) for one in zip(columns, values, strict=False)]
    return ": ".join(one for one in (first, " · ".join(values)) if one)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELLS.split(line)[1:-1]]

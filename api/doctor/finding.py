"""A finding: what was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: one line of the report. `do` is there where something is to be done."""

    check: str
    level: Level
    says: str
    do: str = ""


def ok(check: str, says: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(check, "ok", says)


def warn(check: str, says: str, do: str) -> Finding:
    """Return that something will hurt one day."""
    return Finding(check, "warn", says, do)


def fail(check: str, says: str, do: str) -> Finding:
    """Return that something does not work, or not safely."""
    return Finding(check, "FAIL", says, do)


def ms(seconds: float) -> str:
    """Return a time as people read it."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"

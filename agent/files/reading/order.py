"""An order to the process that opens files, and its report: JSON lines of a few hundred bytes.

Errors that it tells of are written for users. Whoever reads a report does not believe it further than its types say: what was
opened may have taken over whoever writes it.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

PICTURE, PDF, DOCX, XLSX, CSV, TEXT = "picture", "pdf", "docx", "xlsx", "csv", "text"


class UnreadableError(Exception):
    """The file cannot be read; the text says why, without a word of the file's own."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order: what to do with the file, and how much it may take. Sizes in bytes, times in seconds."""

    kind: str
    memory_bytes: int
    cpu_s: int
    output_bytes: int
    characters: int = 0
    """Of a text, at most; what is more is cut."""
    pages: int = 0
    """Of a document, at most."""
    pixels: int = 0
    """Of a picture, at most; one that is larger is refused before it is unpacked."""
    edge: int = 0
    """Of a picture, its longer side: a larger one is made smaller."""
    unpacked_bytes: int = 0
    """Of an archive's parts, together."""
    stop_after_s: float = 0.0
    """A document that takes longer is read up to there."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Report:
    """A report: what came of the order. `about` holds small facts: pages, rows, columns, width, height."""

    media_type: str | None = None
    """Of what was written, where that is a picture."""
    about: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class Clock:
    """Whether there is time for one more page."""

    def __init__(self, stop_after_s: float) -> None:
        self._until = time.monotonic() + stop_after_s

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

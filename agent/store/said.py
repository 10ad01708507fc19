"""The parts of a message that rows keep as JSON."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a message asks for; one that is `refused` is never made. People read `label` and `done` of it."""

    id: str
    name: str
    arguments: dict[str, Any]
    refused: str | None = None
    label: str | None = None
    done: str | None = None


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file as a message has it."""

    id: str
    name: str
    media_type: str
    bytes: int

"""Context that an assistant is told of its tenant before each turn: results of read tools, kept for as long as each says."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from agent.assistant.model import Definition
from agent.assistant.toolsets import TOOL_NAME

Scope = Literal["installation", "tenant", "user"]
DAY_S = 86_400


class ContextEntry(Definition):
    """A result of a read tool that stands in the instructions."""

    tool: str = Field(pattern=TOOL_NAME, description="by the name that the model knows; it has to be a read")
    args: dict[str, Any] = Field(default={}, description="of its call, always these")
    title: str | None = Field(
        default=None, min_length=1, max_length=80, pattern=r"^[^\r\n<>]+$", description="what it is; None: the tool"
    )
    scope: Scope = Field(
        default="user",
        description="who shares it; one of a tenant or the installation is fetched in nobody's name",
    )
    ttl_s: float = Field(default=600.0, ge=1, le=DAY_S, description="how old it may be")
    timeout_s: float = Field(default=2.0, gt=0, le=30, description="how long a turn waits for it")
    bytes: int = Field(default=4096, ge=64, le=64 * 1024, description="what is longer is cut, and says so")

    @property
    def label(self) -> str:
        """The entry's name, as the model and the log call it."""
        return self.title or self.tool


def _own_labels(entries: tuple[ContextEntry, ...]) -> tuple[ContextEntry, ...]:
    labels = [entry.label for entry in entries]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise ValueError(f"{twice!r} is there twice: give one of them a title")
    return entries


Context = Annotated[tuple[ContextEntry, ...], Field(max_length=20), AfterValidator(_own_labels)]

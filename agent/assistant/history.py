"""How much of a conversation a model gets, and what becomes of the rest."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from agent.assistant.model import Definition


class Folding(Definition):
    """How turns that leave the window are folded into a summary. In a definition `true` alone stands for all defaults, `false` for none."""

    model: str | None = Field(
        default=None, description="of the assistant's, which writes it; None: the one that answered"
    )
    tokens: int = Field(default=800, ge=100, le=4000, description="of a summary's words, estimated; more are cut")
    keep: float = Field(
        default=0.4,
        ge=0,
        le=0.6,
        description="of the window, at most, for the newest turns, which stay as they were said",
    )
    result_characters: int = Field(
        default=500, ge=0, le=10_000, description="of each tool's result that a summary is made of; 0: none"
    )
    timeout_s: float = Field(default=60.0, gt=0, le=600, description="for making one, beside the conversation")


def _in_full(value: object) -> object:
    return ({} if value else None) if isinstance(value, bool) else value


class History(Definition):
    """How much of a conversation the model gets: whichever bound is reached first. A turn is never cut in half."""

    messages: int = Field(default=20, ge=1, le=1000)
    tokens: int = Field(default=24_000, ge=100, description="estimated; about four characters each")
    summary: Annotated[Folding | None, BeforeValidator(_in_full)] = Field(
        default=Folding(), description="of the turns before; None: they are left out"
    )

"""How much of a conversation a model gets, and what becomes of the rest."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from agent.assistant.model import Definition, in_full


class Folding(Definition):
    """How turns that leave the window are folded into a summary. In a definition `true` alone stands for all defaults, `false` for none."""

    model: str | None = Field(
        default=None,
        description="of the assistant's, which writes it; None: the one that answered, as where this one cannot be used",
    )
    tokens: int = Field(default=800, ge=100, le=4000, description="of a summary's words, estimated; more are cut")
    short_tokens: int = Field(
        default=3000,
        ge=0,
        le=100_000,
        description="estimated: what takes no more than this is read as it was said, in up to five times as many messages; 0: `messages` alone counts",
    )
    keep: float = Field(
        default=0.3,
        ge=0,
        le=0.6,
        description="of the window, at most, for the newest turns, which stay as they were said",
    )
    result_characters: int = Field(
        default=500, ge=0, le=10_000, description="of each tool's result that a summary is made of; 0: none"
    )
    timeout_s: float = Field(default=60.0, gt=0, le=600, description="for making one, beside the conversation")


SHORT_TIMES = 5
"""So many times as many messages are read where they are short, and would else be folded for nothing."""
MOST_SHORT = 500


class History(Definition):
    """How much of a conversation the model gets: whichever bound is reached first. A turn is never cut in half."""

    messages: int = Field(default=20, ge=1, le=1000)
    tokens: int = Field(default=24_000, ge=100, description="estimated; about four characters each")
    summary: Annotated[Folding | None, BeforeValidator(in_full)] = Field(
        default=Folding(), description="of the turns before; None: they are left out"
    )

    @property
    def most_messages(self) -> int:
        """How many messages are read at most, however short they are."""
        is_short = self.summary is not None and self.summary.short_tokens > 0
        return max(self.messages, min(SHORT_TIMES * self.messages, MOST_SHORT)) if is_short else self.messages

    def has_room(self, messages: int, tokens: int, *, share: float = 1.0) -> bool:
        """Return whether a share of the window has room for so many messages with so many tokens.

        What a summary of them would cost more than it saves, because they are few tokens, counts by these.
        """
        if tokens > share * self.tokens:
            return False
        short_tokens = self.summary.short_tokens if self.summary is not None else 0
        is_short = tokens <= share * short_tokens and messages <= share * self.most_messages
        return is_short or messages <= share * self.messages

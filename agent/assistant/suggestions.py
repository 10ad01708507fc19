"""Suggestions to users of what to say: ways to begin, and questions that follow an answer."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from agent.assistant.model import Definition, Role

SHORT = 50
"""Characters of a suggestion or starter: what fits on a button."""
ShortText = Annotated[str, Field(min_length=1, max_length=SHORT)]


def _of_text(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class Starter(Definition):
    """A way to begin. In a definition a text alone stands for one that everybody is shown."""

    text: ShortText
    roles: tuple[Role, ...] | None = Field(
        default=None, min_length=1, description="of tokens; others are not shown it. None: everybody is"
    )

    def is_for(self, role: str | None) -> bool:
        """Return whether somebody of this role is shown it; None is somebody without a token."""
        return self.roles is None or role in self.roles


Starters = tuple[Annotated[Starter, BeforeValidator(_of_text)], ...]


class Suggestions(Definition):
    """Follow-up questions to an answer. `static` are offered when the model gives none in time, to those whom each is for."""

    enabled: bool = True
    when: Literal["after", "on_demand"] = Field(
        default="after", description="on_demand: only for an answer of which a user wants them, who has a token"
    )
    from_model: bool = True
    static: Starters = ()
    timeout_s: float = Field(default=3.0, gt=0, le=3.0)

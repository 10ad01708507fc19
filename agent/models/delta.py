"""The delta that one event of a model's stream adds to its reply: the form in which every model's words reach the loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.events.schema import Usage

MAX_ID_CHARACTERS = 16_384
"""Of a provider's own id of a call. LiteLLM writes the signature of a call of Gemini's into it."""


@dataclass(frozen=True, slots=True)
class CallPart:
    """A piece of a tool call as the provider sent it; empty where it said nothing.

    `arguments` is a piece of JSON text. `extras` stands beside them and goes back as it came.
    """

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply. `usage` is what the step has cost so far, never what this event alone has cost. Of its input tokens the
    provider had kept `cached_tokens`.

    `extras` belongs to the message and goes back as it came. `metadata` is what LangChain's handlers are told of a
    generation; of it the reply keeps the model's name, for traces.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[CallPart, ...] = ()
    usage: Usage | None = None
    finish_reason: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    cached_tokens: int = 0
    cited: tuple[object, ...] = ()
    """The sources that the provider says that it used, as it said them: nobody has looked at them."""

    @property
    def is_token(self) -> bool:
        """Return whether the model has said, thought or asked for something."""
        return bool(self.text or self.reasoning or self.calls)

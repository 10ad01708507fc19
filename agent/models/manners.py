"""How the packages differ that speak with providers: what their chunks say, and what they take back. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Manner:
    """How one package speaks. The default is that of any chat model of LangChain."""

    says_end: bool = False
    """A stream without a finish reason was cut."""
    counts_all: bool = False
    """A chunk says what the step has cost so far, 0 where it does not know; else what it alone has cost."""
    keeps_blocks: bool = False
    """Thinking comes back as the blocks in which it came, among the step's text and calls in their order."""
    keeps_reasoning: bool = False
    """Thinking comes back as text beside the step."""
    model_provider: str | None = None
    """Who wrote a message, as the package calls it: what another one wrote is not taken as it is."""
    no_calls: Mapping[str, Any] = field(default_factory=dict)
    """The fields of a request that is to make no call although it has tools."""


ANY = Manner()
MANNERS = {
    "anthropic": Manner(
        says_end=True,
        counts_all=True,
        keeps_blocks=True,
        model_provider="anthropic",
        no_calls={"tool_choice": {"type": "none"}},
    ),
    "google": Manner(says_end=True, keeps_blocks=True, model_provider="google_genai", no_calls={"tool_choice": "none"}),
    "vertex": Manner(says_end=True, keeps_blocks=True, model_provider="google_genai", no_calls={"tool_choice": "none"}),
    "ollama": Manner(says_end=True, keeps_reasoning=True, model_provider="ollama"),
    "bedrock": Manner(says_end=True, keeps_blocks=True, model_provider="bedrock_converse"),
}
"""By kinds."""

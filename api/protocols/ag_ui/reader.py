"""Who reads a run over AG-UI, and what they have of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.protocols.ag_ui.reasoning import ReasoningForm

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the names that the client gave the thread and its run, and the form that it knows."""

    thread_id: str | None = None
    run_id: str | None = None
    is_1_0: bool = True
    reasoning: ReasoningForm = "reasoning"
    before: Sequence[Event] | None = None
    """The messages before the answer, for one who holds others, or none; None: the client has them."""
    holds_answer: bool = False
    """The answer is one of these messages; only what it came to is told, and no action comes again."""
    can_ask: bool = True
    """It knows interrupts."""
    text: str = ""
    calls: Collection[str] = ()
    """The text and calls that a client has of an answer that goes on after its user or its page answered: not told again."""
    results: Collection[str] = ()
    """The calls of these whose result it has, too."""
    page_tools: Collection[str] = ()
    """Tools that the run's page may have. A client makes a call of one as soon as it is told of it, so that waits for a yes."""


def result_id(call_id: str) -> str:
    """Return the id of the message that a call's result is."""
    return f"{call_id}-result"

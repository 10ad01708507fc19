"""THE schema: one class per event, one union. All that a client can see of a run is declared here, once.

Events are immutable facts. `text.delta` and `reasoning.delta` add to something; every other event stands alone.
They are msgspec structs: making one costs well under a microsecond, and the tagged union gives the JSON Schema from
which the documents and the client's types are made. The garbage collector leaves them out (`gc=False`): a log holds
thousands, they can be in no cycle, and to look through them would hold up every stream.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

EndStatus = Literal["completed", "failed", "cancelled"]
ToolCallStatus = Literal["running", "ok", "error", "awaiting_approval", "awaiting_client"]


class EventId(msgspec.Struct, frozen=True, order=True, gc=False):
    """`<attempt>-<n>`: a pair of integers that is compared as such, never as text. `n` begins at 1."""

    attempt: int
    n: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.n}"


START = EventId(0, 0)
"""Before everything: reading after it gives the whole log."""


def parse_event_id(text: str) -> EventId | None:
    """Return the id that `text` spells, or None where it spells none (at most 20 digits on either side)."""
    attempt, dash, n = text.partition("-")
    if not dash or not (_is_number(attempt) and _is_number(n)):
        return None
    return EventId(int(attempt), int(n))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the provider counted them, over all steps of a run."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """The root of all events; its tag is `noun.verb`."""


class RunStarted(Event, frozen=True, tag="run.started"):
    """The run exists and its user message is stored. Always the first event of a log."""

    conversation_id: str
    run_id: str
    message_id: str
    """The id that the answer will have."""


class TextDelta(Event, frozen=True, tag="text.delta"):
    """A piece of the answer; joining `text` in id order gives the whole answer."""

    text: str


class ReasoningDelta(Event, frozen=True, tag="reasoning.delta"):
    """A piece of the model's thinking, apart from the answer."""

    text: str


class ToolsStarted(Event, frozen=True, tag="tools.started"):
    """Data tools of one step begin; their names, in the model's order. Actions are not among them."""

    names: tuple[str, ...]


class ToolCallChanged(Event, frozen=True, tag="tool_call.changed", omit_defaults=True):
    """A tool call began or settled."""

    id: str
    name: str
    status: ToolCallStatus
    arguments: dict[str, object] | None = None
    duration_ms: int | None = None
    error: str | None = None
    label: str | None = None
    """What people read while the call goes on, in the run's language; None: the client finds words."""
    done: str | None = None
    """The same for when it is over."""
    result: str | None = None
    """The beginning of what the tool returned, as the model gets it."""


class ActionRequested(Event, frozen=True, tag="action.requested"):
    """The page is to do something, once per `id`."""

    type: str
    value: str
    id: str


class ApprovalRequested(Event, frozen=True, tag="approval.requested"):
    """A tool call waits until `expires_at` for the user's yes or no."""

    tool_call_id: str
    name: str
    title: str
    arguments: dict[str, object]
    expires_at: str


class ClientToolRequested(Event, frozen=True, tag="client_tool.requested"):
    """The page is to run a tool and post its result before `expires_at`, once per `tool_call_id`."""

    tool_call_id: str
    name: str
    arguments: dict[str, object]
    expires_at: str


class SnapshotTaken(Event, frozen=True, tag="snapshot.taken"):
    """Everything shown for this run so far; a reader replaces what it has, then follows on."""

    message_id: str
    text: str
    tools_used: tuple[str, ...] = ()
    actions: tuple[ActionRequested, ...] = ()


class CredentialNeeded(Event, frozen=True, tag="credential.needed"):
    """The backend refused the token; the run waits until `expires_at` for the same user to come with a fresh one."""

    expires_at: str


class ErrorRaised(Event, frozen=True, tag="error.raised", omit_defaults=True):
    """Why the run fails; `run.ended` with status `failed` follows."""

    code: str
    message: str
    recoverable: bool = msgspec.field(default=False)
    retry_after_s: float | None = None


class RunEnded(Event, frozen=True, tag="run.ended"):
    """The one end of a run. The database says the same already."""

    status: EndStatus
    finish_reason: str
    usage: Usage


class RunPaused(Event, frozen=True, tag="run.paused"):
    """The run waits for a decision or for a page-side tool. The stream ends here; the run goes on with the answer."""


class TitleChanged(Event, frozen=True, tag="title.changed"):
    """The conversation's title, made by the model."""

    title: str


class SuggestionsOffered(Event, frozen=True, tag="suggestions.offered"):
    """Up to three follow-up questions."""

    questions: tuple[str, ...]


class LogClosed(Event, frozen=True, tag="log.closed"):
    """Nothing follows. The terminal event of every log."""


AnyEvent: TypeAlias = (
    RunStarted
    | TextDelta
    | ReasoningDelta
    | ToolsStarted
    | ToolCallChanged
    | ActionRequested
    | ApprovalRequested
    | ClientToolRequested
    | SnapshotTaken
    | CredentialNeeded
    | ErrorRaised
    | RunEnded
    | RunPaused
    | TitleChanged
    | SuggestionsOffered
    | LogClosed
)


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in a run's log."""

    id: EventId
    event: AnyEvent


def merge_deltas(batch: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return `batch` with adjacent deltas of one kind joined; a joined delta has the id of its last piece."""
    if len(batch) == 1:
        return [batch[0]]
    merged: list[LoggedEvent] = []
    pieces: list[str] = []
    for position, logged in enumerate(batch):
        event = logged.event
        if not isinstance(event, TextDelta | ReasoningDelta):
            merged.append(logged)
            continue
        pieces.append(event.text)
        following = batch[position + 1].event if position + 1 < len(batch) else None
        if type(following) is not type(event):
            merged.append(LoggedEvent(logged.id, type(event)("".join(pieces))) if len(pieces) > 1 else logged)
            pieces = []
    return merged

"""THE schema: one class per event, one union. All that a client can see of a run is declared here, once.

Events are immutable facts. `text.delta`, `reasoning.delta` and `tool_input.delta` add to something; every other event stands
alone. A part is what one step says or thinks at a stretch: it begins with its first delta and ends with the next event of
another part, of a tool call, of a step or of the run. So an end needs no event, which a process that dies could not write.
They are msgspec structs: making one costs well under a microsecond, and the tagged union gives the JSON Schema from
which the documents and the client's types are made. The garbage collector leaves them out (`gc=False`): a log holds
thousands, they can be in no cycle, and to look through them would hold up every stream.
"""

from typing import Literal, TypeAlias

import msgspec

from agent.events.beside import ActionRequested as ActionRequested
from agent.events.beside import FileGiven as FileGiven
from agent.events.beside import SourceCited as SourceCited
from agent.events.counted import BudgetUsed as BudgetUsed
from agent.events.counted import Usage as Usage
from agent.events.root import Event as Event

EndStatus = Literal["completed", "failed", "cancelled"]
ToolCallStatus = Literal["running", "ok", "error", "awaiting_approval", "awaiting_client"]


class EventId(msgspec.Struct, frozen=True, order=True, gc=False):
    """`<attempt>-<n>`: integers that are compared as such, never as text. `n` begins at 1.

    Events that came after clients had learned to count these stand between two numbers, as `<attempt>-<n>.<between>`.
    """

    attempt: int
    n: int
    between: int = 0

    def __str__(self) -> str:
        return f"{self.attempt}-{self.n}.{self.between}" if self.between else f"{self.attempt}-{self.n}"

    def next(self, event: "AnyEvent") -> "EventId":
        """Return the id of the event that follows in the same attempt."""
        if type(event) in UNNUMBERED:
            return EventId(self.attempt, self.n, self.between + 1)
        return EventId(self.attempt, self.n + 1)


START = EventId(0, 0)
"""Before everything: reading after it gives the whole log."""


class RunStarted(Event, frozen=True, tag="run.started"):
    """The run exists and its user message is stored. Always the first event of a log."""

    conversation_id: str
    run_id: str
    message_id: str
    """The id that the answer will have."""
    model: str = ""
    """Which one answers."""


class StepStarted(Event, frozen=True, tag="step.started"):
    """A step begins: one call of the model, with the tool calls that it asks for. Steps are counted from 1."""

    step: int


class StepEnded(Event, frozen=True, tag="step.ended"):
    """A step is over, its tool calls are settled. A run that fails or is stopped may end without it."""

    step: int
    finish_reason: str
    usage: Usage
    """Of this step alone; nothing where an earlier attempt made its calls."""


class UsageCounted(Event, frozen=True, tag="usage.counted"):
    """The usage that a step took of the budgets that count for it. Where none does, it is not told."""

    step: int
    usage: Usage
    estimated: bool
    """Whether the provider did not say it."""
    budgets: tuple[BudgetUsed, ...]


class ModelChanged(Event, frozen=True, tag="model.changed"):
    """Another model goes on with the step under way, as the one before failed. The database says the same already."""

    left: str = msgspec.field(name="from")
    to: str
    reason: str
    """The code of the error that it failed with; or `down`: it was not asked, as it failed too often lately."""


class HistoryShortened(Event, frozen=True, tag="history.shortened"):
    """The model does not get all that was said before: in its place the `summary`, or nothing where turns are `left_out`."""

    summary: str | None = None
    until: str | None = None
    """The last message that the summary covers."""
    left_out: bool = False


class TextDelta(Event, frozen=True, tag="text.delta"):
    """A piece of the answer; joining `text` in id order gives the whole answer."""

    text: str
    part: int = 0
    """The number of its part, from 1 within an attempt; deltas with one number stand together. With 0 it only goes on with
    what a snapshot says again."""


class ReasoningDelta(Event, frozen=True, tag="reasoning.delta"):
    """A piece of the model's thinking, apart from the answer."""

    text: str
    part: int = 0


class ToolInputDelta(Event, frozen=True, tag="tool_input.delta"):
    """A piece of a tool call's arguments while the model writes them; the call itself counts, and may never be made."""

    id: str
    name: str
    text: str
    """JSON text, as the model writes it."""

    @property
    def part(self) -> str:
        """The id of the call whose pieces stand together."""
        return self.id


class ToolsStarted(Event, frozen=True, tag="tools.started"):
    """Data tools of one step begin; their names, in the model's order. Actions are not among them."""

    names: tuple[str, ...]


class ToolCallChanged(Event, frozen=True, tag="tool_call.changed", omit_defaults=True):
    """A tool call began, goes on (`elapsed_ms`), or settled."""

    id: str
    name: str
    status: ToolCallStatus
    arguments: dict[str, object] | None = None
    duration_ms: int | None = None
    error: str | None = None
    label: str | None = None
    """The words that people read while the call goes on, in the run's language; None: the client finds words."""
    done: str | None = None
    """The same for when it is over."""
    result: str | None = None
    """The text that the model reads of a call that is `ok`, or the beginning of it."""
    is_result_cut: bool = False
    elapsed_ms: int | None = None
    """How long a call that was told of has been running: it is told again every five seconds, and when it says how far it is."""
    progress: float | None = None
    """How far it is, from 0 to 1, where the tool says so."""
    progress_text: str | None = None
    """The same in words: one line."""


class ApprovalRequested(Event, frozen=True, tag="approval.requested"):
    """A tool call waits until `expires_at` for a yes or no: the user's, or that of somebody else of the roles `approvers`."""

    tool_call_id: str
    name: str
    title: str
    arguments: dict[str, object]
    expires_at: str
    hash: str = ""
    """Of the call as it is shown; who changes its arguments says it again."""
    approvers: tuple[str, ...] | None = None
    may_always: bool | None = None
    """Whether the yes may be one to all later calls of the tool in the conversation."""


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
    takes_back: bool = False
    """Whether what it leaves out of the same attempt's text is void; else that was thinking."""
    sources: tuple[SourceCited, ...] = ()
    files: tuple[FileGiven, ...] | None = None
    """The files that tools gave; None: nothing."""


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
    | StepStarted
    | StepEnded
    | UsageCounted
    | ModelChanged
    | HistoryShortened
    | TextDelta
    | ReasoningDelta
    | ToolInputDelta
    | ToolsStarted
    | ToolCallChanged
    | ActionRequested
    | FileGiven
    | ApprovalRequested
    | ClientToolRequested
    | SourceCited
    | SnapshotTaken
    | CredentialNeeded
    | ErrorRaised
    | RunEnded
    | RunPaused
    | TitleChanged
    | SuggestionsOffered
    | LogClosed
)


UNNUMBERED = frozenset({StepStarted, StepEnded, UsageCounted, ModelChanged, ToolInputDelta})
"""Events without a number of their own: the native stream does not tell them, and its ids count what it tells."""


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in a run's log."""

    id: EventId
    event: AnyEvent
    at_ms: int = 0
    """When, since the run began; it never goes back, and whoever reads it later reads the same."""

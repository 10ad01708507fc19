"""The fold of a run's events: what a reader of the whole stream ends up showing.

It is the JSON answer of `POST /chat`, the content of a snapshot, and what the web client's `reduce` must equal.
"""

from dataclasses import dataclass, field

from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    EndStatus,
    ErrorRaised,
    FileGiven,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolsStarted,
    Usage,
)

STEP_SEPARATOR = "\n\n"
"""Between what the model said in one step and in the next: for clients that only join tokens."""


@dataclass(slots=True)
class Answer:
    """A run as it looks after the events given to `apply`. `tools_used` and `actions` keep their first order."""

    conversation_id: str = ""
    run_id: str = ""
    message_id: str = ""
    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tools_used: list[str] = field(default_factory=list)
    actions: list[ActionRequested] = field(default_factory=list)
    files: list[FileGiven] = field(default_factory=list)
    approvals: list[ApprovalRequested] = field(default_factory=list)
    client_tools: list[ClientToolRequested] = field(default_factory=list)
    sources: dict[str, SourceCited] = field(default_factory=dict)
    """By their ids, each once, in the order in which they were cited."""
    suggestions: tuple[str, ...] = ()
    title: str | None = None
    error: ErrorRaised | None = None
    status: EndStatus | None = None
    is_paused: bool = False
    """Whether it waits for somebody's answer: to `approvals`, or for the page's to `client_tools`."""
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def apply(self, event: AnyEvent) -> None:
        """Take one event in; events must come in log order."""
        match event:
            case TextDelta(text=text):
                self.pieces.append(text)
            case ReasoningDelta(text=text):
                self.reasoning.append(text)
            case RunStarted(conversation_id=conversation_id, run_id=run_id, message_id=message_id):
                self.conversation_id, self.run_id, self.message_id = conversation_id, run_id, message_id
            case ToolsStarted(names=names):
                self.tools_used += [name for name in dict.fromkeys(names) if name not in self.tools_used]
            case ActionRequested():
                self.actions.append(event)
            case SourceCited():
                self.sources.setdefault(event.id, event)
            case FileGiven():
                self.files.append(event)
            case SnapshotTaken(text=text, tools_used=tools_used, actions=actions, files=files):
                self.pieces, self.reasoning = [text], []
                self.sources = {one.id: one for one in event.sources}
                self.tools_used, self.actions = list(tools_used), list(actions)
                self.approvals, self.client_tools, self.files = [], [], list(files or ())
            case ApprovalRequested():
                self.approvals.append(event)
            case ClientToolRequested():
                self.client_tools.append(event)
            case RunPaused():
                self.is_paused = True
            case ErrorRaised():
                self.error = event
            case RunEnded(status=status, finish_reason=finish_reason, usage=usage):
                self.status, self.finish_reason, self.usage = status, finish_reason, usage
            case SuggestionsOffered(questions=questions):
                self.suggestions = questions
            case TitleChanged(title=title):
                self.title = title
            case _:
                pass

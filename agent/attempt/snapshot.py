"""A snapshot: what a reader gets when the log cannot say what it missed. Never a silent gap.

A snapshot holds only so much text; what is longer follows in deltas, so that no frame is larger than a reader may cost.
"""

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from agent.errors import RunError
from agent.events.fold import STEP_SEPARATOR, Answer
from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    CredentialNeeded,
    ErrorRaised,
    EventId,
    FileGiven,
    LogClosed,
    LoggedEvent,
    ModelChanged,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    SuggestionsOffered,
    TextDelta,
    ToolCallChanged,
)
from agent.models.sources import cited
from agent.store.approvals import Approval, NewApproval
from agent.store.clock import instant
from agent.store.messages import FileRef, StoredMessage
from agent.store.page_calls import PageCall
from agent.store.runs import UNFINISHED, Run
from agent.store.tool_calls import LedgerEntry
from agent.toolkit import Action

SNAPSHOT_CHARACTERS = 8192
BEHIND = 2**40
"""Behind any id that a log gives: under these the same attempt is told from the database."""
A_TELLING = 2**16
"""More events than the database tells of a run at once, in snapshots and in pieces of text of `SNAPSHOT_CHARACTERS`."""


def started(run: Run) -> RunStarted:
    """Return the event that a log of this run begins with."""
    return RunStarted(str(run.conversation_id), str(run.id), str(run.message_id), run.model)


def from_log(events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return a log's beginning folded into one snapshot; the log after the snapshot's id is what follows.

    The start goes out again under an id that no log has. So a reader that is cut between the two, with whatever it shows
    still in place, gets a snapshot again when it comes back.
    """
    answer, last, characters = Answer(), events[0], 0
    begun = events[0].event
    for logged in events:
        event = logged.event
        if isinstance(event, ErrorRaised | RunEnded) or characters >= SNAPSHOT_CHARACTERS:
            break
        answer.apply(event)
        if isinstance(event, ModelChanged) and isinstance(begun, RunStarted):
            begun = replace(begun, model=event.to)
        last = logged
        characters += _characters(event)
    shown = tuple(answer.tools_used), tuple(answer.actions)
    sources, files = tuple(answer.sources.values()), tuple(answer.files) or None
    snapshot = SnapshotTaken(answer.message_id, answer.text, *shown, sources=sources, files=files)
    start = LoggedEvent(EventId(events[0].id.attempt, 0), begun, events[0].at_ms)
    return [start, LoggedEvent(last.id, snapshot, last.at_ms)]


def _characters(event: AnyEvent) -> int:
    match event:
        case SnapshotTaken(text=text, sources=sources, files=files):
            return len(text) + sum(map(_characters, sources)) + sum(map(_characters, files or ()))
        case TextDelta(text=text):
            return len(text)
        case SourceCited():
            return len(event.title) + len(event.url) + len(event.snippet)
        case FileGiven():
            return len(event.id) + len(event.name) + len(event.media_type)
        case _:
            return 0


def from_transcript(run: Run, messages: Sequence[StoredMessage], calls: Sequence[LedgerEntry]) -> list[LoggedEvent]:
    """Return an ended run's events as the database tells them, under an attempt number that was never used.

    The same run gives the same ids each time, so a reader that is cut here can go on here.
    """
    assert run.state not in UNFINISHED
    events: list[AnyEvent] = [started(run), *settled(run, messages, calls)]
    if run.error_code is not None:
        events.append(_error(run.error_code))
    events.append(RunEnded(run.state, run.finish_reason or "stop", run.usage))  # type: ignore[arg-type] # not UNFINISHED
    if run.suggestions:
        events.append(SuggestionsOffered(run.suggestions))
    events.append(LogClosed())
    at_ms = int(run.age_s(run.ended_at) * 1000)
    return [LoggedEvent(EventId(run.attempt + 1, n), event, at_ms) for n, event in enumerate(events, start=1)]


def from_unfinished(run: Run, messages: Sequence[StoredMessage], calls: Sequence[LedgerEntry]) -> list[LoggedEvent]:
    """Return what the database tells so far of a run that is worked on, under ids that its log never reaches."""
    return _numbered(run, [started(run), *settled(run, messages, calls)], _known(messages, calls))


def while_waiting(
    run: Run,
    messages: Sequence[StoredMessage],
    calls: Sequence[LedgerEntry],
    approvals: Sequence[Approval],
    pages: Sequence[PageCall] = (),
) -> list[LoggedEvent]:
    """Return a waiting run's events as the database tells them, up to what is asked, under ids that its log never reaches.

    An event has the same id each time, also when other questions are answered by then, unless more was said or done.
    """
    places = {call.id: at for at, call in enumerate(calls)}

    def place(one: Approval | PageCall) -> int:
        return places.get(one.tool_call_id, len(places))

    approvals, pages = sorted(approvals, key=place), sorted(pages, key=place)  # not by times, which may be put right
    closed = {one.tool_call_id for one in approvals if one.state != "open"}
    done = {one.tool_call_id for one in pages if one.state != "open"}
    *questions, pause = asked(approvals, pages)
    is_open = "open" in [one.state for one in approvals] + [one.state for one in pages]
    until = run.waits_until if approvals and not is_open else None
    wanted = CredentialNeeded(until.isoformat()) if until is not None else None
    events = [started(run), *settled(run, messages, calls), *questions, wanted, pause]
    times = [one.asked_at for one in approvals] + [instant(one.created_at) for one in pages]
    at_ms = int(run.age_s(max(times, default=None)) * 1000)
    numbered = _numbered(run, events, _known(messages, calls), at_ms)
    acted = {call.id for call in calls if call.action}
    return [one for one in numbered if not _asks(one.event, closed, done, acted)]


def _known(messages: Sequence[StoredMessage], calls: Sequence[LedgerEntry]) -> int:
    """Return how much the database knows of what a snapshot tells. It grows only, and with it all that the snapshot holds."""
    texts = sum(message.role == "assistant" and bool(message.text) for message in messages)
    beside = sum(len(message.sources) + len(message.files) for message in messages if message.role != "user")
    return texts + beside + sum((call.kind == "data") + bool(call.action) for call in calls)


def _numbered(run: Run, events: Sequence[AnyEvent | None], known: int, at_ms: int = 0) -> list[LoggedEvent]:
    """Return events under ids of their own for each state of knowledge: an id never stands for two texts."""
    first = BEHIND + known * A_TELLING + 1
    return [
        LoggedEvent(EventId(run.attempt, n), event, at_ms)
        for n, event in enumerate(events, start=first)
        if event is not None
    ]


def asks(event: AnyEvent) -> bool:
    """Return whether an event says that a run waits, or for what; an action is done, whoever waits for it."""
    match event:
        case ApprovalRequested() | ClientToolRequested() | RunPaused():
            return True
        case ToolCallChanged(status="awaiting_approval" | "awaiting_client"):
            return True
        case _:
            return False


def _asks(event: AnyEvent, calls: Collection[str], pages: Collection[str], acted: Collection[str]) -> bool:
    """Return whether an event asks about one of these calls, or the page for one of those, or for an action that stands there."""
    match event:
        case ApprovalRequested(tool_call_id=call_id) | ToolCallChanged(id=call_id, status="awaiting_approval"):
            return call_id in calls
        case ClientToolRequested(tool_call_id=call_id) | ToolCallChanged(id=call_id, status="awaiting_client"):
            return call_id in pages
        case ActionRequested(id=call_id):
            return call_id in acted
        case _:
            return False


def asked(questions: Sequence[NewApproval], pages: Sequence[PageCall] = ()) -> list[AnyEvent]:
    """Return what tells of questions and of the page's calls, and that the run waits for their answers."""
    events: list[AnyEvent] = []
    for one in questions:
        events.append(ToolCallChanged(one.tool_call_id, one.name, "awaiting_approval", arguments=one.arguments))
        expires_at = one.expires_at.isoformat()
        who, always = one.approvers or None, one.may_always or None
        question = one.tool_call_id, one.name, one.title, one.arguments
        events.append(ApprovalRequested(*question, expires_at, one.hash, who, always))
    for call in pages:
        events.append(ToolCallChanged(call.tool_call_id, call.name, "awaiting_client", arguments=call.arguments))
        events.append(_for_page(call))
    return [*events, RunPaused()]


def _for_page(call: PageCall) -> AnyEvent:
    if (action := call.action) is not None:
        return as_event(action, call.tool_call_id)
    return ClientToolRequested(call.tool_call_id, call.name, call.arguments, call.until.isoformat())


def settled(run: Run, messages: Sequence[StoredMessage], calls: Sequence[LedgerEntry]) -> list[AnyEvent]:
    """Return a snapshot of what the database knows of a run, the text that does not fit into it, and what it cites."""
    said = STEP_SEPARATOR.join(message.text for message in messages if message.role == "assistant" and message.text)
    pieces = [said[start : start + SNAPSHOT_CHARACTERS] for start in range(0, len(said), SNAPSHOT_CHARACTERS)] or [""]
    snapshot = SnapshotTaken(
        str(run.message_id),
        pieces[0],
        tuple(dict.fromkeys(call.name for call in calls if call.kind == "data")),
        tuple(as_event(call.action, call.id) for call in calls if call.action),
        files=tuple(given(one, row.tool_call_id) for row in messages if row.tool_call_id for one in row.files) or None,
    )
    sources = cited(messages, most=A_TELLING).values()
    return [snapshot, *map(TextDelta, pieces[1:]), *sources]


def as_event(action: Action, call_id: str) -> ActionRequested:
    """Return what tells of an action."""
    return ActionRequested(action.type, action.value, call_id, expects_result=action.expects_result or None)


def given(file: FileRef, call_id: str) -> FileGiven:
    """Return what tells of a file that a call gave."""
    return FileGiven(file.id, file.name, file.media_type, file.bytes, call_id)


def raised(error: RunError) -> ErrorRaised:
    """Return the event that tells of an error."""
    return ErrorRaised(error.code, error.public, recoverable=error.recoverable, retry_after_s=error.retry_after_s)


def _error(code: str) -> ErrorRaised:
    """Return the error event for a stored code, as it was sent."""
    kind = next((kind for kind in _kinds(RunError) if kind.code == code), RunError)
    return ErrorRaised(code, kind.public, recoverable=kind.recoverable)


def _kinds(kind: type[RunError]) -> Iterator[type[RunError]]:
    """Yield all kinds of an error, the general ones before their special cases."""
    for one in kind.__subclasses__():
        yield one
    for one in kind.__subclasses__():
        yield from _kinds(one)

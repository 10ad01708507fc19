"""A snapshot: what a reader gets when the log cannot say what it missed. Never a silent gap."""

from collections.abc import Sequence

from agent.answer import Answer
from agent.errors import RunError
from agent.events import (
    ActionRequested,
    AnyEvent,
    ErrorRaised,
    EventId,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunStarted,
    SnapshotTaken,
    SuggestionsOffered,
)
from agent.graph import STEP_SEPARATOR
from agent.store.messages import Message
from agent.store.runs import UNFINISHED, Run
from agent.store.tool_calls import LedgerEntry


def from_log(events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return a log's events with everything up to the run's end, or to now, folded into one snapshot."""
    end = next((n for n, logged in enumerate(events) if isinstance(logged.event, ErrorRaised | RunEnded)), len(events))
    if end < 2:
        return list(events)
    answer = Answer()
    for logged in events[:end]:
        answer.apply(logged.event)
    snapshot = SnapshotTaken(answer.message_id, answer.text, tuple(answer.tools_used), tuple(answer.actions))
    return [events[0], LoggedEvent(events[end - 1].id, snapshot), *events[end:]]


def from_transcript(run: Run, messages: Sequence[Message], calls: Sequence[LedgerEntry]) -> list[LoggedEvent]:
    """Return an ended run's events as the database tells them, under an attempt number that was never used.

    The same run gives the same ids each time, so a reader that is cut here can go on here.
    """
    assert run.state not in UNFINISHED
    events: list[AnyEvent] = [
        RunStarted(str(run.conversation_id), str(run.id), str(run.message_id)),
        settled(run, messages, calls),
    ]
    if run.error_code is not None:
        events.append(_error(run.error_code))
    events.append(RunEnded(run.state, run.finish_reason or "stop", run.usage))  # type: ignore[arg-type] # not UNFINISHED
    if run.suggestions:
        events.append(SuggestionsOffered(run.suggestions))
    events.append(LogClosed())
    return [LoggedEvent(EventId(run.attempt + 1, n), event) for n, event in enumerate(events, start=1)]


def settled(run: Run, messages: Sequence[Message], calls: Sequence[LedgerEntry]) -> SnapshotTaken:
    """Return a snapshot of what the database knows of a run."""
    said = [message.text for message in messages if message.role == "assistant" and message.text]
    return SnapshotTaken(
        str(run.message_id),
        STEP_SEPARATOR.join(said),
        tuple(dict.fromkeys(call.name for call in calls if call.kind == "data")),
        tuple(ActionRequested(call.action.type, call.action.value, call.id) for call in calls if call.action),
    )


def _error(code: str) -> ErrorRaised:
    """Return the error event for a stored code, as it was sent."""
    kind = next((kind for kind in RunError.__subclasses__() if kind.code == code), RunError)
    return ErrorRaised(code, kind.public, recoverable=kind.recoverable)

"""The native wire format (wire.md §2): one JSON object per event, told apart by its key.

Pure functions from events to bytes. The same event gives the same bytes, live and replayed.
"""

from collections.abc import Sequence

import orjson

from agent.events.merging import merge_deltas
from agent.events.schema import (
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
    ClientToolRequested,
    CredentialNeeded,
    ErrorRaised,
    FileGiven,
    HistoryShortened,
    LogClosed,
    LoggedEvent,
    ModelChanged,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    StepEnded,
    StepStarted,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    ToolInputDelta,
    ToolsStarted,
    Usage,
    UsageCounted,
)
from api.protocols.contract import WireProtocol

RETRY = b"retry: 2000\n"
DONE = b"data: [DONE]\n\n"
RESULT_CHARACTERS = 300
"""How much of a result is shown while it streams: what two lines hold. All of it is with the messages."""
CALL = (
    *("id", "name", "status", "arguments", "duration_ms", "error", "label", "done", "result"),
    *("elapsed_ms", "progress", "progress_text"),
)
ARGUMENTS_BYTES = 8 * 1024
"""Larger arguments of a tool call are not shown: they would make a frame that is too large to wait for a slow reader."""


class NativeEncoder:
    """Frames that need nothing of those before them; a stream without `status` says itself that it was cut."""

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return encode(batch)

    def leave(self) -> bytes:
        return b""


PROTOCOL = WireProtocol("native", NativeEncoder, replay="tail", preamble=RETRY, can_ask=True)


def encode(batch: Sequence[LoggedEvent]) -> bytes:
    """Return the frames of a batch. Adjacent deltas become one frame with the id of the last."""
    return b"".join(map(frame, merge_deltas(batch)))


def frame(logged: LoggedEvent) -> bytes:
    """Return one event's frame, ending in an empty line; nothing for an event that is not told here."""
    if isinstance(logged.event, LogClosed):
        return DONE
    shown = payload(logged.event)
    if not shown:
        return b""
    return b"id: %d-%d\ndata: %b\n\n" % (logged.id.attempt, logged.id.n, as_line(shown))


def as_line(shown: dict[str, object]) -> bytes:
    """Return a JSON object that is one line to every reader of text."""
    return one_line(orjson.dumps(shown))


def one_line(data: bytes) -> bytes:
    """Return JSON as one line to every reader of text."""
    # Valid in JSON, but line ends to some readers of text; no other byte sequence contains these.
    return data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


def payload(event: AnyEvent) -> dict[str, object]:
    """Return what a client reads of an event; nothing where it is for other protocols."""
    match event:
        case TextDelta(text=text):
            return {"token": text}
        case ReasoningDelta(text=text):
            return {"reasoning": text}
        case RunStarted():
            return {
                "conversation_id": event.conversation_id,
                "run_id": event.run_id,
                "message_id": event.message_id,
            }
        case ToolsStarted(names=names):
            return {"tools_used": names}
        case ToolCallChanged():
            shown = _shown(event, CALL)
            if event.result is not None and len(event.result) > RESULT_CHARACTERS:
                shown["result"] = event.result[:RESULT_CHARACTERS]
            if "arguments" in shown and shown_arguments(event.arguments) is None:
                del shown["arguments"]
            return {"tool_call": shown}
        case ActionRequested():
            return {"action": action(event)}
        case ApprovalRequested():
            return {"approval": approval(event)}
        case ClientToolRequested():
            return {"client_tool": client_tool(event)}
        case FileGiven():
            return {"file": file(event)}
        case SourceCited():
            return {"source": source(event)}
        case SnapshotTaken():
            return {"snapshot": snapshot(event)}
        case CredentialNeeded(expires_at=expires_at):
            return {"auth_required": {"expires_at": expires_at}}
        case ErrorRaised():
            return {"error": error(event)}
        case RunEnded():
            return {"status": event.status, "finish_reason": event.finish_reason, "usage": usage(event.usage)}
        case RunPaused():
            return {"status": "awaiting_input"}
        case HistoryShortened():
            return {"history": _shown(event, ("summary", "until", "left_out"))}
        case TitleChanged(title=title):
            return {"title": title}
        case SuggestionsOffered(questions=questions):
            return {"suggested_questions": questions}
        case StepStarted() | StepEnded() | UsageCounted() | ModelChanged() | ToolInputDelta() | LogClosed():
            return {}


def approval(event: ApprovalRequested) -> dict[str, object]:
    """Return a question as clients read it."""
    names = ("tool_call_id", "name", "title", "arguments", "expires_at", "hash", "approvers", "may_always")
    return _shown(event, names)


def client_tool(event: ClientToolRequested) -> dict[str, object]:
    """Return a call of the page as clients read it."""
    return _shown(event, ("tool_call_id", "name", "arguments", "expires_at"))


def source(event: SourceCited) -> dict[str, object]:
    """Return a source as clients read it."""
    return _shown(event, ("id", "title", "url", "snippet", "tool_call_id"))


def snapshot(event: SnapshotTaken) -> dict[str, object]:
    """Return a snapshot as clients read it; `sources` and `files` where there are some."""
    shown: dict[str, object] = {"message_id": event.message_id, "text": event.text, "tools_used": event.tools_used}
    shown["actions"] = [action(one) for one in event.actions]
    if event.sources:
        shown["sources"] = [source(one) for one in event.sources]
    if event.files:
        shown["files"] = [file(one) for one in event.files]
    return shown


def shown_arguments(arguments: dict[str, object] | None) -> dict[str, object] | None:
    """Return a call's arguments; None where there are none, or too many of them to be shown."""
    if arguments and len(orjson.dumps(arguments)) > ARGUMENTS_BYTES:
        return None
    return arguments


def action(event: ActionRequested) -> dict[str, object]:
    """Return an action as clients read it."""
    return _shown(event, ("type", "value", "id", "expects_result"))


def file(event: FileGiven) -> dict[str, object]:
    """Return a file as clients read it; they fetch it with their own token."""
    return _shown(event, ("id", "name", "media_type", "bytes", "tool_call_id"))


def error(event: ErrorRaised) -> dict[str, object]:
    """Return an error as clients read it."""
    return _shown(event, ("code", "message", "recoverable", "retry_after_s"))


def usage(counted: Usage) -> dict[str, int]:
    """Return token counts as clients read them."""
    return {"input_tokens": counted.input_tokens, "output_tokens": counted.output_tokens}


def _shown(event: AnyEvent, names: tuple[str, ...]) -> dict[str, object]:
    """Return these fields of an event, without those that are None."""
    return {name: value for name in names if (value := getattr(event, name)) is not None}

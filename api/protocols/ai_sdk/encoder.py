"""Events as chunks of the UI message stream: one JSON object a frame.

The text parts of a message, joined, are the run's answer. `finish` comes last, after a title and suggestions, which have
their time limit in the loop; the message's metadata says what the run came to as soon as that is known.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from agent.events.schema import (
    START,
    ActionRequested,
    AnyEvent,
    CredentialNeeded,
    ErrorRaised,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    StepEnded,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
    Usage,
    merge_deltas,
)
from api.protocols.native import ARGUMENTS_BYTES, DONE, action, as_line
from api.protocols.parts import Added, Closed, Opened, Parts

Chunk = dict[str, Any]

INTERRUPTED = ErrorRaised("interrupted", "The connection ends here, and the answer goes on: resume the stream.", True)
FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "error": "error",
}
"""Ours, as every version of the client knows them; others are `other`."""
NOT_MADE = "The call was not made."
TOOL = {"dynamic": True, "providerExecuted": True}
"""What a client is told of every tool: it knows none when it is compiled, and runs none."""


class AiSdkEncoder:
    """The frames of one reader, from the start of the run.

    `can_reset`: the client knows `reset-step`, which takes back all that was shown of the step that goes on.
    """

    def __init__(self, *, can_reset: bool = False) -> None:
        self._can_reset = can_reset
        self._kept = ""
        """What the steps before the one that goes on have said: no chunk takes that back."""
        self._said: list[str] = []
        self._is_in_step = False
        self._skip = 0
        """So many characters of what is said again stand there already."""
        self._parts = Parts()
        self._at = START
        """The event that is told now."""
        self._shown_by: int | None = None
        """The attempt whose text is shown; None where there is no text yet."""
        self._is_restated = False
        """What goes on with a snapshot stands there already."""
        self._error: ErrorRaised | None = None
        self._end: RunEnded | None = None
        self._is_over = False

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return b"".join(map(self._frames, merge_deltas(batch)))

    def leave(self) -> bytes:
        if self._is_over:
            return b""
        if self._end is not None:
            return b"".join(map(_frame, self._finish())) + DONE
        closing = [chunk for one in self._parts.close() for chunk in self._chunks(one)]
        return b"".join(map(_frame, [*closing, _metadata(error=_error(INTERRUPTED)), _error_chunk(INTERRUPTED)]))

    def _frames(self, logged: LoggedEvent) -> bytes:
        """Return the frames of an event; the last one has its id."""
        event = logged.event
        is_again = self._is_restated or self._skip > 0
        text = self._unsaid(event.text) if is_again and isinstance(event, TextDelta) and not event.part else None
        if self._is_over or text == "":
            return b""
        if text is not None:
            logged = LoggedEvent(logged.id, TextDelta(text))
        self._at = logged.id
        frames = [_frame(chunk) for told in self._parts.feed(logged) for chunk in self._chunks(told)]
        if frames:
            frames[-1] = b"id: %b\n%b" % (str(logged.id).encode(), frames[-1])
        if isinstance(event, StepEnded):
            self._settle(is_in_step=False)
        if isinstance(event, LogClosed | RunPaused):
            self._is_over = True
            frames.append(DONE)
        return b"".join(frames)

    def _chunks(self, told: Opened | Added | Closed | AnyEvent) -> Iterator[Chunk]:
        match told:
            case Added(kind, part_id, text):
                if kind == "text":
                    self._shown_by = self._at.attempt
                    if self._can_reset:
                        self._said.append(text)
                yield _added(kind, part_id, text)
            case Opened(kind, part_id, name):
                if kind == "step":
                    self._settle(is_in_step=True)
                yield _opened(kind, part_id, name)
            case Closed(kind, part_id, name, is_made):
                yield from _closed(kind, part_id, name, is_made=is_made)
            case RunStarted():
                ids = {"conversationId": told.conversation_id, "runId": told.run_id}
                yield {"type": "start", "messageId": told.message_id, "messageMetadata": ids}
            case ToolCallChanged():
                yield from _call(told)
            case ActionRequested():
                yield _data("action", told.id, action(told), is_transient=True)
            case SnapshotTaken():
                yield from self._take_snapshot(told)
            case _:
                yield from self._ending(told)

    def _ending(self, told: AnyEvent | Opened | Added | Closed) -> Iterator[Chunk]:
        """Yield what an event that comes at the end, or beside the answer, is told as."""
        match told:
            case TitleChanged(title=title):
                yield _data("title", "title", title)
            case SuggestionsOffered(questions=questions):
                yield _data("suggestions", "suggestions", questions)
            case CredentialNeeded(expires_at=expires_at):
                yield _data("auth-required", "auth-required", {"expires_at": expires_at}, is_transient=True)
            case ErrorRaised():
                self._error = told
            case RunEnded():
                self._end = told
                yield from self._came_to(told)
            case RunPaused():
                yield {"type": "finish", "finishReason": "tool-calls"}
            case LogClosed():
                yield from self._finish()

    def _came_to(self, end: RunEnded) -> Iterator[Chunk]:
        came_to: Chunk = {"status": end.status, "finishReason": end.finish_reason, "usage": _usage(end.usage)}
        if self._error is not None:
            came_to["error"] = _error(self._error)
        yield _metadata(**came_to)
        if end.status == "cancelled":
            yield {"type": "abort"}
        elif end.status == "failed":
            yield _error_chunk(self._error or ErrorRaised("internal", "Something went wrong on our side."))

    def _finish(self) -> Iterator[Chunk]:
        if self._end is not None and self._end.status == "completed":
            yield {"type": "finish", "finishReason": FINISH_REASONS.get(self._end.finish_reason, "other")}

    def _take_snapshot(self, snapshot: SnapshotTaken) -> Iterator[Chunk]:
        """Yield what a snapshot is told as: text, where there is none yet, or where a client lets what was shown be taken back.

        For other clients no chunk does that. Within an attempt it says that text was thinking: that stays until the message
        is loaded again. That of another attempt is given up with an error, so that the client comes back for the message as it
        is then.
        """
        is_others = self._shown_by not in (None, self._at.attempt)
        if self._can_reset and self._is_in_step and (not is_others or snapshot.text.startswith(self._kept)):
            yield {"type": "reset-step"}
            self._said, self._is_in_step, self._skip = [self._kept], False, len(self._kept)
            self._shown_by = self._at.attempt if self._kept else None
            yield from self._say(self._unsaid(snapshot.text))
        elif self._shown_by is None:
            for one in snapshot.actions:
                yield _data("action", one.id, action(one), is_transient=True)
            yield from self._say(snapshot.text)
        elif not is_others:
            self._is_restated = True
        else:
            self._is_over = True
            yield _metadata(error=_error(INTERRUPTED))
            yield _error_chunk(INTERRUPTED)

    def _say(self, text: str) -> Iterator[Chunk]:
        if text:
            for told in self._parts.feed(LoggedEvent(self._at, TextDelta(text))):
                yield from self._chunks(told)

    def _unsaid(self, text: str) -> str:
        """Return what of a text that is said again does not stand there."""
        unsaid = "" if self._is_restated else text[self._skip :]
        self._skip = max(0, self._skip - len(text))
        return unsaid

    def _settle(self, *, is_in_step: bool) -> None:
        """Keep what was said: it belongs to a step that is over."""
        self._kept, self._is_in_step = "".join(self._said), is_in_step
        self._said = [self._kept]


def _frame(chunk: Chunk) -> bytes:
    return b"data: %b\n\n" % as_line(chunk)


def _opened(kind: str, part_id: str, name: str = "") -> Chunk:
    match kind:
        case "step":
            return {"type": "start-step"}
        case "input":
            return {"type": "tool-input-start", "toolCallId": part_id, "toolName": name, **TOOL}
        case _:
            return {"type": f"{kind}-start", "id": part_id}


def _added(kind: str, part_id: str, text: str) -> Chunk:
    if kind == "input":
        return {"type": "tool-input-delta", "toolCallId": part_id, "inputTextDelta": text}
    return {"type": f"{kind}-delta", "id": part_id, "delta": text}


def _closed(kind: str, part_id: str, name: str = "", *, is_made: bool = True) -> Iterator[Chunk]:
    match kind:
        case "step":
            yield {"type": "finish-step"}
        case "input" if not is_made:
            call = {"toolCallId": part_id, "toolName": name, "input": {}, "errorText": NOT_MADE}
            yield {"type": "tool-input-error", **call, **TOOL}
        case "text" | "reasoning":
            yield {"type": f"{kind}-end", "id": part_id}


def _call(call: ToolCallChanged) -> Iterator[Chunk]:
    of_call = {"toolCallId": call.id, **TOOL}
    match call.status:
        case "running" if call.elapsed_ms is None:
            shown = call.arguments or {}
            if len(orjson.dumps(shown)) > ARGUMENTS_BYTES:
                shown = {}
            yield {"type": "tool-input-available", "toolName": call.name, "input": shown, **of_call}
        case "ok":
            yield {"type": "tool-output-available", "output": _output(call), **of_call}
        case "error":
            yield {"type": "tool-output-error", "errorText": call.error or "", **of_call}


def _output(call: ToolCallChanged) -> object:
    """Return a call's result: as the JSON that it is, else as text."""
    if call.result is None or call.is_result_cut:
        return call.result
    try:
        return orjson.loads(call.result)
    except orjson.JSONDecodeError:
        return call.result


def _data(name: str, data_id: str, data: object, *, is_transient: bool = False) -> Chunk:
    chunk = {"type": f"data-{name}", "id": data_id, "data": data}
    return {**chunk, "transient": True} if is_transient else chunk


def _metadata(**metadata: object) -> Chunk:
    return {"type": "message-metadata", "messageMetadata": metadata}


def _error(event: ErrorRaised) -> dict[str, object]:
    shown: dict[str, object] = {"code": event.code, "message": event.message, "recoverable": event.recoverable}
    if event.retry_after_s is not None:
        shown["retryAfterS"] = event.retry_after_s
    return shown


def _error_chunk(event: ErrorRaised) -> Chunk:
    return {"type": "error", "errorText": event.message}


def _usage(usage: Usage) -> dict[str, int]:
    total = usage.input_tokens + usage.output_tokens
    return {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens, "totalTokens": total}

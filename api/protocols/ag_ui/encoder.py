"""Events as those of AG-UI: one JSON object a frame.

The content of the run's one assistant message is the run's answer. `RUN_FINISHED` does not wait for a title and suggestions:
they are a run of their own behind it. Fields that are not known are left out, because `null` ends a client's stream.
"""

from collections.abc import Iterator, Sequence

import orjson

from agent.events.merging import merge_deltas
from agent.events.schema import (
    START,
    ActionRequested,
    ApprovalRequested,
    ClientToolRequested,
    CredentialNeeded,
    ErrorRaised,
    FileGiven,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    SourceCited,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
)
from api.protocols.ag_ui.interrupts import interrupt
from api.protocols.ag_ui.reader import Event, Reader, result_id
from api.protocols.ag_ui.reasoning import Reasoning
from api.protocols.contract import INTERNAL
from api.protocols.native import action, as_line, file, shown_arguments, source
from api.protocols.parts import Added, Closed, Opened, Parts, Told

VERSION = "1.0"
OF_ANSWER = (Opened, Added, Closed, ToolCallChanged, ActionRequested, FileGiven, SourceCited, SnapshotTaken)
INTERRUPTED = ErrorRaised("interrupted", "The connection ends here, and the answer goes on: post the same again.", True)


class AgUiEncoder:
    """The frames of one reader, from the start of the run."""

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader or Reader()
        self._parts = Parts()
        self._started: RunStarted | None = None
        self._reasoning = Reasoning("", self._reader.reasoning)
        self._calls = {call_id: call_id in self._reader.results for call_id in self._reader.calls}
        """The calls that were told, and whether their result was."""
        self._skip = len(self._reader.text)
        """So many characters of what is said again stand there already."""
        self._asked: list[ApprovalRequested] = []
        self._for_page: list[str] = []
        self._at = START
        self._shown_by: int | None = None
        """The attempt whose text is shown; None where there is no text yet."""
        self._is_restated = False
        """The text that goes on with a snapshot stands there already."""
        self._error: ErrorRaised | None = None
        self._is_ended = False
        """The run's end was told."""
        self._is_adding = False
        """The run behind the end is open."""
        self._is_over = False
        self._cited: set[str] = set()

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return b"".join(map(self._frames, merge_deltas(batch)))

    def leave(self) -> bytes:
        if self._is_over:
            return b""
        if self._is_ended:
            return b"".join(map(frame, self._finish_addition()))
        closing = [event for one in self._parts.close() for event in self._events(one)]
        return b"".join(map(frame, [*closing, _error(INTERRUPTED)]))

    def _frames(self, logged: LoggedEvent) -> bytes:
        """Return the frames of an event; the last one has its id."""
        event = logged.event
        if isinstance(event, TextDelta) and not event.part and (self._is_restated or self._skip):
            logged = LoggedEvent(logged.id, event := TextDelta(self._unsaid(event.text)))
        if self._is_over or event == TextDelta(""):
            return b""
        self._at = logged.id
        frames = [frame(event) for told in self._parts.feed(logged) for event in self._events(told)]
        if frames:
            frames[-1] = b"id: %b\n%b" % (str(logged.id).encode(), frames[-1])
        if isinstance(event, LogClosed | RunPaused):
            self._is_over = True
        return b"".join(frames)

    def _events(self, told: Told) -> Iterator[Event]:
        match told:
            case _ if self._reader.holds_answer and isinstance(told, OF_ANSWER):
                return
            case Opened() | Added() | Closed():
                yield from self._part(told)
            case RunStarted() if self._started is None:
                yield from self._start(told)
            case ToolCallChanged():
                yield from self._call(told)
            case ActionRequested():
                yield custom("action", action(told))
            case FileGiven():
                yield custom("file", file(told))
            case CredentialNeeded(expires_at=expires_at):
                yield custom("auth_required", {"expires_at": expires_at})
            case SourceCited(id=source_id):
                if source_id not in self._cited:
                    self._cited.add(source_id)
                    yield custom("source", source(told))
            case SnapshotTaken():
                yield from self._take_snapshot(told)
                for one in told.sources if not self._is_over else ():
                    yield from self._events(one)
            case _:
                yield from self._ending(told)

    def _part(self, told: Opened | Added | Closed) -> Iterator[Event]:
        match told:
            case Opened("text"):
                yield {"type": "TEXT_MESSAGE_START", "messageId": self._message_id, "role": "assistant"}
            case Added("text", _, text) if text:
                self._shown_by = self._at.attempt
                yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": self._message_id, "delta": text}
            case Closed("text"):
                yield {"type": "TEXT_MESSAGE_END", "messageId": self._message_id}
            case Opened("step", step) | Closed("step", step):
                kind = "STEP_STARTED" if isinstance(told, Opened) else "STEP_FINISHED"
                yield {"type": kind, "stepName": f"step-{step}"}
            case Opened("reasoning") | Added("reasoning") | Closed("reasoning"):
                yield from self._reasoning.tell(told)

    @property
    def _message_id(self) -> str:
        return self._started.message_id if self._started is not None else ""

    def _start(self, started: RunStarted) -> Iterator[Event]:
        self._started = started
        self._reasoning = Reasoning(started.message_id, self._reader.reasoning)
        yield self._begin(metadata=self._result())
        if self._reader.before is not None:
            yield {"type": "MESSAGES_SNAPSHOT", "messages": self._reader.before}

    def _begin(self, suffix: str = "", **more: object) -> Event:
        version = {"protocolVersion": VERSION} if self._reader.is_1_0 else {}
        return self._bound("RUN_STARTED", suffix, **version, **more)

    def _bound(self, kind: str, suffix: str = "", **more: object) -> Event:
        """Return an event that begins or ends a run."""
        started = self._started
        thread_id = self._reader.thread_id or (started.conversation_id if started else "")
        run_id = self._reader.run_id or (started.run_id if started else "")
        return {"type": kind, "threadId": thread_id, "runId": run_id + suffix, **more}

    def _call(self, call: ToolCallChanged) -> Iterator[Event]:
        """Yield a call when it is made, whole: one that was written and never made would stay in the client's message.

        One of the page's is a message of its own, for a client makes those of messages alone that are new to it.
        """
        is_pages = call.name in self._reader.page_tools
        if is_pages and call.status == "awaiting_approval":
            return
        if call.id not in self._calls:
            self._calls[call.id] = False
            arguments = orjson.dumps(shown_arguments(call.arguments) or {})
            of_call = {"toolCallId": call.id}
            yield {
                "type": "TOOL_CALL_START",
                **of_call,
                "toolCallName": call.name,
                "parentMessageId": call.id if is_pages else self._message_id,
            }
            yield {"type": "TOOL_CALL_ARGS", **of_call, "delta": arguments.decode()}
            yield {"type": "TOOL_CALL_END", **of_call}
        if call.status in ("ok", "error") and not self._calls[call.id]:
            self._calls[call.id] = True
            content = call.result if call.status == "ok" else call.error
            yield {
                "type": "TOOL_CALL_RESULT",
                "messageId": result_id(call.id),
                "toolCallId": call.id,
                "role": "tool",
                "content": content or "",
                "metadata": {"status": call.status},
            }

    def _ending(self, told: Told) -> Iterator[Event]:
        match told:
            case TitleChanged(title=title):
                yield from self._add(custom("title", title))
            case SuggestionsOffered(questions=questions):
                yield from self._add(custom("suggestions", questions))
            case ErrorRaised():
                self._error = told
            case RunEnded():
                self._is_ended = True
                yield self._end(told)
            case ApprovalRequested():
                if not told.approvers:  # else it is not this user who is asked
                    self._asked.append(told)
            case ClientToolRequested(tool_call_id=call_id):
                self._for_page.append(call_id)
            case RunPaused():
                yield self._bound("RUN_FINISHED", result=self._result(status="awaiting_input"), **self._asks())
            case LogClosed():
                yield from self._finish_addition()

    def _asks(self) -> Event:
        """Return what a run that waits wants of its client."""
        if self._asked and self._reader.can_ask:
            tools = self._reader.page_tools
            asked = [interrupt(one, is_of_page=one.name in tools) for one in self._asked]
            return {"outcome": {"type": "interrupt", "interrupts": asked}}
        if self._for_page and self._reader.is_1_0:
            return {"outcome": {"type": "success", "pendingToolCallIds": self._for_page}}
        return {}

    def _end(self, end: RunEnded) -> Event:
        if end.status == "failed":
            return _error(self._error or INTERNAL)
        usage = {"inputTokens": end.usage.input_tokens, "outputTokens": end.usage.output_tokens}
        result = self._result(status=end.status, finishReason=end.finish_reason, usage=usage)
        if not self._reader.is_1_0:
            return self._bound("RUN_FINISHED", result=result)
        outcome = {"type": "cancelled" if end.status == "cancelled" else "success"}
        return self._bound("RUN_FINISHED", result=result, usage=[usage], outcome=outcome)

    def _result(self, **came_to: object) -> Event:
        """Return our ids of the run, and what it came to."""
        started = self._started
        if started is None:
            return came_to
        ids = {"conversationId": started.conversation_id, "runId": started.run_id, "messageId": started.message_id}
        return {**ids, **came_to}

    def _add(self, event: Event) -> Iterator[Event]:
        """Yield what comes beside the answer; behind its end in a run of its own."""
        if self._is_ended and not self._is_adding:
            self._is_adding = True
            yield self._begin("-after")
        yield event

    def _finish_addition(self) -> Iterator[Event]:
        if self._is_adding:
            self._is_adding = False
            yield self._bound("RUN_FINISHED", "-after")

    def _take_snapshot(self, snapshot: SnapshotTaken) -> Iterator[Event]:
        """Yield what a snapshot is told as: text, where there is none yet; for nothing takes back what was shown.

        Within an attempt it says that text was thinking: that stays until the message is loaded again. That of another attempt,
        or of a model that failed, is given up with an error, so that the client comes back for the message as it is then.
        """
        if self._shown_by is None:
            for one in snapshot.actions:
                yield custom("action", action(one))
            for given in snapshot.files or ():
                yield custom("file", file(given))
            if text := self._unsaid(snapshot.text):
                for told in self._parts.feed(LoggedEvent(self._at, TextDelta(text))):
                    yield from self._events(told)
            if self._reader.text:
                self._shown_by = self._at.attempt
        elif self._shown_by == self._at.attempt and not snapshot.takes_back:
            self._is_restated = True
        else:
            self._is_over = True
            yield _error(INTERRUPTED)

    def _unsaid(self, text: str) -> str:
        """Return what of a text that is said again does not stand there."""
        unsaid = "" if self._is_restated else text[self._skip :]
        self._skip = max(0, self._skip - len(text))
        return unsaid


def frame(event: Event) -> bytes:
    """Return the frame of an event."""
    return b"data: %b\n\n" % as_line(dict(event))


def custom(name: str, value: object) -> Event:
    """Return what AG-UI has no event for."""
    return {"type": "CUSTOM", "name": name, "value": value}


def _error(error: ErrorRaised) -> Event:
    metadata: dict[str, object] = {"recoverable": error.recoverable}
    if error.retry_after_s is not None:
        metadata["retryAfterS"] = error.retry_after_s
    return {"type": "RUN_ERROR", "message": error.message, "code": error.code, "metadata": metadata}

"""Events as chunks of the UI message stream: one JSON object a frame.

The text parts of a message, joined, are the run's answer. `finish` comes last, after a title and suggestions, which have
their time limit in the loop; the message's metadata says what the run came to as soon as that is known.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.events.merging import merge_deltas
from agent.events.schema import (
    START,
    ActionRequested,
    AnyEvent,
    ApprovalRequested,
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
    StepEnded,
    SuggestionsOffered,
    TextDelta,
    TitleChanged,
    ToolCallChanged,
)
from api.protocols.ai_sdk import chunks
from api.protocols.ai_sdk.chunks import Chunk
from api.protocols.contract import INTERNAL
from api.protocols.native import DONE, action
from api.protocols.parts import Added, Closed, Opened, Parts

INTERRUPTED = ErrorRaised("interrupted", "The connection ends here, and the answer goes on: resume the stream.", True)
FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "error": "error",
}
"""Ours, as every version of the client knows them; others are `other`."""


@dataclass(frozen=True, slots=True)
class Held:
    """The part that a client has of a message that goes on after its answers to what was asked: nothing of it is told again."""

    text: str = ""
    calls: Collection[str] = ()
    denied: Collection[str] = ()
    """Calls that its user has just said no to."""
    asked: Collection[str] = ()
    """Calls that its page has been asked for, and has not answered yet."""
    answered: Collection[str] = ()
    """Calls that its page has answered."""
    sources: Collection[str] = ()


class AiSdkEncoder:
    """The frames of one reader, from the start of the run, or from behind what it `held`.

    `can_reset`: the client knows `reset-step`, which takes back all that was shown of the step that goes on.
    `can_ask`: it knows questions, and gives its user's answers with its next post. `page_tools`: what its page may call its tools.
    """

    def __init__(
        self,
        *,
        can_reset: bool = False,
        can_ask: bool = False,
        page_tools: Collection[str] = (),
        held: Held | None = None,
    ) -> None:
        self._page_tools = page_tools
        self._can_reset = can_reset
        self._can_ask = can_ask
        self._held = held or Held()
        self._kept = self._held.text
        """The text of the steps before the one that goes on: no chunk takes that back."""
        self._said: list[str] = [self._kept]
        self._is_in_step = self._has_stepped = False
        self._skip = len(self._kept)
        """So many characters of what is said again stand there already."""
        self._sources = set(self._held.sources)
        self._kept_sources = frozenset(self._sources)
        """Sources that no chunk takes back."""
        self._parts = Parts()
        self._at = START
        """The event that is told now."""
        self._shown_by: int | None = None
        """The attempt whose text is shown; None where there is no text yet."""
        self._is_restated = False
        """The text that goes on with a snapshot stands there already."""
        self._error: ErrorRaised | None = None
        self._end: RunEnded | None = None
        self._is_over = False

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return b"".join(map(self._frames, merge_deltas(batch)))

    def leave(self) -> bytes:
        if self._is_over:
            return b""
        if self._end is not None:
            return b"".join(map(chunks.frame, self._finish())) + DONE
        closing = [chunk for one in self._parts.close() for chunk in self._chunks(one)]
        return b"".join(
            map(
                chunks.frame,
                [*closing, chunks.metadata(error=chunks.error(INTERRUPTED)), chunks.error_chunk(INTERRUPTED)],
            )
        )

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
        frames = [chunks.frame(chunk) for told in self._parts.feed(logged) for chunk in self._chunks(told)]
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
            case Opened("input", call_id) | Added("input", call_id) | Closed("input", call_id) if (
                call_id in self._held.calls
            ):
                return
            case Added(kind, part_id, text):
                if kind == "text":
                    self._shown_by = self._at.attempt
                    if self._can_reset:
                        self._said.append(text)
                yield chunks.added(kind, part_id, text)
            case Opened(kind, part_id, name):
                if kind == "step":
                    self._settle(is_in_step=True)
                    self._has_stepped = True
                yield chunks.opened(kind, part_id, name, self._tool(name))
            case Closed(kind, part_id, name, is_made):
                yield from chunks.closed(kind, part_id, name, self._tool(name), is_made=is_made)
            case RunStarted():
                ids = {"conversationId": told.conversation_id, "runId": told.run_id}
                yield {"type": "start", "messageId": told.message_id, "messageMetadata": ids}
            case ToolCallChanged(id=call_id, status="error") if call_id in self._held.denied:
                yield {"type": "tool-output-denied", "toolCallId": call_id}
            case ToolCallChanged(id=call_id) if call_id in self._held.answered:
                return
            case ToolCallChanged(id=call_id, status="awaiting_client") if call_id in self._held.asked:
                return
            case ToolCallChanged():
                yield from chunks.call(told, self._tool(told.name))
            case ApprovalRequested():
                if self._can_ask and not told.approvers:  # else it is not this user who is asked
                    yield chunks.question(told)
            case ActionRequested():
                yield chunks.data("action", told.id, action(told), is_transient=True)
            case FileGiven():
                yield chunks.file(told)
            case SnapshotTaken():
                yield from self._take_snapshot(told)
            case _:
                yield from self._ending(told)

    def _tool(self, name: str) -> Mapping[str, bool]:
        return chunks.OF_PAGE if name in self._page_tools else chunks.TOOL

    def _ending(self, told: AnyEvent | Opened | Added | Closed) -> Iterator[Chunk]:
        """Yield what an event that comes at the end, or beside the answer, is told as."""
        match told:
            case SourceCited():
                yield from self._cite(told)
            case TitleChanged(title=title):
                yield chunks.data("title", "title", title)
            case SuggestionsOffered(questions=questions):
                yield chunks.data("suggestions", "suggestions", questions)
            case CredentialNeeded(expires_at=expires_at):
                yield chunks.data("auth-required", "auth-required", {"expires_at": expires_at}, is_transient=True)
            case ErrorRaised():
                self._error = told
            case RunEnded():
                self._end = told
                yield from self._came_to(told)
            case RunPaused():
                yield from self._leave_answers_behind()
                yield {"type": "finish", "finishReason": "tool-calls"}
            case LogClosed():
                yield from self._finish()

    def _came_to(self, end: RunEnded) -> Iterator[Chunk]:
        came_to: Chunk = {"status": end.status, "finishReason": end.finish_reason, "usage": chunks.usage(end.usage)}
        if self._error is not None:
            came_to["error"] = chunks.error(self._error)
        yield chunks.metadata(**came_to)
        yield from self._leave_answers_behind()
        if end.status == "cancelled":
            yield {"type": "abort"}
        elif end.status == "failed":
            yield chunks.error_chunk(self._error or INTERNAL)

    def _leave_answers_behind(self) -> Iterator[Chunk]:
        """Let the page's answers not stand in the message's last step: the client would post them again, and again."""
        if self._held.answered and not self._has_stepped:
            yield chunks.opened("step", "")
            yield from chunks.closed("step", "")

    def _finish(self) -> Iterator[Chunk]:
        if self._end is not None and self._end.status == "completed":
            yield {"type": "finish", "finishReason": FINISH_REASONS.get(self._end.finish_reason, "other")}

    def _take_snapshot(self, snapshot: SnapshotTaken) -> Iterator[Chunk]:
        """Yield what a snapshot is told as: text, where there is none yet, or where a client lets what was shown be taken back.

        For other clients no chunk does that. Within an attempt it says that text was thinking: that stays until the message
        is loaded again. That of another attempt, or of a model that failed, is given up with an error, so that the client comes
        back for the message as it is then.
        """
        is_others = self._shown_by is not None and (self._shown_by != self._at.attempt or snapshot.takes_back)
        if self._can_reset and self._is_in_step and (not is_others or snapshot.text.startswith(self._kept)):
            yield {"type": "reset-step"}
            self._sources = set(self._kept_sources)
            self._said, self._is_in_step, self._skip = [self._kept], False, len(self._kept)
            self._shown_by = self._at.attempt if self._kept else None
            yield from self._say(self._unsaid(snapshot.text))
        elif self._shown_by is None:
            for one in snapshot.actions:
                yield chunks.data("action", one.id, action(one), is_transient=True)
            yield from map(chunks.file, snapshot.files or ())
            yield from self._say(self._unsaid(snapshot.text))
            self._shown_by = self._at.attempt if self._kept or snapshot.text else None
        elif not is_others:
            self._is_restated = True
        else:
            self._is_over = True
            yield chunks.metadata(error=chunks.error(INTERRUPTED))
            yield chunks.error_chunk(INTERRUPTED)
            return
        for source in snapshot.sources:
            yield from self._cite(source)

    def _say(self, text: str) -> Iterator[Chunk]:
        if text:
            for told in self._parts.feed(LoggedEvent(self._at, TextDelta(text))):
                yield from self._chunks(told)

    def _unsaid(self, text: str) -> str:
        """Return what of a text that is said again does not stand there."""
        unsaid = "" if self._is_restated else text[self._skip :]
        self._skip = max(0, self._skip - len(text))
        return unsaid

    def _cite(self, source: SourceCited) -> Iterator[Chunk]:
        if source.id not in self._sources:
            self._sources.add(source.id)
            yield chunks.source(source)

    def _settle(self, *, is_in_step: bool) -> None:
        """Keep what was said: it belongs to a step that is over."""
        self._kept_sources = frozenset(self._sources)
        self._kept, self._is_in_step = "".join(self._said), is_in_step
        self._said = [self._kept]

"""The state of one reader in both of OpenAI's forms, from the start of its run to the end that is told."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from agent.events.merging import merge_deltas
from agent.events.schema import (
    START,
    AnyEvent,
    ErrorRaised,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunPaused,
    SnapshotTaken,
    SourceCited,
    TextDelta,
)
from api.protocols import native
from api.protocols.parts import Added, Parts, Told

Body = dict[str, Any]
INTERRUPTED = ErrorRaised("interrupted", "The connection ends here, and the answer goes on: ask again.", True)


class Heading(NamedTuple):
    """The heading of everything that is told of a run: the model as its client named it, and the second of its beginning."""

    model: str = ""
    created: int = 0


NO_HEADING = Heading()


def usage_of(end: RunEnded | None) -> tuple[int, int, int]:
    """Return the tokens that went in, those that came out, and all of them."""
    if end is None:
        return 0, 0, 0
    return end.usage.input_tokens, end.usage.output_tokens, end.usage.input_tokens + end.usage.output_tokens


class Telling(ABC):
    """The telling of a run to one reader. A form says how each thing is told; here is what was told already."""

    def __init__(self) -> None:
        self._parts = Parts()
        self._at = START
        self._shown_by: int | None = None
        """The attempt whose text is shown; None where there is no text yet."""
        self._is_restated = False
        """The text that goes on with a snapshot stands there already."""
        self._error: ErrorRaised | None = None
        self._end: RunEnded | None = None
        self._is_over = False
        self._cited: set[str] = set()

    @abstractmethod
    def _tell(self, told: Told) -> Iterator[bytes]:
        """Yield the frames of something that was opened, added or closed, or of an event that is more than that."""

    @abstractmethod
    def _finish(self) -> Iterator[bytes]:
        """Yield the last frames of a run that is over, or of one that pauses."""

    @abstractmethod
    def _fail(self, error: ErrorRaised) -> Iterator[bytes]:
        """Yield the last frames where the answer cannot be told to its end."""

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return b"".join(map(self._frames, merge_deltas(batch)))

    def leave(self) -> bytes:
        if self._is_over:
            return b""
        self._is_over = True
        return b"".join(self._finish() if self._end is not None else self._fail(INTERRUPTED))

    def _frames(self, logged: LoggedEvent) -> bytes:
        """Return the frames of an event; the last one has its id."""
        if self._is_over or (self._is_restated and isinstance(logged.event, TextDelta) and not logged.event.part):
            return b""
        self._at = logged.id
        frames = [frame for told in self._parts.feed(logged) for frame in self._told(told)]
        if frames:
            frames[-1] = b"id: %b\n%b" % (str(logged.id).encode(), frames[-1])
        return b"".join(frames)

    def _told(self, told: Told) -> Iterator[bytes]:
        match told:
            case SnapshotTaken():
                yield from self._take_snapshot(told)
                for one in told.sources if not self._is_over else ():
                    yield from self._told(one)
            case SourceCited(id=source_id):
                if source_id not in self._cited:
                    self._cited.add(source_id)
                    yield from self._tell(told)
            case ErrorRaised():
                self._error = told
            case RunEnded():
                self._end = told
            case LogClosed() | RunPaused():
                self._is_over = True
                yield from self._finish()
            case Added("text"):
                self._shown_by = self._at.attempt
                yield from self._tell(told)
            case _:
                yield from self._tell(told)

    def _take_snapshot(self, snapshot: SnapshotTaken) -> Iterator[bytes]:
        """Yield what a snapshot is told as: text, where there is none yet; for nothing takes back what was shown.

        That of another attempt than the one that is shown, or of a model that failed, is given up with an error, so that the
        client asks again.
        """
        if self._shown_by is None:
            for one in snapshot.actions:
                yield from self._tell(one)
            for file in snapshot.files or ():
                yield from self._tell(file)
            if snapshot.text:
                for told in self._parts.feed(LoggedEvent(self._at, TextDelta(snapshot.text))):
                    yield from self._told(told)
        elif self._shown_by == self._at.attempt and not snapshot.takes_back:
            self._is_restated = True
        else:
            self._is_over = True
            yield from self._fail(INTERRUPTED)

    def _came_to(self) -> Body:
        """Return what the run came to, as the native stream says it."""
        return native.payload(self._end) if self._end is not None else {"status": "awaiting_input"}


def url_citation(source: SourceCited, text: str) -> Body:
    """Return where an answer comes from, as OpenAI's forms say it of a stretch of text: of all of it."""
    return {"url": source.url, "title": source.title, "start_index": 0, "end_index": len(text)}


def beside(told: Told) -> Body:
    """Return what is told of an event beside the answer; nothing for what is part of it."""
    return native.payload(told) if isinstance(told, AnyEvent) else {}

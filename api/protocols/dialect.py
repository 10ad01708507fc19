"""The base of the hand-written dialects, whose clients join texts, and know two ends, whole or not.

The invariants: what is told joins to the answer; whatever is not a whole answer ends as an error, with a code of ours; and
where what is shown is no part of the answer any more, it is replaced, or given up with an error. A dialect says its frames.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from agent.events.merging import merge_deltas
from agent.events.schema import (
    START,
    AnyEvent,
    ErrorRaised,
    EventId,
    LogClosed,
    LoggedEvent,
    RunEnded,
    RunPaused,
    SnapshotTaken,
    TextDelta,
)
from api.protocols.contract import INTERNAL, Encoder

INTERRUPTED = ErrorRaised("interrupted", "The connection ends here, and the answer goes on.", recoverable=True)
CANCELLED = ErrorRaised("cancelled", "The answer was stopped.")
AWAITING = ErrorRaised("awaiting_input", "The answer waits for a decision that cannot be given here.")


class DialectEncoder(ABC):
    """The frames of one reader. What has no word in a dialect is not told there."""

    def __init__(self) -> None:
        self.after = START
        self.place = START
        self.logged = LoggedEvent(START, LogClosed())
        """The event that is told now."""
        self.is_within = False
        """Whether more of the event follows: an id then stands on its last frame only."""
        self.is_over = False
        """Whether the answer's end was told."""
        self._shown_by: int | None = None
        """The attempt whose text is shown; None where there is no text yet."""
        self._is_restated = False
        """The text that goes on with a snapshot stands there already."""
        self._error: ErrorRaised | None = None

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        return b"".join(map(self._take, merge_deltas(batch)))

    def leave(self) -> bytes:
        return b"" if self.is_over else self.failed(INTERRUPTED)

    @abstractmethod
    def said(self, text: str) -> bytes:
        """Return the frames of a piece of the answer."""

    @abstractmethod
    def completed(self) -> bytes:
        """Return the frames of the end of a whole answer."""

    @abstractmethod
    def failed(self, error: ErrorRaised) -> bytes:
        """Return the frames of an end that is none."""

    def told(self, event: AnyEvent) -> bytes:
        """Return the frames of an event beside text and ends."""
        return b""

    def replaced(self, text: str) -> bytes | None:
        """Return the frames that put `text` in the place of all that is shown; None where there are none such."""
        return None

    def placed(self, logged: LoggedEvent) -> EventId:
        """Return an event's place, as clients of the dialect count."""
        return logged.id

    def lost(self) -> bytes:
        """Return what is told where the text that is shown is no part of the answer any more, and cannot be replaced."""
        return self._fail(INTERRUPTED)

    def _take(self, logged: LoggedEvent) -> bytes:
        if self.is_over:
            return b""
        if self.place == START and self.after.attempt and logged.id.attempt > self.after.attempt:
            self._shown_by = self.after.attempt  # what its reader saw is not in this log
        self.place, self.logged = self.placed(logged), logged
        match logged.event:
            case TextDelta(text=text, part=part):
                return b"" if self._is_restated and not part else self._say(text)
            case SnapshotTaken() as snapshot:
                return self._restate(snapshot)
            case ErrorRaised() as error:
                self._error = error
                return b""
            case RunEnded(status="completed"):
                self.is_over = True
                return self.completed()
            case RunEnded(status=status):
                return self._fail(CANCELLED if status == "cancelled" else self._error or INTERNAL)
            case RunPaused():
                return self._fail(AWAITING)
            case event:
                return self.told(event)

    def _say(self, text: str) -> bytes:
        self._shown_by = self.place.attempt
        return self.said(text)

    def _fail(self, error: ErrorRaised) -> bytes:
        self.is_over = True
        return self.failed(error)

    def _restate(self, snapshot: SnapshotTaken) -> bytes:
        """Return what a snapshot is told as.

        Within an attempt it says that text was thinking, which may stay where it is; unless it says that it is void.
        """
        if self._shown_by is None:
            self.is_within = True
            beside = b"".join([*map(self.told, snapshot.actions), *map(self.told, snapshot.files or ())])
            self.is_within = False
            return beside + (self._say(snapshot.text) if snapshot.text else b"")
        if (frames := self.replaced(snapshot.text)) is not None:
            self._shown_by = self.place.attempt
            return frames
        if self._shown_by == self.place.attempt and not snapshot.takes_back:
            self._is_restated = True
            return b""
        return self.lost()


def is_over(encoder: Encoder) -> bool:
    """Return whether a dialect has told its end."""
    return isinstance(encoder, DialectEncoder) and encoder.is_over

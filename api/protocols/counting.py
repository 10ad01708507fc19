"""Ids that count 1, 2, 3, for clients that drop what is not greater than what they have. What counts is in the log alone.

A frame of several pieces has the number of its last one; and the numbers of a later attempt, which may have a log of its
own, begin behind all of an earlier one.
"""

from collections.abc import Sequence

from agent.events.schema import (
    START,
    ActionRequested,
    EventId,
    FileGiven,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunPaused,
    RunStarted,
    SnapshotTaken,
    TextDelta,
    ToolCallChanged,
)
from api.protocols.dialect import DialectEncoder

ATTEMPT = 10**9
COUNTED = (
    *(RunStarted, SnapshotTaken, TextDelta, ReasoningDelta),
    *(ToolCallChanged, ActionRequested, FileGiven, RunPaused, RunEnded),
)


class CountingEncoder(DialectEncoder):
    """A dialect's frames, whose ids are numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._last = START
        self._places: dict[EventId, EventId] = {}
        """The places of events of the batch at hand, counted before its pieces are joined."""

    @property
    def number(self) -> int:
        """Return the number of the event that is told now."""
        return (self.place.attempt - 1) * ATTEMPT + self.place.n

    def encode(self, batch: Sequence[LoggedEvent]) -> bytes:
        self._places.clear()
        for logged in batch:
            n = self._last.n if self._last.attempt == logged.id.attempt else 0
            self._last = EventId(logged.id.attempt, n + isinstance(logged.event, COUNTED))
            self._places[logged.id] = self._last
        return super().encode(batch)

    def placed(self, logged: LoggedEvent) -> EventId:
        return self._places[logged.id]


def place_of(text: str) -> EventId | None:
    """Return the place that a number stands for; None where it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else 0
    return EventId((number - 1) // ATTEMPT + 1, (number - 1) % ATTEMPT + 1) if number else None

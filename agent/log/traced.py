"""A log around a log, whose events a listener hears, too: who makes spans of them, or lines.

The invariant: what is written is written first, and as without a listener.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from agent.events.schema import START, AnyEvent, EventId, LoggedEvent
from agent.log.contract import Close, EventLog, Segment
from agent.principal import RunKey


class Listener(Protocol):
    """Hears the events of an attempt. Its methods neither wait nor raise anything."""

    def hear(self, event: AnyEvent) -> None:
        """Hear an event that is in the log."""

    def end(self, how: Close) -> None:
        """Hear that the attempt writes no more. It may be said again."""


class TracedLog(EventLog):
    """Another log, all of it, whose attempts have a listener each."""

    def __init__(self, log: EventLog, listen: Callable[[RunKey, int], Listener]) -> None:
        self._log = log
        self._listen = listen

    @property
    def is_shared(self) -> bool:
        return self._log.is_shared

    @property
    def is_well(self) -> bool:
        return self._log.is_well

    @property
    def lag_s(self) -> float:
        return self._log.lag_s

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> "TracedSegment":
        return TracedSegment(self._log.open(run, attempt, age_s=age_s), self._listen(run, attempt))

    def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        return self._log.follow(run, after=after)

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        return await self._log.read(run, after=after)

    async def last(self, run: RunKey) -> EventId | None:
        return await self._log.last(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        return await self._log.opened(run, timeout_s=timeout_s)

    def expect_nothing(self, run: RunKey) -> None:
        self._log.expect_nothing(run)

    async def forget(self, run: RunKey) -> None:
        await self._log.forget(run)


class TracedSegment(Segment):
    """A segment whose events a listener hears."""

    def __init__(self, segment: Segment, listener: Listener) -> None:
        self._segment = segment
        self._listener = listener

    def append(self, event: AnyEvent) -> None:
        self._segment.append(event)
        self._listener.hear(event)

    async def flush(self) -> None:
        await self._segment.flush()

    async def close(self, how: Close) -> None:
        self._listener.end(how)
        await self._segment.close(how)

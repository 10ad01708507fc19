"""The log of one process: a list per run, and readers that wait for its end to grow.

The invariant: nothing is queued per reader. A reader holds a position; one that is slow falls behind in the list.
"""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from agent.errors import LogTrimmedError, StaleAppendError
from agent.events import START, AnyEvent, EventId, LogClosed, LoggedEvent, ReasoningDelta, SnapshotTaken, TextDelta

BATCH = 256
"""Events that a reader takes at once."""
BATCH_CHARACTERS = 8192
"""Text that a reader takes at once, but for the last event; it bounds what a slow reader costs."""
OTHER_CHARACTERS = 1024
"""What an event counts that carries no text of the answer."""


class RunKey(NamedTuple):
    """Names a run's log. It begins with the tenant, as every key does."""

    tenant_id: str
    run_id: UUID


@dataclass(slots=True)
class _RunLog:
    events: list[LoggedEvent] = field(default_factory=list)
    closed: bool = False
    left: bool = False
    """This process no longer writes it; its readers have to come back."""
    waiting: set[asyncio.Future[None]] = field(default_factory=set)
    """One for each reader that has read all there is. An `asyncio.Event` would do the same and cost more of each token."""

    def wake(self) -> None:
        for reader in self.waiting:
            if not reader.done():
                reader.set_result(None)
        self.waiting.clear()

    async def grown(self) -> None:
        """Wait until there is more to read."""
        reader: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.add(reader)
        try:
            await reader
        except asyncio.CancelledError:
            self.waiting.discard(reader)
            raise


class MemoryLog:
    """The events of this process's runs. A closed log is kept `keep_s` seconds, then it is as if it had never been."""

    def __init__(self, *, keep_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._logs: dict[RunKey, _RunLog] = {}
        self._closed: deque[tuple[float, RunKey]] = deque()
        self._awaited: dict[RunKey, set[asyncio.Event]] = {}

    async def append(self, run: RunKey, event_id: EventId, event: AnyEvent) -> None:
        """Add an event at the end and wake the readers.

        Raises:
            StaleAppendError: `event_id` is not greater than the last one, or the log is closed.
        """
        log = self._logs.get(run)
        if log is None:
            self._forget_expired()
            log = self._logs[run] = _RunLog()
            for opened in self._awaited.get(run, ()):
                opened.set()
        if log.events and (event_id <= log.events[-1].id or log.closed):
            raise StaleAppendError(f"run {run.run_id}: {event_id} after {log.events[-1].id}")
        log.left = False
        log.events.append(LoggedEvent(event_id, event))
        log.wake()
        if isinstance(event, LogClosed):
            log.closed = True
            self._closed.append((self._clock() + self._keep_s, run))

    def leave(self, run: RunKey) -> None:
        """Send the readers of an open log away, without an end, and forget it: this process stops writing it.

        What comes next is known elsewhere: to whoever takes the run over, or to the database.
        """
        log = self._logs.get(run)
        if log is not None and not log.closed:
            del self._logs[run]
            log.left = True
            log.wake()
        for waiting in self._awaited.get(run, ()):
            waiting.set()

    def forget(self, run: RunKey) -> None:
        """Keep nothing of a run whose conversation was deleted; those who read it still read to the end."""
        self._logs.pop(run, None)

    def leave_all(self) -> None:
        """Send the readers of all open logs away."""
        for run in list(self._logs):
            self.leave(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        """Wait until somebody writes this log here; False when nobody did in time."""
        if run in self._logs:
            return True
        opened = asyncio.Event()
        waiting = self._awaited.setdefault(run, set())
        waiting.add(opened)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await opened.wait()
            return opened.is_set()
        finally:
            waiting.discard(opened)
            if not waiting:
                del self._awaited[run]

    def last(self, run: RunKey) -> EventId | None:
        """Return the id of the newest event of a log that is open here; None where there is none."""
        log = self._logs.get(run)
        return log.events[-1].id if log is not None and log.events and not log.closed else None

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        """Return what is stored after `after`, in order; empty at the end.

        Raises:
            LogTrimmedError: there is no such log, or `after` was never in it.
        """
        self._forget_expired()
        log = self._logs.get(run)
        if log is None:
            raise LogTrimmedError(f"no log of run {run.run_id}")
        return log.events[_position(log, after) :]

    async def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield the run's events after `after`, past and then live, until the terminal one; a batch each time.

        Events come in id order, once each. A batch is what there is at that moment, never empty, bounded in number and
        in size; a reader slower than the writer gets larger batches.

        Raises:
            LogTrimmedError: as for `read`, at the first step.
        """
        self._forget_expired()
        log = self._logs.get(run)
        if log is None:
            raise LogTrimmedError(f"no log of run {run.run_id}")
        position = _position(log, after)
        while True:
            if batch := next_batch(log.events, position):
                position += len(batch)
                yield batch
            if position == len(log.events):
                if log.closed or log.left:
                    return
                await log.grown()

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._closed and self._closed[0][0] <= now:
            self._logs.pop(self._closed.popleft()[1], None)


def next_batch(events: Sequence[LoggedEvent], position: int) -> list[LoggedEvent]:
    """Return what a reader at `position` takes at once; empty at the end."""
    end, room = position, BATCH_CHARACTERS
    last = min(len(events), position + BATCH)
    while end < last and room > 0:
        room -= _characters(events[end].event)
        end += 1
    return list(events[position:end])


def _characters(event: AnyEvent) -> int:
    return len(event.text) if isinstance(event, TextDelta | ReasoningDelta | SnapshotTaken) else OTHER_CHARACTERS


def _position(log: _RunLog, after: EventId) -> int:
    """Return the index of the first event after `after`, which must be START, in the log, or of an earlier attempt.

    A log that begins with a later attempt begins with a snapshot, so it serves whoever read an earlier one.
    """
    first = log.events[0].id.attempt if log.events else 1
    if after == START or (first > 1 and after.attempt < first):
        return 0
    index = bisect_left(log.events, after, key=lambda logged: logged.id)
    if index == len(log.events) or log.events[index].id != after:
        raise LogTrimmedError(f"{after} is not in the log")
    return index + 1

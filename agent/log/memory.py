"""The log of one process: a list per run, and readers that wait for its end to grow.

The invariant: nothing is queued per reader. A reader holds a position; one that is slow falls behind in the list.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agent.errors import LogTrimmedError, StaleAppendError
from agent.events import START, AnyEvent, EventId, LogClosed, LoggedEvent, ReasoningDelta, SnapshotTaken, TextDelta
from agent.log.ended import EndedLogs, RunKey, Unpacked

__all__ = ["MemoryLog", "RunKey", "next_batch"]

BATCH = 256
"""Events that a reader takes at once."""
BATCH_CHARACTERS = 8192
"""Text that a reader takes at once, but for the last event; it bounds what a slow reader costs."""
EXPIRY_S = 1.0
"""How often, at most, expired logs are looked for where nobody reads."""
OTHER_CHARACTERS = 1024
"""What an event counts that carries no text of the answer."""


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
    """The events of this process's runs.

    What is open is bounded by what a run may say. A closed log is kept for `keep_s` seconds and within `keep_bytes` in
    all, of which one tenant has `keep_bytes_per_tenant` (a quarter without a number); then it is as if it had never been.
    """

    def __init__(
        self,
        *,
        keep_s: float,
        keep_bytes: int = 256_000_000,
        keep_bytes_per_tenant: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._logs: dict[RunKey, _RunLog] = {}
        self._ended = EndedLogs(keep_bytes=keep_bytes, keep_bytes_per_tenant=keep_bytes_per_tenant)
        self._expiry: asyncio.TimerHandle | None = None
        self._awaited: dict[RunKey, set[asyncio.Event]] = {}

    async def append(self, run: RunKey, event_id: EventId, event: AnyEvent) -> None:
        """Add an event at the end and wake the readers.

        Raises:
            StaleAppendError: `event_id` is not greater than the last one, or the log is closed.
        """
        log = self._logs.get(run)
        if log is None:
            self._forget_expired()
            if run in self._ended:
                raise StaleAppendError(f"run {run.run_id}: {event_id} after the end")
            log = self._logs[run] = _RunLog()
            for opened in self._awaited.get(run, ()):
                opened.set()
        if log.events and event_id <= log.events[-1].id:
            raise StaleAppendError(f"run {run.run_id}: {event_id} after {log.events[-1].id}")
        log.left = False
        log.events.append(LoggedEvent(event_id, event))
        log.wake()
        if isinstance(event, LogClosed):
            self._close(run, log)

    def leave(self, run: RunKey) -> None:
        """Send the readers of an open log away, without an end, and forget it: this process stops writing it.

        What comes next is known elsewhere: to whoever takes the run over, or to the database.
        """
        log = self._logs.get(run)
        if log is not None:
            del self._logs[run]
            log.left = True
            log.wake()
        for waiting in self._awaited.get(run, ()):
            waiting.set()

    def forget(self, run: RunKey) -> None:
        """Keep nothing of a run whose conversation was deleted; those who read it still read to the end."""
        self._logs.pop(run, None)
        self._ended.forget(run)

    def leave_all(self) -> None:
        """Send the readers of all open logs away."""
        for run in list(self._logs):
            self.leave(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        """Wait until somebody writes this log here; False when nobody did in time."""
        if run in self._logs or run in self._ended:
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
        return log.events[-1].id if log is not None and log.events else None

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        """Return what is stored after `after`, in order; empty at the end.

        Raises:
            LogTrimmedError: there is no such log, or `after` was never in it.
        """
        events = self._find(run).events
        return list(events[_position(events, after) :])

    async def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield the run's events after `after`, past and then live, until the terminal one; a batch each time.

        Events come in id order, once each. A batch is what there is at that moment, never empty, bounded in number and
        in size; a reader slower than the writer gets larger batches.

        Raises:
            LogTrimmedError: as for `read`, at the first step.
        """
        log = self._find(run)
        position = _position(log.events, after)
        while True:
            if batch := next_batch(log.events, position):
                position += len(batch)
                yield batch
            if position == len(log.events):
                if not isinstance(log, _RunLog) or log.closed or log.left:
                    return
                await log.grown()

    def _find(self, run: RunKey) -> "_RunLog | Unpacked":
        self._forget_expired()
        log = self._logs.get(run) or self._ended.get(run)
        if log is None:
            raise LogTrimmedError(f"no log of run {run.run_id}")
        return log

    def _close(self, run: RunKey, log: _RunLog) -> None:
        """End a log. Those who read it now keep its events until they have them; for others it is packed."""
        log.closed = True
        del self._logs[run]
        self._ended.add(run, log.events, expires_at=self._clock() + self._keep_s)
        self._expire_later()

    def _expire_later(self) -> None:
        """See to it that logs are forgotten when nobody reads and nothing runs, too."""
        expires_at = self._ended.expires_at
        if self._expiry is None and expires_at is not None:
            delay_s = max(EXPIRY_S, expires_at - self._clock())
            self._expiry = asyncio.get_running_loop().call_later(delay_s, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        self._forget_expired()
        self._expire_later()

    def _forget_expired(self) -> None:
        self._ended.forget_expired(self._clock())


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


def _position(events: Sequence[LoggedEvent], after: EventId) -> int:
    """Return the index of the first event after `after`, which must be START, in the log, or of an earlier attempt.

    A log that begins with a later attempt begins with a snapshot, so it serves whoever read an earlier one.
    """
    first = events[0].id.attempt if events else 1
    if after == START or (first > 1 and after.attempt < first):
        return 0
    index = bisect_left(events, after, key=lambda logged: logged.id)
    if index == len(events) or events[index].id != after:
        raise LogTrimmedError(f"{after} is not in the log")
    return index + 1

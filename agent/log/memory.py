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
from agent.events.schema import START, AnyEvent, EventId, LogClosed, LoggedEvent
from agent.log.contract import Close, EventLog, next_batch
from agent.log.ended import EndedLogs, Unpacked
from agent.principal import RunKey

EXPIRY_S = 1.0
"""How often, at most, expired logs are looked for where nobody reads."""


@dataclass(slots=True)
class _RunLog:
    events: list[LoggedEvent] = field(default_factory=list)
    writer: "MemorySegment | None" = None
    closed: bool = False
    left: bool = False
    """This process no longer writes it; its readers have to come back."""
    waiting: set[asyncio.Future[None]] = field(default_factory=set)
    """A future for each reader that has read all there is. An `asyncio.Event` would do the same and cost more of each token."""

    def wake(self) -> None:
        for reader in self.waiting:
            if not reader.done():
                reader.set_result(None)
        self.waiting.clear()


class MemorySegment:
    """The segment that one attempt writes. It gets its log with its first event."""

    __slots__ = ("_attempt", "_began", "_clock", "_last", "_log", "_logs", "_run")

    def __init__(
        self, logs: "MemoryLog", run: RunKey, attempt: int, *, age_s: float, clock: Callable[[], float]
    ) -> None:
        self._logs = logs
        self._clock = clock
        self._began = clock() - age_s
        self._run = run
        self._attempt = attempt
        self._last = EventId(attempt, 0)
        self._log: _RunLog | None = None

    def append(self, event: AnyEvent) -> None:
        log = self._log
        if log is None:
            log = self._log = self._logs.begin(self._run, self, attempt=self._attempt)
            if log.events:  # another process may have had another clock
                self._began = min(self._began, self._clock() - log.events[-1].at_ms / 1000)
        if log.writer is not self:
            raise StaleAppendError(f"run {self._run.run_id}, attempt {self._attempt}")
        self._last = self._last.next(event)
        log.events.append(LoggedEvent(self._last, event, int((self._clock() - self._began) * 1000)))
        if log.waiting:
            log.wake()

    async def flush(self) -> None:
        if self._log is not None and self._log.writer is not self:
            raise StaleAppendError(f"run {self._run.run_id}, attempt {self._attempt}")

    async def close(self, how: Close) -> None:
        if how == "ended":
            self.append(LogClosed())
        if self.is_open:
            self._logs.end(self._run, self._log, how)

    def leave(self) -> None:
        """Close the log as `moved`, at once."""
        if self.is_open:
            self._logs.end(self._run, self._log, "moved")

    @property
    def is_open(self) -> bool:
        """Whether nobody else writes the log, and nobody has closed it."""
        return self._log is None or self._log.writer is self

    @property
    def written(self) -> Sequence[LoggedEvent]:
        """All events of the log, those of earlier attempts among them; empty before the first of this one."""
        return () if self._log is None else self._log.events


class MemoryLog(EventLog):
    """The events of this process's runs; readers elsewhere get none of them.

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

    @property
    def is_shared(self) -> bool:
        return False

    @property
    def is_well(self) -> bool:
        return True

    @property
    def lag_s(self) -> float:
        return 0.0

    def open(self, run: RunKey, attempt: int, *, age_s: float = 0.0) -> MemorySegment:
        return MemorySegment(self, run, attempt, age_s=age_s, clock=self._clock)

    def begin(self, run: RunKey, segment: MemorySegment, *, attempt: int) -> _RunLog:
        """Return a run's log, to be written by this segment and no other from now on."""
        log = self._logs.get(run)
        if log is None:
            self._forget_expired()
            if run in self._ended:
                raise StaleAppendError(f"run {run.run_id}: attempt {attempt} after the end")
            log = self._logs[run] = _RunLog()
            self._tell_awaited(run)
        elif attempt <= log.events[-1].id.attempt:
            raise StaleAppendError(f"run {run.run_id}: attempt {attempt} after {log.events[-1].id}")
        log.writer = segment
        return log

    def end(self, run: RunKey, log: _RunLog | None, how: Close) -> None:
        """Let nobody write a log any more. Those who read it now keep its events until they have them."""
        is_known = log is not None and self._logs.get(run) is log
        if is_known:
            del self._logs[run]
        if log is not None:
            log.writer = None
            log.closed, log.left = how == "ended", how != "ended"
            log.wake()
        if how != "ended":
            self._tell_awaited(run)
        elif log is not None and is_known:  # for others it is packed, unless it was forgotten meanwhile
            self._ended.add(run, log.events, expires_at=self._clock() + self._keep_s)
            self._expire_later()

    def expect_nothing(self, run: RunKey) -> None:
        self._tell_awaited(run)

    def __contains__(self, run: RunKey) -> bool:
        """Return whether there is a log of this run."""
        self._forget_expired()
        return run in self._logs or run in self._ended

    async def forget(self, run: RunKey) -> None:
        self._logs.pop(run, None)
        self._ended.forget(run)
        self._tell_awaited(run)

    async def opened(self, run: RunKey, *, timeout_s: float) -> bool:
        if run in self:
            return True
        opened = asyncio.Event()
        waiting = self._awaited.setdefault(run, set())
        waiting.add(opened)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await opened.wait()
            return run in self
        finally:
            waiting.discard(opened)
            if not waiting:
                del self._awaited[run]

    async def last(self, run: RunKey) -> EventId | None:
        log = self._logs.get(run)
        return log.events[-1].id if log is not None and log.events else None

    async def read(self, run: RunKey, *, after: EventId = START) -> list[LoggedEvent]:
        events = self._find(run).events
        return list(events[_position(events, after) :])

    async def follow(self, run: RunKey, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        log = self._find(run)
        position = _position(log.events, after)
        create_future = asyncio.get_running_loop().create_future
        while True:
            if batch := next_batch(log.events, position):
                position += len(batch)
                yield batch
            if position == len(log.events):
                if not isinstance(log, _RunLog) or log.closed or log.left:
                    return
                log.waiting.add(grown := create_future())
                try:
                    await grown
                except asyncio.CancelledError:
                    log.waiting.discard(grown)
                    raise

    def _find(self, run: RunKey) -> "_RunLog | Unpacked":
        self._forget_expired()
        log = self._logs.get(run) or self._ended.get(run)
        if log is None:
            raise LogTrimmedError(f"no log of run {run.run_id}")
        return log

    def _tell_awaited(self, run: RunKey) -> None:
        for opened in self._awaited.get(run, ()):
            opened.set()

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

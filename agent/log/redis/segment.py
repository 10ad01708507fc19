"""The segment that one attempt writes: into the log that this process has, and from there to Redis."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

from agent.errors import StaleAppendError
from agent.events.schema import AnyEvent, LoggedEvent, ReasoningDelta, TextDelta, ToolInputDelta
from agent.log.contract import Close
from agent.log.memory import MemorySegment
from agent.log.redis.entries import StreamId, StreamLimits, kind_of, pack, stream_id_of
from agent.principal import RunKey

TEXT = frozenset({TextDelta, ReasoningDelta, ToolInputDelta})
"""Events that may wait for others. Everything else is sent at once."""
ENTRY_EVENTS = 256
CALL_ENTRIES = 8
"""Entries of one call: a server that lost everything gets it again in calls of bounded size."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a segment says what it does: send it, at once or soon · it has begun here · it was left · and goes on elsewhere."""

    send: Callable[["RedisSegment", bool], None]
    begun: Callable[[RunKey], None]
    left: Callable[[RunKey], None]
    handed: Callable[[RunKey], None]


class RedisSegment:
    """The segment of an attempt. It holds no events: those that Redis lacks are in this process's log."""

    __slots__ = (
        "_before",
        "_first",
        "_is_left",
        "_is_shut_out",
        "_key",
        "_limits",
        "_local",
        "_sending",
        "_sent",
        "_waiting",
        "_ways",
        "_writer",
        "attempt",
        "run",
    )

    def __init__(
        self,
        run: RunKey,
        attempt: int,
        local: MemorySegment,
        *,
        key: str,
        limits: StreamLimits,
        ways: "Ways",
    ) -> None:
        self.run = run
        self.attempt = attempt
        self._key = key
        self._local = local
        self._limits = limits
        self._ways = ways
        self._writer = token_hex(6)
        self._first: int | None = None
        """Where this attempt's events begin in the process's log."""
        self._sent = self._sending = 0
        self._before: StreamId | None = None
        self._is_left = self._is_shut_out = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def _events(self) -> Sequence[LoggedEvent]:
        return self._local.written

    @property
    def has_more(self) -> bool:
        """Whether there is something that was not taken."""
        return not self._is_shut_out and (self._sent < len(self._events) or self._is_left)

    @property
    def is_due(self) -> bool:
        """Whether what was not taken is not to wait for more: there is enough, or not only text, or somebody waits for it."""
        events = self._events
        if self._is_left or self._waiting or len(events) - self._sent >= self._limits.window_events:
            return True
        return any(type(events[number].event) not in TEXT for number in range(self._sent, len(events)))

    def append(self, event: AnyEvent) -> None:
        self._local.append(event)
        self._begun()
        has_enough = len(self._events) - self._sent >= self._limits.window_events
        self._ways.send(self, has_enough or type(event) not in TEXT)

    async def flush(self) -> None:
        await self._local.flush()
        await self._taken_by_all()

    async def close(self, how: Close) -> None:
        is_open = self._local.is_open
        if how == "handed":
            self._ways.handed(self.run)
        await self._local.close(how)
        if how == "handed":
            return  # whoever goes on with it writes behind what is there
        if how == "ended":
            self._begun()
            await self._taken_by_all()
        elif is_open and not self._is_shut_out:
            self._ways.left(self.run)
            self._is_left = True
            self._ways.send(self, True)
            with suppress(StaleAppendError):
                await self._taken_by_all()

    def _begun(self) -> None:
        if self._first is None:
            self._first = self._sent = len(self._events) - 1
            self._ways.begun(self.run)

    async def _taken_by_all(self) -> None:
        """Wait until Redis has what there is now, or does not answer."""
        if self.has_more:
            taken = asyncio.get_running_loop().create_future()
            self._waiting.append((len(self._events), taken))
            self._ways.send(self, True)
            await taken
        if self._is_shut_out:
            raise StaleAppendError(f"run {self.run.run_id}, attempt {self.attempt}")

    # What the outbox does with it.

    def next_call(self) -> list[str | bytes | int] | None:
        """Return the key and the arguments of the next append; None where there is nothing to add."""
        if not self.has_more:
            return None
        events, start = self._events, self._sent
        end = min(len(events), start + ENTRY_EVENTS * CALL_ENTRIES)
        self._sending = end
        call: list[str | bytes | int] = [
            self._key,
            self._key,
            int(self._limits.keep_s * 1000),
            self._writer,
            self.attempt,
            str(self._before or ""),
            self._oldest_kept(events, end),
        ]
        last = self._before
        for first in range(start, end, ENTRY_EVENTS):
            entry = events[first : min(end, first + ENTRY_EVENTS)]
            last = stream_id_of(entry[-1].id)
            call += (kind_of(entry), str(last), pack(entry))
        if self._is_left and end == len(events):
            last = StreamId(self.attempt, last.sequence + 1 if last is not None else 0)
            call += (b"l", str(last), b"")
        return call

    def _oldest_kept(self, events: Sequence[LoggedEvent], end: int) -> str:
        surplus = end - (self._first or 0) - self._limits.max_events
        return str(stream_id_of(events[(self._first or 0) + surplus].id)) if surplus > 0 else ""

    def taken(self) -> None:
        """Note that Redis has the events of the last call."""
        self._sent = self._sending
        if self._sent > (self._first or 0):
            self._before = stream_id_of(self._events[self._sent - 1].id)
        if self._sent == len(self._events):
            self._is_left = False
        self._wake()

    def go_on_after(self, last: StreamId) -> None:
        """Note that Redis has the events up to this id, and send those behind it: an answer, or a server, was lost."""
        first = self._first or 0
        known = {stream_id_of(one.id): index for index, one in enumerate(self._events[first:], start=first + 1)}
        self._sent = known.get(last, len(self._events))  # else it is the mark of one who left, behind the last event
        self._is_left = self._is_left and last in known
        self._before = last
        self._wake()

    def begin_again(self) -> None:
        """Send the newest events anew, as many as a log may have: Redis has forgotten all."""
        first = self._first or 0
        self._sent = max(first, len(self._events) - self._limits.max_events)
        self._before = None

    def shut_out(self) -> None:
        """Add nothing any more, and send the readers away: a later attempt writes the log."""
        self._is_shut_out = True
        self._local.leave()
        self.let_go()

    def let_go(self) -> None:
        """Wake whoever waits until Redis has the events, whether it has or not."""
        waiting, self._waiting = self._waiting, []
        for _, taken in waiting:
            if not taken.done():
                taken.set_result(None)

    def _wake(self) -> None:
        if not self.has_more:
            self.let_go()
        elif self._waiting:
            done = [one for one in self._waiting if one[0] <= self._sent]
            self._waiting = [one for one in self._waiting if one[0] > self._sent]
            for _, taken in done:
                if not taken.done():
                    taken.set_result(None)

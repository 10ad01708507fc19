"""The newest events of the runs that somebody here reads and that are written elsewhere, as they are published.

The invariant: what a tail holds is contiguous. A message that does not fit takes the place of all; whoever is behind it
reads the stream. So a lost message, or a lost connection, costs a read and no event.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from agent.errors import LogTrimmedError
from agent.events.schema import LoggedEvent
from agent.log.contract import next_batch
from agent.log.redis.entries import NO_ID, Message, StreamId, parse_message, stream_id_of, stream_key
from agent.principal import RunKey
from agent.redis.subscriber import Subscriber

TAIL_EVENTS = 128
TAIL_CHARACTERS = 16_384
"""The events and characters that a tail holds at most, and its last message. A reader that is further behind reads the stream."""


class Tail:
    """The tail of one run: what is heard of it, for all who read it here."""

    def __init__(self) -> None:
        self._before: StreamId | None = None
        """The id of the event before the first one here; None where nothing is known."""
        self._events: list[LoggedEvent] = []
        self._ids: list[StreamId] = []
        self._last = NO_ID
        self._characters = 0
        self.is_left = False
        """Whether nobody writes behind what was heard."""
        self._waiting: set[asyncio.Future[None]] = set()
        self.is_heard = False
        """Whether what is published is heard now."""
        self.heard_at = time.monotonic()
        self.doubts = 0
        """How often nothing was heard for long since something was."""
        self.changes = 0
        """How often there was something new; whoever has read the stream since it was so has all."""
        self.departures = 0
        """How often somebody left the run, or it was forgotten."""
        self.is_lost = False
        """Whether the run is over, and nobody will say so here."""
        self.readers = 0

    def heard_from_now_on(self) -> None:
        self.is_heard = True
        self._reset()

    def deaf(self) -> None:
        self.is_heard = False
        self._reset()

    def doubt(self) -> None:
        """Send whoever waits to the stream: nothing was heard for long."""
        self.heard_at = time.monotonic()
        self.doubts += 1
        self._reset()

    def hear(self, message: bytes) -> None:
        self.heard_at, self.doubts = time.monotonic(), 0
        try:
            self._take(parse_message(message))
        except (LogTrimmedError, ValueError, KeyError):  # of another release: the stream says what it can
            self._reset()

    def after(self, seen: StreamId) -> list[LoggedEvent] | None:
        """Return a batch of the events behind the one of this id; None where they are not known here."""
        if self._before is None or seen < self._before:
            return None
        return next_batch(self._events, bisect_right(self._ids, seen))

    async def heard(self) -> None:
        """Return when what is published is heard."""
        while not self.is_heard:
            await self.changed(since=self.changes)

    async def changed(self, *, since: int) -> None:
        """Return when there was something new."""
        if self.changes != since:
            return
        self._waiting.add(changed := asyncio.get_running_loop().create_future())
        try:
            await changed
        finally:
            self._waiting.discard(changed)

    def wake(self) -> None:
        """Wake whoever waits for something new."""
        self.changes += 1
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def depart(self) -> None:
        """Note that nobody writes the run's log: this is all there is for now."""
        self.departures += 1
        self.wake()

    def _reset(self) -> None:
        self._before, self._events, self._ids, self._characters = None, [], [], 0
        self.is_left = False
        self.wake()

    def _take(self, message: Message) -> None:
        before, entry = message
        if entry.kind == "gone":  # who reads it gets the rest as long as somebody writes it
            self.depart()
            return
        if self._before is None or before > self._last:
            self._before, self._events, self._ids, self._characters = before, [], [], 0
        elif entry.id <= self._last:
            return
        known = len(self._events)
        new = [one for one in entry.events if stream_id_of(one.id) > (self._ids[-1] if known else self._before)]
        self._events += new
        self._ids += map(stream_id_of, (one.id for one in new))
        self._characters += sum(map(_characters, new))
        if known and (len(self._events) > TAIL_EVENTS or self._characters > TAIL_CHARACTERS):
            self._before = self._ids[known - 1]
            self._events, self._ids = self._events[known:], self._ids[known:]
            self._characters = sum(map(_characters, new))
        self._last, self.is_left = entry.id, entry.kind == "left"
        self.departures += self.is_left
        self.wake()


def _characters(logged: LoggedEvent) -> int:
    return len(getattr(logged.event, "text", "")) + len(getattr(logged.event, "result", None) or "")


class Tails:
    """The tails of a process: one for each run that somebody reads here."""

    def __init__(self, subscriber: Subscriber, *, prefix: str) -> None:
        self._subscriber = subscriber
        self._prefix = prefix
        self._tails: dict[RunKey, Tail] = {}

    @contextmanager
    def reading(self, run: RunKey) -> Iterator[Tail]:
        """Give the run's tail for the block; it is there as long as somebody reads it."""
        tail = self._tails.get(run)
        if tail is None:
            tail = self._tails[run] = Tail()
            self._subscriber.add(stream_key(self._prefix, run), tail)
        tail.readers += 1
        try:
            yield tail
        finally:
            tail.readers -= 1
            if not tail.readers:
                del self._tails[run]
                self._subscriber.remove(stream_key(self._prefix, run))

    def wake(self, run: RunKey) -> None:
        """Wake the readers of a run: it is written here now."""
        if (tail := self._tails.get(run)) is not None:
            tail.wake()

    def depart(self, run: RunKey) -> None:
        """Tell the readers of a run that nobody writes its log for now."""
        if (tail := self._tails.get(run)) is not None:
            tail.depart()

    def lose(self, run: RunKey) -> None:
        """Tell the readers of a run that it is over, and that its log will not be ended."""
        if (tail := self._tails.get(run)) is not None:
            tail.is_lost = True
            tail.wake()

    async def watch(self, check: Callable[[RunKey], Awaitable[None]], *, silence_s: float) -> None:
        """Send the readers of silent runs to the stream, and `check` the runs that stay silent, until cancelled."""
        while True:
            await asyncio.sleep(silence_s / 4)
            until = time.monotonic() - silence_s
            for run, tail in list(self._tails.items()):
                if tail.heard_at < until:
                    tail.doubt()
                    if tail.doubts > 1 and tail.doubts.bit_count() == 1:  # at 2, 4, 8, …: ever more rarely
                        await check(run)

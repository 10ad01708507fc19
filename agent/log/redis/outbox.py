"""The events of this process's runs on their way to Redis: a flush takes what has come of all of them, in one pipeline.

The invariant: what was not taken is sent again, from the log that this process has anyway. So nothing is queued here,
and a server that comes back, emptied or not, gets what it lacks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

import structlog
from redis.exceptions import ResponseError

from agent import metrics
from agent.errors import FrontdeskError
from agent.log.redis.entries import parse_stream_id
from agent.log.redis.scripts import APPEND
from agent.log.redis.segment import RedisSegment
from agent.places import place_of
from agent.principal import RunKey
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError

logger = structlog.get_logger()

RETRY_S = 0.25
AT_ONCE = 256
"""Runs of one pipeline."""


class Standing(NamedTuple):
    """The standing of a run in the database, which cannot forget: its newest attempt, and whether it has its end."""

    attempt: int
    is_over: bool


Ask = Callable[[RunKey], Awaitable[Standing | None]]
"""Asks the database; None where the run is gone."""


class Outbox:
    """Sends what segments have; see `run`."""

    def __init__(self, client: RedisClient, *, window_s: float, standing: Ask) -> None:
        self._client = client
        self._window_s = window_s
        self._standing = standing
        self._soon: dict[RedisSegment, None] = {}
        self._urgent: dict[RedisSegment, None] = {}
        self._sending: list[RedisSegment] = []
        self._timer: asyncio.TimerHandle | None = None
        self._due = asyncio.Event()
        self._checking: set[asyncio.Task[None]] = set()
        self._failing_since: float | None = None

    @property
    def lag_s(self) -> float:
        """For how long Redis has taken nothing of what there is for it; 0 where the last flush was taken."""
        since = self._failing_since
        return 0.0 if since is None or self.is_empty else time.monotonic() - since

    @property
    def is_empty(self) -> bool:
        """Whether everything was taken."""
        return not (self._soon or self._urgent or self._sending or self._checking)

    def add(self, segment: RedisSegment, at_once: bool) -> None:
        """Send what a segment has: at once, or with what comes within the window."""
        if at_once:
            self._urgent[segment] = None
            self._due.set()
        else:
            self._soon[segment] = None
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._window_s, self._tick)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            self._sending, self._urgent = list(self._urgent), {}
            for segment in self._sending:
                self._soon.pop(segment, None)
            try:
                while self._sending:
                    await self._send(self._sending[:AT_ONCE])
                    del self._sending[:AT_ONCE]
            finally:
                if self._sending:  # something broke: nobody waits for ever
                    self._send_later(self._sending)
                    self._sending = []

    async def drained(self, *, timeout_s: float) -> None:
        """Wait until everything was taken, if Redis takes anything."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.is_empty and self._client.is_well:
                    self._tick()
                    await asyncio.sleep(0.01)
        for task in self._checking:
            task.cancel()

    def _tick(self) -> None:
        """Send all that has come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._urgent.update(self._soon)
        self._soon.clear()
        if self._urgent:
            self._due.set()

    async def _send(self, segments: list[RedisSegment]) -> None:
        calls = [(segment, call) for segment in segments if (call := _next_call(segment)) is not None]
        if not calls:
            return
        begun = time.monotonic()
        try:
            replies = await self._client.scripts(APPEND, [call for _, call in calls])
        except RedisAwayError:
            self._failing_since = self._failing_since or begun
            self._send_later(segments)
            return
        self._failing_since = None
        metrics.log_append_s.observe(time.monotonic() - begun)
        for (segment, _), reply in zip(calls, replies, strict=True):
            self._settle(segment, reply)

    def _send_later(self, segments: Iterable[RedisSegment]) -> None:
        """Let go whoever waits for Redis, and try again in a moment."""
        for segment in segments:
            segment.let_go()
            self._soon[segment] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RETRY_S, self._tick)

    def _settle(self, segment: RedisSegment, reply: object) -> None:
        match reply:
            case 1:
                segment.taken()
            case [b"behind", bytes(last)]:
                segment.go_on_after(parse_stream_id(last))
            case [b"lost", bytes()]:
                segment.let_go()
                task = asyncio.get_running_loop().create_task(self._check(segment))
                self._checking.add(task)
                task.add_done_callback(self._checking.discard)
                return
            case [b"stale", bytes()]:
                segment.shut_out()
            case ResponseError() as error if "equal or smaller" in str(error):
                segment.shut_out()
            case _:
                logger.error("log_append_refused", error=type(reply).__name__, reason=str(reply)[:200])
                self._send_later([segment])
                return
        if segment.has_more:
            self.add(segment, segment.is_due)

    async def _check(self, segment: RedisSegment) -> None:
        """Write again what Redis has forgotten, unless a later attempt has the run, which Redis may have forgotten, too."""
        try:
            standing = await self._standing(segment.run)
        except FrontdeskError as exc:
            logger.warning("log_owner_unknown", error=type(exc).__name__, where=place_of(exc))
            self._send_later([segment])
            return
        if standing is None or standing.attempt > segment.attempt:
            segment.shut_out()
        else:
            logger.warning("log_written_again", tenant=segment.run.tenant_id, run=str(segment.run.run_id))
            segment.begin_again()
            self.add(segment, True)


def _next_call(segment: RedisSegment) -> list[str | bytes | int] | None:
    """Return the next append; None where there is nothing to add, or what there is cannot be: that holds up no other run."""
    try:
        return segment.next_call()
    except (ValueError, TypeError, RecursionError) as exc:  # as msgspec says it
        run = segment.run
        logger.error("log_event_not_packed", tenant=run.tenant_id, run=str(run.run_id), error=type(exc).__name__)
        segment.let_go()
        return None

"""Reading a run's stream: what is stored, from any place on, or that it is not there any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import LogAwayError, LogTrimmedError
from agent.events.schema import START, EventId, LoggedEvent
from agent.log.redis.entries import Entry, parse_entry, stream_id_of, stream_key
from agent.principal import RunKey
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.reads import Reads

ENTRIES = 64
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a log: events that follow upon each other, and whether nothing is to come behind them."""

    events: list[LoggedEvent]
    is_over: bool


class Streams:
    """The streams of all runs, for those who read. Every method may raise LogAwayError."""

    def __init__(self, client: RedisClient) -> None:
        self._prefix = client.prefix
        self._reads = Reads(client.calls)

    async def begin(self, run: RunKey, after: EventId) -> Piece:
        """Return the first piece behind `after`; where the log begins with a later attempt, its first one.

        Raises:
            LogTrimmedError: there is no log that anybody writes or has ended, it lacks its beginning, or `after`.
        """
        key = stream_key(self._prefix, run)
        newest, oldest, behind = await self._calls(
            ("XREVRANGE", key, "+", "-", "COUNT", 1),
            ("XRANGE", key, "-", "+", "COUNT", 1),
            ("XRANGE", key, str(stream_id_of(after)), "+", "COUNT", ENTRIES),
        )
        if not newest or newest[0].kind in ("left", "gone"):
            raise LogTrimmedError(f"no log of run {run.run_id}")
        if after == START or after.attempt < oldest[0].id.attempt:
            return await self.behind(run, START)
        piece = _piece(behind)
        at = next((index for index, one in enumerate(piece.events, start=1) if one.id == after), None)
        if at is None:
            raise LogTrimmedError(f"{after} is not in the log")
        return Piece(piece.events[at:], piece.is_over)

    async def behind(self, run: RunKey, last: EventId) -> Piece:
        """Return the next piece behind an event that was read.

        Raises:
            LogTrimmedError: it does not follow: what was between is stored no longer.
        """
        key = stream_key(self._prefix, run)
        [entries] = await self._calls(("XRANGE", key, f"({stream_id_of(last)}", "+", "COUNT", ENTRIES))
        piece = _piece(entries)
        if piece.events and not follows(piece.events[0].id, last):
            raise LogTrimmedError(f"the log goes on with {piece.events[0].id} after {last}")
        return piece

    async def newest(self, run: RunKey) -> Entry | None:
        """Return the newest entry."""
        key = stream_key(self._prefix, run)
        [newest] = await self._calls(("XREVRANGE", key, "+", "-", "COUNT", 1))
        return newest[0] if newest else None

    async def _calls(self, *commands: tuple[Any, ...]) -> list[list[Entry]]:
        try:
            replies = await self._reads.calls(*commands)
        except RedisAwayError as exc:
            raise LogAwayError(str(exc)) from exc
        return [[parse_entry(one) for one in reply] for reply in replies]


def follows(event_id: EventId, last: EventId) -> bool:
    """Return whether an event is the next one after another: of the same attempt, or the first one of a later."""
    if event_id.attempt == last.attempt:
        is_between = event_id.n == last.n and event_id.between == last.between + 1
        return is_between or (event_id.n == last.n + 1 and event_id.between == 0)
    return event_id.attempt > last.attempt and event_id.n + event_id.between == 1


def _piece(entries: Sequence[Entry]) -> Piece:
    events = [event for entry in entries for event in entry.events]
    return Piece(events, bool(entries) and entries[-1].kind in ("closed", "left"))

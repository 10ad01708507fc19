"""Logs in tests: events to tell, and their writing and reading."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from agent.errors import LogTrimmedError
from agent.events.schema import AnyEvent, EventId, LogClosed, LoggedEvent, TextDelta
from agent.log.contract import EventLog, Segment
from agent.principal import RunKey

RUN = RunKey("acme", UUID(int=7))


def told(count: int, *, closed: bool = True) -> list[LoggedEvent]:
    """Return so many pieces of text as the first attempt's log has them, and the close."""
    events: list[AnyEvent] = [TextDelta(str(n)) for n in range(1, count + 1)]
    events += [LogClosed()] if closed else []
    return [LoggedEvent(EventId(1, n), event) for n, event in enumerate(events, start=1)]


async def write(segment: Segment, events: Sequence[LoggedEvent]) -> None:
    """Write events as an attempt does; it gives them their ids itself."""
    for logged in events:
        if isinstance(logged.event, LogClosed):
            await segment.close("ended")
        else:
            segment.append(logged.event)
    if events and not isinstance(events[-1].event, LogClosed):
        await segment.flush()


async def collect(reader: AsyncGenerator[list[LoggedEvent]]) -> list[LoggedEvent]:
    """Return all that a reader gets."""
    async with asyncio.timeout(60):
        return [logged async for batch in reader for logged in batch]


async def is_there(log: EventLog, run: RunKey) -> bool:
    """Return whether there is something to read of a run."""
    try:
        await log.read(run)
    except LogTrimmedError:
        return False
    return True

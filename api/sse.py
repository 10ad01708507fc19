"""A reader of a run's log as a response of server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent

from agent.events import LoggedEvent
from api.protocols import native

PING_S = 15
SEND_TIMEOUT_S = 30.0
"""A client that does not read for this long is cut; its run goes on."""

Reader = AsyncGenerator[list[LoggedEvent]]


def event_stream(reader: Reader, *, headers: Mapping[str, str]) -> EventSourceResponse:
    """Return the stream of a reader's events. When the client goes, the reader is closed and the run goes on."""
    return EventSourceResponse(
        _frames(reader),
        headers={"Cache-Control": "no-cache, no-transform", **headers},
        sep="\n",
        ping=PING_S,
        ping_message_factory=_ping,
        send_timeout=SEND_TIMEOUT_S,
    )


async def _frames(reader: Reader) -> AsyncIterator[bytes]:
    prefix = native.RETRY
    async with aclosing(reader) as batches:
        async for batch in batches:
            yield prefix + native.encode(batch)
            prefix = b""


def _ping() -> ServerSentEvent:
    return ServerSentEvent(comment="ping", sep="\n")

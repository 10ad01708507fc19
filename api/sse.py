"""A reader of a run's log as a response of server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent

from agent.events import LoggedEvent
from api.protocols import native

PING_S = 10.0
"""Well inside the 15 s that clients are promised. A client that stops reading is found out by the second ping at the latest."""

Reader = AsyncGenerator[list[LoggedEvent]]


def event_stream(reader: Reader, *, headers: Mapping[str, str], send_timeout_s: float) -> EventSourceResponse:
    """Return the stream of a reader's events. When the client goes, the reader is closed and the run goes on.

    A client that takes nothing for `send_timeout_s` is gone. Until then it costs a few batches, which the log bounds.
    """
    return EventSourceResponse(
        _frames(reader),
        headers={"Cache-Control": "no-cache, no-transform", **headers},
        sep="\n",
        ping=PING_S,
        ping_message_factory=_ping,
        send_timeout=send_timeout_s,
    )


async def _frames(reader: Reader) -> AsyncIterator[bytes]:
    prefix = native.RETRY
    async with aclosing(reader) as batches:
        async for batch in batches:
            yield prefix + native.encode(batch)
            prefix = b""


def _ping() -> ServerSentEvent:
    return ServerSentEvent(comment="ping", sep="\n")

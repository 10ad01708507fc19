"""A reader of a run's log as a response of server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Message, Receive, Scope, Send

from agent.events.schema import LoggedEvent
from agent.store.runs import Run
from api.doors import MEANS_NOTHING
from api.handover import hand_over
from api.protocols import native
from api.protocols.contract import WireProtocol

PING_S = 10.0
"""Well inside the 15 s that clients are promised. A client that stops reading is found out by the second ping at the latest."""
PING = b": ping\n\n"

Reader = AsyncGenerator[list[LoggedEvent]]


def run_headers(run: Run) -> dict[str, str]:
    """Return the headers by which every answer names its run."""
    return {"X-Conversation-Id": str(run.conversation_id), "X-Run-Id": str(run.id)}


def stream_headers(run: Run) -> dict[str, str]:
    """Return the headers of a run's stream: which run it is, and where to read on after a cut."""
    return {**run_headers(run), "Location": f"/runs/{run.id}/events"}


def event_stream(
    reader: Reader, *, headers: Mapping[str, str], send_timeout_s: float, protocol: WireProtocol = native.PROTOCOL
) -> EventSourceResponse:
    """Return the stream of a reader's events in a protocol. When the client goes, the reader is closed and the run goes on.

    A client that does not take a ping within `send_timeout_s` is gone. Until then it costs a few batches, which the log
    bounds.
    """
    return _EventStream(
        _frames(reader, protocol),
        headers={"Cache-Control": "no-cache, no-transform", **protocol.headers, **headers},
        sep="\n",
        ping=PING_S,
        ping_message_factory=_ping,
        send_timeout=send_timeout_s,
    )


class _EventStream(EventSourceResponse):
    """Three tasks beside the request's own, not five, and a time limit on pings only.

    Left out is the watch for the server's stop: the runner ends streams when it drains. A limit around every frame would
    cost more than making and sending it; where a frame waits for a client that does not read, the next ping waits too.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[MEANS_NOTHING] = PING
        if not hand_over(scope, self._send):
            await self._send(receive, send)

    async def _send(self, receive: Receive, send: Send) -> None:
        """Stream until the end, the client's leaving or a failure. A task group would cost as much memory as the three tasks."""
        work = self._stream_response(send), self._listen_for_disconnect(receive), self._ping(send)
        tasks = [asyncio.create_task(one) for one in work]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        if message.get("body") == PING:
            await super()._send_with_timeout(send, message)
        else:
            await send(message)


async def _frames(reader: Reader, protocol: WireProtocol) -> AsyncIterator[bytes]:
    encoder, prefix = protocol.encoder(), protocol.preamble
    async with aclosing(reader) as batches:
        async for batch in batches:
            if frames := encoder.encode(batch):
                yield prefix + frames
                prefix = b""
    if last := encoder.leave():
        yield last


def _ping() -> ServerSentEvent:
    return ServerSentEvent(comment="ping", sep="\n")

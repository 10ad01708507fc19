"""A reader of a run's log as a response of server-sent events."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from agent.events.schema import LoggedEvent
from agent.store.runs import Run
from api.doors import MEANS_NOTHING, STRAIGHT
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
    """Two tasks beside the request's own, not five, and a time limit on pings only.

    Left out is the watch for the server's stop: the runner ends streams when it drains. A limit around every frame would
    cost more than making and sending it; where a frame waits for a client that does not read, the next ping waits too.
    """

    def __init__(self, frames: AsyncGenerator[bytes], **options: Any) -> None:
        super().__init__(frames, **options)
        self._frames = frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state[MEANS_NOTHING] = PING
        self._straight = state.get(STRAIGHT, send)

        async def stream() -> None:
            await self._stream_response(send)
            group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(stream)
                group.start_soon(self._ping, send)
                await self._listen_for_disconnect(receive)
                group.cancel_scope.cancel()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def _stream_response(self, send: Send) -> None:
        """Send the head as every answer is sent, and what follows straight to the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._frames) as frames:
            async for body in frames:
                await self._straight({"type": "http.response.body", "body": body, "more_body": True})
        async with self._send_lock:
            self.active = False
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _frames(reader: Reader, protocol: WireProtocol) -> AsyncGenerator[bytes]:
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

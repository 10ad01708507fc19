"""A reader of a run's log as a response of server-sent events, or of what else a protocol's frames are."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import anyio
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from agent.events.schema import START, EventId, LoggedEvent
from agent.store.runs import Run
from api.doors import CONNECTION, MEANS_NOTHING, STRAIGHT
from api.encodings import EMPTY_BLOCK, compressed
from api.handover import hand_over
from api.protocols import native
from api.protocols.contract import BrokenOffError, WireProtocol
from api.protocols.resuming import Rest

PING_S = 10.0
"""Well inside the 15 s that clients are promised. A client that stops reading is found out by the second ping at the latest."""

Reader = AsyncGenerator[list[LoggedEvent]]


def run_headers(run: Run) -> dict[str, str]:
    """Return the headers by which every answer names its run."""
    return {"X-Conversation-Id": str(run.conversation_id), "X-Run-Id": str(run.id)}


def stream_headers(run: Run, protocol: WireProtocol = native.PROTOCOL) -> dict[str, str]:
    """Return the headers of a run's stream: which run it is, and where to read on after a cut."""
    if protocol.replay == "whole":
        return run_headers(run)
    form = f"?format={protocol.name}" if protocol.replay == "rest" else ""
    return {**run_headers(run), "Location": f"/runs/{run.id}/events{form}"}


def frame_stream(
    frames: AsyncGenerator[bytes],
    protocol: WireProtocol,
    *,
    headers: Mapping[str, str],
    send_timeout_s: float,
    is_compressed: bool,
) -> EventSourceResponse:
    """Return the stream of a reader's frames. When the client goes, the reader is closed and the run goes on.

    A client that does not take a ping within `send_timeout_s` is gone. Until then it costs a few batches, which the log
    bounds.
    """
    encoding = {"Content-Encoding": "gzip"} if is_compressed else {}
    return _EventStream(
        frames,
        protocol,
        headers={"Cache-Control": "no-cache, no-transform", **protocol.headers, **headers, **encoding},
        send_timeout_s=send_timeout_s,
    )


class _EventStream(EventSourceResponse):
    """Two tasks beside the request's own, not five, and a time limit on pings only.

    Left out is the watch for the server's stop: the runner ends streams when it drains. A limit around every frame would
    cost more than making and sending it; where a frame waits for a client that does not read, the next ping waits too, also
    one of a protocol that has none: that is a piece of no bytes.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        protocol: WireProtocol,
        *,
        headers: Mapping[str, str],
        send_timeout_s: float,
    ) -> None:
        self._frames = frames
        self._nothing = protocol.ping
        super().__init__(
            frames,
            headers=headers,
            media_type=protocol.media_type,
            sep="\n",
            ping=PING_S,
            ping_message_factory=lambda: protocol.ping,  # type: ignore[arg-type, return-value] # bytes go out as they are
            send_timeout=send_timeout_s,
        )
        # Free, it is taken at once: anyio's lets the loop turn first, and keeps a queue where nobody waits.
        self._send_lock = asyncio.Lock()  # type: ignore[assignment] # it is only entered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        if self._nothing and "content-encoding" not in self.headers:
            state[MEANS_NOTHING] = self._nothing
        sending = partial(self._send, state)
        if not hand_over(scope, sending):
            await sending(receive, send)

    async def _send(self, state: dict[str, Any], receive: Receive, send: Send) -> None:
        """Stream until the end, the client's leaving or a failure: here, beside two tasks that watch for the client and ping."""
        straight = state.get(STRAIGHT, send)
        if "content-encoding" in self.headers:
            straight = compressed(straight, lambda: state.update({MEANS_NOTHING: EMPTY_BLOCK}))
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for name in ("raw_headers", "_headers"):  # an open stream mostly waits, and its head is a kilobyte
            vars(self).pop(name, None)
        watches = [asyncio.create_task(one) for one in (self._listen_for_disconnect(receive), self._ping(straight))]
        try:
            with anyio.CancelScope() as connected:
                for watch in watches:
                    watch.add_done_callback(lambda ended: None if ended.cancelled() else connected.cancel())
                await self._stream(straight, state)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
        for watch in watches:
            if not watch.cancelled():
                watch.result()

    async def _stream(self, straight: Send, state: dict[str, Any]) -> None:
        """Send what follows the head straight to the connection: it needs nothing of what is around a request."""
        try:
            async with aclosing(self._frames) as frames:
                async for body in frames:
                    await straight({"type": "http.response.body", "body": body, "more_body": True})
        except BrokenOffError:
            await self._break_off(state[CONNECTION])
            return
        async with self._send_lock:
            await straight({"type": "http.response.body", "body": b"", "more_body": False})
            self.active = False  # not before: what watches ends with that, and with it what waits to be sent

    async def _break_off(self, connection: asyncio.Transport) -> None:
        """Close the connection in the middle of the answer, behind what was sent; soon, also where nobody reads that."""
        connection.close()
        with anyio.move_on_after(self.send_timeout):
            await anyio.sleep_forever()  # until it is closed, which ends this task
        connection.abort()


async def frames_of(reader: Reader, protocol: WireProtocol, after: EventId) -> AsyncGenerator[bytes]:
    """Yield a reader's events in a protocol. `after` is where the client was, of one that is told again up to there and goes on behind it."""
    encoder, prefix = protocol.encoder(), protocol.preamble
    told = Rest(encoder, after) if protocol.replay == "rest" and after != START else encoder
    async with aclosing(reader) as batches:
        async for batch in batches:
            if frames := told.encode(batch):
                yield prefix + frames
                prefix = b""
            if protocol.is_over(encoder):
                break
    try:
        last = told.leave()
    except BrokenOffError as exc:
        if exc.last:
            yield prefix + exc.last
        raise
    if last:
        yield prefix + last

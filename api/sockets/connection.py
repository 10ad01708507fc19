"""A connection that speaks as a WebSocket: uvicorn's, in the seat of the HTTP connection that it was, with bounds of ours.

The invariant: whatever a client sends or does not read, it costs no more memory than a message of the largest size and what
the transport holds. A client that takes nothing for the time limit is cut, found out by a ping at the latest.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from api.connections import BoundedConnection

SocketPhase = Literal["silent", "idle", "busy"]
"""Has not said who it is · waits for nothing · reads or asks for something."""
CONNECTION = "connection"
"""The key in a socket's state by which the app finds its connection, to tell it what the client is doing."""
PING_S = 10.0
COMPRESSED_FROM_BYTES = 1024
"""Shorter messages are sent as they are: a token is not worth its compression."""
MAX_FRAGMENTS = 1024
MAX_UNREAD = 1000
"""Messages that came in one piece and are not read yet: an empty one is six bytes on the wire, and three hundred here."""
SLICE_BYTES = 16 * 1024
"""So much is read at a time, so that what comes behind too many is not looked at."""
MAX_CONTROLS = 200
"""Pings and pongs of a client between two pings of ours."""
LEAVE_S = 5.0
"""How long a client that makes room may take to say goodbye."""


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket, which gives its seat back when it is gone."""

    def __init__(self, connection: "BoundedConnection") -> None:
        super().__init__(connection.config, connection.server_state, {**connection.app_state, CONNECTION: self})
        self._connection = connection
        self._paused_at: float | None = None
        self._controls = 0
        self.ping_interval = PING_S
        self.ping_timeout = None  # who reads slowly answers late; what counts is that they take what is sent
        self.conn = ServerProtocol(
            extensions=[
                ServerPerMessageDeflateFactory(
                    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
                )
            ],
            max_size=connection.most_message_bytes,
            logger=self.logger,
        )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE_BYTES])

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= MAX_UNREAD:
            self.frames = []
            self.transport.abort()
            return
        super().send_receive_event_to_app()

    def pause_writing(self) -> None:
        self._paused_at = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._paused_at = None
        super().resume_writing()

    def wait_as(self, doing: SocketPhase) -> None:
        """Say what the client is doing: who waits for nothing makes room for newcomers, when there is no other."""
        self._connection.wait_as(doing)

    @property
    def has_unread(self) -> bool:
        """Whether the client has said something that nobody has looked at."""
        return not self.queue.empty()

    def leave(self) -> None:
        """Say that there is no room, and go; who does not answer is cut."""
        self.end(CloseCode.TRY_AGAIN_LATER)

    def end(self, code: int) -> None:
        """Close with this code, unless a close is under way."""
        if self.close_sent or not self.handshake_complete or self.transport.is_closing():
            self.transport.abort()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = asyncio.get_running_loop().call_later(LEAVE_S, self.transport.abort)

    def send_keepalive_ping(self) -> None:
        self._controls = 0
        if self._paused_at is not None and time.monotonic() - self._paused_at > self._connection.stalled_s:
            self.transport.abort()
            return
        super().send_keepalive_ping()

    def handle_ping(self) -> None:
        self._count_control()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count_control()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self.transport.abort()
            return
        super().handle_cont(event)

    def _count_control(self) -> None:
        """Cut a client that does little else than make us answer."""
        self._controls += 1
        if self._controls > MAX_CONTROLS:
            self.transport.abort()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # by a refusal; uvicorn would miss it, and say so

    async def say(self, text: str) -> None:
        """Send a text when the client has room for it; a short one as it is, in one write.

        Raises:
            ClientDisconnected: nothing goes to this client any more.
        """
        if self._paused_at is not None:
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not OPEN:
            raise ClientDisconnected
        if len(text) >= COMPRESSED_FROM_BYTES:
            self.conn.send_text(text.encode())
            self.transport.write(b"".join(self.conn.data_to_send()))
            return
        data = text.encode()
        size = len(data)
        head = b"\x81%c" % size if size < 126 else b"\x81\x7e" + size.to_bytes(2)
        self.transport.write(head + data)

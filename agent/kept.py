"""Connections that are kept for the next request, whoever makes it.

The invariant: the answer to one request is never taken for that to another. Bytes that nobody asked for, and the end of a
connection, are found before it is used again; aiohttp alone would give an answer that came unasked to whoever is next.
"""

from functools import partial
from select import POLLIN, poll
from typing import Any

from aiohttp import ClientError, ClientPayloadError, ServerDisconnectedError, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

from agent.pooled import MOST_INTERIM

SWITCHED = 101
MOST_UNREAD = 16
"""Heads that nobody has read yet: interim answers, and answers that nobody asked for."""


class QuietHandler(ResponseHandler):
    """A connection that is not kept behind an answer after which something else than HTTP may come, or another answer.

    One whose server sends answers without end is closed.
    """

    _interim = 0

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of an answer."""
        if self.transport is None:
            return  # it was closed for one before it
        code = data[0].code
        if code == SWITCHED:
            self.force_close()
        self._interim = self._interim + 1 if code < 200 else 0
        if self._interim > MOST_INTERIM or len(self._buffer) >= MOST_UNREAD:
            self.refuse("the server sends answers without end")
            return
        super().feed_data(data, size)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Tell who waits for an answer that there is none, and who reads its body: aiohttp leaves that one waiting for its time."""
        super().set_exception(exc, *cause)
        body = self._payload
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(exc if isinstance(exc, ClientError) else ClientPayloadError("the body is none"))

    def refuse(self, reason: str) -> None:
        """Close the connection at once, whatever is still to be sent; who waits for an answer hears that there is none."""
        if self.transport is None:
            return
        self._buffer.clear()
        self.set_exception(ServerDisconnectedError(reason))
        exception = self._exception
        self.abort()
        self._exception = exception  # who comes to read later has to hear of it, too


class QuietConnector(TCPConnector):
    """Gives out kept connections on which nothing has happened since their last answer, and closes the others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        assert self._factory.func is ResponseHandler
        made = partial(QuietHandler, *self._factory.args, **self._factory.keywords)
        self._factory = made  # type: ignore[assignment] # the same, and more careful

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            if _is_quiet(connection):
                return connection
            connection.close()
        return None


def _is_quiet(connection: Connection) -> bool:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return False
    sock: Any = transport.get_extra_info("socket")
    waiting = poll()
    waiting.register(sock.fileno(), POLLIN)
    return not waiting.poll(0)

"""Connections that are kept for the next request, whoever makes it.

The invariant: the answer to one request is never taken for that to another. Bytes that nobody asked for, and the end of a
connection, are found before it is used again; aiohttp alone would give an answer that came unasked to whoever is next.
"""

from functools import partial
from select import POLLIN, poll
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

SWITCHED = 101


class QuietHandler(ResponseHandler):
    """A connection that is not kept behind an answer after which something else than HTTP may come, or another answer."""

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take the head of an answer."""
        if data[0].code == SWITCHED:
            self.force_close()
        super().feed_data(data, size)


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

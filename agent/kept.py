"""Connections that are kept for the next request, whoever makes it.

The invariant: the answer to one request is never taken for that to another. Bytes that nobody asked for, and the end of a
connection, are found before it is used again; aiohttp alone would give an answer that came unasked to whoever is next.
"""

from select import POLLIN, poll
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class QuietConnector(TCPConnector):
    """Gives out kept connections on which nothing has happened since their last answer, and closes the others."""

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

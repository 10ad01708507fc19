"""Connections of httpx2 that are kept for the next request, whoever makes it: what `kept` is for aiohttp.

The invariant is the same one. httpx2 looks at the socket alone before it uses a connection again, and what it has read from
there with the last answer, and nobody asked for, would be the answer to the next request.
"""

import re
from collections.abc import Callable
from ssl import SSLError, SSLWantReadError
from typing import Any

from anyio.streams.tls import TLSAttribute, TLSStream
from httpcore2 import RemoteProtocolError
from httpx2 import AsyncHTTPTransport

MOST_INTERIM = 100
"""Interim answers (1xx) to one request. Some servers send one every few seconds while they work."""
_END = re.compile(rb"\n\r?\n")
"""Of a head, as the parser finds it."""
_IS_INTERIM = re.compile(rb"HTTP/\d\.\d 1(?!01)")


def keep_quiet(transport: AsyncHTTPTransport) -> AsyncHTTPTransport:
    """Let a transport use no connection again on which more has come than was asked for, and count interim answers; return it.

    Raises:
        AttributeError: this version of httpx2 makes its connections in another way.
    """
    pool: Any = transport._pool
    make, backend = pool.create_connection, pool._network_backend
    connect = backend.connect_tcp

    async def connect_tcp(*where: Any, **how: Any) -> Any:
        return _counting(await connect(*where, **how))

    backend.connect_tcp = connect_tcp

    def create(origin: object) -> Any:
        connection = make(origin)
        connection.has_expired = _or_unasked(connection, connection.has_expired)
        return connection

    pool.create_connection = create
    return transport


class _Heads:
    """The heads of the answer to one request, as they come: who waits for the last one would read the others without end."""

    def __init__(self) -> None:
        self._is_over = True
        self._count = 0
        self._seen = bytearray()

    def begin(self) -> None:
        """Begin with a request."""
        self._is_over, self._count = False, 0
        self._seen.clear()

    def look_at(self, data: bytes) -> None:
        """Count those that are whole with what came.

        Raises:
            RemoteProtocolError: there are too many.
        """
        if self._is_over:
            return
        start = max(0, len(self._seen) - 2)
        self._seen += data
        while (end := _END.search(self._seen, start)) is not None:
            self._is_over = _IS_INTERIM.match(self._seen) is None
            if self._is_over:
                self._seen.clear()
                return
            self._count += 1
            if self._count > MOST_INTERIM:
                raise RemoteProtocolError("the server sends answers without end")
            start, self._seen = 0, self._seen[end.end() :]


def _counting(stream: Any) -> Any:
    """Return a stream of which no more interim answers are read than there may be."""
    heads = _Heads()
    read, write, start_tls = stream.read, stream.write, stream.start_tls

    async def hear(most_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = await read(most_bytes, timeout)
        heads.look_at(data)
        return data

    async def say(data: bytes, timeout: float | None = None) -> None:
        heads.begin()
        await write(data, timeout)

    async def secure(*how: Any, **more: Any) -> Any:
        return _counting(await start_tls(*how, **more))

    stream.read, stream.write, stream.start_tls = hear, say, secure
    return stream


def _or_unasked(connection: Any, has_expired: Callable[[], bool]) -> Callable[[], bool]:
    def check() -> bool:
        return has_expired() or (connection.is_idle() and _has_unasked(connection))

    return check


def _has_unasked(connection: Any) -> bool:
    """Return whether an idle connection holds bytes that were read from its socket and belong to no answer."""
    while hasattr(connection, "_connection"):  # a proxy's is around the one that speaks HTTP
        connection = connection._connection
    if connection is None:
        return False  # it was never made
    parsed, _ = connection._h11_state.trailing_data
    return bool(parsed) or _is_read_ahead(connection._network_stream._stream)


def _is_read_ahead(stream: Any) -> bool:
    """Return whether a stream holds bytes that nobody has taken from it. Those of an idle one are good for nothing else."""
    while isinstance(stream, TLSStream):
        try:
            stream.extra(TLSAttribute.ssl_object).read(1)  # noqa: S610 (a stream's, and no query's)
        except SSLWantReadError:  # as it should be: there is no whole record
            stream = stream.transport_stream
        except SSLError:
            return True
        else:
            return True
    return bool(stream._protocol.read_queue)

"""Connections of httpx2 that are kept for the next request, whoever makes it: what `kept` is for aiohttp.

The invariant is the same one. httpx2 looks at the socket alone before it uses a connection again, and what it has read from
there with the last answer, and nobody asked for, would be the answer to the next request.
"""

from collections.abc import Callable
from ssl import SSLError, SSLWantReadError
from typing import Any

from anyio.streams.tls import TLSAttribute, TLSStream
from httpx2 import AsyncHTTPTransport


def keep_quiet(transport: AsyncHTTPTransport) -> AsyncHTTPTransport:
    """Let a transport use no connection again on which more has come than was asked for; return it.

    Raises:
        AttributeError: this version of httpx2 makes its connections in another way.
    """
    pool: Any = transport._pool
    make = pool.create_connection

    def create(origin: object) -> Any:
        connection = make(origin)
        connection.has_expired = _or_unasked(connection, connection.has_expired)
        return connection

    pool.create_connection = create
    return transport


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

"""The heads of a backend's answers, bounded: aiohttp bounds each of them, and keeps as many as a server sends at once."""

from functools import partial

import aiohttp
from aiohttp.client_proto import ResponseHandler

PIECE_BYTES = 16 * 1024
"""Bytes that are parsed at once."""
MOST_UNREAD = 16
"""Heads that nobody has read yet: interim answers, and answers that nobody asked for."""


class BoundedHandler(ResponseHandler):
    """A connection that is closed where its server sends heads without end."""

    def data_received(self, data: bytes) -> None:
        """Parse what came, a piece at a time, until there is too much of it."""
        if len(data) <= PIECE_BYTES:
            super().data_received(data)
            self._check()
            return
        for start in range(0, len(data), PIECE_BYTES):
            if self.transport is None:
                return
            super().data_received(data[start : start + PIECE_BYTES])
            self._check()

    def _check(self) -> None:
        if len(self._buffer) > MOST_UNREAD and self.transport is not None:
            self._buffer.clear()
            self.set_exception(aiohttp.ServerDisconnectedError("the server sends answers without end"))
            self.close_now()

    def close_now(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
        exception = self._exception
        self.abort()
        self._exception = exception  # whoever waits for a head has to hear of it


def bound_heads(session: aiohttp.ClientSession) -> None:
    """Let all connections of a session be bounded.

    Raises:
        AttributeError: this version of aiohttp makes its connections in another way.
    """
    connector = session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    make = connector._factory
    assert make.func is ResponseHandler
    connector._factory = partial(BoundedHandler, *make.args, **make.keywords)  # type: ignore[assignment] # the same, bounded

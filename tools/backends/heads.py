"""The heads of a backend's answers, bounded: aiohttp bounds each of them, and keeps as many as a server sends at once."""

from functools import partial

import aiohttp

from agent.kept import QuietHandler

PIECE_BYTES = 16 * 1024
"""Bytes that are parsed at once."""
MOST_HEAD_BYTES = 256 * 1024
"""Of one head. aiohttp bounds each header and their number, which together are more than a process should hold for an answer."""
END = b"\r\n\r\n"
"""Of a head."""


class BoundedHandler(QuietHandler):
    """A connection that is closed where its server sends heads without end."""

    _head_bytes = 0
    """Of a head that is not whole yet, about."""
    _seen = b""
    """The last bytes of such a head: its end may be cut in two."""

    def data_received(self, data: bytes) -> None:
        """Parse what came, a piece at a time, until there is too much of it."""
        if len(data) <= PIECE_BYTES:
            self._parse(data)
            return
        for start in range(0, len(data), PIECE_BYTES):
            if self.transport is None:
                return
            self._parse(data[start : start + PIECE_BYTES])

    def _parse(self, data: bytes) -> None:
        """Parse each head by itself: a body behind a 204, which is against the rules, would take the answer with it."""
        while not self._is_in_body and (end := self._end_of_head(data)):
            self._feed(data[:end])
            data = data[end:]
            if not data or self.transport is None:
                return
        self._feed(data)  # also where there is none: so what was held back is gone on with

    @property
    def _is_in_body(self) -> bool:
        return self._payload is not None and not self._payload.is_eof()

    def _end_of_head(self, data: bytes) -> int:
        """Return where in `data` the head ends that it begins or goes on with; 0 where it does not."""
        seen = self._seen + data
        end = seen.find(END)
        behind = end + len(END) - len(self._seen) if end >= 0 else 0
        self._seen = b"" if behind else seen[1 - len(END) :]
        return behind

    def _feed(self, data: bytes) -> None:
        before = len(self._buffer)
        super().data_received(data)
        is_head = not self._is_in_body and len(self._buffer) <= before
        self._head_bytes = self._head_bytes + len(data) if is_head else 0
        if self._head_bytes > MOST_HEAD_BYTES:
            self.refuse("the server sends a head without end")


def bound_heads(session: aiohttp.ClientSession) -> None:
    """Let all connections of a session be bounded.

    Raises:
        AttributeError: this version of aiohttp makes its connections in another way.
    """
    connector = session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    make = connector._factory
    assert make.func is QuietHandler
    connector._factory = partial(BoundedHandler, *make.args, **make.keywords)  # type: ignore[assignment] # the same, bounded

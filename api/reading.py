"""Requests as they are read from a connection: strictly, and no more of a head than may be.

The invariant: nobody on the way reads another end of a request, or other headers, than we do. What stands behind a body is
no header; an offer to speak another protocol is passed over, as if it had not been made, unless it is a whole offer of a
WebSocket, where there is one, and the connection takes it up.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Container, Sequence
from typing import Any, Literal

import httptools
from fastapi import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import problem

HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
"""The names that a request may be for."""
MOST_WAITING = 100
"""Requests that came behind another one on their connection, and wait for it: one reading may bring ten thousand, of 2 KB each here."""
SOCKET_PATH = b"/ws"
SOCKET_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
"""Sixteen bytes in base64."""
TOO_LONG = problem(431, "payload_too_large", "The request is too large", "The headers are too long.")
MALFORMED = problem(400, "invalid_request", "The request is not valid", "The request is not readable as HTTP/1.1.")


class RequestReader(HttpToolsProtocol, ABC):
    """uvicorn's connection, as far as it reads."""

    # With more than thirty attributes an object's dictionary is its own, which takes a kilobyte more.
    __slots__ = ("_head_bytes", "_offered", "_read_bytes", "reading")
    most_head_bytes: int
    socket_paths: frozenset[bytes]
    """Where a WebSocket may be offered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: Literal["head", "body"] | None = None
        self._head_bytes = 0
        self._read_bytes = 0
        """Bytes that were read and stand in no head that was counted, and in no body: those of an unfinished head."""
        self._offered = b""
        """The head of a request that offers another protocol, without that where it is passed over."""
        self._takes_up = False

    @abstractmethod
    def refuse(self, answer: Response) -> None:
        """Send an answer in place of the app's, and close."""

    @abstractmethod
    def may_upgrade(self) -> bool:
        """Return whether the offer of a WebSocket, whose head was just read, can be taken up now."""

    @abstractmethod
    def upgrade(self, data: bytes) -> None:
        """Speak as a WebSocket from here on; `data` is the offer's head and what came behind it."""

    def read(self, data: bytes) -> None:
        """Read what came: requests begin, go on and end."""
        self._unset_keepalive_if_required()
        self._read_bytes = len(data) + (self._read_bytes if self.reading == "head" else 0)
        while data:
            try:
                self.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                # The parser would read nothing more: not the body that comes with the offer, and no further request.
                data = self._offered + data[upgrade.args[0] :]
                if self._takes_up:
                    self.upgrade(data)
                    return
                self._read_bytes, self._offered = len(data), b""
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            except httptools.HttpParserError:
                self.refuse(TOO_LONG if self._is_head_too_long else MALFORMED)
                return
        if self.reading == "head" and self._is_head_too_long:
            self.refuse(TOO_LONG)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MOST_WAITING:
            raise ValueError("too many requests wait behind each other")  # those are answered, and then nobody listens
        self.reading = "head"
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(b": \r\n"))
        if self.reading == "head":  # and not behind a body: the app has looked at the headers by then
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._takes_up = self._offers_socket() and self.may_upgrade()
            self._offered = self._head(b"" if self._takes_up else b"upgrade")
            return
        self.reading = "body"
        self._read_bytes -= self._head_bytes
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._read_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offered:
            return
        self.reading = None
        super().on_message_complete()

    def _offers_socket(self) -> bool:
        return is_socket_offer(self.parser, self.url, self.headers, self.socket_paths)

    @property
    def _is_head_too_long(self) -> bool:
        unfinished = self._read_bytes if self.reading == "head" else 0
        return max(self._head_bytes, unfinished) > self.most_head_bytes

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.most_head_bytes:
            raise ValueError("the head is too long")  # the parser stops, and `read` says why

    def _head(self, left_out: bytes) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise ValueError("nobody is connected to anywhere")
        lines = [b"%b: %b" % one for one in self.headers if one[0] != left_out]
        first = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([first, *lines, b"", b""])


def is_socket_offer(
    parser: httptools.HttpRequestParser, url: bytes, headers: Sequence[tuple[bytes, bytes]], paths: Container[bytes]
) -> bool:
    """Return whether a head is an offer of a WebSocket by the book (RFC 6455, 4.2.1), at one of `paths`, and without a body."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    once = (b"host", b"upgrade", b"sec-websocket-key", b"sec-websocket-version")
    return (
        (parser.get_method(), parser.get_http_version()) == (b"GET", "1.1")
        and url.partition(b"?")[0] in paths
        and all(len(values.get(name, ())) == 1 for name in once)
        and HOST.fullmatch(values[b"host"][0].decode("latin-1")) is not None
        and not any(name in values for name in (b"content-length", b"transfer-encoding", b"expect"))
        and all(len(values.get(name, ())) <= 1 for name in (b"authorization", b"origin"))
        and values[b"upgrade"][0].strip().lower() == b"websocket"
        and values[b"sec-websocket-version"][0] == b"13"
        and SOCKET_KEY.fullmatch(values[b"sec-websocket-key"][0]) is not None
    )

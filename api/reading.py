"""Requests as they are read from a connection: strictly, and no more of a head than may be.

The invariant: nobody on the way reads another end of a request, or other headers, than we do. What stands behind a body is
no header; an offer to speak another protocol is passed over, as if it had not been made.
"""

from abc import ABC, abstractmethod
from typing import Any, Literal

import httptools
from fastapi import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import problem

TOO_LONG = problem(431, "payload_too_large", "The request is too large", "The headers are too long.")
MALFORMED = problem(400, "invalid_request", "The request is not valid", "The request is not readable as HTTP/1.1.")


class RequestReader(HttpToolsProtocol, ABC):
    """uvicorn's connection, as far as it reads."""

    # With more than thirty attributes an object's dictionary is its own, which takes a kilobyte more.
    __slots__ = ("_head_bytes", "_offered", "_read_bytes", "reading")
    most_head_bytes: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reading: Literal["head", "body"] | None = None
        self._head_bytes = 0
        self._read_bytes = 0
        """Bytes that were read and stand in no head that was counted, and in no body: those of an unfinished head."""
        self._offered = b""
        """The head of a request that offers another protocol, without that."""

    @abstractmethod
    def refuse(self, answer: Response) -> None:
        """Send an answer in place of the app's, and close."""

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
                self._read_bytes, self._offered = len(data), b""
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            except httptools.HttpParserError:
                self.refuse(TOO_LONG if self._is_head_too_long else MALFORMED)
                return
        if self.reading == "head" and self._is_head_too_long:
            self.refuse(TOO_LONG)

    def on_message_begin(self) -> None:
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
            self._offered = self._head_without_offer()
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

    @property
    def _is_head_too_long(self) -> bool:
        unfinished = self._read_bytes if self.reading == "head" else 0
        return max(self._head_bytes, unfinished) > self.most_head_bytes

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.most_head_bytes:
            raise ValueError("the head is too long")  # the parser stops, and `read` says why

    def _head_without_offer(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise ValueError("nobody is connected to anywhere")
        lines = [b"%b: %b" % one for one in self.headers if one[0] != b"upgrade"]
        first = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([first, *lines, b"", b""])

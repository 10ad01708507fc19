"""Compression of a stream, where the operator turned it on and the client takes it: gzip, flushed with every frame.

The invariant: what was handed in comes out with it, so that no token waits in the compressor; and between two frames the
stream stands at a byte's end, where an empty block may be put by whoever wants to say nothing.
"""

import asyncio
import re
import zlib
from collections.abc import Callable

from starlette.types import Message, Send

WINDOW_BITS, MEMORY_LEVEL = 13, 5
"""A window of 8 KiB, in which the frames before repeat themselves."""
BYTES_PER_STREAM = (1 << (WINDOW_BITS + 2)) + (1 << (MEMORY_LEVEL + 9))
"""The memory that zlib takes for each stream: 48 KiB (zlib's own formula; with its defaults it would be 256)."""
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
"""A stored block of no bytes (RFC 1951, 3.2.4)."""
GZIP = re.compile(r"(?:x-)?gzip(?:\s*;\s*q\s*=\s*(?P<weight>[0-9.]+))?", re.IGNORECASE)


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether a client that sends this header takes gzip (RFC 9110, 12.5.3). Who says nothing is asked to take nothing."""
    for part in accept_encoding.split(","):
        if (found := GZIP.fullmatch(part.strip())) is not None:
            return (found["weight"] or "1").strip("0.") != ""
    return False


class Gzip:
    """The compressor of one stream."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(level=1, method=zlib.DEFLATED, wbits=16 + WINDOW_BITS, memLevel=MEMORY_LEVEL)

    def frame(self, data: bytes) -> bytes:
        """Return what makes the other side have all of `data`."""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """Return the end of the stream."""
        return self._deflate.flush(zlib.Z_FINISH)


def compressed(send: Send, when_begun: Callable[[], None]) -> Send:
    """Return a `send` whose bodies go out compressed, one behind the other: a ping may come while a frame waits to be sent.

    From `when_begun` on, an empty block may be put behind what was sent.
    """
    gzip, turn = Gzip(), asyncio.Lock()

    async def send_compressed(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        async with turn:
            body = message.get("body", b"")
            squeezed = gzip.frame(body) if body else b""
            if not message.get("more_body", False):
                squeezed += gzip.end()
            await send({**message, "body": squeezed})
            if squeezed:  # a ping of no bytes begins nothing
                when_begun()

    return send_compressed

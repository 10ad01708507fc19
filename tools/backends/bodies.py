"""The body of an answer, read with a bound on what it takes in memory, however well it was compressed."""

import zlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from io import BytesIO
from typing import Literal

ACCEPTED = "gzip"
"""The one encoding that is asked for; every form of it is read here."""
PIECE = 64 * 1024
SMALL_BYTES = 128 * 1024
"""A longer body is a large one."""
REFUSAL_BYTES = 64 * 1024
"""Of the body of a refusal: a line or two of it are told."""
BEGINNING_BYTES = 1024
"""Bytes that are kept of a body that may not be read."""
Large = Callable[[], AbstractAsyncContextManager[None]]
"""Makes what waits for a place among the large bodies, and holds it; TimeoutError where none is free in time."""
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class BrokenBodyError(Exception):
    """A body that is not what the answer says that it is."""


def most_of(status: int, most_bytes: int) -> int:
    """Return how many bytes may be read of the body of an answer with this status."""
    return min(most_bytes, REFUSAL_BYTES) if status >= 400 else most_bytes


async def read_body(
    parts: AsyncIterator[bytes], *, encoding: str, most_bytes: int, large: Large = nullcontext
) -> tuple[bytes, Literal["whole", "large"]]:
    """Return what may be read of the body, and whether that is all of it; the beginning of what is too large.

    Neither what comes nor what it becomes is read on past `most_bytes`. An encoding that nobody asked for is left as it is.
    `large` is entered before more than `SMALL_BYTES` of it are held.

    Raises:
        BrokenBodyError: it is not gzip, although it says so, or it ends too early.
    """
    gzip = _Gzip() if encoding.strip().lower() in ("gzip", "x-gzip") else None
    read = BytesIO()  # gives its bytes away as they lie: a body is never there twice
    came = 0
    async with AsyncExitStack() as held:
        is_large = False
        async for part in parts:
            came += len(part)
            if came > most_bytes:
                return _beginning(read), "large"
            for piece in (part,) if gzip is None else gzip.undo(part):
                if read.tell() + len(piece) > most_bytes:
                    return _beginning(read), "large"
                if not is_large and read.tell() + len(piece) > SMALL_BYTES:
                    is_large = True
                    try:
                        await held.enter_async_context(large())
                    except TimeoutError:
                        return _beginning(read), "large"
                read.write(piece)
        if gzip is not None and came and not gzip.is_whole:
            raise BrokenBodyError("it breaks off")
        return read.getvalue(), "whole"


def _beginning(read: BytesIO) -> bytes:
    return read.getbuffer()[:BEGINNING_BYTES].tobytes()


class _Gzip:
    """Undoes gzip part by part; one stream may follow another."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    @property
    def is_whole(self) -> bool:
        return self._stream.eof

    def undo(self, part: bytes) -> Iterator[bytes]:
        """Yield what a part becomes, in pieces of at most `PIECE` bytes.

        Raises:
            BrokenBodyError: it is not gzip.
        """
        while part:
            if self._stream.eof:
                if not part.startswith(_MAGIC):
                    return  # some pad what they send
                self._stream = zlib.decompressobj(_GZIP)
            part = yield from self._undo_stream(part)

    def _undo_stream(self, part: bytes) -> Generator[bytes, None, bytes]:
        while True:
            try:
                piece = self._stream.decompress(part, PIECE)
            except zlib.error as exc:
                raise BrokenBodyError("it is not gzip") from exc
            if piece:
                yield piece
            part = self._stream.unconsumed_tail
            if self._stream.eof or (not part and len(piece) < PIECE):
                return self._stream.unused_data

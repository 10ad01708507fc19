"""The body of an answer, read with a bound on what it takes in memory, however well it was compressed."""

import zlib
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Literal

ACCEPTED = "gzip"
"""What is asked for: one encoding, whose every form is read here."""
PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class BrokenBodyError(Exception):
    """What came is not what the answer says that it is."""


async def read_body(
    parts: AsyncIterator[bytes], *, encoding: str, most_bytes: int
) -> tuple[bytes, Literal["whole", "large"]]:
    """Return what may be read of the body, and whether that is all of it.

    Neither what comes nor what it becomes is read on past `most_bytes`. An encoding that nobody asked for is left as it is.

    Raises:
        BrokenBodyError: it is not gzip, although it says so, or it ends too early.
    """
    gzip = _Gzip() if encoding.strip().lower() in ("gzip", "x-gzip") else None
    read: list[bytes] = []
    size = came = 0
    async for part in parts:
        came += len(part)
        if came > most_bytes:
            return b"".join(read), "large"
        for piece in (part,) if gzip is None else gzip.undo(part):
            size += len(piece)
            if size > most_bytes:
                return b"".join(read), "large"
            read.append(piece)
    if gzip is not None and came and not gzip.is_whole:
        raise BrokenBodyError("it breaks off")
    return read[0] if len(read) == 1 else b"".join(read), "whole"


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

"""A file as it arrives: one part of a form, written to the disk piece by piece and never held whole.

The invariant: what was cut on the way is no file; who sends more than may be is told so as soon as that is seen.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from agent.errors import InvalidRequestError
from agent.file_errors import FileTooLargeError, UnreadableFileError

FIELD = b"file"
FORM_BYTES = 16 * 1024
"""The bytes that a form may hold beside its file."""
WRITE_BYTES = 256 * 1024
CUT = "The file was cut on its way. Send it again."
PLAIN = (b"binary", b"8bit", b"7bit")
CODED = "file: send its bytes as they are, without Content-Transfer-Encoding (RFC 7578, 4.7)"
ONE_FILE = "file: send one file in this field of a multipart form, and nothing else"


async def receive_file(request: Request, into: Path, *, most_bytes: int) -> str:
    """Write the file that a request brings; return its name, as its sender calls it.

    Raises:
        InvalidRequestError: it is no form with one file.
        FileTooLargeError: the file is larger than `most_bytes`.
        UnreadableFileError: the form was cut.
        OSError: there is no room.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequestError(ONE_FILE)
    form = _Form(boundary)
    size = 0
    async with await anyio.open_file(into, "r+b") as file:
        try:
            async for pieces in _written(request, form):
                size += len(pieces)
                if size > most_bytes:
                    raise FileTooLargeError(f"file: at most {most_bytes} bytes")
                await file.write(pieces)
        except ClientDisconnect as exc:
            raise UnreadableFileError(CUT) from exc
    if not form.is_whole:
        raise UnreadableFileError(CUT)
    if form.name is None:
        raise InvalidRequestError(ONE_FILE)
    return form.name


async def _written(request: Request, form: "_Form") -> AsyncIterator[bytes]:
    """Yield the file's bytes, a good many at a time."""
    async for chunk in request.stream():
        form.feed(chunk)
        if form.waiting >= WRITE_BYTES:
            yield form.take()
    yield form.take()


class _Form:
    """A form with one file, read as it comes. The parser calls back for each piece of what it has seen."""

    def __init__(self, boundary: bytes) -> None:
        names = ("part_begin", "part_data", "header_field", "header_value", "header_end", "end")
        callbacks: Any = {f"on_{name}": getattr(self, f"_{name}") for name in names}
        callbacks["on_headers_finished"] = self._headers_finished
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as exc:  # its boundary is too long
            raise InvalidRequestError(ONE_FILE) from exc
        self._pieces: list[bytes] = []
        self.waiting = 0
        self.name: str | None = None
        self.is_whole = False
        self._parts = 0
        self._beside = 0
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as exc:
            raise InvalidRequestError(ONE_FILE) from exc

    def take(self) -> bytes:
        """Return what has come of the file since the last time."""
        taken = b"".join(self._pieces)
        self._pieces, self.waiting = [], 0
        return taken

    def _part_begin(self) -> None:
        self._parts += 1
        self._headers = {}
        if self._parts > 1:
            raise InvalidRequestError(ONE_FILE)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])
        self.waiting += end - start

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if options.get(b"name") != FIELD or b"filename" not in options:
            raise InvalidRequestError(ONE_FILE)
        if self._headers.get(b"content-transfer-encoding", b"binary").strip().lower() not in PLAIN:
            raise InvalidRequestError(CODED)
        self.name = options[b"filename"].decode("utf-8", "replace")

    def _end(self) -> None:
        self.is_whole = True

    def _count(self, more: int) -> None:
        self._beside += more
        if self._beside > FORM_BYTES:
            raise InvalidRequestError(ONE_FILE)

"""The body of a response to events: a stream, one JSON value, or lines of JSON, until nothing more is to be waited for."""

import asyncio
from contextlib import suppress
from typing import Literal

import aiohttp
import orjson

from agent.models.completion import CompletionReader
from agent.models.sse import MAX_EVENT_BYTES, EventSplitter, EventTooLargeError

END_WAIT_S = 1.5
"""How long the usage, or the end of the response, is waited for once the end of the answer was said."""
DRAIN_S = 0.02
ERROR_WAIT_S = 3.0
MAX_ERROR_BYTES = 64 * 1024
TAIL_BYTES = 256
MAX_BLANK_BYTES = 64 * 1024
"""Of white space in one line, in front of an answer."""
BOM = b"\xef\xbb\xbf"


class EventBody:
    """The body of a response as batches of events, read until the answer and its usage are there, or nothing more comes."""

    def __init__(self, content: aiohttp.StreamReader, reader: CompletionReader) -> None:
        self._content = content
        self._reader = reader
        self._splitter = EventSplitter()
        self._form: Literal["unknown", "events", "JSON", "lines"] = "unknown"
        self._held = bytearray()
        """The part of JSON, or of a line of it, that is not whole yet."""
        self._lines = 0
        """Of JSON, so far."""
        self._blank_bytes = 0
        """Of white space, in the line in front of the answer that is not over."""
        self._is_over = False
        self._end_by: float | None = None

    async def next(self) -> list[bytes] | None:
        """Return the events of the next read, None at the end. None of them may be whole yet: then the list is empty.

        A body that is one JSON value, and no stream, is one event; of JSON in lines each line is one.
        """
        if self._reader.done:
            await _drain(self._content)
            return None
        if self._is_over:
            if self._form == "lines" and self._lines == 1:
                self._reader.take_as_whole()
            return None
        data = await self._read()
        self._is_over = not data
        return self._taken(data)

    def _taken(self, data: bytes) -> list[bytes]:
        if self._form == "unknown":
            data = self._begun(data)
        match self._form:
            case "unknown":
                self._count_blank(data)
                return []
            case "events":
                return self._splitter.feed(data) if data else self._splitter.flush()
            case _:
                self._held += data
                if len(self._held) > MAX_EVENT_BYTES:
                    raise EventTooLargeError(f"more than {MAX_EVENT_BYTES} bytes")
                return self._json()

    def _begun(self, data: bytes) -> bytes:
        """Learn the form from what is not white space, and return what is to be read: some send blank lines while they work."""
        begun = data.removeprefix(BOM).lstrip()
        if begun.startswith((b"{", b"[")):
            self._form, self._reader.is_whole = "JSON", True
            return begun
        if begun or self._is_over:
            self._form = "events"
        return data

    def _count_blank(self, blank: bytes) -> None:
        """Take note of white space, which is not kept.

        Raises:
            EventTooLargeError: its line has no end.
        """
        last = max(blank.rfind(b"\n"), blank.rfind(b"\r")) + 1
        self._blank_bytes = len(blank) - last + (0 if last else self._blank_bytes)
        if self._blank_bytes > MAX_BLANK_BYTES:
            raise EventTooLargeError(f"more than {MAX_BLANK_BYTES} bytes of white space")

    def _json(self) -> list[bytes]:
        """Return what is whole of a body of JSON: lines, once the first one is, or at the end all of it."""
        if self._form == "JSON" and b"\n" in self._held and _is_json(self._held[: self._held.index(b"\n")]):
            self._form, self._end_by = "lines", None
            self._reader.is_whole = False  # others may follow, until it is over
        if self._form == "JSON" and not self._is_over:
            return []
        if self._form == "JSON" and _is_json(self._held):
            return [bytes(self._held)]
        *lines, rest = bytes(self._held).split(b"\n")
        self._held = bytearray(b"" if self._is_over else rest)
        found = [line for line in (*lines, rest if self._is_over else b"") if line.strip()]
        self._lines += len(found)
        return found

    async def _read(self) -> bytes:
        """Return what comes next; nothing at the end, and once that was said also when it is waited for in vain.

        What came together with a cut is not lost with it.
        """
        ended = self._reader.ended or (self._form == "JSON" and _is_json(self._held))
        try:
            if not ended:
                return await self._content.readany()
            if self._reader.goes_on or self._end_by is None:
                self._reader.goes_on, self._end_by = False, asyncio.get_running_loop().time() + END_WAIT_S
            async with asyncio.timeout_at(self._end_by):
                return await self._content.readany()
        except (aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
            rest: bytes = self._content._read_nowait(-1)  # readany raises before it gives what is buffered
            if not rest and not ended:
                raise
            return rest


async def error_body(content: aiohttp.StreamReader) -> bytes:
    """Return what a refusal says: its first `MAX_ERROR_BYTES`, in however many pieces they come, or what there is of them in time.

    The status says the most of it, so a body that is cut or never comes is no other error.
    """
    body = bytearray()
    with suppress(aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
        async with asyncio.timeout(ERROR_WAIT_S):
            while len(body) < MAX_ERROR_BYTES and (data := await content.readany()):
                body += data
    return bytes(body[:MAX_ERROR_BYTES])


def _is_json(body: bytearray) -> bool:
    """Return whether a body is one whole JSON value. Most pieces end none, which their last character tells."""
    if not body[-TAIL_BYTES:].rstrip().endswith((b"}", b"]")):
        return False
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


async def _drain(content: aiohttp.StreamReader) -> None:
    """Wait a moment for the end of a response, so that the connection can be used again."""
    with suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(DRAIN_S):
            await content.read()

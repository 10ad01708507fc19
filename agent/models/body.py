"""The body of a response to events: a stream, one JSON value, or lines of JSON, until nothing more is to be waited for."""

import asyncio
from contextlib import suppress

import aiohttp
import orjson

from agent.models.completion import CompletionReader
from agent.models.sse import MAX_EVENT_BYTES, EventSplitter, EventTooLargeError

END_WAIT_S = 1.5
"""How long the usage, or the end of the response, is waited for once the end of the answer was said."""
DRAIN_S = 0.02
MAX_BLANK_BYTES = 64 * 1024
"""Of white space in one line, in front of an answer."""
BOM = b"\xef\xbb\xbf"


class EventBody:
    """The body of a response as batches of events, read until the answer and its usage are there, or nothing more comes."""

    def __init__(self, content: aiohttp.StreamReader, reader: CompletionReader) -> None:
        self._content = content
        self._reader = reader
        self._splitter = EventSplitter()
        self._has_begun = False
        self._blank = b""
        """The white space of the first line that may hold something."""
        self._is_over = False
        self._end_by: float | None = None

    async def next(self) -> list[bytes] | None:
        """Return the events of the next read, None at the end. A body that is one JSON object, and no stream, is one event.

        Empty lines in front of it are none: some servers send them for as long as they are at work.
        """
        if self._reader.done:
            await _drain(self._content)
            return None
        if self._is_over:
            return None
        data = await self._read()
        if not self._has_begun:
            if data and not data.strip():
                self._keep_blank(data)
                return []
            data = self._blank + data
            if (begun := data.removeprefix(BOM).lstrip())[:1] in (b"{", b"["):
                self._is_over = self._reader.is_whole = True
                return await self._whole(begun)
        self._has_begun, self._is_over = True, not data
        return self._splitter.feed(data) if data else self._splitter.flush()

    def _keep_blank(self, blank: bytes) -> None:
        """Keep the white space of the line that is not over.

        Raises:
            EventTooLargeError: the line has no end.
        """
        blank = self._blank + blank
        self._blank = blank[max(blank.rfind(b"\n"), blank.rfind(b"\r")) + 1 :]
        if len(self._blank) > MAX_BLANK_BYTES:
            raise EventTooLargeError(f"more than {MAX_BLANK_BYTES} bytes of white space")

    async def _read(self) -> bytes:
        """Return what comes next; nothing at the end, and once the end was said also when it is waited for in vain.

        What came together with a cut is not lost with it.
        """
        try:
            if not self._reader.ended:
                return await self._content.readany()
            self._end_by = self._end_by or asyncio.get_running_loop().time() + END_WAIT_S
            async with asyncio.timeout_at(self._end_by):
                return await self._content.readany()
        except (aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
            rest: bytes = self._content._read_nowait(-1)  # readany raises before it gives what is buffered
            if not rest and not self._reader.ended:
                raise
            return rest

    async def _whole(self, first: bytes) -> list[bytes]:
        """Return a body that is JSON: as one event, or, where it is no JSON as a whole, each of its lines.

        A cut, or silence, behind the whole of it is its end.
        """
        body = bytearray(first)
        while True:
            try:
                async with asyncio.timeout(END_WAIT_S if _is_json(body) else None):
                    data = await self._content.readany()
            except (aiohttp.ClientError, OSError):  # a TimeoutError is an OSError
                data = b""
                body += self._content._read_nowait(-1)
            body += data
            if len(body) > MAX_EVENT_BYTES:
                raise EventTooLargeError(f"more than {MAX_EVENT_BYTES} bytes")
            if not data:
                break
        return [bytes(body)] if _is_json(body) else [line for line in bytes(body).splitlines() if line.strip()]


def _is_json(body: bytearray) -> bool:
    """Return whether a body is one whole JSON value. Most pieces end none, which their last character tells."""
    if not body.rstrip().endswith((b"}", b"]")):
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

"""A server's stream of events, as far as it is let in.

The invariant: it is bounded in bytes and in pace, it is text in UTF-8 whatever it says of itself, and when it wants to be asked
again is a time that can be kept: the SDK would ask at once and for ever, or end the session of all.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import httpx2

from tools.mcp.pace import Pace

MEDIA_TYPE = "text/event-stream"
LINES_A_SECOND = 20_000
PARTS_A_SECOND = 5_000
PARTS_AT_ONCE = 100
"""Of a body. A server may make them as small as a byte, and each costs as much as a large one."""
SHORTEST_RETRY_MS, LONGEST_RETRY_MS = 500, 60_000
_ENDS = (b"\r\n\r\n", b"\n\n", b"\r\r")
"""The ends of events, the longest first."""
_RETRY = re.compile(rb"(?:\A|(?<=[\r\n]))retry:([^\r\n]*)")


async def parts_of(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """Yield a body as it comes, at a bounded pace, with turns for everybody else in between."""
    pace, count = Pace(PARTS_A_SECOND), 0
    async for part in response.aiter_raw():
        count += 1
        if count % PARTS_AT_ONCE == 0:
            await asyncio.sleep(0)
        await pace.next()
        yield part


class BoundedStream(httpx2.AsyncByteStream):
    """A stream of events that breaks off where one of them, or all together, are too large. `on_too_large` is told of that."""

    def __init__(
        self, response: httpx2.Response, *, on_too_large: Callable[[], None], most_of_event: int, most: int
    ) -> None:
        self._response = response
        self._on_too_large = on_too_large
        self._most_of_event = most_of_event
        self._most = most
        self._pace = Pace(LINES_A_SECOND)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(parts_of(self._response)) as parts:
            async for lines in self._lines(parts):
                yield lines

    async def _lines(self, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        event = total = 0
        before = b""
        rest: list[bytes] = []
        async for part in parts:
            total += len(part)
            seen = before + part  # some servers send the end of an event by itself
            end = max(seen.rfind(mark) for mark in _ENDS)
            event = event + len(part) if end < 0 else len(seen) - end
            before = seen[1 - len(_ENDS[0]) :]
            if event > self._most_of_event or total > self._most:
                self._on_too_large()
                raise httpx2.ReadError("more than may be read")
            ends = max(part.rfind(b"\n"), part.rfind(b"\r")) + 1
            rest.append(part[: ends or len(part)])
            if ends:
                lines, rest = b"".join(rest), [part[ends:]]  # a line is looked at whole, and copied once
                await self._pace.next(lines.count(b"\n") + lines.count(b"\r"))
                yield _RETRY.sub(_kept, lines)
        if last := b"".join(rest):
            yield _RETRY.sub(_kept, last)

    async def aclose(self) -> None:
        await self._response.aclose()


def _kept(found: re.Match[bytes]) -> bytes:
    """Return a wish for a pause as one that can be kept; what is no number says nothing."""
    wish = found[1].strip()
    if not wish.isdigit():
        return b":"
    pause_ms = int(wish) if len(wish) < 10 else LONGEST_RETRY_MS
    return b"retry: %d" % min(max(pause_ms, SHORTEST_RETRY_MS), LONGEST_RETRY_MS)

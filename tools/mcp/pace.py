"""A server's messages at a bounded pace: whoever says more than anybody needs is read no faster, and holds up nobody else.

The invariant: answers come as they come, but for the time that reading takes of what is in front of them; all else that a server says costs a bounded share of a processor, and what it asks of us
piles up nowhere. One broken message takes no other with it.
"""

import asyncio
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.client._transport import ReadStream, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from tools.mcp.lists import put_right

MESSAGES_A_SECOND = 500
READ_A_SECOND = 3000
NEWS = frozenset({"notifications/message", "notifications/progress"})
"""Messages that nobody needs late: where there are too many in a second, the further ones are read and passed over."""
MOST_ASKED = 8
"""Requests of a server that are not answered yet; it hears nothing of further ones."""


class Pace:
    """So many things a second. Whoever is faster waits until the second is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._until = 0.0

    async def next(self, count: int = 1) -> None:
        """Count things, and wait where there were too many in this second."""
        if wait_s := self.count(count):
            await asyncio.sleep(wait_s)

    def count(self, count: int = 1) -> float:
        """Count things; return how long the second goes on in which there are too many now, else 0."""
        now = time.monotonic()
        if now >= self._until:
            self._count, self._until = 0, now + 1.0
        self._count += count
        return self._until - now if self._count > self._most else 0.0


@dataclass(slots=True)
class Open:
    """Requests that are not answered yet, by their ids: the server's, and ours for its tools."""

    asked: set[str] = field(default_factory=set)
    listings: set[str] = field(default_factory=set)


class _Inside:
    """A stream of the transport's, within one of ours that ends with it."""

    def __init__(self, stream: ReadStream[Any] | WriteStream[Any], requests: Open) -> None:
        self._stream = stream
        self._open = requests

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class Heard(_Inside):
    """A stream of a server's messages as the SDK reads it, in place of the transport's own."""

    def __init__(self, inner: ReadStream[SessionMessage | Exception], requests: Open) -> None:
        super().__init__(inner, requests)
        self._inner = inner
        self._pace = Pace(MESSAGES_A_SECOND)
        self._read = Pace(READ_A_SECOND)

    @property
    def last_context(self) -> Any:
        """In whose context the last message was received, where the stream knows that."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message that is passed on."""
        while True:
            item = await self._inner.receive()
            message = item.message if isinstance(item, SessionMessage) else None
            if isinstance(message, JSONRPCResponse | JSONRPCError):
                return self._answer(item, message)
            if isinstance(message, JSONRPCNotification) and message.method in NEWS:
                await self._read.next()  # an answer may stand behind them
                if self._pace.count():
                    continue
                return item
            await self._pace.next()
            if isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
                self._open.asked.discard(str((message.params or {}).get("requestId")))
            if not isinstance(message, JSONRPCRequest):
                return item
            if len(self._open.asked) < MOST_ASKED:
                self._open.asked.add(str(message.id))
                return item

    def _answer(
        self, item: SessionMessage | Exception, message: JSONRPCResponse | JSONRPCError
    ) -> SessionMessage | Exception:
        if str(message.id) in self._open.listings:
            self._open.listings.discard(str(message.id))
            if isinstance(message, JSONRPCResponse):
                message.result = put_right(message.result)
        return item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None


class Said(_Inside):
    """A stream of messages to a server as the SDK writes it, in place of the transport's own."""

    def __init__(self, inner: WriteStream[SessionMessage], requests: Open) -> None:
        super().__init__(inner, requests)
        self._inner = inner

    async def send(self, item: SessionMessage) -> None:
        """Send a message; one that answers the server makes room for another request of its."""
        message = item.message
        if isinstance(message, JSONRPCRequest) and message.method == "tools/list":
            self._open.listings.add(str(message.id))
        try:
            await self._inner.send(item)
        finally:
            if isinstance(message, JSONRPCResponse | JSONRPCError):
                self._open.asked.discard(str(message.id))


def paced(streams: TransportStreams) -> TransportStreams:
    """Return a transport's streams as the SDK is given them."""
    requests = Open()
    return Heard(streams[0], requests), Said(streams[1], requests)

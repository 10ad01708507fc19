"""The load client: raw connections that count tokens by a byte, and note when they came."""

import asyncio
import time
from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import cast
from urllib.parse import urlsplit

from bench.upstream import MARK

LIMIT_S = 240.0
DONE = b"[DONE]"


class BrokenStreamError(Exception):
    """A stream was refused, cut, or did not carry the text that it should have."""


class Load:
    """Streams that run at the same time. `tokens` counts those of all."""

    def __init__(self) -> None:
        self.tokens = 0
        self.gaps_s: array[float] | None = None
        """Times between reads with text of one stream; collected while it is an array."""
        self._wanted = 0
        self._reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def count(self, tokens: int) -> None:
        """Note tokens that came."""
        self.tokens += tokens
        if self.tokens >= self._wanted and not self._reached.done():
            self._reached.set_result(None)

    def measure_gaps(self, clients: "Iterable[Client]") -> None:
        """Collect gaps from now on. What a stream waited until now is no gap of its tokens."""
        self.gaps_s = array("d")
        for client in clients:
            client.last_at = time.perf_counter()

    def give_up(self, error: "BrokenStreamError") -> None:
        """Let nobody wait for tokens that will not come."""
        if not self._reached.done():
            self._reached.set_exception(error)
            self._reached.exception()  # nobody may have waited

    async def until(self, tokens: int) -> None:
        """Wait until these many tokens have come.

        Raises:
            BrokenStreamError: a stream ended meanwhile.
        """
        self._wanted = tokens
        if self._reached.done():
            self._reached.result()
            self._reached = asyncio.get_running_loop().create_future()
        if self.tokens < tokens:
            await limited(self._reached)


class Client(asyncio.Protocol):
    """A connection for one stream, which is over when `end` comes. Times are of the monotonic clock, in seconds."""

    def __init__(self, load: Load, end: bytes = DONE) -> None:
        self.tokens = 0
        self.bytes = 0
        self.sent_at = 0.0
        self.first_at = 0.0
        self.last_at = 0.0
        """When the last read with text came."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._load = load
        self._stop = end
        self._tail = b""
        self._status = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> None:
        """Send the request; from now on time counts."""
        self.sent_at = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        self.read(data)

    def read(self, data: bytes) -> None:
        """Take in what was said; behind the end nothing counts, as some protocols say the text again there."""
        now = time.perf_counter()
        if not self._status:
            self._status = data[:512]
            if not self._status.startswith(b"HTTP/1.1 200"):
                self._end(BrokenStreamError(_refusal(self._status)))
        seen = self._tail + data
        is_over = self._stop in seen
        said = seen.partition(self._stop)[0][len(self._tail) :] if is_over else data
        if tokens := said.count(MARK):
            if not self.tokens:
                self.first_at = now
            elif self._load.gaps_s is not None:
                self._load.gaps_s.append(now - self.last_at)
            self.last_at = now
            self.tokens += tokens
            self._load.count(tokens)
        if is_over:
            self._end(None)
        self._tail = seen[-(len(self._stop) - 1) :]

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(BrokenStreamError(f"cut after {self.tokens} tokens"))

    def _end(self, error: BrokenStreamError | None) -> None:
        if not self.ended.done():
            if error is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(error)
                self.ended.exception()
            self._load.give_up(error or BrokenStreamError(f"ended after {self.tokens} tokens: {self._tail!r}"))
            self._transport.close()


def _refusal(answer: bytes) -> str:
    """Return a refusal's status and the beginning of what it says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return b" ".join((head.partition(b"\r\n")[0], body)).decode(errors="replace")


async def open_clients(load: Load, url: str, count: int, *, made: Callable[[Load], Client] = Client) -> list[Client]:
    """Return clients that are connected and have sent nothing yet."""
    host, port = _address(url)
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(lambda: made(load), host, port))[1] for _ in range(count)]


async def finish(clients: Iterable[Client], *, tokens: int) -> None:
    """Wait for the end of the streams.

    Raises:
        BrokenStreamError: one was cut, or its text is not whole.
    """
    waiting = list(clients)
    await limited(asyncio.gather(*(client.ended for client in waiting)))
    wrong = [client.tokens for client in waiting if client.tokens != tokens]
    if wrong:
        raise BrokenStreamError(f"{len(wrong)} streams had {wrong[:5]} tokens, not {tokens}")


async def limited(awaited: Awaitable[object]) -> None:
    """Await, but not for ever."""
    async with asyncio.timeout(LIMIT_S):
        await awaited


def post(path: str, body: bytes, *, token: str | None = None, headers: Sequence[str] = ()) -> bytes:
    """Return a request as bytes."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream", "Content-Type: application/json"]
    head += headers
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def ask(url: str, request: bytes) -> bytes:
    """Send a request that is answered at once, and return what came."""
    reader, writer = await asyncio.open_connection(*_address(url))
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    if not head.startswith(b"HTTP/1.1 200"):
        raise BrokenStreamError(repr(head))
    return head


def _address(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    return address.hostname, address.port

"""A small HTTP/1.1 server whose every byte the test decides: for answers that no framework would let you send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

HEADER_LIMIT = 64 * 1024


@dataclass(slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True)
class Connection:
    """The writing side of one connection. `gone` is set when the peer has closed it."""

    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            ConnectionError: the connection is closed.
        """
        if self.writer.is_closing():  # asyncio drops what is written then, uvloop refuses it by a RuntimeError
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def respond(self, status: int, body: bytes, *, headers: dict[str, str] | None = None) -> None:
        """Send a whole response and keep the connection."""
        lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        await self.send(head(status, lines) + body)

    async def begin_chunks(self, content_type: str = "text/event-stream") -> None:
        """Send the head of a chunked response."""
        await self.send(head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"}))

    async def chunk(self, data: bytes) -> None:
        """Send one chunk."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_chunks(self) -> None:
        """Send the end of a chunked response."""
        await self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Drop the connection at once, with a reset."""
        self.writer.transport.abort()


Handler = Callable[[Request, Connection], Awaitable[None]]


def head(status: int, headers: dict[str, str]) -> bytes:
    """Return a response's status line and headers."""
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def listen(handler: Handler, port: int = 0) -> AsyncIterator[str]:
    """Serve `handler` on a port of the loopback, without one on a free one; yield the base URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _converse(handler, reader, Connection(writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", port, limit=HEADER_LIMIT)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _converse(handler: Handler, reader: asyncio.StreamReader, connection: Connection) -> None:
    while True:
        request = await _read(reader)
        watch = asyncio.create_task(_watch(reader, connection))
        try:
            await handler(request, connection)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if connection.gone.is_set() or connection.writer.is_closing():
            return


async def _watch(reader: asyncio.StreamReader, connection: Connection) -> None:
    """Notice the peer's end of the connection while a response is under way. Clients here do not pipeline."""
    # Polled, because reading would take the first byte of the next request.
    while not reader.at_eof():  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    connection.gone.set()


async def _read(reader: asyncio.StreamReader) -> Request:
    raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = raw.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)

"""A proxy in front of a PostgreSQL or Redis server that can fall silent: it takes bytes, passes none on, and closes nothing.

So does a firewall that forgot a connection, a pooler that hangs, a host that is gone behind a load balancer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial

from support.cutting import reset

FORGOTTEN_AFTER_S = 60.0
"""A connection that is silent for good is closed on the server's side then, as keepalives would."""

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Connects to the server, wherever that is now."""


class Line:
    """A connection through the proxy."""

    def __init__(self) -> None:
        self.flows = asyncio.Event()
        self.flows.set()
        self.cut = asyncio.Event()


class SilencingProxy:
    """A proxy and what is done to its connections, those that are open and those to come."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.lines: list[Line] = []
        self.refuses = False
        """New connections are reset at once."""
        self.is_mute = False
        """New connections are silent from the start."""
        self.delay_s = 0.0
        """Before each piece that is passed on."""

    def silence(self, lines: list[Line]) -> None:
        """Pass nothing on any more on these, in either direction, and tell neither side when the other one closes."""
        for line in lines:
            line.flows.clear()

    def resume(self, lines: list[Line]) -> None:
        """Pass on what was kept back."""
        for line in lines:
            line.flows.set()

    def reset(self, lines: list[Line]) -> None:
        """Close these with a reset on both sides."""
        for line in lines:
            line.cut.set()

    async def forget(self, lines: list[Line]) -> None:
        """Leave these silent for good."""
        await asyncio.sleep(FORGOTTEN_AFTER_S)
        self.reset(lines)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.refuses:
                await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            reset(writer)
            self._tasks.discard(task)

    async def close(self) -> None:
        """Close all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both ways until either side ends, or the cut."""
        line = Line()
        if self.is_mute:
            line.flows.clear()
        self.lines.append(line)
        server_reader, server_writer = await self._connect()
        ways = [
            asyncio.create_task(self._pump(reader, server_writer, line)),
            asyncio.create_task(self._pump(server_reader, writer, line)),
            asyncio.create_task(line.cut.wait()),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reset(server_writer)  # before anything is waited for: who is cancelled there comes no further
            self.lines.remove(line)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await asyncio.sleep(self.delay_s)
                await line.flows.wait()
                writer.write(data)
                await writer.drain()
        await line.flows.wait()


def silencing_proxy(socket: str) -> AbstractAsyncContextManager[SilencingProxy]:
    """Stand in front of the database that listens at this socket."""
    return silencing(partial(asyncio.open_unix_connection, socket))


@asynccontextmanager
async def silencing(connect: Connect) -> AsyncIterator[SilencingProxy]:
    """Stand in front of what is connected to like this."""
    proxy = SilencingProxy(connect)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()

"""A door that stays where it is while the server behind it comes and goes, on another port each time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from support.cutting import reset

PIECE_BYTES = 65536


def front_door(target: Callable[[], str | None], *, resets: bool = True) -> AbstractAsyncContextManager[str]:
    """Open a URL behind which `target()` is; while that is None, connections are reset. See `door`."""
    return door(lambda _client: target(), resets=resets)


@asynccontextmanager
async def door(target: Callable[[str], str | None], *, resets: bool = True) -> AsyncIterator[str]:
    """Yield a URL behind which `target()` of the client's address is; while that is None, connections are reset.

    Unless it `resets`, a client reads to the end what the server sent, as behind a balancer.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            url = target(writer.get_extra_info("peername")[0])
            if url is not None:
                await _carry(reader, writer, url)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if resets:
                reset(writer)
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> None:
    """Carry both ways until either side ends."""
    address = urlsplit(url)
    server_reader, server_writer = await asyncio.open_connection(address.hostname, address.port)
    pumps = [
        asyncio.create_task(_pump(reader, server_writer)),
        asyncio.create_task(_pump(server_reader, writer)),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reset(server_writer)  # before anything is waited for: who is cancelled there comes no further
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PIECE_BYTES):
        writer.write(data)
        await writer.drain()

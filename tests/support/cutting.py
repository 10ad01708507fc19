"""A TCP proxy that cuts connections where the test says: after so many bytes of the response, with a reset."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)
"""Linger for 0 s: closing sends a reset."""

Cut = Callable[[], int | None]
"""Says for the next connection after how many bytes of the response it is cut; None lets it be."""


@asynccontextmanager
async def cutting_proxy(url: str, cut: Cut) -> AsyncIterator[str]:
    """Stand in front of `url`; yield the proxy's URL. Both sides of a cut connection get a reset."""
    target = urlsplit(url)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            server_reader, server_writer = await asyncio.open_connection(target.hostname, target.port)
            try:
                await _carry(reader, writer, server_reader, server_writer, cut())
            finally:
                reset(server_writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            reset(writer)
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    server_reader: asyncio.StreamReader,
    server_writer: asyncio.StreamWriter,
    cut_after: int | None,
) -> None:
    """Carry both ways until either side ends, or the cut."""
    pumps = [
        asyncio.create_task(_pump(reader, server_writer, None)),
        asyncio.create_task(_pump(server_reader, writer, cut_after)),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut_after: int | None) -> None:
    """Carry bytes over until the end, or until `cut_after` of them."""
    carried = 0
    while data := await reader.read(65536):
        room = len(data) if cut_after is None else cut_after - carried
        carried += len(data)
        writer.write(data[:room])
        await writer.drain()
        if len(data) > room:
            return


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()

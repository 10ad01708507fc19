"""A client over a bare socket: as cheap as it gets, for hundreds at once, and able to be as rude as the network."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson


@dataclass(slots=True)
class RawResponse:
    """A response as it comes in. `body` is what has come of it, without the chunks' sizes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def begin(self) -> None:
        """Read the head.

        Raises:
            EOFError, ConnectionError: the connection was cut before its end.
        """
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.strip().split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    async def piece(self) -> bytes:
        """Read one piece of the body; empty at its end.

        Raises:
            EOFError, ConnectionError: the connection was cut before its end.
        """
        if "chunked" in self.headers.get("transfer-encoding", ""):
            data = await self._chunk()
        else:
            missing = int(self.headers.get("content-length", "0")) - len(self.body)
            data = await self.reader.readexactly(missing) if missing else b""
        self.body += data
        return data

    async def until(self, wanted: bytes) -> None:
        """Read on until these bytes have come."""
        while wanted not in self.body:
            if not await self.piece():
                raise EOFError(f"the response ended without {wanted!r}: {self.body[-500:]!r}")

    async def rest(self) -> bytes:
        """Read to the end and return the whole body."""
        while await self.piece():
            pass
        return self.body

    async def _chunk(self) -> bytes:
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]


@asynccontextmanager
async def raw_request(
    url: str,
    method: str,
    path: str,
    *,
    token: str,
    headers: dict[str, str] | None = None,
    body: object = None,
    receive_bytes: int | None = None,
) -> AsyncIterator[RawResponse]:
    """Send a request on a connection of its own and yield the response, of which nothing was read yet."""
    target = urlsplit(url)
    sock = socket.socket()
    sock.setblocking(False)
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    await asyncio.get_running_loop().sock_connect(sock, (target.hostname, target.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=receive_bytes or 65536)
    try:
        content = b"" if body is None else orjson.dumps(body)
        lines = {
            "Host": target.netloc,
            "Authorization": f"Bearer {token}",
            "Content-Length": str(len(content)),
            "Content-Type": "application/json",
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        await writer.drain()
        yield RawResponse(reader, writer)
    finally:
        writer.transport.abort()


STREAM = {"Accept": "text/event-stream"}

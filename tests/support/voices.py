"""A scripted server of voices over real HTTP: it speaks OpenAI's `/audio/speech` and `/audio/transcriptions`, and any nonsense."""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import orjson
from support.http import Connection, Request, listen
from support.provider import Script

RATE = 16_000


def wav(seconds: float = 0.1, *, rate: int = RATE) -> bytes:
    """Return so many seconds of silence."""
    data = b"\0\0" * int(seconds * rate)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + struct.pack("<4sI", b"data", len(data)) + data
    )


@dataclass(slots=True)
class VoiceServer:
    """A server of voices, as a test scripts and reads it. Without a script it says a tenth of a second, and hears `Hello.`"""

    url: str = ""
    scripts: deque[Script] = field(default_factory=deque)
    spoken: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    """The fields of the forms; `file` is what it holds, `filename` and `type` what is said of it."""
    headers: list[dict[str, str]] = field(default_factory=list)
    cancelled: int = 0
    """Answers that the client closed before they ended."""

    def forget(self) -> None:
        """Be as new, for the next test."""
        assert not self.scripts, f"{len(self.scripts)} scripted answers were never asked for"
        for kept in (self.spoken, self.heard, self.headers):
            kept.clear()
        self.cancelled = 0

    def answer(self, body: bytes, *, status: int = 200, content_type: str = "application/json", **headers: str) -> None:
        """Answer the next request so."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.respond(status, body, headers={"Content-Type": content_type, **headers})

        self.scripts.append(script)

    def flow(self, *pieces: bytes, gate: asyncio.Event | None = None, ends: bool = True, for_ever: bytes = b"") -> None:
        """Answer the next request piece by piece; behind the first one it waits for the gate. `for_ever` follows without end."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks("audio/wav")
            for number, piece in enumerate(pieces):
                if number == 1 and gate is not None:
                    await gate.wait()
                await connection.chunk(piece)
            while for_ever and not connection.gone.is_set():
                await connection.chunk(for_ever)
            if ends:
                await connection.end_chunks()
                return
            if not pieces:
                connection.writer.write(b"")
            await connection.gone.wait()
            self.cancelled += 1

        self.scripts.append(script)

    def cut(self, piece: bytes) -> None:
        """Drop the connection behind a piece."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks("audio/wav")
            await connection.chunk(piece)
            connection.cut()

        self.scripts.append(script)

    def hang(self) -> None:
        """Never answer the next request."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.gone.wait()
            self.cancelled += 1

        self.scripts.append(script)

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        self.headers.append(request.headers)
        is_speech = request.path.endswith("/audio/speech")
        if is_speech:
            self.spoken.append(request.json)
        else:
            self.heard.append(form_of(request))
        if self.scripts:
            await self.scripts.popleft()(request, connection)
        elif is_speech:
            await connection.respond(200, wav(), headers={"Content-Type": "audio/wav"})
        else:
            await connection.respond(200, orjson.dumps({"text": "Hello."}))


def form_of(request: Request) -> dict[str, Any]:
    """Return the fields of a form."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    parts: Any = message_from_bytes(head + request.body).get_payload()
    for part in parts:
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if name == "file":
            found |= {"file": content, "filename": part.get_filename(), "type": part.get_content_type()}
        else:
            found[name] = content.decode()
    return found


@asynccontextmanager
async def scripted_voices() -> AsyncIterator[VoiceServer]:
    """Start a server of voices on a free port."""
    server = VoiceServer()
    async with listen(server.handle) as url:
        server.url = f"{url}/v1"
        yield server

"""A provider for hundreds of answers at once: each says half, waits at the gate, says the rest. It polls nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from support.http import head

PIECE_CHARACTERS = 100_000


@dataclass(slots=True)
class GatedProvider:
    """Answers wait at `gate` with their first half said."""

    url: str = ""
    before: str = "Half "
    after: str = "and half."
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which is one answer."""
        raw = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in raw.split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        self.asked += 1
        writer.write(head(200, {"Content-Type": "text/event-stream", "Connection": "close"}))
        for start in range(0, len(self.before), PIECE_CHARACTERS):
            writer.write(_event({"content": self.before[start : start + PIECE_CHARACTERS]}))
            await writer.drain()
        await self.gate.wait()
        writer.write(_event({"content": self.after}) + _event({}, "stop") + b"data: [DONE]\n\n")
        await writer.drain()


@asynccontextmanager
async def gated_provider() -> AsyncIterator[GatedProvider]:
    """Start one on a free port."""
    provider = GatedProvider()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await provider.converse(reader, writer)
        except (ConnectionError, EOFError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1000)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield provider
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"

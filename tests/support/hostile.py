"""Servers that nobody named, which record what reaches them, and a DNS that the test turns as it likes."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from support.backend import TenantBackend, scripted_backend
from support.faults import until

from agent.principal import Credential, Principal
from agent.toolkit import CallContext

PUBLIC = "93.184.216.34"
"""An address of nobody's here. Nothing in a test connects to it."""


@dataclass(slots=True)
class TurningNames:
    """A DNS: each look-up of a name takes the next of its answers, and the last one for ever."""

    answers: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def turn(self, host: str, *answers: Sequence[str]) -> None:
        """Let a name have these answers from now on."""
        self.answers[host] = list(answers)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        left = self.answers.get(host)
        if not left:
            raise OSError("no such name")
        return list(left.pop(0) if len(left) > 1 else left[0])


@dataclass(slots=True)
class Listener:
    """A bare socket that records every byte and answers nothing."""

    port: int
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0


@asynccontextmanager
async def listener(host: str = "127.0.0.1") -> AsyncIterator[Listener]:
    """Listen on a free port; a test ends with what has come."""
    made, writers = Listener(0), set[asyncio.StreamWriter]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        writers.add(writer)
        while data := await reader.read(65536):
            made.received += data
        writer.close()

    server = await asyncio.start_server(accept, host, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # what was aborted is closed in the loop's next rounds


async def until_heard(heard: Listener, asking: Coroutine[Any, Any, object]) -> None:
    """Ask who never answers, until the head of the request has come to them."""
    asked = asyncio.create_task(asking)
    try:
        await until(lambda: b"\r\n\r\n" in heard.received)
    finally:
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


@asynccontextmanager
async def two_backends() -> AsyncIterator[tuple[TenantBackend, TenantBackend]]:
    """Start a backend, and a server that is nobody's."""
    async with scripted_backend() as backend, scripted_backend() as other:
        yield backend, other


def caller(tenant: str = "acme", user: str = "ann", *, token: str | None = None) -> CallContext:
    """Return a call of somebody whose token is theirs alone."""
    credential = Credential(token or f"token-of-{tenant}-{user}")
    return CallContext(Principal(tenant, user, credential=credential), UUID(int=1), "call-1", 3)

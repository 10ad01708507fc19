"""A WebSocket client: the real `websockets`, and what came over it, in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from support.world import Person
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

LIMIT_S = 60.0
RESTARTS = 1012
"""The code with which a server closes that is about to go."""


@dataclass(slots=True)
class Socket:
    """An open socket. `came` is all that was read of it."""

    connection: ClientConnection
    came: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, type_: str, **values: object) -> None:
        """Send a command."""
        await self.connection.send(orjson.dumps({"type": type_, **values}).decode())

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(LIMIT_S):
            message = orjson.loads(await self.connection.recv())
        self.came.append(message)
        return dict(message)

    async def until(self, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Read on to the first message of which this holds, and return it."""
        while not holds(message := await self.next()):
            pass
        return message

    async def ask(self, type_: str, **values: object) -> dict[str, Any]:
        """Send a command and return its reply, or its refusal."""
        ref = f"ref-{len(self.came)}"
        await self.say(type_, ref=ref, **values)
        return await self.until(lambda message: message.get("ref") == ref)

    async def done(self, *runs: str) -> None:
        """Read until each of these runs is done."""
        while not all(any(one.get("run") == run and "done" in one for one in self.came) for run in runs):
            await self.next()

    async def closed(self) -> int:
        """Read until it is closed; return the code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.connection.close_code or 0

    def of(self, run: str) -> list[dict[str, Any]]:
        """Return what came of a run, replies left out."""
        return [one for one in self.came if one.get("run") == run and "reply" not in one]

    def text(self, run: str) -> str:
        """Return the text of a run as a client shows it."""
        text = ""
        for message in self.of(run):
            if "snapshot" in message:
                text = message["snapshot"]["text"]
            text += message.get("token", "")
        return text


@asynccontextmanager
async def open_socket(
    person: Person, query: str = "", *, signed_in: bool = True, **options: Any
) -> AsyncIterator[Socket]:
    """Open a socket, and say who it is in the first message."""
    async with open_socket_at(person.world.url, person.token if signed_in else None, query, **options) as socket:
        yield socket


@asynccontextmanager
async def open_socket_at(url: str, token: str | None, query: str = "", **options: Any) -> AsyncIterator[Socket]:
    """Open a socket of the server at `url`, and say whose token this is, where there is one."""
    address = url.replace("http", "ws", 1) + "/ws" + query
    async with connect(address, open_timeout=LIMIT_S, proxy=None, **options) as connection:
        socket = Socket(connection)
        if token is not None:
            await socket.say("credential", token=token)
            await socket.until(lambda message: "ready" in message)
        yield socket


@dataclass(slots=True)
class Talker:
    """Somebody who asks one thing after the other over a socket, and opens another one where the server says that it restarts."""

    url: str
    token: str
    runs: list[str] = field(default_factory=list)
    sockets: int = 0

    async def keep_asking(self, name: str, ends: asyncio.Event, said: Callable[[str], str]) -> None:
        """Ask until it ends. No answer is cut; `said` is what each has to be."""
        while not ends.is_set():
            async with open_socket_at(self.url, self.token) as socket:
                self.sockets += 1
                try:
                    while not ends.is_set():
                        await self._ask(socket, f"{name}-{len(self.runs)}", said)
                except ConnectionClosed:
                    assert socket.connection.close_code == RESTARTS

    async def _ask(self, socket: Socket, word: str, said: Callable[[str], str]) -> None:
        run = (await socket.ask("send", message=f"say {word}"))["run"]
        self.runs.append(run)
        await socket.done(run)
        assert socket.text(run) == said(word)

"""`serve --workers`: a parent and its processes on one PostgreSQL and one Redis, with a provider that says what it is told to."""

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
from support.faults import until
from support.http import Connection, Request, listen
from support.processes import Machine, Nursery, Server
from support.programs import free_port
from support.world import SECRET, write_assistant

PIECES = 6
ASKED = re.compile(r"\bsay (long )?([\w-]+)")
"""A question; what else a model is told stands around it."""


@dataclass(slots=True)
class Echo:
    """A provider that says what it is asked to say, in pieces that take their time."""

    url: str = ""
    pause_s: float = 0.05

    async def handle(self, request: Request, connection: Connection) -> None:
        """Answer one question; one of `long` takes twenty times as long."""
        [(length, word)] = ASKED.findall(str(request.json["messages"][-1]["content"]))
        pieces = [f"{word} "] * PIECES * (20 if length else 1)
        await connection.begin_chunks()
        for piece in pieces:
            await asyncio.sleep(self.pause_s)
            await connection.chunk(_event({"content": piece}))
        await connection.chunk(_event({}, "stop") + b"data: [DONE]\n\n")
        await connection.end_chunks()


@asynccontextmanager
async def echo() -> AsyncIterator[Echo]:
    """Start one on a free port."""
    provider = Echo()
    async with listen(provider.handle) as url:
        provider.url = f"{url}/v1"
        yield provider


def said(word: str, *, times: int = PIECES) -> str:
    """Return the whole answer to a question that ends in this word."""
    return f"{word} " * times


@dataclass(slots=True)
class Fleet:
    """A parent and its processes."""

    machine: Machine
    server: Server
    workers: int

    @property
    def url(self) -> str:
        return self.server.url

    def processes(self) -> list[int]:
        """Return the ids of the parent's processes."""
        path = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    async def all_there(self, *, but: list[int] | None = None) -> list[int]:
        """Wait until all processes are there and take connections, none of them one of `but`; return their ids."""
        await until(lambda: self._are_ready(set(but or ())), timeout_s=120)
        return self.processes()

    def log(self, event: str) -> list[dict[str, object]]:
        """Return the lines of the log of this event."""
        wanted = b'"event": "%b"' % event.encode()
        return [orjson.loads(line) for line in self.server.errors.read_bytes().splitlines() if wanted in line]

    def replace(self) -> None:
        """Ask for new processes."""
        self.server.send(signal.SIGUSR2)

    def _are_ready(self, others: set[int]) -> bool:
        pids = set(self.processes())
        return (
            len(pids) == self.workers
            and not others & pids
            and pids <= {one["pid"] for one in self.log("process_ready")}
        )


def free_ports(count: int) -> int:
    """Return the first of so many ports in a row that nobody listens on now."""
    while True:
        first = free_port()
        with ExitStack() as stack, suppress(OSError, OverflowError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@asynccontextmanager
async def open_fleet(
    folder: Path, provider_url: str, *, workers: int = 2, nursery: Nursery | None = None, **settings: object
) -> AsyncIterator[Fleet]:
    """Start one with these settings, wait until all its processes serve, and leave nothing of it.

    Its parent is of the nursery, where there is one; the others are started by it, as ever.
    """
    values: dict[str, object] = {
        "assistant": write_assistant(folder, models=["openai:echo"], toolsets=[]),
        "backend_url": "http://127.0.0.1:1",
        "data": folder / "data",
        "jwt_secret": SECRET,
        "redis_timeout_s": 2,
        "max_runs_per_user": 50,
        "max_streams_per_user": 200,
        "user_limit": "100000/minute",
        "metrics_port": free_ports(workers),
        **settings,
    }
    environment = {f"FRONTDESK_{name.upper()}": str(value) for name, value in values.items()}
    environment |= {"OPENAI_BASE_URL": provider_url, "NO_PROXY": "*"}
    machine = Machine(folder, environment, nursery, words=("serve", "--workers", str(workers)))
    try:
        fleet = Fleet(machine, await machine.start(), workers)
        await fleet.all_there()
        yield fleet
    finally:
        pids = [*Fleet(machine, machine.server, workers).processes()] if machine.server is not None else []
        await machine.stop()
        await until(lambda: not any(map(_is_alive, pids)), timeout_s=60)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"

"""Real server processes: `frontdesk serve` with settings from the environment; started, killed and started again."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import orjson

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120.0
EXIT_LIMIT_S = 120.0
POLL_S = 0.01
LISTENING = re.compile(r"Frontdesk is on (http://\S+)")

QUICK = {
    "FRONTDESK_LEASE_S": "2.5",
    "FRONTDESK_RENEW_EVERY_S": "0.4",
    "FRONTDESK_LEASE_LOST_AFTER_S": "2.2",
    "FRONTDESK_REAP_EVERY_S": "0.1",
    "FRONTDESK_AUTH_WAIT_S": "8",
}
"""Leases that run out after two and a half seconds, so that tests of recovery do not take ten."""
PATIENT = {"FRONTDESK_AUTH_WAIT_S": "30", "FRONTDESK_USER_LIMIT": "1000000/minute"}
"""The users of a quick machine ask so often while a server is away that they would be told to wait."""


def wrong_clock(clock_s: float) -> dict[str, str]:
    """Return the environment of a process whose wall clock is ahead by so many seconds. Its monotonic clock is right.

    Raises:
        FileNotFoundError: the Debian package `faketime` is not there.
    """
    # Not the one for threads: every look at any clock takes its lock, and ten times the processor's time.
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        raise FileNotFoundError("libfaketime: install the Debian package faketime (scripts/system-packages faketime)")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{clock_s:+}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Nursery:
    """Forks server processes from one that has the libraries loaded already. See `support.forkserver`.

    Where the clock is wrong, it is wrong for the nursery as for its children: it cannot be changed in a fork.
    """

    def __init__(self, *, clock_s: float = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.forkserver"],
            cwd=ROOT,
            env=environment(wrong_clock(clock_s) if clock_s else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._asking = threading.Lock()

    async def fork(
        self,
        folder: Path,
        arguments: list[str],
        variables: dict[str, str],
        *,
        program: str = "frontdesk",
        typed: str = "",
    ) -> "Server":
        """Start a process in `folder`, where it also leaves what it writes. It reads what is `typed`, and has our mask of modes."""
        paths = paths_of_process(folder)
        order: dict[str, object] = {kind: str(path) for kind, path in paths.items()}
        order |= {"program": program, "arguments": arguments, "environment": variables, "folder": str(folder)}
        os.umask(mask := os.umask(0))
        order |= {"typed": typed, "mask": mask}
        pid = await asyncio.to_thread(self._start, order)
        return Server(pid, paths["output"], paths["errors"], paths["status"])

    async def run(self, folder: Path, *arguments: str, variables: dict[str, str], typed: str = "") -> Done:
        """Run a command of ours to its end."""
        process = await self.fork(folder, list(arguments), variables, typed=typed)
        status = await process.exited()
        return Done(status, process.output.read_text(), process.errors.read_text())

    def _start(self, order: dict[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # One after the other: of two threads that read lines of a pipe at once, one can lose what the other has read ahead.
        with self._asking:
            self._process.stdin.write(orjson.dumps(order) + b"\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the nursery and what it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(EXIT_LIMIT_S)
        self._process.stdout.close()


def paths_of_process(folder: Path) -> dict[str, Path]:
    """Return where a process leaves what it writes: names that sort by the time of its start."""
    name = f"process-{time.monotonic_ns():020}"
    return {kind: folder / f"{name}.{kind}" for kind in ("output", "errors", "status")}


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """Start a nursery; what it started is gone when the block ends."""
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


class Nurseries:
    """Nurseries by how wrong their clock is; each is opened when it is needed first. One that is right may be lent."""

    def __init__(self, right: Nursery | None = None) -> None:
        self._lent = right
        self._by_clock: dict[float, Nursery] = {}

    def at(self, clock_s: float) -> Nursery:
        """Return the nursery whose clock is ahead by so many seconds."""
        if clock_s == 0 and self._lent is not None:
            return self._lent
        if clock_s not in self._by_clock:
            self._by_clock[clock_s] = Nursery(clock_s=clock_s)
        return self._by_clock[clock_s]

    def close(self) -> None:
        """End all but the one that was lent, and what they started."""
        for nursery in self._by_clock.values():
            nursery.close()


@dataclass(slots=True)
class Server:
    """A process that serves, or served."""

    pid: int
    output: Path
    errors: Path
    status_path: Path
    child: subprocess.Popen[bytes] | None = None
    url: str = ""
    exited_at: float | None = None

    @property
    def status(self) -> int | None:
        """The exit status; negative where a signal killed it, None while it lives."""
        if self.child is not None:
            return self.child.poll()
        return int(self.status_path.read_text()) if self.status_path.exists() else None

    async def listening(self) -> None:
        """Wait until it serves and has told where.

        Raises:
            RuntimeError: it ended instead.
        """
        async with asyncio.timeout(START_LIMIT_S):
            while True:
                found = LISTENING.search(self.output.read_text() if self.output.exists() else "")
                if found is not None:
                    self.url = found[1]
                    return
                if self.status is not None:
                    raise RuntimeError(f"the server ended with {self.status}: {self.errors.read_text()[-2000:]}")
                await asyncio.sleep(POLL_S)

    async def exited(self, *, limit_s: float = EXIT_LIMIT_S) -> int:
        """Wait for its end and return the exit status."""
        async with asyncio.timeout(limit_s):
            while self.status is None:  # noqa: ASYNC110 (a file of another process)
                await asyncio.sleep(POLL_S)
        self.exited_at = self.exited_at or time.time()
        assert self.status is not None
        return self.status

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone already."""
        if self.status is None:
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """Kill it with -9 and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.exited_at = time.time()
        await self.exited()


class Place(Protocol):
    """Where clients find a server."""

    @property
    def url(self) -> str | None:
        """Its URL; None while there is nobody."""


@dataclass(slots=True)
class Machine:
    """An installation over the lives of its processes: the same data, one process at a time.

    Each has a new port, unless one is given. Without a nursery each process is started as an operator would: `python -m api.cli serve`.
    """

    folder: Path
    environment: dict[str, str]
    nursery: Nursery | Nurseries | None = None
    port: int = 0
    python: str | Path = sys.executable
    """Whose packages it has."""
    words: tuple[str, ...] = ("serve",)
    """Words that the command line is told; a port is added."""
    server: Server | None = None
    servers: list[Server] = field(default_factory=list)
    started_at: float = 0.0

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "data" / "frontdesk.db"

    @property
    def url(self) -> str | None:
        """Where it serves now; None while it does not."""
        server = self.server
        return server.url if server is not None and server.url and server.status is None else None

    async def start(self, *, failpoint: str | None = None, clock_s: float = 0) -> Server:
        """Start the next process and wait until it serves.

        It is armed with a failpoint where one is named; its wall clock is ahead by `clock_s`.
        """
        variables = environment(self.environment) | (wrong_clock(clock_s) if clock_s else {})
        if failpoint is not None:
            variables["FRONTDESK_FAILPOINT"] = failpoint
        self.server = await self._run([*self.words, "--port", str(self.port)], variables, clock_s=clock_s)
        self.servers.append(self.server)
        try:
            await self.server.listening()
        except RuntimeError:
            # A failpoint of the takeover may end it before it has said where it is.
            if failpoint is None:
                raise
        self.started_at = time.time()
        return self.server

    async def command(self, *arguments: str) -> Server:
        """Run a command beside the server to its end."""
        process = await self._run(list(arguments), environment(self.environment))
        await process.exited()
        return process

    async def _run(self, arguments: list[str], variables: dict[str, str], *, clock_s: float = 0) -> Server:
        if self.nursery is not None:
            nursery = self.nursery.at(clock_s) if isinstance(self.nursery, Nurseries) else self.nursery
            return await nursery.fork(self.folder, arguments, variables)
        paths = paths_of_process(self.folder)
        with paths["output"].open("wb") as output, paths["errors"].open("wb") as errors:
            child = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
                [self.python, "-m", "api.cli", *arguments],
                cwd=self.folder,
                env=variables,
                stdout=output,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )
        return Server(child.pid, paths["output"], paths["errors"], paths["status"], child)

    async def stop(self) -> None:
        """Kill what runs."""
        if self.server is not None:
            await self.server.kill()

    def logs(self) -> str:
        """Return everything that any of its processes wrote."""
        return "".join(path.read_text() for one in self.servers for path in (one.output, one.errors) if path.exists())


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return the environment of a child: nothing of ours but what a process needs to begin."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }

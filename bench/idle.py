"""`python -m bench.idle`: what an open stream that waits for its model costs in memory, and where that is.

A stream has had its first token, as most that are open have. Each of up to 2,000 is of a run of its own; any more read these as
second readers do, as a process may not have the files for more (three for a run, one for a reader). Each size has a server of its own that had some streams
before: what is loaded and connected with the first ones is no cost of a stream. `--parts` adds what Python itself holds
for a stream, by the library that allocated it, in a server that counts that.
"""

import argparse
import asyncio
import gc
import os
import re
import resource
import signal
import sys
import time
import tracemalloc
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import uvloop

from bench import frontdesk
from bench.load import Client, Load, ask, finish, open_clients, post
from bench.measure import AT_ONCE, CLIENT_CORE, KIB, MS, SERVER_CORE, Target, first_tokens
from bench.server import ROOT, Server
from bench.upstream import Script

SIZES = [500, 2000]
TURNS = 20
"""How often a turn is asked for while the streams wait, one after the other."""
MOST_RUNS = 2000
WARM = 50
SETTLE_S = 1.0
MOST = 16
WAITING = Script(tokens=1, gated=1)
COUNTED = [sys.executable, "-m", "bench.idle", "--serve"]
COUNTS = "FRONTDESK_BENCH_COUNTS"
LIMIT_S = 60.0
RUN_ID = b'"run_id":"'
TOKEN = re.compile(rb"Authorization: Bearer (\S+)")
LIBRARY = re.compile(r"(?:site-packages|lib/python3\.\d+)/(?!site-packages)(\w+)")


class Reader(Client):
    """A stream that knows its run and whose it is."""

    run_id = b""
    request = b""

    def send(self, request: bytes) -> None:
        self.request = request
        super().send(request)

    def read(self, data: bytes) -> None:
        if not self.run_id and RUN_ID in data:
            self.run_id = data.partition(RUN_ID)[2][:36]
        super().read(data)


def _read_again(client: Client, number: int) -> bytes:
    """Return what asks for a stream of the same run."""
    assert isinstance(client, Reader)
    assert client.run_id, f"stream {number} has nothing to read"
    [token] = TOKEN.findall(client.request)
    asked = post(f"/runs/{client.run_id.decode()}/events", b"", token=token.decode())
    return asked.replace(b"POST", b"GET", 1)


class Idle:
    """A server with streams that wait."""

    def __init__(self, stack: ExitStack, folder: Path, *, streams: int, is_counted: bool) -> None:
        self._counts = folder / "counts.json"
        self._upstream = Server(
            "upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={}
        )
        stack.callback(self._upstream.stop)
        self._upstream.wait()
        environment = frontdesk.environment(self._upstream.url, folder) | {
            "FRONTDESK_MAX_CONNECTIONS": str(max(8000, streams + TURNS)),
            "FRONTDESK_MAX_RUNS": str(MOST_RUNS + TURNS),
            "FRONTDESK_MAX_STREAMS_PER_USER": str(max(10, streams // frontdesk.USERS + TURNS)),
            COUNTS: str(self._counts),
        }
        command = COUNTED if is_counted else frontdesk.COMMAND
        self._server = Server("frontdesk", command, core=SERVER_CORE, folder=folder, env=environment)
        stack.callback(self._server.stop)
        self._server.wait()

    async def open(self, streams: int) -> list[Client]:
        """Open streams, and return them when they wait."""
        self._load, runs = Load(), min(streams, MOST_RUNS)
        asking = [frontdesk.ask(WAITING, number, None) for number in range(runs)]
        clients = await self._begun(asking)
        clients += await self._begun([_read_again(clients[number % runs], number) for number in range(runs, streams)])
        await asyncio.sleep(SETTLE_S)  # what a start leaves behind is let go of
        return clients

    async def _begun(self, requests: list[bytes]) -> list[Client]:
        """Send requests, a few at once, and return the streams when each has its first token."""
        clients, before = list[Client](), self._load.tokens
        for begin in range(0, len(requests), AT_ONCE):
            some = requests[begin : begin + AT_ONCE]
            opened = await open_clients(self._load, self._server.url, len(some), made=Reader)
            for client, request in zip(opened, some, strict=True):
                client.send(request)
            clients += opened
            await self._load.until(before + len(clients))
        return clients

    async def turns(self) -> list[float]:
        """Return the seconds to the first token of turns, one after the other."""
        target = Target("frontdesk", self._server, frontdesk.ask)
        return [took for _ in range(TURNS) for took in await first_tokens(target)]

    async def end(self, clients: list[Client]) -> None:
        """Let streams come to their end."""
        await ask(self._upstream.url, post("/release", b""))
        await self._load.until(2 * len(clients))
        await ask(self._upstream.url, post("/release", b""))
        await finish(clients, tokens=2)
        await asyncio.sleep(SETTLE_S)

    @property
    def own_bytes(self) -> int:
        """The bytes that are resident of the server and its alone."""
        lines = Path(f"/proc/{self._server.pid}/smaps_rollup").read_text("utf-8").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * KIB

    def counts(self) -> Counter[str]:
        """Return the bytes that Python holds in the server since it was asked for them first, by library."""
        self._counts.unlink(missing_ok=True)
        os.kill(self._server.pid, signal.SIGUSR2)
        until = time.monotonic() + LIMIT_S
        while not self._counts.exists():
            if time.monotonic() > until:
                raise TimeoutError("the server does not count")
            time.sleep(0.05)  # until another process has written, which tells nobody
        return Counter(orjson.loads(self._counts.read_bytes()))


class Measured(NamedTuple):
    """The cost of idle streams: each one's memory, what is left of that when all have ended, and what turns beside them take."""

    kib: float
    left_kib: float
    alone_ms: float
    """From a turn's request to its first token, the median without any idle stream."""
    beside_ms: float
    """The median while all of them wait."""
    worst_ms: float


async def measure(streams: int) -> Measured:
    """Measure with so many streams."""
    with TemporaryDirectory(prefix="frontdesk-idle-") as name, ExitStack() as stack:
        idle = Idle(stack, Path(name), streams=streams, is_counted=False)
        await idle.end(await idle.open(WARM))
        alone = await idle.turns()
        before = idle.own_bytes
        clients = await idle.open(streams)
        during = idle.own_bytes
        beside = await idle.turns()
        await idle.end(clients)
        sizes = (during - before) / streams / KIB, (idle.own_bytes - before) / streams / KIB
        return Measured(*sizes, median(alone) * MS, median(beside) * MS, max(beside) * MS)


async def parts(streams: int) -> list[tuple[str, float]]:
    """Return the KiB that Python holds of an idle stream, by library, the largest first."""
    with TemporaryDirectory(prefix="frontdesk-idle-") as name, ExitStack() as stack:
        idle = Idle(stack, Path(name), streams=streams, is_counted=True)
        await idle.end(await idle.open(WARM))
        idle.counts()
        clients = await idle.open(streams)
        during = idle.counts()
        assert not any(client.ended.done() for client in clients), "a stream was cut"
    return [(library, held / streams / KIB) for library, held in during.most_common()]


def serve() -> None:
    """Be the server. A signal lets Python count what it holds from then on, a second one lets it write that."""
    from api.cli import main

    path = Path(os.environ[COUNTS])

    def count(*_: object) -> None:
        gc.collect()
        held: Counter[str] = Counter()
        if tracemalloc.is_tracing():
            for line in tracemalloc.take_snapshot().statistics("filename"):
                held[_library(line.traceback[0].filename)] += line.size
        else:
            tracemalloc.start()
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(orjson.dumps(held))
        unfinished.rename(path)

    signal.signal(signal.SIGUSR2, count)
    sys.argv = ["frontdesk", *frontdesk.COMMAND[3:]]
    main()


def _library(path: str) -> str:
    """Return whose code a file is: a library, or a part of our own."""
    if path.startswith(str(ROOT)) and "site-packages" not in path:
        return str(Path(path).relative_to(ROOT))
    found = LIBRARY.findall(path)
    return found[-1] if found else path


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many streams are open at once")
    parser.add_argument("--repeat", type=int, default=1, help="how often")
    parser.add_argument("--parts", action="store_true", help="say what Python holds of a stream, too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
        return
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # which the servers inherit
    for streams in arguments.sizes * arguments.repeat:
        seen = uvloop.run(measure(streams))
        sys.stdout.write(
            f"{streams:6} idle streams: {seen.kib:6.1f} KiB each; {seen.left_kib:5.1f} KiB when they have ended; "
            f"a turn's first token {seen.beside_ms:.1f} ms beside them (worst {seen.worst_ms:.0f}), {seen.alone_ms:.1f} ms without\n"
        )
        sys.stdout.flush()
    if arguments.parts:
        held = uvloop.run(parts(arguments.sizes[0]))
        sys.stdout.write(f"of these Python holds {sum(kib for _, kib in held):.1f} KiB\n")
        for library, kib in held[:MOST]:
            sys.stdout.write(f"{kib:6.1f}  {library}\n")


if __name__ == "__main__":
    main()

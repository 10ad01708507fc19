"""A process that stalls is not dead, and a SQLite file has one server: real processes, paused, locked out, started twice."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from support.backend import TenantBackend
from support.faults import database_that_hangs, until
from support.processes import Machine, Nursery, Server
from support.provider import Provider
from support.world import SECRET, Person, World, write_assistant

from agent.store.database import Store
from agent.store.tables import runs
from api.settings import Settings

pytestmark = pytest.mark.timeout(400)

STALL_S = 7.0
"""Longer than the default lease of six seconds."""
STALLS = 2


@pytest.fixture
async def machine(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, tmp_path: Path
) -> AsyncIterator[Machine]:
    environment = {
        "FRONTDESK_DATA": str(tmp_path / "data"),
        "FRONTDESK_DATABASE_URL": database_url,
        "FRONTDESK_ASSISTANT": str(write_assistant(tmp_path, limits={"between_tokens_timeout_s": 120})),
        "FRONTDESK_BACKEND_URL": backend.url,
        "FRONTDESK_JWT_SECRET": SECRET,
        "FRONTDESK_SHUTDOWN_GRACE_S": "1",
        "OPENAI_BASE_URL": provider.url,
        "NO_PROXY": "*",
    }
    machine = Machine(tmp_path, environment, nursery)
    yield machine
    for server in machine.servers:
        await server.kill()


def ann_at(server: Server, provider: Provider, backend: TenantBackend) -> Person:
    return World(server.url, FastAPI(), Settings(_env_file=None), provider, backend).person()


async def time_goes_by(seconds: float) -> None:
    """Let a stall last: its length is what is tested."""
    loop = asyncio.get_running_loop()
    over_at = loop.time() + seconds
    await until(lambda: loop.time() >= over_at, timeout_s=seconds + 60)


async def the_run(store: Store) -> tuple[str, int, int]:
    async with store.read("acme") as connection:
        [run] = (await connection.execute(select(runs))).all()
    return run.state, run.attempt, run.begun_attempts


async def test_an_answer_survives_the_stalls_of_its_own_process(
    machine: Machine, provider: Provider, backend: TenantBackend, store: Store
) -> None:
    """G35: SIGSTOP, as a paused machine or a frozen container gives it; nobody else is there to take the run."""
    gate = asyncio.Event()
    provider.wait_for(gate, "and whole.", before=["Half "])
    server = await machine.start()
    async with ann_at(server, provider, backend).open_stream("tell me") as live:
        await live.until_bytes(b"Half ", timeout_s=30)
        for _ in range(STALLS):
            server.send(signal.SIGSTOP)
            await time_goes_by(STALL_S)
            server.send(signal.SIGCONT)
        gate.set()
        stream = await live.rest(timeout_s=60)
    assert (stream.text, stream.first("status")) == ("Half and whole.", "completed")
    assert await the_run(store) == ("completed", 1, 1)
    assert len(provider.requests) == 1


async def test_an_answer_survives_a_database_that_is_locked_for_longer_than_a_lease(
    machine: Machine, provider: Provider, backend: TenantBackend, database_url: str, store: Store
) -> None:
    """G35: a backup, a checkpoint, a slow disk; several times in a row."""
    gate = asyncio.Event()
    provider.wait_for(gate, "and whole.", before=["Half "])
    server = await machine.start()
    async with ann_at(server, provider, backend).open_stream("tell me") as live:
        await live.until_bytes(b"Half ", timeout_s=30)
        for _ in range(STALLS):
            async with database_that_hangs(database_url):
                await time_goes_by(STALL_S)
        gate.set()
        stream = await live.rest(timeout_s=60)
    assert (stream.text, stream.first("status")) == ("Half and whole.", "completed")
    assert await the_run(store) == ("completed", 1, 1)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_second_server_on_a_sqlite_file_waits_for_the_first_and_then_ends_with_one_line(
    machine: Machine, provider: Provider, backend: TenantBackend, database_url: str
) -> None:
    """G52: for its grace time and a second; operator commands may open the file meanwhile."""
    first = await machine.start()
    begun = asyncio.get_running_loop().time()
    with pytest.raises(RuntimeError, match=r"ended with 2: frontdesk: another server uses .*PostgreSQL\n$"):
        await machine.start()
    assert asyncio.get_running_loop().time() - begun > 2.0
    refused = machine.servers[-1].errors.read_text()
    assert refused.count("\n") == 1
    assert database_url.rpartition("//")[2] in refused
    for command in ("migrate", "token"):
        assert (await machine.command(command)).status == 0
    provider.say("Still here.")
    assert (await ann_at(first, provider, backend).ask("there?")).json()["response"] == "Still here."


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_next_server_starts_while_the_last_one_drains(
    machine: Machine, provider: Provider, backend: TenantBackend
) -> None:
    """G52: in a rolling restart it waits for its turn."""
    first = await machine.start()
    first.send(signal.SIGTERM)
    second = await machine.start()
    assert await first.exited() == 0
    provider.say("Here.")
    assert (await ann_at(second, provider, backend).ask("there?")).json()["response"] == "Here."


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_run_goes_on_at_once_whatever_the_clock_says_at_the_next_start(
    machine: Machine, provider: Provider, backend: TenantBackend, database_url: str, store: Store
) -> None:
    """G35 G15: here the clock stood ten minutes ahead when its process died."""
    provider.hang("Half")
    server = await machine.start()
    async with ann_at(server, provider, backend).open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half", timeout_s=30)
    await server.kill()
    with closing(sqlite3.connect(database_url.removeprefix("sqlite+aiosqlite:///"))) as connection, connection:
        assert connection.execute("UPDATE workers SET lease_until = lease_until + 600").rowcount == 1
    provider.say("Whole.")
    server = await machine.start()
    assert (await ann_at(server, provider, backend).events(run_id)).text == "Whole."

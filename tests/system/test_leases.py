"""Two real server processes on one database: one is paused or killed, the other one goes on with its runs."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from support.backend import TenantBackend
from support.faults import reaches, until
from support.http import Connection, Request
from support.processes import QUICK, Machine, Nursery, Server
from support.provider import Call, Provider
from support.saying import call, calling, end, event
from support.world import SECRET, Person, World, write_assistant

from agent.prompt.history import LOST_RESULT
from agent.store.database import Store
from agent.store.tables import messages, runs, tool_calls
from api.settings import Settings

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),  # a SQLite file has one server
]

RECOVERY_LIMIT_S = 10.0
"""From a death to the next attempt's work, with the default settings."""


class House:
    """Processes on one database, with the provider and the backend that they share."""

    def __init__(self, stack: AsyncExitStack, folder: Path, environment: dict[str, str], nursery: Nursery) -> None:
        self._stack = stack
        self._folder = folder
        self._environment = environment
        self._nursery = nursery

    async def start(self, name: str) -> Server:
        """Start a process."""
        folder = self._folder / name
        folder.mkdir()
        machine = Machine(folder, self._environment, self._nursery)
        self._stack.push_async_callback(machine.stop)
        return await machine.start()


@asynccontextmanager
async def open_house(
    folder: Path, provider: Provider, backend: TenantBackend, nursery: Nursery, **environment: str
) -> AsyncIterator[House]:
    assistant = write_assistant(folder)
    values = {
        "FRONTDESK_DATA": str(folder / "data"),
        "FRONTDESK_ASSISTANT": str(assistant),
        "FRONTDESK_BACKEND_URL": backend.url,
        "FRONTDESK_JWT_SECRET": SECRET,
        "OPENAI_BASE_URL": provider.url,
        "NO_PROXY": "*",
    }
    async with AsyncExitStack() as stack:
        yield House(stack, folder, values | environment, nursery)


def person_at(server: Server, provider: Provider, backend: TenantBackend) -> Person:
    """Return Ann, with the same token claims wherever she asks."""
    settings = Settings()
    return World(server.url, FastAPI(), settings, provider, backend).person()


async def pause(server: Server, store: Store) -> None:
    """Stop a process where it stands, but not inside a transaction: no database lets others pass its locks then."""
    for _ in range(20):
        server.send(signal.SIGSTOP)
        try:
            async with asyncio.timeout(3), store.write("acme") as connection:
                await connection.execute(update(runs).values(state=runs.c.state))
        except TimeoutError:
            server.send(signal.SIGCONT)
        else:
            return
    raise AssertionError("it was always inside a transaction")


async def test_a_paused_process_finds_out_that_it_lost_its_run_and_writes_nothing(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, store: Store, tmp_path: Path
) -> None:
    """G13: SIGSTOP, a takeover, SIGCONT. G12: one end, the same for readers at either process."""
    gate = asyncio.Event()
    provider.wait_for(gate, "from the dead", before=["I was "])
    async with open_house(
        tmp_path, provider, backend, nursery, FRONTDESK_DATABASE_URL=database_url, **QUICK
    ) as shared_world:
        paused, other = await shared_world.start("paused"), await shared_world.start("other")
        ann, there = person_at(paused, provider, backend), person_at(other, provider, backend)
        async with ann.open_stream("who are you?") as live:
            run_id = await live.until("run_id")
            await live.until_bytes(b"I was ")
            provider.say("From the living.")
            await pause(paused, store)
            try:
                await reaches(there, run_id, "completed")
                gate.set()
            finally:
                paused.send(signal.SIGCONT)
            cut = await live.rest()
        assert "status" not in cut.keys
        for reader in (ann, there):
            stream = await reader.events(run_id, headers={"Last-Event-ID": "1-2"})
            assert [event["status"] for event in stream.events if "status" in event] == ["completed"]
            assert stream.first("snapshot") is not None
            assert stream.is_done
    async with store.read("acme") as connection:
        [run] = (await connection.execute(select(runs))).all()
        said = (await connection.execute(select(messages.c.text).where(messages.c.role == "assistant"))).scalars()
        assert (run.state, run.attempt) == ("completed", 2)
        assert list(said) == ["From the living."]


async def test_a_write_that_was_out_when_its_process_was_killed_is_not_made_again(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, store: Store, tmp_path: Path
) -> None:
    """G10: kill -9 between the request and its answer. G11: the request carried the call's id."""
    arrived = asyncio.Event()

    async def create(_request: Request, connection: Connection) -> None:
        arrived.set()
        await connection.gone.wait()

    backend.routes["POST /orders"] = create
    provider.call(Call("create_order", {"item": "tea"}))
    provider.say("I have to look first.")
    async with open_house(
        tmp_path, provider, backend, nursery, FRONTDESK_DATABASE_URL=database_url, **QUICK
    ) as shared_world:
        first, other = await shared_world.start("first"), await shared_world.start("other")
        ann, there = person_at(first, provider, backend), person_at(other, provider, backend)
        async with ann.open_stream("order tea") as live:
            run_id = await live.until("run_id")
            async with asyncio.timeout(60):
                await arrived.wait()
        await first.kill()
        await reaches(there, run_id, "completed")
    async with store.read("acme") as connection:
        [call] = (await connection.execute(select(tool_calls))).all()
    assert call.state == "unknown"
    assert backend.effects == {call.id: 1}
    assert provider.requests[-1]["messages"][-1]["content"] == LOST_RESULT


async def test_what_belongs_to_a_step_is_sent_by_the_next_process_as_it_came(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, tmp_path: Path
) -> None:
    """G58: kill -9 behind a step with its own id, a signature and thinking."""
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    detail = {"type": "reasoning.encrypted", "data": "ENC", "id": "r_1", "index": 0}
    backend.answer("GET /orders/count", {"count": 42})
    provider.raw(
        event({"reasoning_content": "I should count.", "reasoning_details": [detail]})
        + calling(call("count_orders", "{}", call_id="functions.count_orders:0", extra_content=signed))
        + end("tool_calls")
    )
    provider.hang("Half")
    provider.say("Whole.")
    async with open_house(tmp_path, provider, backend, nursery, FRONTDESK_DATABASE_URL=database_url, **QUICK) as house:
        first, other = await house.start("first"), await house.start("other")
        ann, there = person_at(first, provider, backend), person_at(other, provider, backend)
        async with ann.open_stream("how many orders?") as live:
            run_id = await live.until("run_id")
            await live.until_bytes(b"Half")
        await first.kill()
        await reaches(there, run_id, "completed")
    _, before, after = (request["messages"] for request in provider.requests)
    [step] = [message for message in after if message.get("tool_calls")]
    assert step == next(message for message in before if message.get("tool_calls"))
    assert (step["reasoning_content"], step["reasoning_details"]) == ("I should count.", [detail])
    [asked] = step["tool_calls"]
    assert (asked["id"], asked["extra_content"]) == ("functions.count_orders:0", signed)
    assert [message["tool_call_id"] for message in after if message["role"] == "tool"] == [asked["id"]]


@pytest.mark.alone
async def test_with_the_default_settings_a_run_goes_on_within_ten_seconds_of_its_process_death(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, tmp_path: Path
) -> None:
    """G15: the lease is part of these seconds."""
    provider.hang("Half")
    provider.say("Whole.")
    async with open_house(tmp_path, provider, backend, nursery, FRONTDESK_DATABASE_URL=database_url) as shared_world:
        first, other = await shared_world.start("first"), await shared_world.start("other")
        ann, there = person_at(first, provider, backend), person_at(other, provider, backend)
        async with ann.open_stream("tell me") as live:
            run_id = await live.until("run_id")
            await live.until_bytes(b"Half")
        await first.kill()
        died = time.monotonic()
        await until(lambda: len(provider.requests) == 2, timeout_s=20)
        assert time.monotonic() - died < RECOVERY_LIMIT_S
        assert (await there.events(run_id)).text == "Whole."

"""Four real processes: two take messages and work on none, two work; whoever of them dies, nothing is lost."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from support.backend import TenantBackend
from support.beside import Beside
from support.faults import until
from support.processes import Machine, Nursery, Server
from support.provider import Call, Provider
from support.redis import open_redis
from support.shown import Screen
from support.world import SECRET, Person, World, sign, write_assistant

from agent.store.database import Store
from agent.store.tables import runs
from api.settings import Settings

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]
ACTIVE = re.compile(r"^frontdesk_runs_active (\d+)", re.MULTILINE)


@dataclass(slots=True)
class Cluster:
    """Two processes that take messages, two that work, and what is around them."""

    fronts: list[Machine]
    workers: list[Machine]
    provider: Provider
    backend: TenantBackend

    def person(self, front: int = 0, **claims: object) -> Person:
        url = self.fronts[front].url
        assert url is not None
        world = World(url, FastAPI(), Settings(), self.provider, self.backend)
        token = sign({"tenant_id": "acme", "sub": "ann", **claims})
        return Person(world, token, "acme")

    async def at_work(self) -> list[int]:
        """Return how many runs each process holds, those that work last; None of the dead."""
        return [await active(machine.server) for machine in [*self.fronts, *self.workers] if machine.server]

    async def holder(self) -> Machine:
        """Return the one worker that has a run, as soon as one has."""
        found: list[Machine] = []

        async def is_there() -> bool:
            found[:] = [one for one in self.workers if one.server and await active(one.server)]
            return bool(found)

        await until(is_there)
        [holder] = found
        return holder


async def active(server: Server) -> int:
    if server.status is not None:
        return 0
    async with httpx2.AsyncClient(base_url=server.url) as client:
        found = ACTIVE.search((await client.get("/metrics")).text)
    assert found is not None
    return int(found[1])


@pytest.fixture
async def cluster(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, tmp_path: Path
) -> AsyncIterator[Cluster]:
    patient = {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300}
    with open_redis() as redis:
        environment = {
            "FRONTDESK_ASSISTANT": str(write_assistant(tmp_path, limits=patient)),
            "FRONTDESK_BACKEND_URL": backend.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "FRONTDESK_DATABASE_URL": database_url,
            "FRONTDESK_REDIS_URL": redis.url,
            "FRONTDESK_REDIS_TIMEOUT_S": "5",
            "FRONTDESK_HANDOVER_KEY": "handover-key-" * 3,
            "FRONTDESK_LEASE_S": "10",
            "FRONTDESK_LEASE_LOST_AFTER_S": "9",
            "OPENAI_BASE_URL": provider.url,
            "NO_PROXY": "*",
        }
        async with AsyncExitStack() as stack:
            kinds = {"front": ("serve", "--no-execute"), "worker": ("worker",)}
            made: dict[str, list[Machine]] = {}
            for kind, command in kinds.items():
                folders = [tmp_path / f"{kind}-{number}" for number in range(2)]
                for folder in folders:
                    folder.mkdir()
                made[kind] = [Machine(folder, environment, nursery, words=command) for folder in folders]
                for machine in made[kind]:
                    stack.push_async_callback(machine.stop)
            await asyncio.gather(*(machine.start() for machines in made.values() for machine in machines))
            yield Cluster(made["front"], made["worker"], provider, backend)


async def row(store: Store) -> tuple[str, int]:
    async with store.read("acme") as connection:
        [run] = (await connection.execute(select(runs))).all()
    return run.state, run.begun_attempts


async def read(person: Person, run_id: str, screen: Screen) -> None:
    """Read a run to its end, however often that takes coming back."""
    async with person.client() as client, asyncio.timeout(120):
        while not screen.is_done:
            headers = {"Last-Event-ID": screen.last_id} if screen.last_id else {}
            try:
                async with client.stream("GET", f"/runs/{run_id}/events", headers=headers) as response:
                    async for data in response.aiter_bytes():
                        screen.feed(data)
            except httpx2.TransportError:
                pass
            screen.drop()


async def test_a_worker_that_is_killed_is_replaced_by_the_other_one_and_its_reader_sees_it(
    cluster: Cluster, store: Store
) -> None:
    """G311 G60: the run asks its reader for a token, as ever."""
    cluster.provider.hang("Half of ")
    ann = cluster.person()
    async with ann.open_stream("tell me") as live:
        run_id = str(await live.until("run_id"))
        await live.until("token")
        cluster.provider.call(Call("count_orders"))
        cluster.provider.say("All of it.")
        cluster.backend.answer("GET /orders/count", 3)
        holder = await cluster.holder()
        assert holder.server is not None
        await holder.server.kill()
    screen = Screen()
    await read(cluster.person(1), run_id, screen)
    assert (screen.shown.text, screen.shown.status) == ("All of it.", "completed")
    assert await row(store) == ("completed", 2)


async def test_of_two_lanes_the_one_whose_worker_is_killed_begins_again_and_the_other_goes_on(
    cluster: Cluster, store: Store
) -> None:
    """G456: their reader, who comes back as often as it takes, sees both to their ends, and one of them as a snapshot."""
    gate = asyncio.Event()
    for _ in range(2):
        cluster.provider.wait_for(gate, "the end.", before=["From the start to "])
    ann, screen = cluster.person(), Beside()
    async with ann.open_stream("tell me", models=["openai:scripted"] * 2) as live:
        turn_id = live.response.headers["x-run-id"]
        for lane in (1, 2):
            await live.until_bytes(b'start to ","lane":%d' % lane)
        assert await cluster.at_work() == [0, 0, 1, 1]
        screen.feed(live.raw)
        cluster.provider.wait_for(gate, "the end, again.", before=["From the start to "])
        killed = cluster.workers[0].server
        assert killed is not None
        await killed.kill()
    reading = asyncio.create_task(screen.read(cluster.person(1), f"/turns/{turn_id}/events"))
    await until(lambda: len(cluster.provider.requests) == 3)
    gate.set()
    await reading
    texts = sorted(one["text"] for one in screen.shown.values())
    assert texts == ["From the start to the end, again.", "From the start to the end."]
    assert [one["status"] for one in screen.shown.values()] == ["completed", "completed"]
    async with store.read("acme") as connection:
        rows = (await connection.execute(select(runs.c.state, runs.c.begun_attempts))).all()
    assert sorted(map(tuple, rows)) == [("completed", 1), ("completed", 2)]


async def test_a_run_outlives_the_process_that_took_its_message(cluster: Cluster, store: Store) -> None:
    """G311: whoever was killed, its reader goes on at another one, and nothing is done twice."""
    gate = asyncio.Event()
    cluster.provider.wait_for(gate, "the end.", before=["From the start to "])
    async with cluster.person().open_stream("tell me") as live:
        run_id = str(await live.until("run_id"))
        await live.until("token")
        await cluster.holder()
        front = cluster.fronts[0].server
        assert front is not None
        await front.kill()
    gate.set()
    screen = Screen()
    await read(cluster.person(1), run_id, screen)
    assert screen.shown.text == "From the start to the end."
    assert screen.snapshots == 0
    assert await row(store) == ("completed", 1)
    assert len(cluster.provider.requests) == 1


async def test_a_process_that_takes_no_letter_costs_two_seconds_and_does_nothing_when_it_wakes(
    cluster: Cluster, store: Store
) -> None:
    """G311: it hangs, and its letter is old news then."""
    for machine in cluster.workers:
        assert machine.server is not None
        machine.server.send(signal.SIGSTOP)
    cluster.provider.say("Myself.")
    stream = await cluster.person().stream("anybody?")
    assert (stream.text, stream.is_done) == ("Myself.", True)
    for machine in cluster.workers:
        assert machine.server is not None
        machine.server.send(signal.SIGCONT)
    cluster.provider.say("Others.")
    assert (await cluster.person(1).stream("and now?")).text == "Others."
    assert len(cluster.provider.requests) == 2


async def test_a_worker_drains_as_a_server_does_and_answers_nobody_but_who_asks_how_it_is(
    cluster: Cluster, store: Store
) -> None:
    """G317: what it works on is ended, what comes goes to others, and it exits with 0."""
    gate = asyncio.Event()
    cluster.provider.wait_for(gate, "Yes.")
    async with cluster.person().open_stream("tell me") as live:
        await live.until("run_id")
        holder = await cluster.holder()
        server = holder.server
        assert server is not None
        async with httpx2.AsyncClient(base_url=server.url) as client:
            assert [(await client.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 200]
            assert (await client.post("/chat", json={"message": "x"})).status_code == 404
            server.send(signal.SIGTERM)

            async def is_stopping() -> bool:
                return (await client.get("/readyz")).status_code == 503

            await until(is_stopping)
        cluster.provider.say("Of the other.")
        assert (await cluster.person(1, sub="ben").stream("and you?")).text == "Of the other."
        gate.set()
        assert (await live.rest()).text == "Yes."
    assert await server.exited() == 0


async def test_a_tenants_limit_holds_over_all_and_its_queue_delays_nobody_else(cluster: Cluster, store: Store) -> None:
    """G313 G314: five of a user are at work, wherever; the next one of another tenant begins at once."""
    gate = asyncio.Event()
    for _ in range(9):
        cluster.provider.wait_for(gate, "Late.")
    async with AsyncExitStack() as stack:
        for number in range(9):
            live = await stack.enter_async_context(cluster.person(number % 2).open_stream(f"n {number}"))
            await live.until("run_id")
        await until(lambda: len(cluster.provider.requests) == 5)
        calm = cluster.person(1, tenant_id="rival", sub="eve")
        cluster.provider.say("Early.")
        cluster.provider.scripts.rotate(1)
        assert (await calm.stream("me")).text == "Early."
        assert len(cluster.provider.requests) == 6
        gate.set()
        await until(lambda: len(cluster.provider.requests) == 10)

"""Two real processes on one PostgreSQL and one Redis, behind a door that leads to another one each time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from support.backend import TenantBackend
from support.balancing import balancer
from support.processes import Machine, Nursery, Server
from support.provider import Provider
from support.redis import RedisServer, open_redis
from support.shown import Screen, joined
from support.world import SECRET, Person, World, write_assistant

from agent.store.database import Store
from agent.store.tables import messages, runs
from api.settings import Settings

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]

PIECES = [f"word {n} " for n in range(120)]


@dataclass(slots=True)
class Cluster:
    """The processes, the door before them, and Ann behind it."""

    servers: list[Server]
    redis: RedisServer
    ann: Person
    provider: Provider

    async def begin(self) -> str:
        """Ask, and hang up as soon as the run is known; return it."""
        async with self.ann.open_stream("tell me") as live:
            run_id = str(await live.until("run_id"))
            await live.until("token")
        return run_id

    async def holder(self) -> Server:
        """Return the process that has the run, which goes on."""
        for server in self.servers:
            async with httpx2.AsyncClient(base_url=server.url) as client:
                metrics = (await client.get("/metrics")).text
                if "frontdesk_runs_active 1.0" in metrics:
                    return server
        raise AssertionError("nobody has the run")

    async def read(self, run_id: str, *, frames: int | None) -> Screen:
        """Read a run to its end as a page does that is cut after so many frames, and lands elsewhere each time."""
        screen = Screen()
        async with self.ann.client() as client:
            while not screen.is_done:
                headers = {"Last-Event-ID": screen.last_id} if screen.last_id else {}
                try:
                    async with client.stream("GET", f"/runs/{run_id}/events", headers=headers) as response:
                        assert response.status_code == 200
                        seen = len(screen.told)
                        async for data in response.aiter_bytes():
                            screen.feed(data)
                            if frames is not None and len(screen.told) - seen >= frames:
                                break
                except httpx2.TransportError:
                    pass
                screen.drop()
        return screen

    async def both(self, run_id: str) -> list[Screen]:
        """Read with many cuts, and with none but those that befall."""
        return list(await asyncio.gather(self.read(run_id, frames=3), self.read(run_id, frames=None)))


@pytest.fixture
async def cluster(
    provider: Provider, backend: TenantBackend, nursery: Nursery, database_url: str, tmp_path: Path
) -> AsyncIterator[Cluster]:
    with open_redis() as redis:
        async with open_cluster(tmp_path, provider, backend, nursery, redis, database_url) as cluster:
            yield cluster


@asynccontextmanager
async def open_cluster(
    folder: Path, provider: Provider, backend: TenantBackend, nursery: Nursery, redis: RedisServer, database_url: str
) -> AsyncIterator[Cluster]:
    patient = {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300}
    environment = {
        "FRONTDESK_ASSISTANT": str(write_assistant(folder, limits=patient)),
        "FRONTDESK_BACKEND_URL": backend.url,
        "FRONTDESK_JWT_SECRET": SECRET,
        "FRONTDESK_DATABASE_URL": database_url,
        "FRONTDESK_REDIS_URL": redis.url,
        "FRONTDESK_REDIS_TIMEOUT_S": "1",
        "OPENAI_BASE_URL": provider.url,
        "NO_PROXY": "*",
        "FRONTDESK_LEASE_S": "10",
        "FRONTDESK_LEASE_LOST_AFTER_S": "9",
    }
    async with AsyncExitStack() as stack:
        machines = [Machine(folder / name, environment, nursery) for name in ("one", "two")]
        for machine in machines:
            machine.folder.mkdir()
            stack.push_async_callback(machine.stop)
        servers = list(await asyncio.gather(*(machine.start() for machine in machines)))
        door = await stack.enter_async_context(balancer(machines))
        world = World(door.url, FastAPI(), Settings(), provider, backend)
        yield Cluster(servers, redis, world.person(), provider)


async def transcript(store: Store) -> tuple[str, int, list[str]]:
    """Return the one run's state and attempt, and what was said."""
    async with store.read("acme") as connection:
        [run] = (await connection.execute(select(runs))).all()
        said = (await connection.execute(select(messages.c.text).where(messages.c.role == "assistant"))).scalars()
        return run.state, run.attempt, list(said)


async def test_every_reconnect_lands_elsewhere_and_sees_each_event_once(cluster: Cluster, store: Store) -> None:
    """G280: with its id, and no snapshot."""
    cluster.provider.slowly(*PIECES, pause_s=0.02)
    run_id = await cluster.begin()
    cut, whole = await cluster.both(run_id)
    assert (cut.snapshots, whole.snapshots) == (0, 0)
    assert joined(cut.told) == joined(whole.told)
    assert await transcript(store) == ("completed", 1, [cut.shown.text])
    assert cut.shown.text == "".join(PIECES)


async def test_a_process_that_is_killed_is_replaced_before_the_eyes_of_readers_at_the_other(
    cluster: Cluster, store: Store
) -> None:
    """G280 G60: one snapshot, one end."""
    cluster.provider.hang("Half of ")
    run_id = await cluster.begin()
    holder = await cluster.holder()
    reading = asyncio.create_task(cluster.both(run_id))
    cluster.provider.slowly(*PIECES, pause_s=0.01)
    await holder.kill()
    cut, whole = await reading
    for screen in (cut, whole):
        assert screen.snapshots >= 1
        assert (screen.shown.text, screen.shown.status) == ("".join(PIECES), "completed")
    assert await transcript(store) == ("completed", 2, ["".join(PIECES)])


@pytest.mark.sample(2)
@pytest.mark.parametrize("fault", ["flushed", "killed", "paused", "cut"])
async def test_whatever_befalls_redis_the_readers_end_with_what_is_stored(
    cluster: Cluster, store: Store, fault: str
) -> None:
    """G282: again and again, in the middle of an answer."""
    cluster.provider.slowly(*PIECES, pause_s=0.05)
    run_id = await cluster.begin()
    reading = asyncio.create_task(cluster.both(run_id))
    blows = asyncio.create_task(_blows(cluster.redis, fault, reading))
    cut, whole = await reading
    blows.cancel()
    await asyncio.wait([blows])
    for screen in (cut, whole):
        assert (screen.shown.text, screen.shown.status) == ("".join(PIECES), "completed")
    assert await transcript(store) == ("completed", 1, ["".join(PIECES)])
    again = await cluster.ann.events(run_id)
    assert again.is_done


async def _blows(redis: RedisServer, fault: str, reading: asyncio.Task[list[Screen]]) -> None:
    """Do something to the server every second, until the readers are through; it is well again at the end."""
    try:
        while not reading.done():
            await _wait(reading)
            match fault:
                case "flushed":
                    await asyncio.to_thread(redis.flush)
                case "cut":
                    with redis.client() as client:
                        for kind in ("normal", "pubsub"):
                            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                case "killed":
                    redis.kill()
                    await _wait(reading)
                    await asyncio.to_thread(redis.start)
                case "paused":
                    redis.pause()
                    await _wait(reading)
                    redis.resume()
    finally:
        if fault == "paused":
            redis.resume()


async def _wait(reading: asyncio.Task[list[Screen]]) -> None:
    await asyncio.wait([reading], timeout=1.0)

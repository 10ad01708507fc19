"""Helpers of tests of faults: waits for conditions, a look at the rows, damage done by hand, and readers that stay."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import psycopg
from sqlalchemy import Executable, Table, select, update
from sqlalchemy.ext.asyncio import create_async_engine
from support.http import Connection, Request
from support.world import LiveStream, Person, World

from agent.prompt.words import without_facts
from agent.store.clock import database_now
from agent.store.database import Store
from agent.store.tables import messages, metadata, workers

ZOMBIE: Mapping[str, float] = {"lease_s": 0.3, "renew_every_s": 60, "lease_lost_after_s": 60, "reap_every_s": 60}
"""Settings of a process that lost touch: it never renews its leases, and does not notice."""
HEIR: Mapping[str, float] = {"reap_every_s": 0.05}
"""Settings of a process that takes over at once what another one left."""


@contextmanager
def coming_and_going(path: Path) -> Iterator[None]:
    """Let a file be made and removed in a thread, again and again, as another process does."""
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            path.touch(0o600)
            path.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        yield
    finally:
        is_over.set()
        other.join()


LONGEST_PAUSE_S = 0.1
"""Between two looks at what has to be asked for: asking takes a processor's time from whoever is waited for."""


async def until(condition: Callable[[], bool | Awaitable[bool]], *, timeout_s: float = 60) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    pause_s = 0.01
    async with asyncio.timeout(timeout_s):
        while True:
            holds = condition()
            if inspect.isawaitable(holds):
                holds = await holds
                pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
            if holds:
                return
            await asyncio.sleep(pause_s)


def store_of(world: World) -> Store:
    """Return the store of a running installation."""
    store = world.app.state.services.store
    assert isinstance(store, Store)
    return store


async def rows(world: World, table: Table, **equal: object) -> list[dict[str, Any]]:
    """Return the rows of a table with these values, in the order of their creation."""
    statement = select(table).where(*(table.c[name] == value for name, value in equal.items()))
    order = (table.c.turn, table.c.position) if table is messages else (table.c.created_at, table.c.id)
    async with store_of(world).read("acme") as connection:
        return [dict(row._mapping) for row in await connection.execute(statement.order_by(*order))]


async def dump(world: World) -> bytes:
    """Return everything that the database holds, and what lies in its files where it has some."""
    async with store_of(world).read("acme") as connection:
        tables = [(await connection.execute(select(table))).all() for table in metadata.tables.values()]
    folder = anyio.Path(world.settings.data)
    files = [await path.read_bytes() async for path in folder.iterdir()] if await folder.is_dir() else []
    return b"".join([repr(tables).encode(), *files])


async def execute(world: World, statement: Executable) -> None:
    """Do something to the database behind the installation's back."""
    async with store_of(world).write("acme") as connection:
        await connection.execute(statement)


async def keep_leases(world: World) -> None:
    """Let the leases of all workers last: a zombie is not taken over for as long as a test takes."""
    await execute(world, update(workers).values(lease_until=database_now() + 60, lease_s=60))


async def let_die(world: World, *, other: World) -> None:
    """Let the workers be dead whose leases `keep_leases` made last, and let the other one leave their runs alone."""
    other.app.state.services.runner._leases.stop_taking_over()
    await execute(world, update(workers).where(workers.c.lease_s == 60).values(lease_until=database_now() - 1))


async def state(person: Person, run_id: str) -> str:
    """Return a run's state, as its user reads it."""
    return str((await person.request("GET", f"/runs/{run_id}")).json()["state"])


async def reaches(person: Person, run_id: str, wanted: str, *, timeout_s: float = 60) -> None:
    """Wait until a run is in a state."""

    async def is_there() -> bool:
        return await state(person, run_id) == wanted

    await until(is_there, timeout_s=timeout_s)


async def cancel(person: Person, run_id: str) -> Any:
    """Stop a run and return what the answer says of it."""
    response = await person.request("POST", f"/runs/{run_id}/cancel")
    assert response.status_code == 200, response.text
    return response.json()


@asynccontextmanager
async def open_events(person: Person, run_id: str, **headers: str) -> AsyncIterator[LiveStream]:
    """Read a run's events while it goes on. Leaving the block closes the connection."""
    async with person.client(**headers) as client, client.stream("GET", f"/runs/{run_id}/events") as response:
        yield LiveStream(response, response.aiter_bytes())


class Hanging:
    """A backend route that answers nothing until it is told to, or until the client goes."""

    def __init__(self, world: World, route: str, body: bytes = b"{}") -> None:
        self.arrived = 0
        self.closed = 0
        """Requests that the client gave up."""
        self.go_on = asyncio.Event()
        self._body = body
        world.backend.routes[route] = self._serve

    async def _serve(self, _request: Request, connection: Connection) -> None:
        self.arrived += 1
        waiting = [asyncio.create_task(self.go_on.wait()), asyncio.create_task(connection.gone.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if connection.gone.is_set():
            self.closed += 1
        else:
            await connection.respond(200, self._body)


def texts(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a model was given, as pairs of role and text, without the system message and the facts."""
    return [(message["role"], without_facts(str(message.get("content") or ""))) for message in request["messages"][1:]]


@asynccontextmanager
async def database_that_hangs(url: str) -> AsyncIterator[None]:
    """Keep every writer out of the database, from a connection of the test's own."""
    if url.startswith("postgresql"):
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        async with await psycopg.AsyncConnection.connect(plain) as connection:
            await connection.execute("LOCK TABLE runs, workers IN ACCESS EXCLUSIVE MODE")
            yield
            await connection.rollback()
        return
    engine = create_async_engine(url)
    async with engine.connect() as other:
        await other.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        await other.rollback()
    await engine.dispose()


@asynccontextmanager
async def no_renewals(url: str) -> AsyncIterator[None]:
    """Let no worker renew its lease on PostgreSQL; everything else goes on."""
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    async with await psycopg.AsyncConnection.connect(plain) as connection:
        await connection.execute("SELECT id FROM workers FOR UPDATE")
        yield
        await connection.rollback()

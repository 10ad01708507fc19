"""Fixtures for all tests. Servers are real and listen on free ports of the loopback; nothing of ours is mocked."""

import asyncio
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpcore2
import httpx2
import pytest
import structlog
from hypothesis import settings as property_settings
from support.backend import TenantBackend, scripted_backend
from support.days import in_one_day
from support.lanes import examples, limit_s, mark_long, usual_limit_s
from support.postgres import drop_databases, open_postgres, sqlalchemy_url
from support.processes import Nursery, open_nursery
from support.provider import Provider, scripted_provider
from support.redis import RedisServer, open_redis
from support.schema import give_schema
from support.used import Databases
from support.world import World, open_world

from agent.store.database import Store
from api import starting
from api.server import GC_THRESHOLDS

OpenWorld = Callable[..., Awaitable[World]]


SLOW = {"system", "bench", "web"}
pytest_plugins = ["support.limits"]
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)  # clients read all certificates anew, for 50 ms
for _limit in ("connect", "read", "write", "pool"):  # the tests' own clients name none; five seconds are too few
    setattr(httpx2._config.DEFAULT_TIMEOUT_CONFIG, _limit, 60.0)
starting.TOLD_EVERY_S = 600.0  # or a busy machine adds lines to what a start says, which many tests compare
property_settings.register_profile(
    "gating",
    max_examples=examples(100),
    deadline=None,  # a busy machine keeps none
    derandomize=False,  # where CI is set Hypothesis would try the same third for ever
    print_blob=True,
)
property_settings.load_profile("gating")
gc.disable()  # until the tests are collected: nothing of them is ever thrown away, and looking for it takes half of that time


def pytest_collection_finish() -> None:
    """Let nobody look again through the libraries and all tests for what could be thrown away, and at the rest as seldom as a
    server does."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Say what is long before tests are chosen by their markers, and in which order the chosen ones are run afterwards."""
    mark_long(items)
    yield
    _give_each_a_share(items)


def _give_each_a_share(items: list[pytest.Item]) -> None:
    """Let each process begin with its share of the files whose tests take longest, so that none is left with these at the end.

    Of several processes each gets one stretch of the list, and takes from the others' when it is through.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    files = [list(group) for _, group in groupby(items, key=lambda item: item.path)]
    slow = sorted(filter(_is_slow, files), key=_limit_s, reverse=True)
    rest = [item for file in files if not _is_slow(file) for item in file]
    count = len(items)
    items[:] = []
    for number in range(processes):
        stretch = (count - len(items)) // (processes - number)  # as xdist parts them
        share = [item for file in slow[number::processes] for item in file] + rest
        items += share[:stretch]
        rest = share[stretch:]


def _is_slow(file: list[pytest.Item]) -> bool:
    return not SLOW.isdisjoint(file[0].path.parts) or _limit_s(file) > usual_limit_s(file[0].config)


def _limit_s(file: list[pytest.Item]) -> float:
    """Return the longest time limit of a file's tests: whoever may take longer than usual often does."""
    return max(map(limit_s, file))


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Let the lines of the next test be as they are without a configuration: a command that ran in this process leaves its own."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        for module in list(sys.modules.values()):
            kept = getattr(module, "logger", None)
            if isinstance(kept, structlog._config.BoundLoggerLazyProxy):
                kept.__dict__.pop("bind", None)  # what was cached at its first use


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the server has, too: with the other one a turn takes a quarter more of a processor."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def one_day() -> None:
    """Let the test not begin at the end of a day: what it counts by days, or tells of today, would be of two."""
    in_one_day()


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


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """The settings of the installation that the tests of a file share; a file may have others in place of none."""
    return {}


@pytest.fixture(scope="module")
async def shared_world(house: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The installation that the tests of a file share: starting one takes longer than most tests."""
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(tmp_path_factory.mktemp("house"), provider, backend, **house) as world,
    ):
        yield world


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "frontdesk.db"
    asyncio.run(give_schema(anyio.Path(path)))
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test run, with a migrated database named `template_frontdesk`; yields its URL."""
    with open_postgres() as base:
        yield base


@pytest.fixture(scope="module", autouse=True)
def databases_are_dropped() -> Iterator[None]:
    """Drop in the end the databases that tests of the module made for themselves."""
    yield
    drop_databases()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The oldest Redis that is promised, of this test run. Whoever kills or stops one takes a server of its own."""
    with open_redis("redis 6.2") as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[RedisServer]:
    """The newest Valkey, of this test run."""
    with open_redis("valkey 9.1") as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The parent of server processes, which then start quickly. What is tried of a start itself does without."""
    with open_nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def databases(postgres: str) -> Databases:
    """Databases on the server of this test run that tests have one after the other."""
    return Databases(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database; each test that takes it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "both.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    databases: Databases = request.getfixturevalue("databases")
    url = databases.lend()
    yield sqlalchemy_url(url)
    databases.take_back(url)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store, on both kinds of database."""
    store = Store(database_url, pool_size=5)
    yield store
    await store.close()

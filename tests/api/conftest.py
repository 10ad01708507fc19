"""An installation per file instead of one per test: starting one takes longer than most tests. Each test has its own people."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.backend import TenantBackend
from support.provider import Provider
from support.together import QUICK, OpenProcess, in_postgres
from support.world import Person, World, open_world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """The file's installation as if it were new, but for what other tests left in its database."""
    provider, backend = shared_world.provider, shared_world.backend
    provider.requests.clear()
    provider.cancelled = 0
    provider.suggestions = provider.title = ""
    backend.routes.clear()
    backend.requests.clear()
    backend.effects.clear()
    yield shared_world
    violations, unasked = list(provider.violations), len(provider.scripts)
    provider.violations.clear()
    provider.scripts.clear()
    assert not violations, violations
    assert not unasked, f"{unasked} scripted answers were never asked for"


@pytest.fixture
def ann(world: World) -> Person:
    """The user Ann of a tenant that no other test knows."""
    return world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann")


@pytest.fixture
def ben(world: World, ann: Person) -> Person:
    """A colleague of Ann's."""
    return world.person(tenant=ann.tenant, user="ben")


@pytest.fixture
def eve(world: World) -> Person:
    """A user with Ann's name at another tenant."""
    return world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann")


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Where the data is of all processes of a test."""
    if request.param == "sqlite":
        return {"data": tmp_path / "shared"}
    return in_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
def open_process_of(tmp_path: Path, provider: Provider, backend: TenantBackend) -> OpenProcess:
    """Start one of several processes over the same data: a file makes its `open_process` of it, which knows its assistant."""

    def start(shared: dict[str, Any], assistant: dict[str, Any]) -> AbstractAsyncContextManager[World]:
        folder = tmp_path / uuid4().hex[:8]
        folder.mkdir()
        return open_world(folder, provider, backend, assistant=assistant, **{**QUICK, **shared})

    return start


@pytest.fixture
async def two(open_process: OpenProcess, postgres: str) -> AsyncIterator[tuple[Person, Person]]:
    """The same user at two processes on one PostgreSQL, neither of which dies, however late a busy machine lets it renew."""
    shared = {**in_postgres(postgres), "lease_s": 30, "renew_every_s": 1}
    async with open_process(shared) as first, open_process(shared) as second:
        yield first.person(), second.person()

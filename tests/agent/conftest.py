"""One installation for the tests of a file that ask for `ann`: starting one takes longer than most of them."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from support.backend import scripted_backend
from support.provider import scripted_provider
from support.world import Person, World, open_world


@pytest.fixture(scope="module")
async def shared_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The installation, with a token that is refused waited for no longer than a moment."""
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(tmp_path_factory.mktemp("house"), provider, backend, auth_wait_s=0.05) as world,
    ):
        yield world


@pytest.fixture
def ann(shared_world: World) -> Iterator[Person]:
    """A user of a tenant that no other test knows; `ann.world` is the installation, with provider and backend as new."""
    shared_world.provider.forget()
    for recorded in (shared_world.backend.routes, shared_world.backend.requests, shared_world.backend.effects):
        recorded.clear()
    yield shared_world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann")
    shared_world.provider.check()

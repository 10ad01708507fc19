"""An installation before a provider that says what real ones were reported to say."""

from collections.abc import AsyncIterator

import pytest
from support.backend import scripted_backend
from support.provider import scripted_provider
from support.world import World, open_world


@pytest.fixture(scope="module")
async def shared_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One installation for all cases: starting one takes longer than most of them."""
    async with (
        scripted_provider() as provider,
        scripted_backend() as backend,
        open_world(tmp_path_factory.mktemp("providers"), provider, backend) as world,
    ):
        yield world

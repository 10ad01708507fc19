"""An installation for the tests of a file that ask for `ann`: starting one takes longer than most of them."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from support.world import Person, World


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """A token that is refused is waited for no longer than a moment."""
    return {"auth_wait_s": 0.05}


@pytest.fixture
def ann(shared_world: World) -> Iterator[Person]:
    """A user of a tenant that no other test knows; `ann.world` is the installation, with provider and backend as new."""
    shared_world.provider.forget()
    for recorded in (shared_world.backend.routes, shared_world.backend.requests, shared_world.backend.effects):
        recorded.clear()
    yield shared_world.person(tenant=f"tenant-{uuid4().hex[:12]}", user="ann")
    shared_world.provider.check()

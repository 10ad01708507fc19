"""An installation per file instead of one per test: starting one takes longer than most tests. Each test has its own people."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from support.world import Person, World


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

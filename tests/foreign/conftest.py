"""The Firefox of all these tests, and another one that is held in a hand; a user of the installation that a file shares."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from support.firefox import TOUCH, Firefox, Page, new_page, open_firefox
from support.host import Host, serve_host
from support.wire import Wire, scripted_wire
from support.world import Person, World


@pytest.fixture(scope="session")
async def firefox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    async with open_firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture(scope="session")
async def firefox_on_touch(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    async with open_firefox(tmp_path_factory.mktemp("firefox-on-touch"), TOUCH) as browser:
        yield browser


@pytest.fixture
async def page(firefox: Firefox) -> AsyncIterator[Page]:
    """An empty tab with a profile of its own."""
    async with new_page(firefox) as page:
        yield page


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A vendor's page with the widget in it."""
    async with serve_host() as host:
        yield host


@pytest.fixture
async def wire(host: Host) -> AsyncIterator[Wire]:
    """A Frontdesk whose every event the test decides; the vendor's page asks it, with the panel open."""
    async with scripted_wire() as wire:
        host.attributes = {"url": wire.url, "open": ""}
        yield wire
        assert not wire.scripts, f"{len(wire.scripts)} scripted answers were never asked for"


@pytest.fixture
def ann(shared_world: World) -> Person:
    """A user of a tenant that no other test knows, at the file's installation as if that were new."""
    shared_world.provider.forget()
    shared_world.backend.routes.clear()
    shared_world.backend.requests.clear()
    shared_world.backend.answer("GET /orders/7", {"number": 7})
    shared_world.backend.answer("POST /orders", {"number": 8})
    return shared_world.person(tenant=f"tenant-{uuid4().hex[:12]}")

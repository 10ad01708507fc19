"""The browser of all these tests, and a demo of its own for each file."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page
from support.browsing import open_browser
from support.embedding import QUIET, OpenWidget, probe_page, widgets
from support.host import Host, serve_host
from support.office import WIDE
from support.processes import Machine, Nursery
from support.profiles import Profiles
from support.studio import give_demo
from support.wire import Wire, scripted_wire


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> Profiles:
    return Profiles(browser, QUIET)


@pytest.fixture(scope="session")
def desks(browser: Browser) -> Profiles:
    """Profiles with a window as wide as the office's."""
    return Profiles(browser, WIDE)


@pytest.fixture(scope="module")
async def demo(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    """The demo as `frontdesk serve` starts it, unconfigured."""
    demo = Machine(tmp_path_factory.mktemp("demo"), {}, nursery)
    await give_demo(demo.folder / "data")
    await demo.start()
    yield demo
    await demo.stop()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A vendor's page with the widget in it."""
    async with serve_host() as host:
        yield host


@pytest.fixture
async def open_widget(profiles: Profiles, host: Host) -> AsyncIterator[OpenWidget]:
    """Open the vendor's page: `await open_widget(world.url, token=…, attributes={"open": ""})`."""
    async with widgets(profiles, host) as open_widget:
        yield open_widget


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A Frontdesk whose every event the test decides."""
    async with scripted_wire() as wire:
        yield wire
        assert not wire.scripts, f"{len(wire.scripts)} scripted answers were never asked for"


@pytest.fixture(scope="module")
async def probe(browser: Browser) -> AsyncIterator[Page]:
    """A page with the widget's inner parts as `probe`."""
    async with probe_page(browser) as page:
        yield page

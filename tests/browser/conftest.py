"""One browser for all these tests, and a demo of its own for each file."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser
from support.browsing import open_browser
from support.processes import Machine


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    """The demo as `frontdesk serve` starts it, unconfigured."""
    demo = Machine(tmp_path_factory.mktemp("demo"), {})
    await demo.start()
    yield demo
    await demo.stop()

"""The example pages on Next.js and the AI SDK: built as their READMEs say, in Chromium, before the real demo.

`scripts/foreign` installs what their lock files pin; what is the server's own, the tests install from the server.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from support.browsing import Tab, new_context, open_browser, open_tab
from support.examples import beside_packages
from support.office import ask_studio
from support.packages import install, node, running
from support.processes import Machine
from support.programs import free_port

NOT_SAVED = ("--no-save", "--ignore-scripts", "--legacy-peer-deps")
"""Without asking the registry about peers again; that they are right is for `tests/web/test_packages.py`."""
pytestmark = pytest.mark.timeout(600)


@asynccontextmanager
async def open_demo(folder: Path, *origins: str) -> AsyncIterator[tuple[str, str]]:
    """Start the demo for pages of these origins; yield its address and its key."""
    named = ", ".join(f'"{origin}"' for origin in origins)
    demo = Machine(folder, {"FRONTDESK_CORS_ORIGINS": f"[{named}]"} if origins else {})
    try:
        server = await demo.start()
        yield server.url, (folder / "data" / "jwt-secret").read_text().strip()
    finally:
        await demo.stop()


@asynccontextmanager
async def next_page(folder: Path) -> AsyncIterator[tuple[str, str]]:
    async with open_demo(folder) as (frontdesk, secret):
        example = beside_packages("next-chat")
        await install(frontdesk, example, "client", "react", options=NOT_SAVED)
        said = {"FRONTDESK_URL": frontdesk, "FRONTDESK_JWT_SECRET": secret, "NEXT_TELEMETRY_DISABLED": "1"}
        program = example / "node_modules" / "next" / "dist" / "bin" / "next"
        await node(program, "build", cwd=example, **said)
        url = f"http://127.0.0.1:{(port := free_port())}"
        start = (program, "start", "--hostname", "127.0.0.1", "--port", str(port))
        async with running(*start, cwd=example, until="Ready", **said):
            yield url, frontdesk


@asynccontextmanager
async def ai_sdk_page(folder: Path) -> AsyncIterator[tuple[str, str]]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    async with open_demo(folder, url) as (frontdesk, secret):
        said = {"FRONTDESK_URL": frontdesk, "FRONTDESK_JWT_SECRET": secret, "PORT": str(port)}
        async with running("server.mjs", cwd=beside_packages("ai-sdk-chat"), until=url, **said):
            yield url, frontdesk


PAGES = {"next-chat": next_page, "ai-sdk-chat": ai_sdk_page}


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@asynccontextmanager
async def opened(browser: Browser, url: str) -> AsyncIterator[Tab]:
    """Open a page in a tab in which nothing may go wrong."""
    async with await new_context(browser) as context:
        tab = await open_tab(context)
        await tab.page.goto(url)
        yield tab
        assert tab.problems == []


async def ask(tab: Tab, text: str) -> None:
    """Send a message and wait for the end of its answer."""
    await tab.page.get_by_label("Message").fill(text)
    await tab.page.get_by_role("button", name="Send").click()
    await expect(tab.page.locator(".user").last).to_have_text(text)
    answers = tab.page.locator(".assistant")
    await expect(answers).to_have_count(await tab.page.locator(".user").count())
    await expect(answers.last).to_contain_text(re.compile(r"\S"))
    await expect(tab.page.locator("[aria-busy=false]")).to_be_visible()
    await expect(tab.page.get_by_role("button", name="Send")).to_be_visible()


@pytest.mark.parametrize("name", PAGES)
async def test_an_example_is_built_and_answers_its_users_questions(browser: Browser, tmp_path: Path, name: str) -> None:
    """G191"""
    async with PAGES[name](tmp_path) as (url, frontdesk), opened(browser, url) as tab:
        page, answers = tab.page, tab.page.locator(".assistant")
        clients = (await ask_studio(frontdesk, "/clients/stats"))["total"]

        await ask(tab, "how many clients?")
        await expect(answers).to_contain_text(re.compile(rf"\b{clients}\b"))
        follow_up = page.locator("button:not(form button)").first
        question = await follow_up.inner_text()  # waits for it: suggestions come behind the answer
        await follow_up.click()
        await expect(page.locator(".user")).to_have_text(["how many clients?", question])
        await expect(answers).to_have_count(2)
        await expect(page.get_by_role("button", name="Send")).to_be_visible()

        await ask(tab, "switch to dark mode")
        await expect(page.locator("html")).to_have_css("color-scheme", "dark")
        assert tab.hosts <= {url.removeprefix("http://"), frontdesk.removeprefix("http://")}


async def test_the_page_on_the_ai_sdk_shows_what_was_said_when_it_is_loaded_again(
    browser: Browser, tmp_path: Path
) -> None:
    async with ai_sdk_page(tmp_path) as (url, _), opened(browser, url) as tab:
        await ask(tab, "how many clients?")
        said = await tab.page.locator("section p").all_inner_texts()
        await tab.page.reload()
        await expect(tab.page.locator("section p")).to_have_text(said)

        await ask(tab, "and trainers?")
        await expect(tab.page.locator(".assistant")).to_have_count(2)

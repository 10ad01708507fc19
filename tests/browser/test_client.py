"""The client in a real browser, without the widget: tabs that share one memory, a network that comes and goes."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route
from support.browsing import new_context
from support.provider import Call
from support.server import token_of
from support.world import World

ROOT = Path(__file__).parents[2]
START = """token => {
    const client = frontdesk.createClient({url: "", token: () => token});
    window.chat = client.chat();
    window.done = [];
    chat.onAction((action) => done.push(action.id));
}"""


@cache
def script() -> str:
    """The client as one script."""
    bundled = subprocess.run([ROOT / "scripts" / "web", "client"], capture_output=True, text=True, check=True)
    return bundled.stdout


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await new_context(browser)
    yield context
    await context.close()


async def open_page(context: BrowserContext, world: World) -> Page:
    """Open a page of the vendor's, which has the client and nothing else."""

    async def serve(route: Route) -> None:
        html = f"<!doctype html><title>Page</title><script>{script()}</script>"
        await route.fulfill(body=html, content_type="text/html")

    page = await context.new_page()
    await page.route("**/page", serve)
    await page.goto(f"{world.url}/page")
    await page.evaluate(START, token_of())
    return page


async def becomes(page: Page, expression: str) -> None:
    """Wait until an expression about the chat's view is true."""
    await page.wait_for_function(f"(({expression}))(chat.view)")


async def view(page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = await page.evaluate("chat.view")
    return shown


async def test_an_action_is_done_in_one_of_four_tabs_once_and_not_again_after_a_reload(
    context: BrowserContext, world: World
) -> None:
    gate = asyncio.Event()
    world.provider.call(Call("change_theme", {"value": "dark"}))
    world.provider.wait_for(gate, "and half.", before=["Half "])
    first = await open_page(context, world)
    await first.evaluate("void chat.send('Switch to dark mode')")
    await becomes(first, "view => view.messages.at(-1)?.text === 'Half '")
    conversation_id = (await view(first))["conversationId"]

    tabs = [first, *[await open_page(context, world) for _ in range(3)]]
    await asyncio.gather(*(tab.evaluate("id => void chat.open(id)", conversation_id) for tab in tabs[1:]))
    await first.reload()
    await first.evaluate(START, token_of())
    await first.evaluate("id => void chat.open(id)", conversation_id)
    for tab in tabs:
        await becomes(tab, "view => view.messages.at(-1)?.text === 'Half '")
    gate.set()
    for tab in tabs:
        await becomes(tab, "view => view.messages.at(-1)?.text === 'Half and half.' && view.phase === 'idle'")

    assert [await tab.evaluate("done") for tab in tabs] == [[], [], [], []], (
        "the first tab did it before it was reloaded"
    )
    assert await first.evaluate("localStorage.length") == 1


async def test_of_three_tabs_that_hear_of_actions_at_once_each_action_is_done_by_one(
    context: BrowserContext, world: World
) -> None:
    all_listen = asyncio.Event()

    async def hold(route: Route) -> None:
        await all_listen.wait()
        await route.continue_()

    world.provider.call(Call("change_theme", {"value": "dark"}), Call("navigate", {"value": "/orders"}, id="call_2"))
    world.provider.say("Done.")
    first = await open_page(context, world)
    await first.evaluate("chat.send('Dark, and the orders')")
    conversation_id = (await view(first))["conversationId"]
    actions = await first.evaluate("done")
    assert len(actions) == 2
    await first.evaluate("localStorage.clear()")  # as if nobody had heard of them yet

    tabs = [await open_page(context, world) for _ in range(3)]
    for tab in tabs:
        await tab.route("**/events", hold)
        await tab.evaluate("id => void chat.open(id)", conversation_id)
    all_listen.set()
    for tab in tabs:
        await becomes(tab, "view => view.messages.at(-1)?.actions.length === 2 && view.phase === 'idle'")
    await first.wait_for_function("localStorage.getItem('frontdesk.done').trim().split(' ').length === 2")

    done = [await tab.evaluate("done") for tab in tabs]
    assert sorted(action for one in done for action in one) == sorted(actions)


async def test_offline_is_shown_and_the_answer_goes_on_when_the_network_is_back(
    context: BrowserContext, world: World
) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "and half.", before=["Half "])
    page = await open_page(context, world)
    await page.evaluate("void chat.send('Tell me')")
    await becomes(page, "view => view.messages.at(-1)?.text === 'Half '")
    await context.set_offline(True)
    await becomes(page, "view => view.connection === 'offline'")
    gate.set()
    await context.set_offline(False)
    await becomes(page, "view => view.messages.at(-1)?.text === 'Half and half.' && view.phase === 'idle'")

    assert (await view(page))["connection"] == "online"


async def test_a_message_that_is_written_offline_is_sent_when_the_network_is_back(
    context: BrowserContext, world: World
) -> None:
    world.provider.say("From 9 to 5.")
    page = await open_page(context, world)
    await context.set_offline(True)
    await page.evaluate("void chat.send('When are you open?')")
    await becomes(page, "view => view.phase === 'reconnecting' && view.messages[0].status === 'sending'")
    await context.set_offline(False)
    await becomes(page, "view => view.messages.at(-1).text === 'From 9 to 5.' && view.phase === 'idle'")

    assert len((await view(page))["messages"]) == 2

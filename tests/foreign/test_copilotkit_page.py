"""The example page on CopilotKit's React client: built as its README says, in Chromium, with no runtime but our routes.

`scripts/foreign` installs what its lock file pins. What the page shows is what is stored, whatever is cut.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect
from support.browsing import Tab, new_context, open_browser, open_tab
from support.cutting import cutting_proxy
from support.examples import beside_packages
from support.gated import gated_provider
from support.packages import running
from support.programs import free_port
from support.provider import Call
from support.server import machine
from support.steady_port import front_door
from support.world import SECRET, Person, World

LIMIT_S = 60.0
OF_A_CUT = (
    "error: ",
    "warning: Error gen",
    "warning: Runtime did not answer",
    "uncaught: network error",
    "uncaught: Failed to fetch",
)
"""Problems that the browser and CopilotKit themselves say of a connection that is lost."""
pytestmark = pytest.mark.timeout(300)


@dataclass
class Desk:
    """The page, and a door that leads to whichever Frontdesk a test puts behind it; to none, and connections are reset."""

    origin: str
    door: str = ""
    target: Callable[[], str | None] = lambda: None


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Desk]:
    desk = Desk(f"http://127.0.0.1:{(port := free_port())}")
    async with front_door(lambda: desk.target()) as desk.door:
        said = {"FRONTDESK_URL": desk.door, "FRONTDESK_JWT_SECRET": SECRET, "PORT": str(port)}
        async with running("server.mjs", cwd=beside_packages("copilotkit-chat"), until=desk.origin, **said):
            yield desk


@pytest.fixture(scope="module")
def house(desk: Desk) -> dict[str, Any]:
    return {"assistant": {"suggestions": {"static": ["How many?"]}}, "cors_origins": (desk.origin,)}


@pytest.fixture
def world(shared_world: World, desk: Desk) -> World:
    """A Frontdesk behind the door."""
    shared_world.provider.forget()
    shared_world.backend.answer("GET /orders/7", {"number": 7})
    desk.target = lambda: shared_world.url
    return shared_world


@pytest.fixture
def owner(world: World) -> Person:
    """Whoever is signed in on the page."""
    return world.person(tenant="aurora", user="owner", role="owner")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest.fixture
async def tab(browser: Browser, desk: Desk) -> AsyncIterator[Tab]:
    """The page in a tab of its own, which asks nobody but its own host and Frontdesk, and in which nothing goes wrong."""
    async with await new_context(browser) as context:
        tab = await open_tab(context)
        yield tab
        assert tab.problems == []
        assert tab.hosts <= {desk.origin.removeprefix("http://"), desk.door.removeprefix("http://")}


def said(tab: Tab) -> Locator:
    return tab.page.get_by_test_id("copilot-user-message")


def answers(tab: Tab) -> Locator:
    return tab.page.get_by_test_id("copilot-assistant-message")


async def ask(tab: Tab, text: str) -> None:
    await tab.page.get_by_role("textbox").fill(text)
    await tab.page.get_by_test_id("copilot-send-button").click()
    await expect(said(tab).last).to_contain_text(text)


async def idle(tab: Tab) -> None:
    """Wait until the page takes the answer for whole."""
    await expect(tab.page.locator("[data-copilot-running=false]").first).to_be_visible()


def forgive_what_a_cut_says(tab: Tab) -> None:
    for one in OF_A_CUT:
        tab.forgive(one)


async def stored(person: Person, text: str) -> list[str]:
    """Return the texts of the newest conversation, which begins with this one: the answer of a run as one."""
    newest = (await person.request("GET", "/conversations")).json()["items"][0]["id"]
    items = (await person.request("GET", f"/conversations/{newest}/messages")).json()["items"]
    texts: dict[tuple[str, str], list[str]] = {}
    for one in items:
        if one["role"] != "tool" and one["text"]:
            texts.setdefault((one["run_id"], one["role"]), []).append(one["text"])
    found = ["\n\n".join(parts) for parts in texts.values()]
    assert found[0] == text
    return found


async def test_an_answer_its_tools_actions_and_suggestions_are_shown_as_they_come(
    desk: Desk, owner: Person, tab: Tab
) -> None:
    """G191"""
    provider, gate = owner.world.provider, asyncio.Event()
    provider.call(Call("find_order", {"number": 7}), Call("change_theme", {"value": "dark"}, "b"), text=["I look."])
    provider.wait_for(gate, "of tea.", before=["It is ", "a box "])
    provider.say("Forty-two.")
    await tab.page.goto(desk.origin)

    await ask(tab, "what is order 7?")
    await expect(answers(tab)).to_contain_text("It is a box")
    await expect(tab.page.get_by_test_id("copilot-tool-render").first).to_contain_text("find_order")
    await expect(tab.page.locator("html.dark")).to_be_visible()
    await expect(answers(tab)).not_to_contain_text("of tea.")
    gate.set()
    await expect(answers(tab)).to_contain_text("It is a box of tea.")
    await expect(tab.page.get_by_test_id("copilot-tool-render-status").first).to_have_text("Done")
    await tab.shoot("copilotkit-chat")
    await tab.page.get_by_test_id("copilot-suggestion").get_by_text("How many?").click()
    await expect(answers(tab)).to_have_count(2)
    await expect(answers(tab).last).to_contain_text("Forty-two.")
    await idle(tab)

    texts = ["what is order 7?", "I look.\n\nIt is a box of tea.", "How many?", "Forty-two."]
    assert await stored(owner, texts[0]) == texts


async def test_the_stop_button_ends_the_answer_and_the_next_message_is_answered(
    desk: Desk, owner: Person, tab: Tab
) -> None:
    owner.world.provider.hang("Half of it")
    owner.world.provider.say("Well.")
    await tab.page.goto(desk.origin)

    await ask(tab, "tell me all")
    await expect(answers(tab)).to_contain_text("Half of it")
    await tab.page.get_by_test_id("copilot-send-button").click()  # it is the one that stops, while an answer comes
    await idle(tab)
    await ask(tab, "and now?")
    await expect(answers(tab).last).to_contain_text("Well.")
    await idle(tab)

    assert await stored(owner, "tell me all") == ["tell me all", "Half of it", "and now?", "Well."]


async def test_a_connection_that_is_cut_neither_loses_nor_doubles_the_answer(
    desk: Desk, world: World, owner: Person, tab: Tab
) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "and half.", before=["Half "])
    world.provider.say("Well.")
    async with cutting_proxy(world.url, lambda: None) as url:
        desk.target = lambda: url
        await tab.page.goto(desk.origin)
        await ask(tab, "cut this")
        await expect(answers(tab)).to_contain_text("Half")
        desk.target = lambda: None
    await expect(tab.page.get_by_role("alert")).to_contain_text("The connection was lost")
    desk.target = lambda: world.url
    await expect(tab.page.get_by_role("alert")).to_have_count(0)
    gate.set()
    await expect(answers(tab)).to_have_text("Half and half.")
    await idle(tab)
    await ask(tab, "and now?")
    await expect(answers(tab)).to_have_text(["Half and half.", "Well."])
    await idle(tab)

    forgive_what_a_cut_says(tab)
    assert await stored(owner, "cut this") == ["cut this", "Half and half.", "and now?", "Well."]
    await expect(said(tab)).to_have_text(["cut this", "and now?"])


async def test_a_message_that_did_not_arrive_is_sent_again(desk: Desk, world: World, owner: Person, tab: Tab) -> None:
    world.provider.say("Hello.")
    async with cutting_proxy(world.url, lambda: None) as url:
        desk.target = lambda: url
        await tab.page.goto(desk.origin)
        await expect(tab.page.get_by_role("textbox")).to_be_visible()
        await idle(tab)
        desk.target = lambda: None
    await ask(tab, "is somebody there?")
    await expect(tab.page.get_by_role("alert")).to_contain_text("The connection was lost")
    desk.target = lambda: world.url
    await expect(answers(tab)).to_have_text("Hello.")
    await idle(tab)

    forgive_what_a_cut_says(tab)
    assert await stored(owner, "is somebody there?") == ["is somebody there?", "Hello."]


async def test_a_page_that_is_loaded_again_in_mid_answer_shows_all_of_it(desk: Desk, owner: Person, tab: Tab) -> None:
    gate = asyncio.Event()
    owner.world.provider.wait_for(gate, "and half.", before=["Half "])
    await tab.page.goto(desk.origin)
    await ask(tab, "again")
    await expect(answers(tab)).to_contain_text("Half")

    await tab.page.reload()
    await expect(answers(tab)).to_contain_text("Half")
    gate.set()
    await expect(answers(tab)).to_have_text("Half and half.")
    await idle(tab)

    await expect(said(tab)).to_have_text(["again"])
    assert await stored(owner, "again") == ["again", "Half and half."]


async def test_an_error_is_shown_and_the_next_message_is_answered(desk: Desk, owner: Person, tab: Tab) -> None:
    owner.world.provider.fail(401)
    owner.world.provider.say("Well.")
    await tab.page.goto(desk.origin)

    await ask(tab, "fail")
    await expect(tab.page.get_by_role("alert")).to_contain_text("key")
    await tab.shoot("copilotkit-chat-error")
    await idle(tab)
    await ask(tab, "and now?")
    await expect(answers(tab).last).to_contain_text("Well.")
    await expect(tab.page.get_by_role("alert")).to_have_count(0)
    await idle(tab)

    tab.forgive("error: [CopilotKit] Error (agent_run_error_event)")


async def test_a_server_that_is_killed_in_mid_answer_and_comes_back_gives_the_whole_answer(
    desk: Desk, tab: Tab, tmp_path: Path
) -> None:
    assistant = {"limits": {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}}
    lease = {"lease_s": 1.0, "lease_lost_after_s": 0.9, "renew_every_s": 0.3}
    settings: dict[str, Any] = {**lease, "cors_origins": f'["{desk.origin}"]'}
    async with (
        gated_provider() as provider,
        machine(
            tmp_path, provider_url=provider.url, backend_url=provider.url, assistant=assistant, **settings
        ) as frontdesk,
    ):
        desk.target = lambda: frontdesk.url
        server = await frontdesk.start()
        await tab.page.goto(desk.origin)
        await ask(tab, "hello")
        await expect(answers(tab)).to_contain_text("Half")
        await server.kill()
        await expect(tab.page.get_by_role("alert")).to_contain_text("The connection was lost")
        await frontdesk.start()
        provider.gate.set()
        await expect(answers(tab)).to_have_text("Half and half.")
        await idle(tab)
        await expect(said(tab)).to_have_text(["hello"])
        await tab.page.goto("about:blank")  # it asks for suggestions now, which would be cut when the server goes

    forgive_what_a_cut_says(tab)

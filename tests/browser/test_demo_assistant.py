"""The assistant in the back office: what it says, what it does to the page, and what survives when things break."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import jwt
import orjson
import pytest
from playwright.async_api import Locator, Page, Route, expect
from support.browsing import EVERYTHING, Tab
from support.clients import until
from support.http import Connection, Request
from support.office import NARROW, Office, ask_studio, go, heading, main, open_office, sign_in
from support.processes import QUICK, Machine, Nursery
from support.profiles import Profiles
from support.provider import Call, Provider, Script, scripted_provider
from support.studio import give_demo


@pytest.fixture
async def office(desks: Profiles, demo: Machine) -> AsyncIterator[Office]:
    """The demo with its own offline model."""
    async with open_office(desks, str(demo.url)) as office:
        yield office


@pytest.fixture(scope="module")
async def scripted(
    nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Machine, Provider]]:
    """A demo whose model says what a test tells it to."""
    async with scripted_provider() as provider:
        machine = Machine(tmp_path_factory.mktemp("scripted"), {**QUICK, "OPENAI_BASE_URL": provider.url}, nursery)
        await give_demo(machine.folder / "data")
        await machine.start()
        machine.port = urlsplit(str(machine.url)).port or 0  # a page knows its server by the port
        yield machine, provider
        await machine.stop()


@pytest.fixture
async def provider(scripted: tuple[Machine, Provider]) -> AsyncIterator[Provider]:
    _, provider = scripted
    provider.forget()
    yield provider
    provider.check()


@pytest.fixture
async def scripted_office(
    desks: Profiles, scripted: tuple[Machine, Provider], provider: Provider
) -> AsyncIterator[Office]:
    machine, _ = scripted
    async with open_office(desks, str(machine.url)) as office:
        yield office


def chat(page: Page) -> Locator:
    return page.locator("frontdesk-chat")


def composer(page: Page) -> Locator:
    return chat(page).get_by_role("textbox", name="Message")


def answers(page: Page) -> Locator:
    return chat(page).locator(".message.answer")


async def ask(tab: Tab, message: str) -> None:
    await composer(tab.page).fill(message)
    await composer(tab.page).press("Enter")


async def answered(tab: Tab, number: int = 1) -> Locator:
    """Wait until so many answers stand there and the last has ended; return it."""
    await expect(answers(tab.page)).to_have_count(number)
    await expect(chat(tab.page).get_by_role("button", name="Send")).to_be_visible()
    return answers(tab.page).last


async def test_an_answer_comes_from_the_studios_data_and_leads_on(office: Office) -> None:
    clients = await ask_studio(office.url, "/clients/stats")
    tab = await office.open()
    assert await tab.axe() == []

    await chat(tab.page).get_by_role("button", name="How many clients do we have?").click()
    answer = await answered(tab)

    await expect(answer).to_contain_text(str(clients["total"]))
    await answer.get_by_text("Counted the clients").first.click()
    await expect(answer.locator(".call-head")).to_contain_text("Counted the clients")
    suggestions = chat(tab.page).get_by_role("group", name="Suggestions").get_by_role("button")
    await expect(suggestions).to_have_count(3)
    assert await tab.axe() == []
    await tab.shoot("demo-answer-light")
    await suggestions.first.click()
    await answered(tab, 2)


async def test_two_models_are_compared_without_a_key(office: Office) -> None:
    """G473"""
    clients = await ask_studio(office.url, "/clients/stats")
    tab = await office.open()
    lanes = chat(tab.page).get_by_role("group", name="Answers side by side").get_by_role("region")

    await chat(tab.page).get_by_role("button", name="Compare models").click()
    await ask(tab, "how many clients?")
    await expect(lanes).to_have_count(2)
    for one, name in ((lanes.first, "demo"), (lanes.last, "demo-brief")):
        await expect(one.get_by_role("heading", name=name, exact=True)).to_be_visible()
        await expect(one).to_contain_text(str(clients["total"]))
        await expect(one.get_by_role("button", name="Use this answer")).to_be_visible()
    boxes = [await one.bounding_box() for one in await lanes.all()]
    assert len({box["y"] for box in boxes if box}) == 1, "they stand beside each other"
    assert await tab.axe() == []
    await tab.shoot("demo-lanes-light")
    await lanes.last.get_by_role("button", name="Use this answer").click()
    await expect(lanes).to_have_count(0)
    await expect((await answered(tab)).get_by_text("1 earlier version")).to_be_visible()


async def test_the_events_appear_as_they_came(office: Office) -> None:
    tab = await office.open()
    await tab.page.get_by_role("button", name="Events", exact=True).click()
    lines = tab.page.get_by_role("list", name="Events in the order of their arrival").get_by_role("listitem")

    await ask(tab, "how many clients?")
    await answered(tab)
    await expect(lines.filter(has_text="suggested_questions")).to_have_count(1)

    events = [orjson.loads(text) for text in await lines.locator("code").all_inner_texts()]
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == "conversation_id"
    assert [kind for kind in kinds if kind in ("tools_used", "status")] == ["tools_used", "status"]
    text = "".join(event["token"] for event in events if "token" in event)
    clients = await ask_studio(office.url, "/clients/stats")
    assert str(clients["active"]) in text
    ids = await lines.locator(".event-id").all_inner_texts()
    assert ids == sorted(ids, key=lambda one: [int(part) for part in one.split("-")])
    assert await tab.axe() == []
    await tab.shoot("demo-events-light")


async def test_the_assistant_changes_the_theme_and_the_accent_of_the_page(office: Office) -> None:
    tab = await office.open()
    root = tab.page.locator("html")

    await ask(tab, "switch to dark mode")
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(chat(tab.page)).to_have_attribute("theme", "dark")
    await answered(tab)
    await ask(tab, "make the accent orange")
    await expect(root).to_have_attribute("data-accent", "orange")
    await answered(tab, 2)

    assert await tab.axe() == []
    await tab.shoot("demo-answer-dark")
    await tab.page.reload()
    await expect(root).to_have_attribute("data-accent", "orange")
    await expect(answers(tab.page)).to_have_count(2)
    await go(tab.page, "/settings")
    await tab.page.get_by_role("radio", name="Teal").check()
    await tab.page.reload()
    await expect(answers(tab.page)).to_have_count(2)
    await expect(root, "an action is done once, and not again after a reload").to_have_attribute("data-accent", "teal")


async def test_the_assistant_opens_a_page_and_leaves_the_focus_where_it_is(office: Office) -> None:
    client = (await ask_studio(office.url, "/clients", limit=1, offset=7))["items"][0]
    tab = await office.open()

    await ask(tab, f"open the page of {client['name']}")

    await expect(heading(tab.page, client["name"])).to_be_visible()
    assert tab.page.url.endswith(f"#/clients/{client['id']}")
    await answered(tab)
    await expect(composer(tab.page)).to_be_focused()
    await ask(tab, "go to settings")
    await expect(heading(tab.page, "Settings")).to_be_visible()


async def test_an_enquiry_that_the_assistant_files_appears_in_the_list(office: Office) -> None:
    tab = await office.open("/enquiries")
    rows = main(tab.page).locator("tbody tr")
    first = await rows.first.inner_text()
    await tab.page.evaluate("window.sameDocument = true")

    await ask(tab, "new enquiry from Ana Ruiz, phone 555-0101, interested in yoga")
    await chat(tab.page).get_by_role("button", name="Approve").click()

    await expect(rows.first).to_contain_text("Ana Ruiz")
    await expect(rows.first).to_have_class(re.compile("is-new"))
    assert first in await rows.nth(1).inner_text()
    assert await tab.page.evaluate("window.sameDocument")
    await answered(tab)


async def test_who_signs_in_next_sees_nothing_of_the_conversation(office: Office) -> None:
    tab = await office.open()
    await ask(tab, "how many clients?")
    await answered(tab)
    await composer(tab.page).fill("a draft")

    for user in ("aurora.trainer", "kinetic.owner"):
        await tab.page.goto(f"{office.url}/?as={user}#/dashboard")
        await expect(chat(tab.page).get_by_role("group", name="Ways to begin")).to_be_visible()
        await expect(composer(tab.page)).to_have_value("")
        await expect(answers(tab.page)).to_have_count(0)
        await chat(tab.page).get_by_role("button", name="Conversations", exact=True).click()
        await expect(chat(tab.page)).to_contain_text("No conversations yet")
    await expect(chat(tab.page)).to_contain_text("Kinetic coach")


async def test_changing_the_user_by_the_menu_leaves_nothing_of_the_last_one_anywhere(office: Office) -> None:
    """G48: the demo on a shared machine, there and back."""
    tab = await office.open()
    await ask(tab, "how many clients? zebra")
    await answered(tab)
    await composer(tab.page).fill("draft-zebra")
    assert "zebra" in await tab.page.evaluate(EVERYTHING)
    for name, heading_ in (("Trainer Sees one branch", "Trainer"), ("Owner Sees everything", "Owner")):
        await tab.page.get_by_role("button", name="Change user").click()
        await tab.page.locator("#users [data-accent=teal]").get_by_role("link", name=name).click()
        await expect(tab.page.locator(".switcher")).to_contain_text(heading_)
        await expect(chat(tab.page).get_by_role("group", name="Ways to begin")).to_be_visible()
        await expect(composer(tab.page)).to_have_value("")
        await expect(answers(tab.page)).to_have_count(0)
        assert "zebra" not in await tab.page.evaluate(EVERYTHING)


async def test_it_is_used_by_keyboard_alone(office: Office) -> None:
    tab = await office.open()
    focused = tab.page.locator("frontdesk-chat :focus")
    await tab.page.get_by_role("button", name="Assistant", exact=True).focus()
    await expect(chat(tab.page).get_by_role("group", name="Ways to begin")).to_be_visible()

    await until_focused(tab.page, "How many clients do we have?")
    await tab.page.keyboard.press("Enter")
    await answered(tab)
    await expect(focused).to_have_count(1)
    await composer(tab.page).focus()
    await tab.page.keyboard.type("switch to dark mode")
    await tab.page.keyboard.press("Enter")
    await answered(tab, 2)

    await expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")


async def until_focused(page: Page, name: str) -> None:
    """Press Tab until a button of that name has the focus."""
    focused = chat(page).locator("button:focus")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if name in await focused.all_inner_texts():
            return
    raise AssertionError(f"no Tab leads to {name}")


async def test_on_a_phone_it_opens_over_the_page_and_goes_again(office: Office) -> None:
    tab = await office.open(viewport=NARROW)
    await chat(tab.page).get_by_role("button", name="Open the assistant").click()
    await ask(tab, "who came today?")
    await answered(tab)

    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert await tab.axe() == []
    await tab.shoot("demo-answer-320")
    await chat(tab.page).get_by_role("dialog").get_by_role("button", name="Close").click()
    await expect(composer(tab.page)).to_be_hidden()
    await expect(heading(tab.page, "Dashboard")).to_be_visible()

    await chat(tab.page).get_by_role("button", name="Open the assistant").click()
    await ask(tab, "go to settings")
    await expect(heading(tab.page, "Settings")).to_be_visible()
    await expect(composer(tab.page)).to_be_hidden()


async def test_its_buttons_speak_arabic_from_right_to_left(office: Office) -> None:
    tab = await office.open("/settings")
    await tab.page.get_by_label("Language of its buttons").select_option("ar")
    await tab.page.evaluate("document.documentElement.dir = 'rtl'")
    await chat(tab.page).get_by_role("button", name="How many clients do we have?").click()

    await expect(answers(tab.page)).to_have_count(1)
    surface = chat(tab.page).locator("[dir=rtl]").first
    await expect(surface).to_be_visible()
    assert await tab.axe() == []
    await tab.shoot("demo-answer-arabic")
    await tab.page.reload()
    await expect(surface).to_be_visible()


async def test_an_answer_is_stopped_and_what_was_said_is_kept(scripted_office: Office, provider: Provider) -> None:
    provider.hang("Half of ", "it")
    tab = await scripted_office.open()
    await ask(tab, "tell me a lot")
    await expect(answers(tab.page)).to_contain_text("Half of it")
    assert await tab.axe() == []
    await tab.shoot("demo-streaming-light")

    await chat(tab.page).get_by_role("button", name="Stop").click()

    await expect(answers(tab.page)).to_contain_text("Stopped")
    await expect(answers(tab.page)).to_contain_text("Half of it")
    await until(lambda: provider.cancelled == 1, limit_s=60, what="the model is no longer asked")


async def test_a_reload_in_mid_answer_shows_all_of_it(scripted_office: Office, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "and half.", before=["Half "])
    tab = await scripted_office.open()
    await ask(tab, "tell me")
    await expect(answers(tab.page)).to_contain_text("Half")

    await tab.page.reload()
    await expect(answers(tab.page)).to_contain_text("Half")
    gate.set()

    await expect((await answered(tab)).get_by_text("Half and half.", exact=True)).to_be_visible()


async def test_the_assistant_knows_what_the_table_is_filtered_by(scripted_office: Office, provider: Provider) -> None:
    tab = await scripted_office.open()
    await go(tab.page, "/clients")
    await main(tab.page).get_by_role("searchbox").fill("ana")
    await main(tab.page).get_by_role("button", name="Frozen").click()
    await expect(tab.page).to_have_url(re.compile(r"search=ana&status=frozen|status=frozen&search=ana"))
    provider.call(Call("read_filter", {}))
    provider.say("Frozen ones called ana.")

    await ask(tab, "What do I see?")

    await expect(await answered(tab)).to_contain_text("Frozen ones called ana.")
    [told] = [one["content"] for one in provider.requests[-1]["messages"] if one["role"] == "tool"]
    assert orjson.loads(told.partition("\n")[2]) == {"route": "/clients", "search": "ana", "status": "frozen"}


async def test_two_tabs_see_the_same_answer_and_do_its_action_once(scripted_office: Office, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "Half ", before=["First "])
    tab = await scripted_office.open()
    await ask(tab, "a conversation for two")
    await expect(answers(tab.page)).to_contain_text("First")
    other = await scripted_office.open_beside(tab)
    await chat(other.page).get_by_role("button", name="Conversations", exact=True).click()
    await chat(other.page).get_by_role("button", name="a conversation for two").first.click()
    await expect(answers(other.page)).to_contain_text("First")
    for one in (tab, other):
        await one.page.evaluate("""
            window.done = 0;
            document.addEventListener("frontdesk-action", () => (window.done += 1));
        """)

    gate.set()
    for one in (tab, other):
        await expect((await answered(one)).get_by_text("First Half", exact=True)).to_be_visible()
    provider.call(Call("change_accent", {"value": "pink"}))
    provider.say("It is pink.")
    await ask(tab, "make it pink")
    for one in (tab, other):
        await expect(one.page.locator("html")).to_have_attribute("data-accent", "pink")
    await expect(await answered(tab, 2)).to_contain_text("It is pink.")
    done = [await one.page.evaluate("window.done") for one in (tab, other)]
    assert sum(done) == 1, done


async def test_a_server_that_dies_in_mid_answer_comes_back_with_all_of_it(
    scripted_office: Office, scripted: tuple[Machine, Provider], provider: Provider
) -> None:
    machine, _ = scripted
    provider.hang("Half ")
    tab = await scripted_office.open()
    await ask(tab, "tell me, whatever happens")
    await expect(answers(tab.page)).to_contain_text("Half")

    assert machine.server is not None
    await machine.server.kill()
    await expect(chat(tab.page)).to_contain_text(re.compile("Connection lost|offline|cannot be reached"))
    assert await tab.axe() == []
    await tab.shoot("demo-reconnecting-light")
    provider.say("All of it, after all.")
    await machine.start()

    await expect((await answered(tab)).get_by_text("All of it, after all.", exact=True)).to_be_visible()
    await expect(answers(tab.page)).not_to_contain_text("Half")
    for problem in ("Failed to load resource", "Failed to fetch", "ERR_"):
        tab.forgive(problem)


async def test_tokens_that_expire_are_renewed_without_a_word(
    scripted_office: Office, scripted: tuple[Machine, Provider], provider: Provider
) -> None:
    """A token is over before the message is sent, another while the model thinks and before it asks the studio."""
    machine, _ = scripted
    secret = (machine.folder / "data" / "jwt-secret").read_text().strip()
    claims = {"sub": "owner", "tenant_id": "aurora", "role": "owner"}
    given: list[int] = []

    async def give(route: Route) -> None:
        """Hand out an expired token, then one for two seconds, then what the server gives."""
        if len(given) == 2:
            await route.continue_()
            return
        given.append(int(time.time()) + (-60, 2)[len(given)])
        token = jwt.encode({**claims, "exp": given[-1]}, secret)
        await route.fulfill(json={"token": token, "expires_in_s": 2})

    gate = asyncio.Event()
    tab = await scripted_office.open()
    await expect(chat(tab.page).get_by_role("group", name="Ways to begin")).to_be_visible()
    await tab.page.route("**/demo/token", give)
    provider.call(Call("get_clients_stats"))
    provider.then(after(gate, provider.scripts.pop()))
    provider.say("There are many.")

    await ask(tab, "how many clients?")
    await until(lambda: len(given) == 2 and time.time() > given[1] + 1, limit_s=60, what="the second token is over")
    gate.set()

    await expect(await answered(tab)).to_contain_text("There are many.")
    tab.forgive("401 (Unauthorized)")


def after(gate: asyncio.Event, script: Script) -> Script:
    """Return the script with a wait before it."""

    async def later(request: Request, connection: Connection) -> None:
        await gate.wait()
        await script(request, connection)

    return later


async def test_a_trainers_refund_waits_for_the_owner(scripted_office: Office, provider: Provider) -> None:
    """G271: the trainer's page goes on when it is looked at again after the owner's yes."""
    url = scripted_office.url
    found = await ask_studio(url, "/clients", user="aurora.trainer", status="active", limit=1)
    membership = found["items"][0]["membership_id"]
    provider.call(Call("refund_membership", {"membership_id": membership, "amount": 2}))
    tab = await scripted_office.open(user="aurora.trainer")
    await ask(tab, "refund 2 euros to the first client")
    await expect(chat(tab.page).get_by_text(f"Refund 2 of membership {membership}?", exact=True)).to_be_visible()

    headers = {"Authorization": f"Bearer {await sign_in(url, 'aurora.owner')}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as owner:
        cards = (await owner.get("/approvals")).json()["items"]
        [card] = [one for one in cards if one["arguments"]["membership_id"] == membership]
        body = {"tool_call_id": card["tool_call_id"], "approve": True}
        assert (await owner.post(f"/runs/{card['run_id']}/decisions", json=body)).status_code == 200
    provider.say("Refunded.")
    await tab.page.reload()
    await expect(answers(tab.page).last).to_contain_text("Refunded.")

"""A conversation in several tabs of a browser, and one tab over reloads, deletions and stops."""

import asyncio
from random import Random

import pytest
from playwright.async_api import expect
from support.backend import TenantBackend
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call, Provider
from support.tabs import CHAT, TIME_LIMIT_S, ask, deafen, duplicate, look, said, shows
from support.world import OpenWorld, Person, World


@pytest.fixture
async def shop(open_frontdesk: OpenWorld, host: Host) -> World:
    return await open_frontdesk(cors_origins=(host.url,))


@pytest.fixture
def ann(shop: World) -> Person:
    return shop.person()


@pytest.fixture
async def first(shop: World, ann: Person, open_widget: OpenWidget) -> Widget:
    return await open_widget(shop.url, token=ann.token, attributes={"open": ""}, own=True)


@pytest.mark.parametrize("is_deaf", [False, True], ids=["hint", "look"])
async def test_a_second_tab_shows_what_the_first_one_said_and_says_its_own_after_it(
    first: Widget, provider: Provider, is_deaf: bool
) -> None:
    """G67: told by the other tab, or when it is looked at."""
    if is_deaf:
        await deafen(first)
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    await ask(first, provider, "two")
    if is_deaf:
        await look(second)
    await shows(second, "one", "ONE", "two", "TWO")
    await ask(second, provider, "three")
    await look(first)
    for tab in (first, second):
        await shows(tab, "one", "ONE", "two", "TWO", "three", "THREE")


async def test_without_a_word_from_the_first_tab_the_second_shows_all_of_it_when_it_sends(
    first: Widget, provider: Provider
) -> None:
    """G67: what it says itself is the moment at the latest."""
    await deafen(first)
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    await ask(first, provider, "two")
    await ask(second, provider, "three")
    await shows(second, "one", "ONE", "two", "TWO", "three", "THREE")


async def test_an_answer_that_is_made_in_one_tab_grows_in_the_other(first: Widget, provider: Provider) -> None:
    gate = asyncio.Event()
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    provider.wait_for(gate, "and half.", before=["Half "])
    await first.ask("two")
    await shows(second, "one", "ONE", "two", "Half ")
    gate.set()
    await shows(second, "one", "ONE", "two", "Half and half.")
    await second.ended(2)


async def test_two_tabs_that_send_at_once_show_the_same(first: Widget, provider: Provider, ann: Person) -> None:
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    provider.say("YES")
    provider.say("YES")
    await asyncio.gather(first.ask("two"), second.ask("three"))
    await first.ended(3)
    await second.ended(3)
    stored = await transcript(ann)
    assert sorted(stored) == sorted(["one", "ONE", "two", "YES", "three", "YES"])
    for tab in (first, second):
        await shows(tab, *stored)


async def test_a_conversation_that_was_deleted_in_another_tab_is_known_to_be_gone(
    first: Widget, provider: Provider, ann: Person
) -> None:
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    conversation_id = await first.page.evaluate(f"{CHAT}.view.conversationId")
    await ann.request("DELETE", f"/conversations/{conversation_id}")
    await second.ask("two")
    await second.becomes(f"{CHAT}.view.error?.code === 'not_found'")
    await second.becomes(f"{CHAT}.view.messages.at(-1).error?.code === 'not_found'")
    await look(first)
    await first.becomes(f"{CHAT}.view.error?.code === 'not_found'")
    assert await said(first) == ["one", "ONE"], "what was said stands there until one leaves it"
    for tab in (first, second):
        tab.forgive("Failed to load resource")


async def test_a_tool_that_was_stopped_is_no_failure_then_and_later(
    first: Widget, provider: Provider, backend: TenantBackend
) -> None:
    reached = backend.hang("GET /orders/7")
    provider.call(Call("find_order", {"number": 7}))
    await first.ask("Where is order 7?")
    async with asyncio.timeout(TIME_LIMIT_S):
        await reached.wait()
    await first.button("Stop").click()
    status = f"{CHAT}.view.messages.at(-1).toolCalls[0].status"
    await first.becomes(f"{status} === 'cancelled'")
    await expect(first.page.locator(".typing")).to_have_count(0)
    await first.page.reload()
    await first.becomes(f"{CHAT}.view.messages.length === 2 && {status} === 'cancelled'")


async def test_stopped_before_its_first_word_nothing_hangs_and_the_next_message_is_answered(
    first: Widget, provider: Provider
) -> None:
    provider.hang()
    await first.ask("one")
    await expect(first.page.locator(".typing")).to_be_visible()
    await first.button("Stop").click()
    await ask(first, provider, "two")
    await shows(first, "one", "two", "TWO")
    await expect(first.page.locator(".typing")).to_have_count(0)


@pytest.mark.parametrize("moment", ["in mid-answer", "before the first word", "at Enter"])
async def test_a_reload_loses_and_doubles_nothing(first: Widget, provider: Provider, moment: str) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "end.", before=["To the "] if moment == "in mid-answer" else [])
    await first.composer.fill("Tell me.")
    async with first.page.expect_request("**/chat"):
        await first.composer.press("Enter")
    if moment == "before the first word":
        await first.becomes(f"{CHAT}.view.conversationId !== null")
    for _ in range(2):
        if moment == "in mid-answer":
            await shows(first, "Tell me.", "To the ")
        await first.page.reload()
        if moment == "at Enter":
            break
    gate.set()
    text = "To the end." if moment == "in mid-answer" else "end."
    if moment == "at Enter":
        # Nobody knows the conversation's id yet: it is in the list, and its answer is made.
        await first.button("Conversations").click()
        await first.page.locator(".conversations .open").click()
    await shows(first, "Tell me.", text)
    await first.ended()


async def test_an_answer_goes_on_in_the_conversation_that_was_left_and_in_no_other(
    first: Widget, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "old.", before=["Of "])
    await first.ask("one")
    await shows(first, "one", "Of ")
    await first.button("New conversation").first.click()
    await ask(first, provider, "two")
    gate.set()
    await shows(first, "two", "TWO")
    await first.button("Conversations").click()
    await first.page.locator(".conversations .open", has_text="one").click()
    await shows(first, "one", "Of old.")


async def test_the_head_has_the_title_from_the_first_answer_on(first: Widget, provider: Provider) -> None:
    await ask(first, provider, "how many orders")
    await expect(first.page.locator(".head p").first).to_have_text("how many orders")


async def test_the_newest_message_is_kept_when_three_enters_and_a_second_message_come_at_once(
    first: Widget, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "ONE")
    provider.say("TWO")
    await first.composer.fill("one")
    for _ in range(3):
        await first.composer.press("Enter")
    await first.ask("two")
    gate.set()
    await shows(first, "one", "ONE", "two", "TWO")


async def test_a_message_that_is_edited_is_kept_as_a_draft_when_another_tab_has_replaced_it(
    first: Widget, provider: Provider
) -> None:
    await ask(first, provider, "one")
    second = await duplicate(first)
    await shows(second, "one", "ONE")
    await second.page.locator(".message.user").hover()
    await second.button("Edit").click()
    await second.composer.fill("what I write for a long time")
    await first.composer.press("ArrowUp")
    await ask(first, provider, "uno")
    await shows(second, "uno", "UNO")
    await expect(second.composer).to_have_value("what I write for a long time")
    await expect(second.page.locator(".editing")).to_be_hidden()


@pytest.mark.parametrize(("number", "actions"), [(3, 15), pytest.param(5, 40, marks=pytest.mark.long)])
async def test_many_tabs_end_with_what_the_server_has_whatever_they_do(
    first: Widget, provider: Provider, ann: Person, number: int, actions: int
) -> None:
    """G67: messages, edits, answers made anew, stops and reloads, at random and at once; nothing is lost or doubled."""
    random = Random(7)
    for answer in range(actions * 3):
        provider.slowly("answer ", "number ", f"{answer}", pause_s=random.random() * 0.2)
    await first.ask("the beginning")
    await first.ended()
    tabs = [first, *[await duplicate(first) for _ in range(number - 1)]]
    for action in range(actions):
        await _act(random.choice(tabs), random, action)
        await first.page.wait_for_timeout(random.random() * 200)  # as long as a person may take
    for _ in range(2):  # what one of them waits for may begin when another one has ended
        for tab in tabs:
            await tab.becomes(f"{CHAT}.view.phase === 'idle'")
        await until_nothing_runs(ann)
    provider.scripts.clear()
    for tab in tabs:
        await look(tab)
    stored = await transcript(ann)
    for tab in tabs:
        await shows(tab, *stored)
        tab.forgive("Failed to load resource")
        assert not tab.problems, tab.problems
    ever = await transcript(ann, versions="all")
    assert all(ever.count(f"message {action}") <= 1 for action in range(actions)), "nothing is sent twice"


async def _act(tab: Widget, random: Random, number: int) -> None:
    what = random.choices(["send", "edit", "again", "stop", "reload", "look"], weights=[5, 1, 2, 2, 1, 2])[0]
    if what == "send":
        await tab.page.evaluate(f"text => void {CHAT}?.send(text)", f"message {number}")
    elif what == "edit":
        last = f"{CHAT}?.view.messages.findLast(({{ role, runId }}) => role === 'user' && runId)"
        await tab.page.evaluate(f"text => {{ const m = {last}; m && void {CHAT}.edit(m.id, text); }}", f"edit {number}")
    elif what == "again":
        await tab.page.evaluate(f"() => void {CHAT}?.regenerate()")
    elif what == "stop":
        await tab.page.evaluate(f"() => void {CHAT}?.stop()")
    elif what == "reload":
        await tab.page.reload()
    else:
        await look(tab)


async def until_nothing_runs(person: Person) -> None:
    """Wait until the only conversation of a person has no run that is not over."""
    [conversation] = (await person.request("GET", "/conversations")).json()["items"]
    async with asyncio.timeout(TIME_LIMIT_S):
        while (await person.request("GET", f"/conversations/{conversation['id']}/stream")).status_code != 204:
            pass


async def test_a_conversation_that_is_deleted_while_it_is_answered_begins_anew(
    first: Widget, provider: Provider, ann: Person
) -> None:
    provider.wait_for(asyncio.Event(), "never", before=["Half "])
    await first.ask("one")
    await shows(first, "one", "Half ")
    await first.page.get_by_role("button", name="Options").click()
    await first.page.get_by_role("menuitem", name="Delete").click()
    await first.button("Delete").click()
    await expect(first.page.locator(".message")).to_have_count(0)
    await expect(first.button("Stop")).to_be_hidden()
    await ask(first, provider, "two")
    await shows(first, "two", "TWO")
    assert len((await ann.request("GET", "/conversations")).json()["items"]) == 1
    first.forgive("Failed to load resource")  # it may have been read once more while it was being deleted


async def test_what_is_selected_stays_so_while_the_answer_grows(first: Widget, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "and on.", before=["A settled paragraph.\n\n", "It goes on "])
    await first.ask("one")
    await expect(first.answers.locator("p")).to_have_count(2)
    await first.page.evaluate(
        """() => {
            const paragraph = document.querySelector("frontdesk-chat").shadowRoot.querySelector(".answer p");
            getSelection().setBaseAndExtent(paragraph.firstChild, 2, paragraph.firstChild, 9);
        }"""
    )
    gate.set()
    await first.ended()
    selected = "document.querySelector('frontdesk-chat').shadowRoot.getSelection().toString()"
    assert await first.page.evaluate(selected) == "settled"


async def test_a_page_that_sleeps_in_mid_answer_shows_all_of_it_when_it_wakes(
    first: Widget, provider: Provider, ann: Person
) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "and whole.", before=["Half "])
    await first.ask("one")
    await shows(first, "one", "Half ")
    session = await first.page.context.new_cdp_session(first.page)
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    gate.set()
    await until_nothing_runs(ann)
    await session.send("Page.setWebLifecycleState", {"state": "active"})
    await shows(first, "one", "Half and whole.")


async def transcript(person: Person, *, versions: str = "current") -> list[str]:
    """Return what the only conversation of a person says by the server, message by message."""
    conversations = (await person.request("GET", "/conversations")).json()["items"]
    assert len(conversations) == 1
    texts: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"limit=100&versions={versions}" + (f"&cursor={cursor}" if cursor else "")
        page = (await person.request("GET", f"/conversations/{conversations[0]['id']}/messages?{query}")).json()
        texts += [row["text"] for row in page["items"] if row["text"]]
        cursor = page["next_cursor"]
    return texts

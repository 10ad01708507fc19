"""The widget at work: in a vendor's page, before a real Frontdesk with a scripted model."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect
from support.backend import TenantBackend
from support.embedding import Meter, OpenWidget, Widget
from support.host import Host
from support.http import Connection, Request
from support.provider import Call, Provider
from support.searching import until_indexed
from support.wire import Wire
from support.world import OpenWorld, World

from agent.events.schema import ActionRequested, AnyEvent, ErrorRaised, RunEnded, ToolCallChanged, Usage

Visit = Callable[..., Awaitable[Widget]]


@pytest.fixture
async def shop(open_frontdesk: OpenWorld, host: Host) -> World:
    """A Frontdesk that the vendor's page may call."""
    return await open_frontdesk(cors_origins=(host.url,), assistant={"suggestions": {"enabled": True}})


@pytest.fixture
def visit(shop: World, open_widget: OpenWidget) -> Visit:
    """Open the vendor's page as somebody with a token."""

    async def visit(attributes: dict[str, str] | None = None, **options: object) -> Widget:
        chosen = {"open": ""} if attributes is None else attributes
        return await open_widget(shop.url, token=shop.person().token, attributes=chosen, **options)

    return visit


async def test_an_answer_streams_with_what_its_tools_do_and_ends_with_suggestions(
    visit: Visit, provider: Provider, backend: TenantBackend
) -> None:
    gate = asyncio.Event()
    backend.answer("GET /orders/7", {"status": "packed"})
    provider.suggestions = "Who packed it?\nWhen is it sent?"
    provider.call(Call("find_order", {"number": 7}))
    provider.wait_for(gate, "**packed**.", before=["Order 7 ", "is "])
    widget = await visit()
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await widget.ask("Where is order 7?")
    await expect(widget.answers.locator(".markdown")).to_have_text("Order 7 is")
    await expect(widget.answers).to_have_class(re.compile("streaming"))
    gate.set()
    await widget.ended()
    await expect(widget.answers.locator("strong")).to_have_text("packed")
    activity = widget.answers.locator("details.activity")
    await expect(activity.locator("summary")).to_have_text("Looked up order")
    await activity.locator("summary").click()
    await expect(activity.locator(".result")).to_have_text("status: packed")
    await expect(activity.locator(".call-head")).to_contain_text("Looked up order")
    provider.say("Ann did.")
    await widget.button("Who packed it?").click()
    await widget.ended(2)
    await expect(widget.composer).to_be_focused()
    await expect(widget.page.locator(".message.user .bubble").last).to_have_text("Who packed it?")


async def test_on_demand_a_quiet_button_asks_for_suggestions(
    open_frontdesk: OpenWorld, host: Host, open_widget: OpenWidget, provider: Provider
) -> None:
    shop = await open_frontdesk(cors_origins=(host.url,), assistant={"suggestions": {"when": "on_demand"}})
    provider.suggestions = "Who packed it?\nWhen is it sent?"
    provider.say("Packed.")
    provider.say("Ann did.")
    widget = await open_widget(shop.url, token=shop.person().token, attributes={"open": ""})
    offers = widget.page.locator(".suggestions button")
    await widget.ask("Where is order 7?")
    await widget.ended()
    await expect(offers).to_have_text(["Suggestions"])
    assert not provider.asides
    await offers.focus()
    await widget.page.keyboard.press("Enter")
    await expect(offers).to_have_text(["Who packed it?", "When is it sent?"])
    await expect(offers.first).to_be_focused()
    await widget.page.keyboard.press("Enter")
    await widget.ended(2)
    await expect(offers).to_have_text(["Suggestions"])

    async def script(_request: Request, connection: Connection) -> None:
        await connection.respond(500, b"")

    provider.aside = script
    await offers.click()
    await expect(widget.page.locator(".notice")).to_contain_text("The model did not answer.")
    widget.forgive("Failed to load resource")
    await expect(offers).to_have_text(["Suggestions"])
    provider.aside = None
    provider.suggestions = ""
    await offers.click()
    await expect(offers).to_have_count(0)
    await expect(widget.composer).to_be_focused()


async def test_a_starter_asks(visit: Visit, provider: Provider) -> None:
    provider.say("Seven.")
    widget = await visit()
    await widget.button("How many orders?").click()
    await widget.ended()
    await expect(widget.page.locator(".welcome")).to_have_count(0)


async def test_stopping_keeps_what_was_said(visit: Visit, provider: Provider) -> None:
    provider.hang("As far as ", "here")
    widget = await visit()
    await widget.ask("Tell me all.")
    await expect(widget.answers.locator(".markdown")).to_contain_text("As far as here")
    await widget.button("Stop").click()
    await widget.ended()
    await expect(widget.answers.locator(".below .state")).to_have_text("Stopped")
    await expect(widget.answers.locator(".markdown")).to_have_text("As far as here")
    await expect(widget.composer).to_be_focused()


async def test_until_something_can_be_seen_three_dots_say_that_it_comes(visit: Visit, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "Here.")
    widget = await visit()
    await widget.ask("Are you there?")
    await expect(widget.page.locator(".typing")).to_be_visible()
    gate.set()
    await widget.ended()
    await expect(widget.page.locator(".typing")).to_have_count(0)


async def test_thoughts_are_folded_until_somebody_looks(visit: Visit, provider: Provider) -> None:
    provider.stream({"reasoning_content": "They may mean orders."}, {"content": "Seven."})
    widget = await visit()
    await widget.ask("How many?")
    await widget.ended()
    thoughts = widget.answers.locator(".thoughts")
    await expect(thoughts).to_be_hidden()
    await widget.page.get_by_text("Thoughts").click()
    await expect(thoughts).to_have_text("They may mean orders.")


async def test_a_failed_answer_says_why_and_can_be_tried_again(wire: Wire, open_widget: OpenWidget) -> None:
    wire.answer(
        ToolCallChanged(id="c1", name="list_orders", status="running"),
        ErrorRaised("model_timeout", "late", recoverable=True),
        RunEnded("failed", "error", Usage()),
        end=None,
    )
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("How many?")
    await expect(widget.answers.locator(".problem p")).to_have_text("The model did not answer.")
    await expect(widget.answers.locator(".activity summary")).to_have_text("Looking up orders · Stopped")
    await expect(widget.page.locator(".notice")).to_be_hidden()
    wire.say("Seven.")
    await widget.button("Try again").click()
    await expect(widget.answers.locator(".markdown").first).to_have_text("Seven.")
    await expect(widget.answers.locator(".problem")).to_be_hidden()
    await expect(widget.composer).to_be_focused()


async def test_a_reload_in_mid_answer_shows_it_whole(visit: Visit, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "end.", before=["From the beginning ", "to the "])
    widget = await visit()
    await widget.ask("Tell me.")
    await expect(widget.answers.locator(".markdown")).to_contain_text("to the")
    await widget.page.reload()
    await expect(widget.answers.locator(".markdown")).to_contain_text("From the beginning to the")
    gate.set()
    await widget.ended()
    await expect(widget.answers.locator(".markdown")).to_have_text("From the beginning to the end.")
    await expect(widget.page.locator(".message.user .bubble")).to_have_text("Tell me.")


async def test_a_draft_is_kept_for_each_conversation(visit: Visit, provider: Provider) -> None:
    provider.say("One.")
    widget = await visit()
    await widget.ask("First")
    await widget.ended()
    await widget.composer.fill("about the first")
    await widget.button("New conversation").click()
    await expect(widget.composer).to_have_value("")
    await widget.composer.fill("something new")
    await widget.page.reload()
    await expect(widget.composer).to_have_value("something new")
    await widget.button("Conversations").click()
    await widget.page.locator(".conversations .open").click()
    await expect(widget.composer).to_have_value("about the first")


async def test_feedback_is_given_and_shown(visit: Visit, provider: Provider, shop: World) -> None:
    provider.say("Seven.")
    widget = await visit()
    await widget.ask("How many?")
    await widget.ended()
    good = widget.button("Good answer")
    await good.click()
    await expect(good).to_have_attribute("aria-pressed", "true")
    await expect(widget.button("Bad answer")).to_have_attribute("aria-pressed", "false")
    assert shop.rows()["feedback"] == 1


async def test_code_and_answers_can_be_copied(visit: Visit, provider: Provider) -> None:
    provider.say("Run:\n\n```sh\nls -la\n```\n")
    widget = await visit(permissions=["clipboard-read", "clipboard-write"])
    await widget.ask("How?")
    await widget.ended()
    await widget.hold_time()
    await widget.answers.locator(".copy-code").click()
    await expect(widget.spoken.last).to_have_text("Copied")
    assert await widget.page.evaluate("navigator.clipboard.readText()") == "ls -la\n"
    await widget.answers.get_by_label("Copy", exact=True).click()
    await expect(widget.answers.locator(".below .icon-check")).to_be_visible()
    assert await widget.page.evaluate("navigator.clipboard.readText()") == "Run:\n\n```sh\nls -la\n```\n"


async def test_an_answer_that_comes_while_the_panel_is_closed_is_unread_until_it_is_opened(
    visit: Visit, provider: Provider
) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "Done.", before=["Almost. "])
    widget = await visit()
    await widget.ask("Are you done?")
    await expect(widget.answers.locator(".markdown")).to_contain_text("Almost.")
    await widget.page.keyboard.press("Escape")
    launcher = widget.page.locator(".launcher")
    await expect(launcher).to_be_focused()
    await expect(launcher.locator(".unread")).to_have_count(0)
    gate.set()
    await expect(launcher.locator(".unread")).to_be_visible()
    await expect(widget.button("Open the assistant (New answer)")).to_be_visible()
    assert not await widget.axe()
    await launcher.click()
    await expect(launcher.locator(".unread")).to_have_count(0)
    await widget.page.keyboard.press("Escape")
    await widget.page.reload()
    await widget.becomes("document.querySelector('frontdesk-chat').chat.view.messages.length === 2")
    await widget.settles()
    await expect(launcher).to_be_visible()
    await expect(launcher.locator(".unread")).to_have_count(0)


async def test_what_stood_in_the_page_is_read_when_the_page_makes_a_closed_panel_of_it(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G668: and what comes into that panel afterwards is not."""
    widget = await open_widget(wire.url, attributes={"mode": "inline"})
    wire.say("Seven.")
    await widget.ask("How many?")
    await widget.ended()
    await widget.element.evaluate("(chat) => chat.removeAttribute('mode')")
    await expect(widget.button("Open the assistant")).to_be_visible()
    await expect(widget.page.locator(".unread")).to_have_count(0)
    wire.say("Eight.")
    await widget.element.evaluate("(chat) => chat.chat.send('And now?')")
    await expect(widget.button("Open the assistant (New answer)")).to_be_visible()


async def test_conversations_are_found_opened_renamed_and_deleted(
    visit: Visit, shop: World, provider: Provider
) -> None:
    widget = await visit()
    for question in ("Where are the blue mats?", "Who is ill?"):
        provider.say(f"About: {question}")
        await widget.button("New conversation").click()
        await widget.ask(question)
        await widget.ended()
    await widget.button("Conversations").click()
    rows = widget.page.locator(".conversations li")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_have_class("current")
    search = widget.page.get_by_label("Search conversations")
    await expect(search).to_be_focused()
    await until_indexed(shop.app.state.services.store)
    await search.fill("mats")
    await expect(rows).to_have_count(1)
    await rows.first.hover()
    await widget.button("Rename: Where are the blue mats?").click()
    await widget.page.get_by_label("New title").fill("Blue mats")
    await widget.page.keyboard.press("Enter")
    await expect(rows.locator("b")).to_have_text("Blue mats")
    await search.fill("nobody said this")
    await expect(rows).to_have_text("Nothing found")
    await search.fill("")
    await expect(rows).to_have_count(2)
    await rows.get_by_text("Blue mats").click()
    await expect(widget.page.locator(".head p")).to_have_text("Blue mats")
    await expect(widget.answers.locator(".markdown")).to_have_text("About: Where are the blue mats?")
    await widget.button("Conversations").click()
    await rows.last.hover()
    await widget.button("Delete: Blue mats").click()
    await widget.button("Delete").click()
    await expect(rows).to_have_count(1)
    await expect(search).to_be_focused()
    await widget.page.keyboard.press("Escape")
    await expect(widget.page.locator(".welcome")).to_be_visible()


async def test_without_a_connection_it_says_so_and_goes_on_afterwards(visit: Visit, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.wait_for(gate, "again.", before=["Here "])
    widget = await visit(own=True)
    await widget.ask("Are you there?")
    await expect(widget.answers.locator(".markdown")).to_contain_text("Here")
    await widget.page.context.set_offline(True)
    notice = widget.page.locator(".notice")
    await expect(notice).to_contain_text("You are offline.")
    await expect(widget.spoken.filter(has_text="You are offline.")).to_have_count(1)
    await widget.page.context.set_offline(False)
    await expect(notice).to_be_hidden()
    gate.set()
    await widget.ended()
    await expect(widget.answers.locator(".markdown")).to_have_text("Here again.")
    widget.forgive("ERR_INTERNET_DISCONNECTED")


async def test_an_earlier_message_is_edited_and_an_answer_made_anew(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("How many ordres?")
    await widget.ended()
    wire.say("Eight.")
    await widget.button("Answer again").click()
    await expect(widget.answers.locator(".block")).to_have_text("Eight.")
    await widget.ended()
    versions = widget.answers.locator("details.versions")
    await versions.locator("summary").click()
    await expect(versions.locator(".inside")).to_have_text("Seven.")
    wire.say("Nine.")
    await widget.composer.press("ArrowUp")
    await expect(widget.composer).to_have_value("How many ordres?")
    await widget.composer.fill("How many orders?")
    await widget.composer.press("Enter")
    await expect(widget.answers.locator(".block").first).to_have_text("Nine.")
    await expect(widget.page.locator(".bubble")).to_have_text("How many orders?")
    earlier = widget.page.locator(".message.user details.versions")
    await earlier.locator("summary").click()
    await expect(earlier.locator(".inside")).to_have_text("How many ordres?")
    assert [where for where, _ in wire.posts] == ["chat", "regenerate", "edit"]


async def test_leaving_an_edit_brings_the_draft_back(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("How many?")
    await widget.ended()
    await widget.composer.fill("my next question")
    await widget.page.locator(".message.user").hover()
    await widget.button("Edit").click()
    await expect(widget.composer).to_have_value("How many?")
    await widget.page.keyboard.press("Escape")
    await expect(widget.composer).to_have_value("my next question")
    await expect(widget.composer).to_be_focused()


async def test_shift_enter_begins_a_line_and_composing_characters_sends_nothing(
    wire: Wire, open_widget: OpenWidget
) -> None:
    wire.say("Yes.")
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.composer.press_sequentially("one")
    await widget.composer.press("Shift+Enter")
    await widget.composer.press_sequentially("two")
    await widget.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await widget.settles()
    await expect(widget.page.locator(".bubble")).to_have_count(0)
    await widget.composer.press("Enter")
    await expect(widget.page.locator(".bubble")).to_have_text("one\ntwo")
    await widget.ended()
    assert wire.posts[0][1]["message"] == "one\ntwo"


async def test_a_message_that_is_too_long_is_not_sent(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.composer.fill("x" * 32_010)
    await expect(widget.page.locator(".over")).to_have_text("10 characters too many")
    await expect(widget.button("Send")).to_be_disabled()
    await widget.composer.press("Enter")
    await widget.settles()
    await expect(widget.page.locator(".bubble")).to_have_count(0)
    assert not wire.posts


async def test_a_message_that_is_refused_can_be_sent_again(wire: Wire, open_widget: OpenWidget) -> None:
    wire.refusal = (409, {"code": "run_active", "title": "Busy", "status": 409, "detail": "One at a time."})
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("Now?")
    await expect(widget.page.locator(".message.user .state")).to_have_text("Not sent")
    problem = widget.page.locator(".message.user .problem p")
    await expect(problem).to_have_text("Another answer is still being made in this conversation.")
    await expect(widget.page.locator(".notice")).to_be_hidden()
    wire.say("Now.")
    await widget.button("Try again").click()
    await widget.ended()
    await expect(widget.page.locator(".message.user .state")).to_be_hidden()
    widget.forgive("409")


@pytest.mark.alone
async def test_a_megabyte_in_ten_thousand_pieces_takes_two_seconds_and_never_stops_the_page_for_long(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """Counted is the page's own time on a processor, so that other work of this machine does not decide."""
    wire.say(*_megabyte())
    widget = await open_widget(wire.url, attributes={"open": ""})
    meter = await Meter.of(widget.page)
    longest = await widget.page.evaluate(
        """async () => {
            const { chat, shadowRoot } = document.querySelector("frontdesk-chat");
            let began = 0, longest = 0, before = 0;
            chat.onEvent(() => (began ||= before = performance.now()));
            void chat.send("Tell me everything.");
            const last = ".markdown > :last-child > .block:last-child";
            while (shadowRoot.querySelector(last)?.textContent.trim() !== "THE END") {
                await new Promise((resolve) => setTimeout(resolve));
                if (began) longest = Math.max(longest, performance.now() - before), before = performance.now();
            }
            return longest;
        }"""
    )
    assert await meter.busy_s() < 2
    assert longest < 1000


def _megabyte() -> list[str]:
    words = (
        "the studio keeps a list of clients and of what they booked so that nobody is forgotten when a class is full"
    )
    section = (
        f"## A part of it\n\n{words}, **and {words}**, {words}.\n\n{words}: {words}. {words}.\n\n"
        + f"- **One thing**: {words}\n- *Another*, see [the page](/clients): {words}\n\n" * 2
        + "| name | visits |\n|---|---:|\n| Ann Other | 12 |\n| Maria Gonçalves | 7 |\n\n"
        + '```js\nconst name = "Ann Other";\nconst visits = 12;\nconsole.log(name, visits);\n```\n\n'
    )
    text = (section * (1_000_000 // len(section) + 1))[:1_000_000] + "\n\nTHE END"
    return [text[at : at + 100] for at in range(0, len(text), 100)]


async def test_a_call_that_takes_long_shows_its_age_and_how_far_it_is(wire: Wire, open_widget: OpenWidget) -> None:
    """G228: of a page that comes later, too, and the details that somebody has open stay as they are."""
    words: dict[str, Any] = {"label": "Counting the orders"}
    wire.parts(
        [
            ToolCallChanged(id="c1", name="count", status="running", arguments={"of": "May"}, **words),
            ToolCallChanged(
                id="c1",
                name="count",
                status="running",
                elapsed_ms=65_000,
                progress=0.4,
                progress_text="<b>Page</b> 4 of 10",
                **words,
            ),
        ],
        [RunEnded("cancelled", "", Usage())],
    )
    widget = await open_widget(wire.url, attributes={"open": ""})
    await widget.ask("How many?")
    activity = widget.answers.first.locator(".activity")
    await expect(activity.locator(".clock")).to_have_text(
        re.compile(r"^(6[5-9]|[7-9]\d|\d{3}) s · 40 % · <b>Page</b> 4 of 10$"), timeout=45_000
    )
    await activity.locator("summary").click()
    await expect(activity.locator(".call")).to_contain_text("May")
    await widget.button("Stop").click()
    await expect(activity.locator("summary")).to_have_text("Counting the orders · Stopped")


async def test_what_tools_do_is_said_in_their_authors_words_with_the_seconds_of_a_long_one(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """And a call that was stopped is no failure."""
    words: dict[str, Any] = {"label": "Counting the orders", "done": "Counted the orders"}
    calls: list[AnyEvent] = [
        ToolCallChanged(id="c1", name="count", status="running", **words),
        ToolCallChanged(
            id="c1", name="count", status="ok", result='{"total_orders":3,"late":[]}', duration_ms=1260, **words
        ),
        ActionRequested("change_theme", "dark", "c2"),
        ToolCallChanged(id="c2", name="change_theme", status="ok", done="Switched the theme"),
    ]
    wire.answer(*calls)
    wire.parts(
        [ToolCallChanged(id="c3", name="count", status="running", **words)], [RunEnded("cancelled", "", Usage())]
    )
    widget = await open_widget(wire.url, attributes={"open": "", "locale": "de-AT", "time-zone": "Asia/Tokyo"})
    await widget.ask("How many?")
    await widget.ended()
    first = widget.answers.first.locator(".activity")
    await expect(first.locator("summary")).to_have_text("Counted the orders")
    await expect(widget.answers.first.locator(".action")).to_have_text("Switched the theme: dark")
    await first.locator("summary").click()
    await expect(first.locator(".result")).to_have_text("total orders: 3, late:")
    await expect(first.locator(".call-head")).to_have_text("Counted the orders1.3 s")
    await widget.ask("And now?")
    second = widget.answers.nth(1).locator(".activity summary")
    await expect(second).to_have_text("Counting the orders …")
    await expect(second).to_have_text(re.compile(r"^Counting the orders … ?([3-9]|\d\d) s$"), timeout=45_000)
    await widget.button("Stop").click()
    await expect(second).to_have_text("Counting the orders · Stopped")
    bodies = [body for path, body in wire.posts if "message" in (body or {})]
    assert [(body["locale"], body["time_zone"]) for body in bodies] == [("de-AT", "Asia/Tokyo")] * 2

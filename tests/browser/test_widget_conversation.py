"""A conversation in time and on paper: where one reads, when it was said, and what can be done with all of it."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from support.browsing import DRAWN
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Provider
from support.wire import Wire
from support.world import OpenWorld, World

OPEN = {"open": ""}
LINES = [f"Line {number} of the answer.\n\n" for number in range(40)]
TOP = "e => e.getBoundingClientRect().top - e.closest('.scroller').getBoundingClientRect().top"
PLACE = "e => e.scrollTop"
PRINTS = """() => {
    const append = document.body.append;
    document.body.append = (frame) => {
        append.call(document.body, frame);
        const inner = frame.contentWindow;
        inner.print = () => {
            const root = inner.document.body.firstElementChild.shadowRoot;
            const fields = root.querySelectorAll("textarea").length;
            window.printed = [root.textContent, root.adoptedStyleSheets.length > 5, fields];
            inner.dispatchEvent(new Event("afterprint"));
        };
    };
}"""


@pytest.fixture
async def shop(open_frontdesk: OpenWorld, host: Host) -> World:
    return await open_frontdesk(cors_origins=(host.url,))


async def test_a_new_question_goes_to_the_top_and_the_answer_grows_under_it(
    shop: World, open_widget: OpenWidget, provider: Provider
) -> None:
    provider.say(*LINES)
    widget = await open_widget(shop.url, token=shop.person().token, attributes=OPEN)
    await widget.ask("Tell me a lot.")
    await widget.ended()
    scroller = widget.page.locator(".scroller")
    await widget.page.evaluate(DRAWN)
    assert await scroller.evaluate(PLACE) <= 10
    gate = asyncio.Event()
    provider.wait_for(gate, *LINES, before=["It begins."])
    await widget.ask("And more?")
    await expect(widget.answers.nth(1)).to_contain_text("It begins.")
    question = widget.page.locator(".bubble").last
    await widget.page.evaluate(DRAWN)
    assert 0 <= await question.evaluate(TOP) <= 40
    place = await scroller.evaluate(PLACE)
    gate.set()
    await widget.ended(2)
    await widget.page.evaluate(DRAWN)
    assert await scroller.evaluate(PLACE) == place
    assert 0 <= await question.evaluate(TOP) <= 40
    await expect(widget.button("Jump to latest")).to_be_visible()


async def test_who_reads_elsewhere_is_not_dragged_and_who_goes_to_the_end_stays_there(
    shop: World, open_widget: OpenWidget, provider: Provider
) -> None:
    gates = [asyncio.Event() for _ in range(2)]
    widget = await open_widget(shop.url, token=shop.person().token, attributes=OPEN)
    scroller, jump = widget.page.locator(".scroller"), widget.button("Jump to latest")
    for gate in gates:
        provider.wait_for(gate, *LINES, before=LINES)
    await widget.ask("Tell me a lot.")
    await expect(widget.answers).to_contain_text("Line 39")
    await scroller.hover()
    await widget.page.mouse.wheel(0, 120)
    await widget.becomes(
        "document.querySelector('frontdesk-chat').shadowRoot.querySelector('.scroller').scrollTop > 100"
    )
    place = await scroller.evaluate(PLACE)
    gates[0].set()
    await widget.ended()
    assert await scroller.evaluate(PLACE) == place
    await widget.ask("And more?")
    await expect(widget.answers.nth(1)).to_contain_text("Line 39")
    await jump.click()
    await expect(jump).to_be_hidden()
    gates[1].set()
    await widget.ended(2)
    await widget.page.evaluate(DRAWN)
    assert await scroller.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight") <= 4


async def test_what_leads_to_the_latest_lies_on_no_text(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say(*LINES)
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Tell me a lot.")
    await widget.ended()
    jump = await widget.button("Jump to latest").bounding_box()
    scroller = await widget.page.locator(".scroller").bounding_box()
    composer = await widget.page.locator(".composer").bounding_box()
    assert jump is not None
    assert scroller is not None
    assert composer is not None
    assert scroller["y"] + scroller["height"] <= jump["y"]
    assert jump["y"] + jump["height"] <= composer["y"]


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_where_there_is_little_height_it_stands_beside_the_text(
    wire: Wire, host: Host, open_widget: OpenWidget, language: str
) -> None:
    host.language = language
    widget = await open_widget(wire.url, attributes=OPEN, has_touch=True)
    for count, (width, height) in enumerate([(740, 340), (844, 390), (320, 256)], start=1):
        await widget.page.set_viewport_size({"width": width, "height": height})
        wire.say(*[f"{'word ' * 60}\n\n" for _ in range(10)])
        await widget.ask("Tell me a lot.")
        await widget.ended(count)
        await expect(widget.page.locator(".jump")).to_be_visible()
        jump = await widget.page.locator(".jump").bounding_box()
        messages = await widget.page.locator(".messages").bounding_box()
        assert jump is not None
        assert messages is not None
        is_right = jump["x"] >= messages["x"] + messages["width"]
        is_left = jump["x"] + jump["width"] <= messages["x"]
        assert (is_right, is_left) == (language == "en", language == "ar"), width
        assert min(jump["width"], jump["height"]) >= 24, width


async def test_of_a_long_question_the_end_is_seen_and_the_answer_too(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("\n".join(f"line {number}" for number in range(60)))
    await widget.ended()
    await expect(widget.answers).to_be_in_viewport()


async def test_messages_say_when_they_were_written(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes=OPEN, timezone_id="Asia/Kolkata", locale="en-GB")
    before = datetime.now(UTC)
    await widget.ask("How many?")
    await widget.ended()
    times = widget.page.locator("time.when")
    await expect(times).to_have_count(2)
    for time in await times.all():
        written = datetime.fromisoformat(str(await time.get_attribute("datetime")))
        assert before - timedelta(minutes=1) <= written <= datetime.now(UTC) + timedelta(minutes=1)
        local = written + timedelta(hours=5, minutes=30)
        assert f"{local:%H:%M}" in str(await time.text_content())
        assert str(local.year) in str(await time.get_attribute("title"))
    await widget.page.locator(".bubble").hover()
    await expect(times.first).to_be_visible()
    await expect(widget.page.locator(".day")).to_have_count(0)


@pytest.mark.usefixtures("one_day")
async def test_days_stand_between_messages_of_different_ones(probe: Page) -> None:
    now = datetime.now(UTC).replace(hour=12)
    days = [now - timedelta(days=400), now - timedelta(days=400), now - timedelta(days=1), now, now]
    said = await probe.evaluate(
        """moments => {
            const frame = probe.frame();
            const messages = moments.map((createdAt, at) => ({
                id: String(at), runId: "1", role: at % 2 ? "assistant" : "user", text: "text", toolsUsed: [], actions: [],
                reasoning: "", toolCalls: [], approvals: [], error: null, status: "completed", feedback: null, createdAt,
                versions: [],
            }));
            const view = { conversationId: "1", title: null, messages, phase: "idle", suggestions: [], error: null,
                connection: "online" };
            frame.update(view, null);
            const lines = [...frame.root.querySelectorAll(".messages > li")].map((one) => one.matches(".day") ? one.textContent : "-");
            frame.remove();
            return lines;
        }""",
        [day.isoformat() for day in days],
    )
    year = str(days[0].year)
    assert [line if line in ("-", "Today", "Yesterday") else year in line for line in said] == [
        True, "-", "-", "Yesterday", "-", "Today", "-", "-",
    ]  # fmt: skip


@pytest.mark.usefixtures("one_day")
async def test_the_list_is_parted_by_day_and_goes_on_where_it_ended(wire: Wire, open_widget: OpenWidget) -> None:
    now = datetime.now(UTC).replace(hour=12)
    wire.conversations = [
        {"id": str(at), "title": f"Title {at}", "created_at": then.isoformat(), "updated_at": then.isoformat()}
        for at, then in enumerate(
            [now, now, now - timedelta(days=1), now - timedelta(days=9), now - timedelta(days=90)]
        )
    ]
    widget = await open_widget(wire.url, attributes=OPEN, timezone_id="UTC")
    await widget.button("Conversations").click()
    groups = widget.page.locator(".conversations ul")
    await expect(widget.page.locator(".conversations h3")).to_have_text(["Today", "Yesterday", "Older"])
    counts = [await group.locator("li").count() for group in await groups.all()]
    assert counts == [2, 1, 2]
    await expect(widget.page.get_by_role("list", name="Yesterday")).to_contain_text("Title 2")


async def asked(shop: World, open_widget: OpenWidget, provider: Provider, **options: object) -> Widget:
    provider.say("Seven.")
    widget = await open_widget(shop.url, token=shop.person().token, attributes=OPEN, **options)
    await widget.ask("How many?")
    await widget.ended()
    return widget


def pages(paper: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", paper))


async def test_the_menu_is_used_by_keyboard_and_escape_closes_nothing_else(
    shop: World, open_widget: OpenWidget, provider: Provider
) -> None:
    widget = await open_widget(shop.url, token=shop.person().token, attributes=OPEN)
    button = widget.button("Options")
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    await expect(button).to_be_hidden()
    provider.say("Seven.")
    await widget.ask("How many?")
    await widget.ended()
    await button.focus()
    await widget.page.keyboard.press("Enter")
    items = widget.page.get_by_role("menuitem")
    await expect(items).to_have_text(["Rename", "Export", "Print", "Delete"])
    await expect(items.first).to_be_focused()
    for key, at in [("ArrowDown", 1), ("End", 3), ("ArrowDown", 0), ("ArrowUp", 3), ("Home", 0)]:
        await widget.page.keyboard.press(key)
        await expect(items.nth(at)).to_be_focused()
    await widget.page.keyboard.press("Escape")
    await expect(items.first).to_be_hidden()
    await expect(button).to_be_focused()
    await expect(widget.composer).to_be_visible()
    await button.click()
    await widget.composer.click()
    await expect(items.first).to_be_hidden()


async def test_the_menu_renames_exports_and_deletes(shop: World, open_widget: OpenWidget, provider: Provider) -> None:
    widget = await asked(shop, open_widget, provider)
    menu = widget.button("Options")
    await menu.click()
    await widget.page.get_by_role("menuitem", name="Rename").click()
    field = widget.page.get_by_label("New title")
    await expect(field).to_be_focused()
    # It takes no more room than it needs.
    assert await widget.page.locator(".asking").evaluate("e => e.offsetHeight") <= 64
    await field.press("Escape")
    await expect(field).to_be_hidden()
    await expect(menu).to_be_focused()
    await menu.click()
    await widget.page.get_by_role("menuitem", name="Rename").click()
    await field.fill("Blue: mats/7")
    await field.press("Enter")
    await expect(widget.page.locator(".head .names p")).to_have_text("Blue: mats/7")
    await menu.click()
    async with widget.page.expect_download() as download:
        await widget.page.get_by_role("menuitem", name="Export").click()
    file = await download.value
    assert file.suggested_filename == "Blue-mats-7.json"
    assert "Seven." in Path(await file.path()).read_text()  # noqa: ASYNC240 (it is there)
    await menu.click()
    await widget.page.get_by_role("menuitem", name="Delete").click()
    await expect(widget.button("Keep")).to_be_focused()
    await widget.button("Delete").click()
    await expect(widget.page.locator(".welcome")).to_be_visible()
    await expect(menu).to_be_hidden()


async def test_the_menu_prints_the_conversation_alone(shop: World, open_widget: OpenWidget, provider: Provider) -> None:
    widget = await asked(shop, open_widget, provider)
    await widget.page.evaluate(PRINTS)
    await widget.button("Options").click()
    await widget.page.get_by_role("menuitem", name="Print").click()
    await widget.becomes("'printed' in window")
    text, has_styles, fields = await widget.page.evaluate("printed")
    assert "How many?" in text
    assert "Seven." in text
    assert (has_styles, fields) == (True, 0)
    await expect(widget.page.locator("iframe")).to_have_count(0)


@pytest.mark.parametrize(
    ("mode", "layout"), [("page", "auto"), ("inline", "auto"), ("panel", "desktop"), ("panel", "mobile")]
)
async def test_all_of_a_conversation_is_printed(wire: Wire, open_widget: OpenWidget, mode: str, layout: str) -> None:
    wire.say(*LINES, *LINES, "THE END")
    attributes = {"open": "", "mode": mode, "layout": layout, "theme": "dark"}
    widget = await open_widget(wire.url, attributes=attributes)
    await widget.ask("Tell me a lot.")
    await widget.ended()
    assert pages(await widget.page.pdf()) >= 3
    # It is where it was before, over the page.
    await expect(widget.page.locator(".stage:popover-open")).to_have_count(int(mode == "panel"))
    await expect(widget.page.locator("dialog:modal")).to_have_count(int(layout == "mobile"))
    await widget.page.emulate_media(media="print")
    await expect(widget.composer).to_be_hidden()
    await expect(widget.answers.locator(".markdown")).to_have_css("color", "rgb(26, 28, 34)")  # dark on light
    await expect(widget.page.locator(".message .tool:visible, .head button:visible, .corner:visible")).to_have_count(0)


async def test_a_panel_that_is_closed_is_not_printed(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say(*LINES, *LINES, "THE END")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Tell me a lot.")
    await widget.ended()
    await widget.button("Close").click()
    assert pages(await widget.page.pdf()) == 1
    await widget.page.emulate_media(media="print")
    await expect(widget.page.locator("dialog")).to_be_hidden()


async def test_a_table_shows_that_it_goes_on(probe: Page) -> None:
    image = await probe.evaluate(
        """() => {
            const { view } = probe.markdown();
            view.update("| a | b |\\n|---|---|\\n| 1 | 2 |", true);
            const frame = probe.frame();
            frame.root.firstElementChild.append(view.element);
            const { backgroundImage, backgroundAttachment } = getComputedStyle(view.element.querySelector(".table"));
            frame.remove();
            return [backgroundImage.split("linear-gradient").length - 1, backgroundAttachment];
        }"""
    )
    assert image == [4, "local, local, scroll, scroll"]


async def test_until_it_is_known_what_to_say_first_something_stands_there(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await expect(widget.page.locator(".welcome .skeleton")).to_be_hidden()
    asked = asyncio.Event()

    async def never(route: Route) -> None:
        asked.set()

    await widget.page.route("**/assistant*", never)
    await widget.page.reload()
    await asked.wait()
    await expect(widget.page.locator(".welcome .skeleton")).to_be_visible()
    await widget.page.unroute_all(behavior="ignoreErrors")

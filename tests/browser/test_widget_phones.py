"""The widget in a hand: keyboards on the screen, two fingers, a phone on its side, notches, and the way back."""

from typing import Any

import pytest
from playwright.async_api import expect
from support.browsing import DRAWN
from support.embedding import OpenWidget, Widget
from support.host import KEYBOARD, Host
from support.wire import Wire

OPEN = {"open": ""}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
LATER = "2999-01-01T00:00:00Z"
BOXES = """() => {
    const root = document.querySelector("frontdesk-chat").shadowRoot;
    const box = (selector) => root.querySelector(selector).getBoundingClientRect();
    return { top: box(".head").top, bottom: box(".composer form").bottom };
}"""

MIDDLES = """() => {
    const root = document.querySelector("frontdesk-chat").shadowRoot;
    const middle = (selector) => {
        const { x, y, width, height } = root.querySelector(selector).getBoundingClientRect();
        return [x + width / 2, y + height / 2];
    };
    const [icon, jump] = [".jump .icon", ".jump"].map(middle);
    const [send, row] = [".send:not(.stop)", ".composer .row"].map(middle);
    return [icon[0] - jump[0], icon[1] - jump[1], send[1] - row[1]].map(Math.abs);
}"""
"""How far two pictures are from the middle of what they stand in: that of the way to the latest, and the button that sends."""


@pytest.mark.parametrize("attributes", [OPEN, {"mode": "page"}], ids=["sheet", "page"])
async def test_a_keyboard_leaves_all_of_the_widget_in_sight(
    wire: Wire, host: Host, open_widget: OpenWidget, attributes: dict[str, str]
) -> None:
    host.is_early, host.body = True, ""
    widget = await open_widget(wire.url, attributes=attributes, script=KEYBOARD, **PHONE)
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    before = await widget.page.evaluate(BOXES)
    for change, kind in (
        ({"height": 400}, "resize"),
        ({"offsetTop": 150}, "scroll"),
        ({"height": 200, "offsetTop": 0}, "resize"),
    ):
        await widget.page.evaluate("change => see(...change)", [change, kind])
        boxes = await widget.page.evaluate(BOXES)
        top, bottom = change.get("offsetTop", 0), change.get("offsetTop", 0) + change.get("height", 400)
        assert top <= boxes["top"] < top + 20, boxes
        assert bottom - 20 <= boxes["bottom"] <= bottom, boxes
    await widget.page.evaluate("see({ height: innerHeight, offsetTop: 0 }, 'resize')")
    assert await widget.page.evaluate(BOXES) == before


async def test_a_frame_in_the_page_gives_way_to_a_keyboard_too(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    host.is_early, host.body = True, "<p>Shop</p>" * 4
    script = KEYBOARD + "document.body.style.paddingBottom = '900px';"
    widget = await open_widget(wire.url, attributes={"mode": "inline"}, script=script, **PHONE)
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    before = await widget.page.evaluate(BOXES)
    assert before["bottom"] > 500
    await widget.page.evaluate("see({ height: 400 }, 'resize')")
    assert (await widget.page.evaluate(BOXES))["bottom"] <= 400
    await widget.page.evaluate("scrollTo(0, 100)")
    await widget.becomes(f"({BOXES})().bottom > 380 && ({BOXES})().bottom <= 400")
    await widget.page.evaluate("scrollTo(0, 0)")
    await widget.page.evaluate("see({ height: innerHeight }, 'resize')")
    assert await widget.page.evaluate(BOXES) == before


async def test_zooming_with_two_fingers_to_read_leaves_the_sheet_as_it_is(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN, **PHONE)
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    before = await widget.page.evaluate(BOXES)
    session = await widget.page.context.new_cdp_session(widget.page)
    await session.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 2})
    await widget.becomes("visualViewport.scale === 2 && visualViewport.height < 400")
    await widget.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await widget.page.evaluate(BOXES) == before


async def test_where_there_is_little_height_there_is_room_for_the_conversation(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """On its side, at 200 % and at 400 %."""
    wire.say("A line.\n\n" * 30)
    widget = await open_widget(wire.url, attributes=OPEN, **PHONE)
    await widget.ask("Much?")
    await widget.ended()
    for width, height, room in ((740, 340, 220), (640, 380, 250), (320, 256, 130)):
        await widget.page.set_viewport_size({"width": width, "height": height})
        await widget.becomes(f"innerHeight === {height} && ({BOXES})().bottom <= {height}")
        assert await widget.page.locator("dialog").evaluate("e => e.matches(':modal') && e.offsetWidth === innerWidth")
        assert await widget.page.locator(".scroller").evaluate("e => e.clientHeight") >= room
        assert max(await widget.page.evaluate(MIDDLES)) < 0.6


async def test_what_stands_there_before_the_first_message_is_read_from_its_top(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G660: where it does not fit, too, and who went on stays where they are; a conversation that is opened then is at its end."""
    widget = await open_widget(wire.url, attributes=OPEN, **{**PHONE, "viewport": {"width": 320, "height": 220}})
    await expect(widget.page.locator(".starters button")).to_be_attached()
    scroller = widget.page.locator(".scroller")
    await widget.page.evaluate(DRAWN)
    assert await scroller.evaluate("e => e.scrollHeight > e.clientHeight + 20 && e.scrollTop === 0")
    await scroller.evaluate("e => (e.scrollTop = e.scrollHeight)")
    await widget.page.evaluate(DRAWN)
    await widget.page.set_viewport_size({"width": 320, "height": 222})
    await widget.page.evaluate(DRAWN)
    assert await scroller.evaluate("e => e.scrollTop > 10")
    wire.say("Seven.\n\n" * 30)
    await widget.ask("How many?")
    await widget.ended()
    last = await widget.element.evaluate("({ chat }) => [chat.view.conversationId, chat.startNew()][0]")
    await expect(widget.page.locator(".starters button")).to_be_attached()
    await widget.page.evaluate(DRAWN)
    await scroller.evaluate("e => (e.scrollTop = e.scrollHeight)")
    await widget.page.evaluate(DRAWN)
    await widget.element.evaluate("({ chat }, id) => chat.open(id)", last)
    await expect(widget.answers.get_by_text("Seven.")).to_have_count(30)
    await widget.page.evaluate(DRAWN)
    below = "e => [e.scrollHeight > 2 * e.clientHeight, e.scrollHeight - e.clientHeight - e.scrollTop < 3]"
    assert await scroller.evaluate(below) == [True, True]


async def test_what_a_notch_takes_stays_empty(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN, **PHONE)
    await expect(widget.page.locator(".welcome h3")).to_be_visible()
    session = await widget.page.context.new_cdp_session(widget.page)
    insets = {"top": 40, "bottom": 60, "left": 30, "right": 50}
    await session.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    await expect(widget.page.locator("dialog")).to_have_css("padding", "40px 50px 60px 30px")
    await widget.button("Close").click()
    await expect(widget.button("Open the assistant")).to_be_visible()
    box = await widget.button("Open the assistant").bounding_box()
    assert box is not None
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (390 - 50, 780 - 60)


async def test_no_keyboard_is_called_that_nobody_needs(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    wire.say("Seven.")
    # Also where there is room for a panel beside the page.
    tablet = {**PHONE, "viewport": {"width": 900, "height": 760}}
    widget = await open_widget(wire.url, **tablet)
    await widget.button("Open the assistant").tap()
    await expect(widget.page.locator("dialog")).to_be_focused()
    await widget.button("Conversations").tap()
    await expect(widget.page.locator(".conversations")).to_be_focused()
    await widget.button("Back").tap()
    await widget.page.locator(".starters button").tap()
    await widget.ended()
    await expect(widget.page.locator(".scroller")).to_be_focused()
    await widget.button("New conversation").tap()
    await expect(widget.page.locator(".scroller")).to_be_focused()
    wire.say("Eight.")
    await widget.composer.tap()
    await widget.composer.fill("More")
    await widget.button("Send").tap()
    await widget.ended()
    await expect(widget.composer).to_be_focused()


async def far_in(widget: Widget, wire: Wire) -> None:
    """Go through the panel into the list, and into a title there."""
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations li")).to_have_count(1)


@pytest.mark.parametrize("layout", ["mobile", "desktop"])
async def test_escape_closes_one_thing_at_a_time(wire: Wire, open_widget: OpenWidget, layout: str) -> None:
    script = "window.heard = 0; addEventListener('keydown', ({ key }) => (heard += key === 'Escape'));"
    widget = await open_widget(wire.url, attributes={"open": "", "layout": layout}, script=script)
    await far_in(widget, wire)
    await widget.page.locator(".conversations li").hover()
    await widget.button("Rename: Mats").click()
    dialog, rows = widget.page.locator("dialog"), widget.page.locator(".conversations li")
    await widget.page.keyboard.press("Escape")
    await expect(rows.locator("b")).to_have_text("Mats")
    await widget.button("Delete: Mats").click()
    await widget.page.keyboard.press("Escape")
    await expect(rows.locator("b")).to_have_text("Mats")
    await widget.page.keyboard.press("Escape")
    await expect(rows).to_have_count(0)
    await expect(dialog).to_be_visible()
    await widget.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(widget.button("Open the assistant")).to_be_focused()
    assert await widget.page.evaluate("heard") == 0


async def test_the_way_back_of_a_phone_closes_one_thing_at_a_time(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes=OPEN, **PHONE)
    await far_in(widget, wire)
    back = "document.querySelector('frontdesk-chat').shadowRoot.querySelector('dialog').requestClose()"
    await widget.page.evaluate(back)
    await expect(widget.page.locator(".conversations")).to_have_count(0)
    await expect(widget.page.locator("dialog")).to_be_visible()
    await widget.page.evaluate(back)
    await expect(widget.page.locator("dialog")).to_be_hidden()
    await expect(widget.button("Open the assistant")).to_be_focused()


async def test_the_launcher_gives_way_to_the_panel(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url)
    await widget.button("Open the assistant").click()
    await expect(widget.page.locator(".launcher")).to_be_hidden()
    await expect(widget.button("Close")).to_have_count(1)
    box = await widget.page.locator("dialog").bounding_box()
    assert box is not None
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1000 - 24, 760 - 24)

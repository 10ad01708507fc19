"""The widget in Firefox: what people of other chats lost or saw wrong, with real keys, clicks and tabs.

The same is tried in Chromium in tests/browser; input methods, keyboards on a screen and fingers are simulated there and here.
"""

import asyncio
import json

import pytest
from support.firefox import Firefox, Page, new_page
from support.host import KEYBOARD, POLICY, Host
from support.provider import Provider
from support.wire import Wire
from support.world import OpenWorld

from agent.events.schema import ActionRequested, SuggestionsOffered, TextDelta

pytestmark = pytest.mark.timeout(180)
LATER = "2999-01-01T00:00:00Z"
CHAT = "document.querySelector('frontdesk-chat').chat"
AREA = ".composer textarea"
VALUE = f"one('{AREA}').value"
FOCUSED = "document.activeElement?.shadowRoot?.activeElement?.localName"
IDLE = f"{CHAT}.view.phase === 'idle' && all('.streaming').length === 0"
COMPOSED = """(order) => {
    const field = document.activeElement.shadowRoot.activeElement;
    for (const [type, key, isComposing] of order) {
        const init = { key, isComposing, keyCode: 229, data: field.value, bubbles: true, cancelable: true, composed: true };
        field.dispatchEvent(type.startsWith("key") ? new KeyboardEvent(type, init) : new CompositionEvent(type, init));
    }
}"""
ORDERS = {
    "Safari": [("compositionstart",), ("compositionend",), ("keydown", "Enter", False), ("keyup", "Enter", False)],
    "Firefox": [("compositionstart",), ("keydown", "Enter", True), ("compositionend",), ("keyup", "Enter", False)],
    "given up": [("compositionstart",), ("keydown", "Escape", True), ("compositionend",), ("keyup", "Escape", False)],
}
"""Events that browsers tell of the key that ends a composition, and when."""


async def opened(page: Page, host: Host) -> None:
    """Open the vendor's page and wait for the widget in it."""
    await page.goto(host.url)
    await page.becomes(f"one('{AREA}') !== null && {CHAT}.view.phase === 'idle' && all('.welcome h3').length === 1")


async def ask(page: Page, text: str, *, answers: int = 1) -> None:
    """Type a message, send it, and wait until so many answers stand there whole."""
    await page.click(AREA)
    await page.type(text)
    await page.press("Enter")
    await answered(page, answers)


async def answered(page: Page, answers: int = 1) -> None:
    await page.becomes(f"all('.message.answer').length === {answers} && {IDLE}")


async def in_a_title(page: Page, wire: Wire) -> None:
    """Go into the list of conversations and into the title of the only one there."""
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    await page.click("[aria-label='Conversations']")
    await page.click("[aria-label='Rename: Mats']")
    await page.becomes(FOCUSED, "input")


@pytest.mark.parametrize("order", ORDERS)
async def test_the_key_that_ends_a_composition_is_the_input_methods(
    wire: Wire, host: Host, page: Page, order: str
) -> None:
    await opened(page, host)
    await page.click(AREA)
    await page.type("日本")
    await page.run(COMPOSED, ORDERS[order])
    await page.run("() => new Promise((done) => setTimeout(done, 100))")  # its keys are somebody's own again
    assert (await page.value(VALUE), wire.posts, len(await page.value("all('dialog')"))) == ("日本", [], 1)
    wire.say("Yes.")
    await page.press("Enter")
    await answered(page)
    assert [body["message"] for _, body in wire.posts] == ["日本"]
    await in_a_title(page, wire)
    await page.run(COMPOSED, ORDERS[order])
    assert (await page.value(FOCUSED), len(wire.posts)) == ("input", 1)


async def test_what_is_typed_is_no_shortcut_of_the_page(wire: Wire, host: Host, page: Page) -> None:
    """The browser's own quick find is none either."""
    host.body = "<input id=search>"
    host.script = """
        window.heard = [];
        addEventListener("keydown", (event) => {
            if (event.target.tagName === "INPUT") return;
            heard.push(event.key);
            if (["s", "/"].includes(event.key)) { event.preventDefault(); document.querySelector("#search").focus(); }
            if (event.key === "k" && event.ctrlKey) event.preventDefault();
        });
    """
    await opened(page, host)
    await page.click(AREA)
    await page.type("how is a/b 's")
    assert (await page.value(VALUE), await page.value("heard")) == ("how is a/b 's", [])
    await page.press("Control", "k")
    await page.becomes("heard.includes('k')")
    await in_a_title(page, wire)
    await page.type("s/'")
    assert await page.value("one('.conversations form input').value") == "s/'"
    assert await page.value("heard.at(-1)") == "k"


@pytest.mark.parametrize("hand", ["by mouse", "before it is drawn"])
async def test_a_double_click_takes_an_offer_once(wire: Wire, host: Host, page: Page, hand: str) -> None:
    async def click(selector: str) -> None:
        if hand == "by mouse":
            await page.click(selector, times=2)
        else:
            await page.run("(selector) => { const found = one(selector); found.click(); found.click(); }", selector)

    wire.answer(TextDelta("Seven."), SuggestionsOffered(("Which are late?", "Whose?")))
    await opened(page, host)
    await click(".starters button")
    await page.becomes("all('.suggestions button').length === 2")
    wire.say("None.")
    await click(".suggestions button")
    await answered(page, 2)
    assert [body["message"] for _, body in wire.posts] == ["How many orders?", "Which are late?"]


async def test_send_by_mouse_leaves_the_focus_where_one_writes_on(wire: Wire, host: Host, page: Page) -> None:
    wire.say("Seven.")
    await opened(page, host)
    await page.click(AREA)
    await page.type("How many?")
    await page.click(".send:not(.stop)", times=2)
    await answered(page)
    assert await page.value(FOCUSED) == "textarea"
    await page.type("More")
    assert (await page.value(VALUE), len(wire.posts)) == ("More", 1)


@pytest.mark.parametrize("is_beside", [False, True], ids=["hidden and not told", "beside it"])
async def test_a_second_tab_shows_what_the_first_one_said(
    open_frontdesk: OpenWorld, provider: Provider, host: Host, page: Page, is_beside: bool
) -> None:
    """G67: when it is looked at; at once, where both are seen and one tells the other."""
    shop = await open_frontdesk(cors_origins=(host.url,))
    host.attributes, host.token = {"url": shop.url, "open": ""}, shop.person().token
    if not is_beside:
        host.is_early, host.script = True, "delete globalThis.BroadcastChannel;"
    said = f"{CHAT}.view.messages.map(({{ text }}) => text).join(' ')"
    await opened(page, host)
    provider.say("ONE")
    await ask(page, "one")
    second = await page.duplicate(is_beside=is_beside)
    await second.becomes(f"one('{AREA}') !== null")
    await second.becomes(said, "one ONE")
    await page.look()
    await second.becomes("document.hidden", wanted=not is_beside)
    provider.say("TWO")
    await ask(page, "two", answers=2)
    if is_beside:
        await second.becomes(said, "one ONE two TWO")
    await second.look()
    await second.becomes(said, "one ONE two TWO")
    provider.say("THREE")
    await ask(second, "three", answers=3)
    await page.look()
    for tab in (page, second):
        await tab.becomes(said, "one ONE two TWO three THREE")
        await tab.becomes("all('.bubble').map((one) => one.innerText.trim()).join(' ')", "one two three")


@pytest.mark.parametrize("names", ["frontdesk", "myapp"])
async def test_where_a_page_owns_its_types_an_answer_is_there(wire: Wire, host: Host, page: Page, names: str) -> None:
    """G62: marked up, or as text where the page does not name the widget's policy."""
    host.policy = POLICY.replace("trusted-types frontdesk", f"trusted-types {names}")
    host.script = "try { document.createElement('p').innerHTML = 'x'; } catch (error) { window.refused = error.name; }"
    wire.say("You have **two**:\n\n1. one\n2. `two`")
    await opened(page, host)
    assert await page.value("refused") == "TypeError", "Firefox holds what the page says of types"
    await ask(page, "How many?")
    assert await page.value("all('.markdown strong').length") == (names == "frontdesk")
    text: str = await page.value("one('.message.answer .markdown').innerText")
    assert "You have two:" in text
    assert "two" in text.split()
    assert names == "myapp" or len(page.browser.problems) == 1, "the page's own alone"
    page.browser.forgive("require-trusted-types-for")
    page.browser.forgive("Trusted Types policy")


async def test_in_a_sandboxed_frame_an_action_is_done(wire: Wire, host: Host, page: Page) -> None:
    """Locks and storage are denied there."""
    wire.answer(TextDelta("Seven."), ActionRequested("navigate", "/orders/7", "1"))
    host.script = "window.seen = []; chat.actions = { navigate: (value) => seen.push(value) };"
    host.around = "<iframe sandbox=allow-scripts width=900 height=700 src=/></iframe>"
    await page.goto(f"{host.url}/around")
    frame = await page.frame()
    denied = "navigator.locks.request('x', () => 1).then(() => 'given', ({ name }) => name)"
    assert await frame.run(f"() => {denied}") == "SecurityError"
    await frame.becomes(f"one('{AREA}') !== null && {CHAT}.view.phase === 'idle'")
    await frame.click(AREA)
    await frame.type("How many?")
    await frame.press("Enter")
    await answered(frame)
    await frame.becomes("seen", ["/orders/7"])
    await frame.becomes("one('.markdown').innerText.trim()", "Seven.")


@pytest.mark.parametrize("attributes", [{"open": ""}, {"mode": "page"}], ids=["sheet", "page"])
async def test_a_keyboard_on_the_screen_leaves_all_of_the_widget_in_sight(
    wire: Wire, host: Host, page: Page, attributes: dict[str, str]
) -> None:
    host.attributes = {"url": wire.url, **attributes}
    host.is_early, host.body, host.script = True, "", KEYBOARD
    await page.resize(390, 780)
    await opened(page, host)
    boxes = "[one('.head').getBoundingClientRect().top, one('.composer form').getBoundingClientRect().bottom]"
    before = await page.value(boxes)
    for change, kind, top, bottom in (
        ({"height": 400}, "resize", 0, 400),
        ({"offsetTop": 150}, "scroll", 150, 550),
        ({"height": 200, "offsetTop": 0}, "resize", 0, 200),
    ):
        await page.run("(change, kind) => see(change, kind)", change, kind)
        begin, end = await page.value(boxes)
        assert top <= begin < top + 20, (begin, end)
        assert bottom - 20 <= end <= bottom, (begin, end)
    await page.run("() => see({ height: innerHeight, offsetTop: 0 }, 'resize')")
    assert await page.value(boxes) == before


async def test_under_a_finger_no_field_is_so_small_that_a_phone_zooms_in(
    wire: Wire, host: Host, firefox_on_touch: Firefox
) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    host.script = "chat.style.setProperty('--frontdesk-font-size', '12px');"
    async with new_page(firefox_on_touch) as page:
        await page.resize(390, 780)
        await opened(page, host)
        assert await page.value("matchMedia('(pointer: coarse)').matches")
        size = "parseFloat(getComputedStyle(one({})).fontSize)"
        sizes = [await page.value(size.format(json.dumps(AREA)))]
        await page.click("[aria-label='Conversations']")
        await page.becomes("one('input[type=search]') !== null")  # it comes in a file of its own
        sizes.append(await page.value(size.format("'input[type=search]'")))
        await page.click("[aria-label='Rename: Mats']")
        sizes.append(await page.value(size.format("'.conversations form input'")))
        assert min(sizes) >= 16, sizes


async def test_panel_and_launcher_lie_over_all_of_the_page(wire: Wire, host: Host, page: Page) -> None:
    """G62: under a transformed body and a banner of the highest level, styled by its own sheets."""
    host.style = """
        body { transform: translateZ(0); height: 4000px; }
        .banner { position: fixed; inset: 0; z-index: 2147483647; background: #fff; }
    """
    host.body = "<h1>Shop</h1><div class=banner></div>"
    await opened(page, host)
    await page.run("() => scrollTo(0, 1000)")
    box = "one('dialog').getBoundingClientRect()"
    await page.becomes(f"{box}.top >= 0 && {box}.bottom <= innerHeight")
    assert await page.value("document.querySelector('frontdesk-chat').shadowRoot.adoptedStyleSheets.length") > 0
    assert await page.value("getComputedStyle(one('.scroller')).scrollbarWidth") == "thin"
    await page.click("[aria-label='Close']")
    await page.becomes("all('dialog').length", 0)
    await page.click(".launcher")
    await page.becomes("all('dialog').length", 1)
    await page.becomes(FOCUSED, "textarea")


@pytest.mark.parametrize("layout", ["desktop", "mobile"])
async def test_escape_closes_one_thing_at_a_time_and_the_page_does_not_hear_it(
    wire: Wire, host: Host, page: Page, layout: str
) -> None:
    host.attributes["layout"] = layout
    host.script = "window.heard = 0; addEventListener('keydown', ({ key }) => (heard += key === 'Escape'));"
    await opened(page, host)
    await in_a_title(page, wire)
    await page.press("Escape")
    await page.becomes("all('.conversations form').length", 0)
    assert await page.value("all('.conversations li').length") == 1
    await page.press("Escape")
    await page.becomes("all('.conversations li').length", 0)
    assert await page.value("all('dialog').length") == 1
    await page.press("Escape")
    await page.becomes("all('dialog').length", 0)
    await page.becomes(f"{FOCUSED} === 'button' && heard === 0")


async def test_what_is_copied_can_be_pasted(wire: Wire, host: Host, page: Page) -> None:
    wire.say("Text\n\n```\nsome code\n```")
    await opened(page, host)
    await ask(page, "Code?")
    await page.click(".copy-code")
    await page.becomes("one('.copy-code').textContent", "Copied")
    await page.click(AREA)
    await page.press("Control", "v")
    await page.becomes(f"{VALUE}.trim()", "some code")


async def test_an_answer_grows_while_it_comes_and_the_field_with_what_is_written(
    open_frontdesk: OpenWorld, provider: Provider, host: Host, page: Page
) -> None:
    shop = await open_frontdesk(cors_origins=(host.url,))
    host.attributes, host.token = {"url": shop.url, "open": ""}, shop.person().token
    await opened(page, host)
    gate = asyncio.Event()
    provider.wait_for(gate, "and half.", before=["Half "])
    await page.click(AREA)
    height = await page.value(f"one('{AREA}').offsetHeight")
    await page.type("Tell")
    await page.press("Shift", "Enter")
    await page.type("me")
    assert await page.value(f"one('{AREA}').offsetHeight") > height
    await page.press("Enter")
    await page.becomes("one('.markdown')?.innerText.trim()", "Half")
    await page.reload()
    await page.becomes("one('.markdown')?.innerText.trim()", "Half")
    gate.set()
    await answered(page)
    assert await page.value("one('.markdown').innerText.trim()") == "Half and half."
    assert await page.value("one('.bubble').innerText.trim()") == "Tell\nme"

"""The widget as a part of somebody's page: attributes, properties, events, modes, languages, small screens."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from support.embedding import OpenWidget
from support.host import Host
from support.wire import ENDED, Wire

from agent.events.schema import (
    ActionRequested,
    ApprovalRequested,
    ClientToolRequested,
    RunPaused,
    TextDelta,
    ToolCallChanged,
)

LATER = "2999-01-01T00:00:00Z"
OPEN = {"open": ""}


async def test_an_action_is_an_event_then_the_pages_own_function_then_the_default(
    wire: Wire, open_widget: OpenWidget
) -> None:
    wire.answer(
        ActionRequested("navigate", "/orders/7", "1"),
        ActionRequested("change_theme", "dark", "2"),
        ActionRequested("beep", "twice", "3"),
        ActionRequested("constructor", "x", "4"),
    )
    script = """
        window.seen = [];
        chat.actions = { navigate: (value, action) => seen.push(["navigate", value, action.id]), beep: () => seen.push("beep") };
        document.body.addEventListener("frontdesk-action", (event) => {
            seen.push(event.detail.type);
            if (event.detail.type === "beep") event.preventDefault();
        });
    """
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("Go.")
    await widget.ended()
    await expect(widget.element).to_have_attribute("theme", "dark")
    await widget.becomes("seen.length === 5")
    assert await widget.page.evaluate("seen") == [
        "navigate", ["navigate", "/orders/7", "1"], "change_theme", "beep", "constructor",
    ]  # fmt: skip
    await expect(widget.answers.locator(".action")).to_have_text(
        ["navigate: /orders/7", "change theme: dark", "beep: twice", "constructor: x"]
    )


async def test_a_tool_of_the_page_answers_the_model(wire: Wire, open_widget: OpenWidget) -> None:
    wire.parts(
        [
            ToolCallChanged(id="c1", name="read_cart", status="awaiting_client"),
            ClientToolRequested("c1", "read_cart", {"full": True}, LATER),
            RunPaused(),
        ],
        [ToolCallChanged(id="c1", name="read_cart", status="ok", duration_ms=12), TextDelta("Two mats."), ENDED],
    )
    script = "chat.tools = { read_cart: async ({ full }) => ({ items: 2, full }) };"
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("What is in my cart?")
    await expect(widget.answers.locator(".markdown")).to_have_text("Two mats.")
    await widget.ended()
    assert ("results", {"tool_call_id": "c1", "result": {"items": 2, "full": True}}) in wire.posts


@pytest.mark.parametrize(("label", "approve", "state"), [("Approve", True, "Approved"), ("Deny", False, "Denied")])
async def test_an_approval_asks_before_something_is_done(
    wire: Wire, open_widget: OpenWidget, label: str, approve: bool, state: str
) -> None:
    wire.parts(
        [ApprovalRequested("c1", "cancel_order", "Cancel order 7?", {"number": 7}, LATER), RunPaused()],
        [
            ToolCallChanged(id="c1", name="cancel_order", status="ok" if approve else "error"),
            TextDelta("As you wish."),
            ENDED,
        ],
    )
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Cancel order 7.")
    card = widget.page.get_by_role("region", name="Your approval is needed")
    await expect(card).to_contain_text("Cancel order 7?")
    await expect(card.locator("dl")).to_have_text("number7")
    await expect(widget.spoken.filter(has_text="Your approval is needed: Cancel order 7?")).to_have_count(1)
    await widget.button(label).click()
    await expect(card.locator(".state")).to_have_text(state)
    await expect(widget.answers.locator(".markdown")).to_have_text("As you wish.")
    await expect(widget.composer).to_be_focused()
    decision = next(body for where, body in wire.posts if where == "decisions")
    assert (decision["tool_call_id"], decision["approve"]) == ("c1", approve)


async def test_an_approval_that_has_expired_cannot_be_given(wire: Wire, open_widget: OpenWidget) -> None:
    wire.answer(ApprovalRequested("c1", "cancel_order", "Cancel?", {}, "2001-01-01T00:00:00Z"))
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Cancel.")
    await expect(widget.page.locator(".approval .state")).to_have_text("Expired")
    await expect(widget.button("Approve")).to_have_count(0)


async def test_what_the_page_throws_or_has_as_no_json_keeps_nothing_from_going_on(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G622"""
    wire.parts(
        [
            ToolCallChanged(id="c1", name="read_cart", status="awaiting_client"),
            ClientToolRequested("c1", "read_cart", {}, LATER),
            RunPaused(),
        ],
        [ToolCallChanged(id="c1", name="read_cart", status="error", duration_ms=12), TextDelta("No cart."), ENDED],
    )
    script = """
        chat.context = () => { throw new Error("No route."); };
        chat.clientTools = () => [{ name: 1n }];
        const cart = {};
        cart.cart = cart;
        chat.tools = { read_cart: () => cart };
    """
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("What is in my cart?")
    await expect(widget.answers.locator(".markdown")).to_have_text("No cart.")
    told = next(body["error"] for what, body in wire.posts if what == "results")
    assert told.startswith("TypeError: Converting circular")
    for said in ("No route.", "BigInt"):
        widget.forgive(said)


async def test_a_clock_that_is_hours_fast_takes_no_question_away(wire: Wire, open_widget: OpenWidget) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    wire.parts(
        [ApprovalRequested("c1", "cancel_order", "Cancel?", {}, soon), RunPaused()],
        [ToolCallChanged(id="c1", name="cancel_order", status="ok"), TextDelta("Done."), ENDED],
    )
    script = "const { now } = Date; Date.now = () => now() + 3 * 3_600_000;"
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("Cancel.")
    await widget.button("Approve").click()
    await expect(widget.answers.locator(".markdown")).to_have_text("Done.")


async def test_what_the_page_set_before_the_element_was_defined_counts(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    wire.answer(ActionRequested("navigate", "/", "1"))
    host.is_early = True
    script = """
        window.seen = [];
        chat.actions = { navigate: (value) => seen.push(value) };
        chat.context = () => ({ route: "/clients" });
        chat.branchId = 4;
    """
    widget = await open_widget(wire.url, attributes=OPEN, token="a-token", script=script)
    await widget.ask("Go.")
    await widget.ended()
    await widget.becomes("seen.length === 1")
    sent = wire.posts[0][1]
    assert (sent["context"], sent["branch_id"]) == ({"route": "/clients"}, 4)
    assert wire.tokens == {"Bearer a-token"}


async def test_what_cannot_be_taken_of_what_the_page_set_early_keeps_nothing_else_from_it(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    wire.say("Done.")
    host.is_early = True
    script = "window.told = []; addEventListener('error', (event) => { event.preventDefault(); told.push(event.message); }); chat.user = { id: 7 }; chat.branchId = 4;"
    widget = await open_widget(wire.url, attributes=OPEN, token="a-token", script=script)
    await widget.ask("Go.")
    await widget.ended()
    assert wire.posts[0][1]["branch_id"] == 4
    await widget.becomes("told.length === 1 && told[0].includes('session.userId')")


async def test_what_the_page_sets_later_counts_from_then_on(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("One.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("First")
    await widget.ended()
    wire.say("Two.")
    await widget.element.evaluate("e => { e.context = () => ({ route: '/orders' }); e.branchId = 5; }")
    await widget.ask("Second")
    await widget.ended(2)
    first, second = (body for _, body in wire.posts)
    assert "branch_id" not in first
    assert "context" not in first
    assert (second["branch_id"], second["context"]) == (5, {"route": "/orders"})


async def test_nothing_is_asked_before_there_is_a_token_and_nothing_after_the_element_left(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    widget = await open_widget(wire.url, attributes=OPEN)
    await expect(widget.page.locator(".welcome h3")).to_have_text("Hello!")
    await widget.page.evaluate(
        """() => {
            const chat = document.querySelector("frontdesk-chat");
            const again = document.createElement("frontdesk-chat");
            again.setAttribute("url", chat.getAttribute("url"));
            again.setAttribute("mode", "inline");
            chat.replaceWith(again);
            window.left = chat;
        }"""
    )
    await expect(widget.page.locator(".surface")).to_have_count(1)
    assert await widget.page.evaluate("left.chat === null && left.shadowRoot.childElementCount === 0")
    assert wire.reads == ["/assistant"]


async def test_the_theme_is_the_pages_or_the_devices_choice(wire: Wire, open_widget: OpenWidget) -> None:
    white, dark = "rgb(255, 255, 255)", "rgb(21, 23, 28)"
    widget = await open_widget(wire.url, attributes=OPEN, color_scheme="dark")
    surface = widget.page.locator(".surface")
    await expect(surface).to_have_css("background-color", dark)
    await widget.element.evaluate("e => e.setAttribute('theme', 'light')")
    await expect(surface).to_have_css("background-color", white)
    await widget.element.evaluate("e => e.setAttribute('theme', 'system')")
    await expect(surface).to_have_css("background-color", dark)
    await widget.page.emulate_media(color_scheme="light")
    await expect(surface).to_have_css("background-color", white)


async def test_the_accent_is_a_name_or_any_color_or_the_pages_own_variable(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url)
    for accent, color in (
        ("teal", "rgb(12, 133, 153)"),
        ("#123456", "rgb(18, 52, 86)"),
        ("no color; } * { display: none", "rgb(79, 91, 213)"),
    ):
        await widget.element.evaluate("(e, accent) => e.setAttribute('accent', accent)", accent)
        await expect(widget.page.locator(".launcher")).to_have_css("background-color", color)
    await widget.element.evaluate("e => e.style.setProperty('--frontdesk-accent', 'rgb(1, 2, 3)')")
    await expect(widget.page.locator(".launcher")).to_have_css("background-color", "rgb(1, 2, 3)")


async def test_it_speaks_the_pages_language(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    host.language = "pt-BR"
    widget = await open_widget(wire.url, attributes=OPEN)
    await expect(widget.composer).to_have_attribute("placeholder", "Pergunte o que quiser …")
    for language, placeholder, direction in (
        ("en-GB", "Ask anything …", "ltr"),
        ("de", "Frag etwas …", "ltr"),
        ("es-MX", "Pregunta lo que quieras …", "ltr"),
        ("hi", "कुछ भी पूछें …", "ltr"),
        ("ar", "اسأل ما تشاء …", "rtl"),
        ("xx", "Ask anything …", "ltr"),
    ):
        await widget.element.evaluate("(e, language) => e.setAttribute('lang', language)", language)
        await expect(widget.composer).to_have_attribute("placeholder", placeholder)
        await expect(widget.page.locator(".surface")).to_have_css("direction", direction)


async def test_from_right_to_left_everything_stands_on_the_other_side(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("مرحبا\n\n- أ\n\n```js\nlet a;\n```\n\nEnglish too.")
    widget = await open_widget(wire.url, attributes={"open": "", "lang": "ar"})
    await widget.ask("مرحبا")
    await widget.ended()
    boxes = await widget.page.evaluate(
        """() => {
            const root = document.querySelector("frontdesk-chat").shadowRoot;
            const box = (selector) => root.querySelector(selector).getBoundingClientRect();
            const style = (selector) => getComputedStyle(root.querySelector(selector));
            return {
                panel: box("dialog").right < innerWidth / 2 + 1,
                bubble: box(".bubble").left - box(".messages").left < 2,
                send: box(".send:not([hidden])").left < box("textarea").left,
                code: style(".code pre").direction,
                list: style(".block ul").direction,
                english: getComputedStyle([...root.querySelectorAll(".block")].at(-1)).direction,
            };
        }"""
    )
    expected = {"panel": True, "bubble": True, "send": True}
    assert boxes == {**expected, "code": "ltr", "list": "rtl", "english": "ltr"}
    await widget.page.keyboard.press("Escape")
    assert await widget.page.locator(".launcher").evaluate("e => e.getBoundingClientRect().right < innerWidth / 2")


async def test_the_list_of_conversations_is_even_whatever_it_has_to_say(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    widget = await open_widget(wire.url, attributes={"open": "", "lang": "ar"})
    await widget.button("المحادثات").click()
    title = widget.page.locator(".conversations .open b")
    assert await title.evaluate("e => [getComputedStyle(e).direction, getComputedStyle(e).textAlign]") == [
        "ltr",
        "right",
    ]
    wire.conversations = []
    await widget.page.locator(".conversations input").fill("nobody said this")
    empty = widget.page.locator(".conversations .empty")
    await empty.hover()
    assert await empty.evaluate("e => [getComputedStyle(e).justifyContent, getComputedStyle(e).backgroundColor]") == [
        "center",
        "rgba(0, 0, 0, 0)",
    ]


async def test_a_change_of_language_or_mode_keeps_the_conversation(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("How many?")
    await widget.ended()
    await widget.element.evaluate("e => { e.setAttribute('lang', 'de'); e.setAttribute('mode', 'inline'); }")
    await expect(widget.composer).to_have_attribute("placeholder", "Frag etwas …")
    await expect(widget.answers.locator(".markdown")).to_have_text("Seven.")
    await expect(widget.page.locator("dialog")).to_have_count(0)


async def test_on_a_small_screen_the_panel_is_a_sheet_that_fits(wire: Wire, open_widget: OpenWidget) -> None:
    wide = "| " + " | ".join(f"column {number}" for number in range(9)) + " |\n" + "|---" * 9 + "|\n"
    wire.say(f"{'averylongword' * 20}\n\n{wide}\n```\n{'x' * 300}\n```\n")
    widget = await open_widget(wire.url, attributes=OPEN, viewport={"width": 320, "height": 560})
    await widget.ask("How does it look? " + "x" * 200)
    await widget.ended()
    sizes = await widget.page.evaluate(
        """() => {
            const root = document.querySelector("frontdesk-chat").shadowRoot;
            const dialog = root.querySelector("dialog");
            const { width, height } = dialog.getBoundingClientRect();
            const outside = [...root.querySelectorAll(".bubble, .block, .composer form, .head .tool")].filter((element) => {
                const box = element.getBoundingClientRect();
                return box.left < 0 || box.right > 320;
            });
            const small = [...root.querySelectorAll("dialog button")].filter((button) => {
                const { width, height } = button.getBoundingClientRect();
                return width > 0 && (width < 24 || height < 24);
            });
            return [width, height, dialog.matches(":modal"), outside.length, document.documentElement.scrollWidth, small.length];
        }"""
    )
    assert sizes == [320, 560, True, 0, 320, 0]
    await widget.page.locator(".head").get_by_label("Close").click()
    await expect(widget.page.locator("dialog")).to_be_hidden()
    await expect(widget.page.locator(".launcher")).to_be_focused()


async def test_a_sheet_is_opened_without_calling_the_keyboard_of_the_screen(
    wire: Wire, open_widget: OpenWidget
) -> None:
    widget = await open_widget(wire.url, viewport={"width": 390, "height": 844}, has_touch=True)
    await widget.button("Open the assistant").tap()
    await expect(widget.page.locator("dialog")).to_be_focused()
    await widget.page.keyboard.press("Tab")
    await expect(widget.button("Conversations")).to_be_focused()
    await widget.page.keyboard.press("Escape")
    await expect(widget.page.locator("dialog")).to_be_hidden()
    await widget.button("Open the assistant").press("Enter")
    await widget.page.keyboard.press("Escape")
    await expect(widget.button("Open the assistant")).to_be_focused()


@pytest.mark.parametrize("attributes", [{}, OPEN])
async def test_what_the_user_opened_or_closed_stays_so_whatever_the_markup_begins_with(
    wire: Wire, open_widget: OpenWidget, attributes: dict[str, str]
) -> None:
    widget = await open_widget(wire.url, attributes=attributes)
    launcher, dialog = widget.page.locator(".launcher"), widget.page.locator("dialog")
    await expect(launcher).to_have_attribute("aria-expanded", "true" if attributes else "false")
    for opened in (not attributes, bool(attributes)):
        await (launcher if opened else dialog.get_by_label("Close")).click()
        for _ in range(2):
            await widget.page.reload()
            await expect(launcher).to_have_attribute("aria-expanded", "true" if opened else "false")
            await expect(launcher).to_be_visible(visible=not opened)
            await expect(dialog).to_be_visible(visible=opened)


async def test_what_goes_wrong_in_the_list_of_conversations_is_said_in_it(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    widget = await open_widget(wire.url, attributes=OPEN)
    rows, problem = widget.page.locator(".conversations li"), widget.page.locator(".conversations .notice")
    await widget.page.route("**/conversations?*", lambda route: route.abort())
    await widget.button("Conversations").click()
    await expect(problem).to_contain_text("cannot be reached")
    await widget.page.unroute("**/conversations?*")
    await problem.get_by_role("button", name="Try again").click()
    await expect(rows).to_have_count(1)
    await expect(problem).to_be_hidden()
    await expect(widget.page.get_by_label("Search conversations")).to_be_focused()
    # This server knows no such conversation any more.
    await rows.hover()
    await widget.button("Rename: Mats").click()
    await widget.page.get_by_label("New title").fill("Blue mats")
    await widget.page.keyboard.press("Enter")
    await expect(problem).to_be_visible()
    await expect(widget.page.get_by_label("New title")).to_have_value("Blue mats")
    await widget.button("Back").click()
    await widget.button("Conversations").click()
    await expect(problem).to_be_hidden()
    await rows.hover()
    await widget.button("Delete: Mats").click()
    await widget.button("Delete").click()
    await expect(problem).to_be_visible()
    await expect(rows.locator("b")).to_have_text("Mats")
    await expect(widget.page.locator(".desk .notice")).to_be_hidden()
    assert await widget.spoken.count() >= 3
    widget.forgive("Failed to load resource")


async def test_a_layout_can_be_asked_for(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes={"open": "", "layout": "mobile"})
    dialog = widget.page.locator("dialog")
    await expect(dialog).to_have_class("sheet")
    await widget.element.evaluate("e => e.setAttribute('layout', 'desktop')")
    await expect(dialog).not_to_have_class("sheet")
    await widget.page.set_viewport_size({"width": 400, "height": 700})
    await expect(dialog).not_to_have_class("sheet")
    await widget.element.evaluate("e => e.setAttribute('layout', 'auto')")
    await expect(dialog).to_have_class("sheet")


async def test_a_whole_page_shows_the_list_beside_the_messages(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    widget = await open_widget(wire.url, attributes={"mode": "page"}, viewport={"width": 1200, "height": 700})
    await widget.button("Conversations").click()
    await expect(widget.page.locator(".conversations b")).to_have_text("Mats")
    await expect(widget.composer).to_be_visible()
    assert await widget.page.locator(".desk").evaluate("e => !e.inert")
    await widget.page.set_viewport_size({"width": 700, "height": 700})
    await widget.becomes("document.querySelector('frontdesk-chat').shadowRoot.querySelector('.desk').inert")


async def test_links_go_where_the_attributes_allow(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say(
        "[a](https://docs.example.com/1) [b](https://a.help.example.org/2) [c](https://other.example/3) [d](/orders) [e](/logout)"
    )
    attributes = {"open": "", "link-hosts": "docs.example.com *.example.org", "link-paths": "/orders"}
    widget = await open_widget(wire.url, attributes=attributes)
    await widget.ask("Where?")
    await widget.ended()
    links = widget.answers.locator(".markdown a")
    assert [await link.inner_text() for link in await links.all()] == ["a", "b", "d"]
    await expect(widget.answers.locator(".markdown")).to_contain_text("c (https://other.example/3)")
    await expect(widget.answers.locator(".markdown")).to_contain_text("e (/logout)")


async def test_without_a_list_no_link_leads_into_the_page_itself_or_to_a_mail_program(
    wire: Wire, open_widget: OpenWidget
) -> None:
    """G30: `[Reset](/logout)` is nobody's to click."""
    wire.say("[a](/logout) [b](/) [c](?next=//other.example) [d](#/logout) [e](mailto:ann@example.org) [f](tel:1)")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Where?")
    await widget.ended()
    await expect(widget.answers.locator(".markdown")).to_contain_text("a (/logout)")
    await expect(widget.answers.locator(".markdown a")).to_have_count(0)


async def test_the_page_sees_every_event(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Se", "ven.")
    script = "window.seen = []; chat.addEventListener('frontdesk-event', ({ detail }) => seen.push(Object.keys(detail.event)[0]));"
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("How many?")
    await widget.ended()
    assert await widget.page.evaluate("seen") == ["conversation_id", "token", "token", "status"]


async def test_two_widgets_of_one_page_do_not_disturb_each_other(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    wire.say("One.")
    widget = await open_widget(wire.url, attributes={"mode": "inline"})
    await widget.page.evaluate(
        """(url) => {
            const second = document.createElement("frontdesk-chat");
            second.setAttribute("url", url + "/");
            second.setAttribute("mode", "inline");
            second.setAttribute("accent", "red");
            second.token = () => "";
            document.body.append(second);
        }""",
        wire.url,
    )
    await widget.page.locator("frontdesk-chat").first.locator("textarea").fill("To the first")
    await widget.page.keyboard.press("Enter")
    await expect(widget.page.locator("frontdesk-chat").first.locator(".markdown")).to_have_text("One.")
    await expect(widget.page.locator("frontdesk-chat").last.locator(".message")).to_have_count(0)


IME_ENTER = """(area, [keyCode, afterMs]) => {
    area.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true, composed: true }));
    const end = new CompositionEvent("compositionend", { bubbles: true, composed: true, data: "日本" });
    const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, composed: true, cancelable: true });
    const ended = end.timeStamp - 1000;
    Object.defineProperty(end, "timeStamp", { value: ended });
    Object.defineProperties(enter, { keyCode: { value: keyCode }, timeStamp: { value: ended + afterMs } });
    area.dispatchEvent(end);
    area.dispatchEvent(enter);
}"""
"""As if a composition had ended a second ago, and Enter been pressed so much later: a machine may be busy in between."""


@pytest.mark.parametrize(("key_code", "after_ms"), [(229, 500), (13, 29)], ids=["Safari", "right after it"])
async def test_the_key_that_confirms_a_word_of_an_input_method_sends_nothing(
    wire: Wire, open_widget: OpenWidget, key_code: int, after_ms: int
) -> None:
    wire.say("Yes.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.composer.fill("日本")
    await widget.composer.evaluate(IME_ENTER, [key_code, after_ms])
    await widget.settles()
    await expect(widget.composer).to_have_value("日本")
    assert wire.posts == []
    await widget.composer.press("Enter")
    await widget.ended()
    assert len(wire.posts) == 1


async def test_an_offer_that_is_pressed_twice_is_taken_once_and_one_can_type_on(
    wire: Wire, open_widget: OpenWidget
) -> None:
    wire.say("Yes.")
    widget = await open_widget(wire.url, attributes=OPEN)
    starter = widget.page.locator(".starters button").first
    await starter.evaluate("button => { button.click(); button.click(); }")
    await widget.ended()
    assert len(wire.posts) == 1
    wire.say("Again.")
    await widget.composer.fill("More")
    await widget.button("Send").click()
    await expect(widget.composer).to_be_focused()
    await widget.ended(2)


async def test_what_is_typed_into_the_widget_is_no_shortcut_of_the_page(wire: Wire, open_widget: OpenWidget) -> None:
    script = """
        window.heard = [];
        for (const type of ["keydown", "keypress", "keyup", "input", "beforeinput"])
            addEventListener(type, (event) => heard.push(event.key ?? type));
    """
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.composer.press_sequentially("a/s?")
    assert await widget.page.evaluate("heard") == []
    await widget.composer.press("Control+k")
    assert "k" in await widget.page.evaluate("heard")
    await expect(widget.composer).to_have_value("a/s?")


LETTERS = "field => parseFloat(getComputedStyle(field).fontSize)"


async def test_a_phone_does_not_zoom_into_a_field(wire: Wire, open_widget: OpenWidget) -> None:
    wire.conversations = [{"id": "1", "title": "Mats", "created_at": LATER, "updated_at": LATER}]
    small = "chat.style.setProperty('--frontdesk-font-size', '12px');"
    widget = await open_widget(wire.url, attributes=OPEN, script=small, has_touch=True, is_mobile=True)
    sizes = [await widget.composer.evaluate(LETTERS)]
    await widget.button("Conversations").click()
    sizes.append(await widget.page.get_by_label("Search conversations").evaluate(LETTERS))
    await widget.button("Rename: Mats").click()
    sizes.append(await widget.page.get_by_label("New title").evaluate(LETTERS))
    assert min(sizes) >= 16, sizes


async def test_an_action_is_done_where_the_page_is_denied_locks(wire: Wire, open_widget: OpenWidget) -> None:
    wire.answer(ActionRequested("navigate", "/orders/7", "1"))
    script = """
        window.seen = [];
        navigator.locks.request = () => Promise.reject(new DOMException("denied", "SecurityError"));
        chat.actions = { navigate: (value) => seen.push(value) };
    """
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    await widget.ask("Go.")
    await widget.becomes("seen.length === 1")

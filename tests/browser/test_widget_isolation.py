"""The widget in pages that were not made for it: their policies, styles, layers, shortcuts, and what they refuse."""

import asyncio

import pytest
from playwright.async_api import expect
from support.embedding import WEB, OpenWidget
from support.faults import until
from support.host import POLICY, Host, bundle
from support.wire import Wire

from agent.events.schema import ActionRequested, ApprovalRequested, RunPaused, TextDelta

OPEN = {"open": ""}
LIST = "You have **two** & more:\n\n1. one\n2. [the docs](https://docs.example.com/a)\n\n```\n<b>code</b>\n```\n\n- [x] `done`\n"


async def test_where_the_page_trusts_nobody_with_html_an_answer_is_text(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    """G62: as text."""
    host.policy = POLICY.replace("trusted-types frontdesk", "trusted-types myapp")
    wire.say(LIST)
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("How many?")
    await widget.ended()
    text = await widget.answers.locator(".markdown").inner_text()
    lines = [line for line in text.splitlines() if line]
    assert lines == [
        "You have two & more:", "1. one", "2. the docs (https://docs.example.com/a)", "<b>code</b>", "• ☑ done",
    ]  # fmt: skip
    widget.forgive("TrustedTypePolicy")
    widget.forgive("Trusted")


@pytest.mark.parametrize("rule", ["", "; trusted-types myapp", "; require-trusted-types-for 'script'; trusted-types *"])
async def test_under_other_rules_about_types_it_is_marked_up(
    wire: Wire, host: Host, open_widget: OpenWidget, rule: str
) -> None:
    host.policy = POLICY.partition("; require-trusted")[0] + rule
    wire.say(LIST)
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("How many?")
    await widget.ended()
    await expect(widget.answers.locator(".markdown strong")).to_have_text("two")
    widget.forgive("TrustedTypePolicy")


async def test_what_cannot_be_drawn_leaves_the_rest_as_it_should_be(wire: Wire, open_widget: OpenWidget) -> None:
    """G62: one part that throws."""
    wire.parts([TextDelta("Look:"), ApprovalRequested("c1", "cancel_order", "Cancel?", {}, "9999-12-31"), RunPaused()])
    broken = """
        const parse = Date.parse;
        Date.parse = (text) => {
            if (String(text).startsWith("9999")) throw new Error("No such time.");
            return parse(text);
        };
    """
    widget = await open_widget(wire.url, attributes=OPEN, script=broken)
    await widget.ask("Cancel it.")
    await expect(widget.answers.locator(".markdown")).to_have_text("Look:")
    await expect(widget.button("Stop")).to_be_visible()
    await until(lambda: bool(widget.problems))
    widget.forgive("No such time.")


@pytest.mark.parametrize("refused", ["clipboard", "clipboard and selection"])
async def test_a_copy_that_the_browser_refuses_goes_another_way_or_is_said_to_fail(
    wire: Wire, open_widget: OpenWidget, refused: str
) -> None:
    wire.say("Text\n\n```\ncode\n```")
    script = """
        window.copied = [];
        navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
        document.execCommand = () => {
            copied.push(chat.shadowRoot.activeElement.value);
            return %s;
        };
    """
    works = refused == "clipboard"
    widget = await open_widget(wire.url, attributes=OPEN, script=script % str(works).lower(), own=True)
    await widget.ask("Code?")
    await widget.ended()
    await widget.hold_time()
    await widget.answers.locator(".copy-code").click()
    said = "Copied" if works else "Could not copy"
    await expect(widget.answers.locator(".copy-code")).to_have_text(said)
    await expect(widget.spoken.filter(has_text=said)).to_have_count(1)
    await widget.answers.locator(".below").get_by_label("Copy").click()
    await expect(
        widget.answers.locator(".below .tool").first.locator(".icon-check" if works else ".icon-warning")
    ).to_be_visible()
    assert await widget.page.evaluate("copied.map((text) => text.trim())") == ["code", "Text\n\n```\ncode\n```"]


DRAFTS = """[...document.querySelectorAll("frontdesk-chat")].map((chat) => chat.shadowRoot.querySelector("textarea").value)"""


@pytest.mark.parametrize("names", [("", ""), ("orders", "help")])
async def test_two_elements_of_one_page_remember_each_its_own(
    wire: Wire, host: Host, open_widget: OpenWidget, names: tuple[str, str]
) -> None:
    host.body = f'<frontdesk-chat url="{wire.url}" mode="inline" name="{names[0]}"></frontdesk-chat>'
    script = """
        for (const one of document.querySelectorAll("frontdesk-chat")) one.token = () => "";
        if (location.search && chat.getAttribute("name")) chat.before(document.querySelectorAll("frontdesk-chat")[1]);
    """
    widget = await open_widget(wire.url, attributes={"mode": "inline", "name": names[1]}, script=script)
    for at, text in enumerate(("of the first", "of the second")):
        await widget.page.locator("frontdesk-chat").nth(at).locator("textarea").fill(text)
    await widget.page.reload()
    await widget.becomes(f"{DRAFTS}.join() === 'of the first,of the second'")
    await widget.page.locator("frontdesk-chat").last.locator("textarea").fill("")
    await widget.page.reload()
    await widget.becomes(f"{DRAFTS}.join() === 'of the first,'")


async def test_moved_in_the_page_it_stays_over_all_of_it(wire: Wire, open_widget: OpenWidget) -> None:
    widget = await open_widget(wire.url, attributes={"open": "", "layout": "mobile"})
    await widget.composer.fill("A draft")
    await widget.element.evaluate("chat => document.querySelector('main').prepend(chat)")
    await expect(widget.page.locator("dialog")).to_be_visible()
    await expect(widget.composer).to_have_value("A draft")
    assert await widget.page.locator(".stage").evaluate("e => e.matches(':popover-open')")
    assert await widget.page.locator("dialog").evaluate("e => e.matches(':modal')")


async def test_with_forced_colors_what_was_a_background_has_an_edge(wire: Wire, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    widget = await open_widget(wire.url, attributes=OPEN, forced_colors="active")
    await expect(widget.page.locator(".welcome .mark")).to_have_css("border-top-style", "solid")
    await widget.ask("How many?")
    await widget.ended()
    for selector in (".bubble", ".head .mark", ".send:not([hidden])"):
        await expect(widget.page.locator(selector).first).to_have_css("border-top-width", "1px")
    await widget.answers.get_by_label("Good answer").click()
    await expect(widget.answers.get_by_label("Good answer")).to_have_css("outline-style", "solid")


async def test_in_a_sandboxed_frame_it_answers_acts_and_copies(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    wire.answer(TextDelta("Seven."), ActionRequested("navigate", "/orders/7", "1"))
    script = "window.seen = []; chat.actions = { navigate: (value) => seen.push(value) };"
    widget = await open_widget(wire.url, attributes=OPEN, script=script, own=True)
    host.around = "<iframe sandbox=allow-scripts width=900 height=700 src=/></iframe>"
    await widget.page.goto(f"{host.url}/around")
    frame = widget.page.frame_locator("iframe")
    await frame.locator("textarea").fill("How many?")
    await frame.get_by_role("button", name="Send").click()  # where the frame allows no forms
    await expect(frame.locator(".markdown")).to_have_text("Seven.")
    inner = next(one for one in widget.page.frames if one.url == f"{host.url}/")
    await inner.wait_for_selector(".action")
    assert await inner.evaluate("seen") == ["/orders/7"]
    await widget.hold_time()
    await frame.locator(".message.answer").get_by_label("Copy").click()
    await expect(frame.locator(".message.answer .icon-check")).to_be_visible()
    widget.forgive("Permissions policy violation")


async def test_loaded_from_two_addresses_it_is_defined_once(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    wire.say("Seven.")
    text = await asyncio.to_thread((WEB / "dist" / bundle()).read_text, "utf-8")
    token = "document.querySelector('frontdesk-chat').token = () => '';"
    host.scripts = {"/one.js": text, "/two.js": text, "/token.js": token}
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("How many?")
    await widget.ended()
    assert len(wire.posts) == 1


async def test_a_page_that_takes_it_out_puts_it_back_and_turns_its_own_pages_loses_nothing(
    wire: Wire, open_widget: OpenWidget
) -> None:
    widget = await open_widget(wire.url)
    await widget.button("Open the assistant").click()
    await widget.composer.fill("A draft")
    await widget.page.evaluate("history.pushState({}, '', '/orders')")
    await expect(widget.composer).to_have_value("A draft")
    await widget.page.evaluate(
        "const taken = document.querySelector('frontdesk-chat'); taken.remove(); window.taken = taken;"
    )
    await expect(widget.page.locator("dialog")).to_have_count(0)
    await widget.page.evaluate("document.body.append(taken)")
    await expect(widget.composer).to_have_value("A draft")
    await expect(widget.page.locator(".launcher")).to_be_hidden()
    assert await widget.page.locator(".stage").evaluate("e => e.matches(':popover-open')")


GREEDY = """
    const stop = (event) => event.preventDefault();
    window.taken = [];
    for (const type of ["keydown", "wheel", "selectstart", "copy", "contextmenu", "dragover", "drop"])
        document.addEventListener(type, (event) => (taken.push(event.key ?? type), stop(event)), { passive: false });
    document.addEventListener("mousedown", stop);
    document.addEventListener("focusin", (event) => event.target.id === "own" || document.querySelector("#own").focus());
"""
"""A page with shortcuts, smooth scrolling, protected texts, a place for files, and a question that keeps the focus."""
DROP = """(chat) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["secret"], "a.txt"));
    const event = new DragEvent("drop", { bubbles: true, composed: true, cancelable: true, dataTransfer });
    chat.shadowRoot.querySelector("textarea").dispatchEvent(event);
    return event.defaultPrevented;
}"""


async def test_what_is_done_in_it_is_done_in_it_alone(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    """G621"""
    host.body = "<input id=own>"
    wire.say("\n\n".join(f"Line {number}" for number in range(60)))
    widget = await open_widget(wire.url, attributes=OPEN, script=GREEDY)
    await widget.composer.click()
    await widget.page.keyboard.type("How many?")
    await widget.page.keyboard.press("Control+a")
    assert await widget.composer.evaluate("area => area.selectionEnd - area.selectionStart") == len("How many?")
    await widget.page.keyboard.press("Enter")
    await widget.ended()
    scroller = widget.page.locator(".scroller")
    await scroller.hover()
    await widget.page.mouse.wheel(0, 200)
    await widget.becomes(
        "document.querySelector('frontdesk-chat').shadowRoot.querySelector('.scroller').scrollTop > 100"
    )
    await scroller.focus()
    await widget.page.keyboard.press("End")
    await expect(widget.page.locator(".below").last).to_be_in_viewport()
    await widget.answers.get_by_label("Good answer").focus()
    await widget.page.keyboard.press(" ")
    await expect(widget.answers.get_by_label("Good answer")).to_have_attribute("aria-pressed", "true")
    assert await widget.element.evaluate(DROP), "the browser would leave the page for the file"
    assert await widget.page.evaluate("taken") == ["Control"]
    await widget.page.keyboard.press("Control+k")
    assert await widget.page.evaluate("taken.at(-1)") == "k", "which is the page's"


POLLUTED = """
    Object.prototype.polluted = true;
    Array.from = (items) => Array.prototype.slice.call(items);
    window.Text = "Text";
    Object.defineProperty(navigator, "languages", { value: ["en-US@posix"] });
"""
REGISTERED = """
    @property --size { syntax: "<number>"; inherits: true; initial-value: 0; }
    @property --radius { syntax: "<percentage>"; inherits: true; initial-value: 50%; }
    @property --accent { syntax: "<color>"; inherits: false; initial-value: lime; }
    frontdesk-chat { --frontdesk-inset: 0; --frontdesk-width: 500; --frontdesk-font-size: 30px; }
"""


async def test_what_a_page_has_made_of_the_browser_changes_nothing(
    wire: Wire, host: Host, open_widget: OpenWidget
) -> None:
    """G62: what is in every object, is called like ours, or has no unit."""
    host.style = REGISTERED
    wire.say("You have ", "**seven** orders. ", "And more.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.page.add_init_script(POLLUTED)
    await widget.page.reload()
    await widget.ask("How many?")
    await widget.ended()
    await expect(widget.answers.locator("strong")).to_have_text("seven")
    await expect(widget.answers.locator(".when")).not_to_be_empty()
    await expect(widget.spoken.filter(has_text="You have seven orders.")).to_have_count(1)
    box = await widget.page.locator("dialog").bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (500, 500, 760)
    await expect(widget.page.locator("dialog")).to_have_css("border-top-left-radius", "20px")
    await expect(widget.composer).to_have_css("line-height", "45px")


async def test_it_goes_where_the_page_goes(wire: Wire, host: Host, open_widget: OpenWidget) -> None:
    """G62: into another zoom, another language, the tree of a component, and a document of its own."""
    host.body = "<iframe srcdoc='<p>Beside' width=480 height=660></iframe>"
    wire.say("Seven.")
    widget = await open_widget(wire.url)
    launcher = widget.button("Open the assistant")
    for zoom in ("1.5", "0.6", "1"):
        await widget.page.evaluate(f"document.body.style.zoom = {zoom}")
        await widget.becomes(
            "(({ right, width }) => Math.abs(innerWidth - 24 - right) < 1 && Math.abs(width - 56) < 1)"
            "(document.querySelector('frontdesk-chat').shadowRoot.querySelector('.launcher').getBoundingClientRect())"
        )
    await launcher.click()
    await widget.ask("How many?")
    await widget.ended()
    await widget.composer.press("ArrowUp")
    await widget.composer.fill("How many today?")
    await widget.element.evaluate(
        """chat => {
            const component = document.body.appendChild(document.createElement("div"));
            component.attachShadow({ mode: "open" }).append(chat);
            document.documentElement.lang = "de";
        }"""
    )
    await expect(widget.page.locator(".editing")).to_contain_text("Abbrechen")
    await widget.element.evaluate(
        """chat => {
            chat.setAttribute("mode", "inline");
            document.querySelector("iframe").contentDocument.body.append(chat);
        }"""
    )
    frame = widget.page.frame_locator("iframe")
    await expect(frame.locator(".surface")).to_have_css("display", "flex")
    await expect(frame.locator(".markdown")).to_have_text("Seven.")
    await expect(frame.locator("textarea")).to_have_value("How many today?")


NAMED = "`a.${btoa(JSON.stringify({ sub: '%s' }))}.b`"


async def test_what_was_taken_out_asks_for_no_token_and_forgets_nobody(wire: Wire, open_widget: OpenWidget) -> None:
    """G623"""
    script = f"window.asked = 0; window.token = {NAMED % 'first'}; chat.token = () => (asked++, token);"
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    wire.say("Seven.")
    await widget.ask("How many?")
    await widget.ended()
    await widget.page.evaluate("window.chat = document.querySelector('frontdesk-chat')")
    for _ in range(4):
        await widget.page.evaluate("chat.remove()")
        await expect(widget.page.locator("dialog")).to_have_count(0)
        await widget.page.evaluate("document.body.append(chat)")
        await widget.ended()
    wire.stored.clear()
    await widget.page.evaluate(f"token = {NAMED % 'second'}; chat.token = () => (asked++, token);")
    await expect(widget.answers).to_have_count(0)
    wire.say("Eight.")
    await widget.ask("And mine?")
    await widget.ended()
    await widget.composer.fill("A draft")
    await widget.page.evaluate("asked = 0; dispatchEvent(new Event('focus'));")
    await widget.settles()
    assert await widget.page.evaluate("asked") <= 2
    await expect(widget.answers.locator(".markdown")).to_have_text("Eight.")
    await expect(widget.composer).to_have_value("A draft")

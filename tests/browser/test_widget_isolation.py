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
    widget.problems.clear()


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
    widget = await open_widget(wire.url, attributes=OPEN, script=script % str(works).lower())
    await widget.ask("Code?")
    await widget.ended()
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
    widget = await open_widget(wire.url, attributes=OPEN, script=script)
    host.around = "<iframe sandbox=allow-scripts width=900 height=700 src=/></iframe>"
    await widget.page.goto(f"{host.url}/around")
    frame = widget.page.frame_locator("iframe")
    await frame.locator("textarea").fill("How many?")
    await frame.locator("textarea").press("Enter")
    await expect(frame.locator(".markdown")).to_have_text("Seven.")
    inner = next(one for one in widget.page.frames if one.url == f"{host.url}/")
    await inner.wait_for_selector(".action")
    assert await inner.evaluate("seen") == ["/orders/7"]
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

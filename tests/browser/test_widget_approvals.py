"""The widget's cards for approvals, with a real server behind them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from playwright.async_api import Page, Route, expect
from support.backend import TenantBackend
from support.browsing import DRAWN
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call, Provider
from support.wire import ENDED, Wire
from support.world import OpenWorld, Person

from agent.events.schema import AnyEvent, ApprovalRequested, RunPaused, SnapshotTaken, TextDelta, ToolCallChanged

ASK = {"confirm": True, "ask": "Order {item}?"}
LATER = "2999-01-01T00:00:00Z"
OPEN = {"open": ""}
ASKED = {"toolsets": [{"python": "support.shop_tools", "tools": {"create_order": ASK}}]}


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, host: Host, backend: TenantBackend) -> Person:
    backend.answer("POST /orders", {"number": 8})
    return (await open_frontdesk(assistant=ASKED, cors_origins=[host.url])).person()


async def asked(ann: Person, provider: Provider, open_widget: OpenWidget) -> Widget:
    provider.call(Call("create_order", {"item": "tea", "note": "two\u202eboxes"}))
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""})
    await widget.ask("Order tea, please.")
    await expect(card_in(widget.page)).to_contain_text("Order tea?")
    return widget


def card_in(page: Page) -> Any:
    return page.get_by_role("region", name="Your approval is needed")


def orders(ann: Person) -> list[Any]:
    return [orjson.loads(one.body) for one in ann.world.backend.requests if one.method == "POST"]


@pytest.mark.parametrize(("label", "ordered"), [("Approve", 1), ("Deny", 0)])
async def test_what_is_answered_in_the_card_is_done_or_not(
    ann: Person, provider: Provider, open_widget: OpenWidget, label: str, ordered: int
) -> None:
    """G250"""
    widget = await asked(ann, provider, open_widget)
    assert orders(ann) == []
    provider.say("As you wish.")
    await widget.button(label).click()
    await expect(widget.answers.last).to_contain_text("As you wish.")
    await expect(card_in(widget.page)).to_have_count(0)
    assert len(orders(ann)) == ordered


async def test_a_page_that_is_loaded_again_asks_what_waits_and_its_answer_counts(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G250 G253"""
    widget = await asked(ann, provider, open_widget)
    await widget.page.reload()
    await expect(card_in(widget.page)).to_contain_text("Order tea?")
    provider.say("Ordered.")
    await widget.button("Approve").click()
    await expect(widget.answers.last).to_contain_text("Ordered.")
    assert len(orders(ann)) == 1


async def test_neither_the_pages_script_nor_a_key_of_the_composer_nor_a_hasty_click_says_yes(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G251"""
    widget = await asked(ann, provider, open_widget)
    approve = widget.button("Approve")
    await expect(approve).to_be_enabled()
    await approve.evaluate("button => button.click()")
    await approve.evaluate("button => button.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    await widget.composer.press("Enter")
    await expect(approve).to_be_enabled()
    state = (await ann.request("GET", "/conversations")).json()
    assert len(state["items"]) == 1
    assert orders(ann) == []
    provider.say("Not then.")
    await widget.button("Deny").click()
    await expect(widget.answers.last).to_contain_text("Not then.")


async def test_changed_arguments_are_what_is_done_and_a_reason_is_told(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G279"""
    widget = await asked(ann, provider, open_widget)
    await widget.button("Edit").click()
    await expect(widget.page.get_by_label("item", exact=True)).to_be_focused()
    await widget.page.get_by_label("item", exact=True).fill("cocoa")
    provider.say("Ordered.")
    await widget.button("Approve with changes").click()
    await expect(widget.answers.last).to_contain_text("Ordered.")
    await expect(widget.page.locator(".approval.settled")).to_contain_text("by you, with changes")
    assert [one["item"] for one in orders(ann)] == ["cocoa"]
    provider.call(Call("create_order", {"item": ""}, "c"))
    await widget.ask("And more.")
    await widget.button("Deny and say why").click()
    await widget.page.keyboard.type("There is enough.")
    provider.say("Then not.")
    await widget.button("Deny").click()
    await expect(widget.answers.last).to_contain_text("Then not.")
    assert "There is enough." in str(provider.requests[-1]["messages"][-1]["content"])
    await expect(widget.page.locator(".approval.settled").last).to_contain_text("by you: There is enough.")


async def test_of_several_questions_all_can_be_approved_at_once(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G279"""
    provider.call(Call("create_order", {"item": "tea"}, "a"), Call("create_order", {"item": "milk"}, "b"))
    widget = await open_widget(ann.world.url, token=ann.token, attributes=OPEN)
    await widget.ask("Order tea and milk, please.")
    await expect(card_in(widget.page)).to_have_count(2)
    provider.say("Both are ordered.")
    for card in await card_in(widget.page).all():  # none that was not seen
        await card.get_by_role("button", name="Deny", exact=True).scroll_into_view_if_needed()
        await expect(card.get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    first = card_in(widget.page).first
    await first.get_by_role("button", name="Edit").click()
    await first.get_by_label("item").fill("cocoa")
    await expect(widget.button("Approve all 2")).to_be_disabled()  # it would approve what is being changed as it was
    await first.get_by_role("button", name="Cancel").click()
    await widget.button("Approve all 2").click()
    await expect(widget.answers.last).to_contain_text("Both are ordered.")
    assert sorted(one["item"] for one in orders(ann)) == ["milk", "tea"]
    await expect(widget.page.locator(".approval.settled .state")).to_have_text(["Approved", "Approved"])


async def test_a_user_says_once_that_they_need_not_be_asked_again_for_as_long_as_the_page_is_there(
    open_frontdesk: OpenWorld, host: Host, backend: TenantBackend, provider: Provider, open_widget: OpenWidget
) -> None:
    """G305 G274"""
    backend.answer("POST /orders", {"number": 8})
    always = {**ASKED, "approvals": {"always_allow": True}}
    ann = (await open_frontdesk(assistant=always, cors_origins=[host.url])).person()
    widget = await asked(ann, provider, open_widget)
    await widget.page.get_by_label("Do not ask again for this in this conversation").check()
    provider.say("Ordered.")
    await widget.button("Approve").click()
    await expect(widget.answers.last).to_contain_text("Ordered.")
    provider.call(Call("create_order", {"item": "milk"}, "b"))
    provider.say("Milk, too.")
    await widget.ask("And milk.")
    await expect(widget.answers.last).to_contain_text("Milk, too.")
    assert [one["item"] for one in orders(ann)] == ["tea", "milk"]

    async with widget.page.expect_response(lambda one: one.request.method == "DELETE" and "/always" in one.url):
        await widget.page.reload()
    provider.call(Call("create_order", {"item": "cocoa"}, "c"))
    await widget.ask("And cocoa.")
    await expect(card_in(widget.page)).to_contain_text("Order cocoa?")
    await expect(widget.page.get_by_label("Do not ask again for this in this conversation")).not_to_be_checked()
    assert len(orders(ann)) == 2
    provider.say("Then not.")
    await widget.button("Deny").click()
    await expect(widget.answers.last).to_contain_text("Then not.")


async def test_a_card_of_what_others_approve_says_who_and_takes_nothing(wire: Wire, open_widget: OpenWidget) -> None:
    """G305 G271"""
    wire.parts(question(approvers=("owner", "man\u202eager")))
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Cancel.")
    card = widget.page.locator(".approval")
    await expect(card).to_contain_text("Cancel order 7?")
    await expect(card).to_contain_text("Waits for the approval of somebody else: owner, man‹U+202E›ager")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(card.get_by_role("button", name="Deny")).to_have_count(0)
    await expect(card.get_by_role("checkbox")).to_have_count(0)


def question(arguments: dict[str, Any] | None = None, *, until: str = LATER, **more: Any) -> list[AnyEvent]:
    asks = ApprovalRequested(
        "c1", "cancel_order", "Cancel order 7?", arguments or {"number": 7}, until, "hash-1", **more
    )
    return [asks, RunPaused()]


async def test_who_edits_what_does_not_fit_begins_where_it_begins(wire: Wire, open_widget: OpenWidget) -> None:
    """G686: also who was at the end of the conversation, which goes on where it grows."""
    wire.parts(question({f"line {number}": f"Box {number} of tea" for number in range(9)}))
    widget = await open_widget(wire.url, attributes=OPEN, viewport={"width": 640, "height": 400})
    await widget.ask("Cancel it.")
    await expect(card_in(widget.page)).to_contain_text("Cancel order 7?")
    await widget.page.locator(".scroller").evaluate("e => (e.scrollTop = e.scrollHeight)")
    await widget.page.evaluate(DRAWN)
    await widget.button("Edit").click()
    first = widget.page.get_by_label("line 0", exact=True)
    await expect(first).to_be_focused()
    await widget.page.evaluate(DRAWN)
    await expect(first).to_be_in_viewport(ratio=1)


async def test_what_is_long_or_hidden_is_seen_before_it_is_approved(wire: Wire, open_widget: OpenWidget) -> None:
    """G278: bidi signs, zero-width and control characters, what stands far below, what is longer than is drawn otherwise."""
    hidden = "a\u202eb\u2066c\u200bd\u0007e\u00adf\U000e0041g\u200dh"
    wire.parts(question({"note": hidden, "text": "line\n" * 200 + "x" * 60_000 + "THE END", "family": "👩‍👩‍👧"}))
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Cancel.")
    card = card_in(widget.page)
    await expect(card).to_contain_text("Will be called: cancel_order")
    shown = "a‹U+202E›b‹U+2066›c‹U+200B›d‹U+7›e‹U+AD›f‹U+E0041›g‹U+200D›h"
    await expect(card.locator("dd").first).to_have_text(shown)
    await expect(card.locator("dd").nth(1)).to_contain_text("THE END")
    await expect(card.locator("dd").last).to_have_text("👩‍👩‍👧")
    await expect(widget.button("Deny")).to_be_enabled()
    await expect(widget.button("Approve")).to_be_disabled()
    await card.locator(".given").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    await expect(widget.button("Approve")).to_be_enabled()


async def test_nothing_is_approved_while_it_is_covered(wire: Wire, open_widget: OpenWidget) -> None:
    """G278"""
    wire.parts(question(), [TextDelta("Done."), ENDED])
    widget = await open_widget(wire.url, attributes={"mode": "inline"})
    await widget.ask("Cancel.")
    approve = widget.button("Approve")
    await expect(approve).to_be_enabled()
    cover = """() => {
        const cover = document.createElement("div");
        cover.id = "cover";
        cover.style.cssText = "position:fixed;inset:0;z-index:99;background:#fff;pointer-events:none";
        document.body.append(cover);
    }"""
    await widget.page.evaluate(cover)
    await expect(approve).to_be_disabled()
    await expect(card_in(widget.page)).to_contain_text("Something on this page covers the card.")
    await approve.click(force=True)
    assert [one for one in wire.posts if one[0] == "decisions"] == []
    await widget.page.evaluate("document.getElementById('cover').remove()")
    await approve.click()
    await expect(widget.answers.last).to_contain_text("Done.")


async def test_the_time_that_is_left_is_said_once_and_ends_the_question(wire: Wire, open_widget: OpenWidget) -> None:
    """G278"""
    until = datetime.now(UTC) + timedelta(hours=1)
    wire.parts(question(until=until.isoformat()))
    widget = await open_widget(wire.url, attributes=OPEN, own=True)
    await widget.page.clock.install()
    await widget.page.reload()
    await widget.ask("Cancel.")
    await expect(widget.page.locator(".until")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    await widget.page.clock.pause_at(until - timedelta(seconds=4))
    await expect(widget.page.locator(".until")).to_have_text("0:04")
    await widget.page.clock.run_for(5_000)
    await expect(widget.page.locator(".approval .state")).to_have_text("Expired")
    await expect(widget.button("Approve")).to_have_count(0)
    assert len([one for one in await widget.spoken.all_inner_texts() if one.startswith("Expires in")]) == 1


async def test_a_card_is_plain_and_works_where_its_file_does_not_come(wire: Wire, open_widget: OpenWidget) -> None:
    """G278"""
    wire.parts(question({"note": "a\u202eb"}), [SnapshotTaken("m", ""), TextDelta("Done."), ENDED])
    widget = await open_widget(wire.url, attributes=OPEN)

    async def refuse(route: Route) -> None:
        await route.fulfill(status=404)

    await widget.page.route("**/frontdesk-approvals-*", refuse)
    await widget.ask("Cancel.")
    await expect(card_in(widget.page)).to_contain_text('"note": "a‹U+202E›b"')
    await expect(widget.button("Edit")).to_have_count(0)
    await widget.button("Approve").click()
    await expect(widget.answers.last).to_contain_text("Done.")
    assert [body for what, body in wire.posts if what == "decisions"] == [{"tool_call_id": "c1", "approve": True}]
    widget.forgive("404")


async def test_a_page_where_nothing_asks_loads_nothing_for_it(wire: Wire, open_widget: OpenWidget) -> None:
    """G278"""
    wire.say("Hello.")
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Hi.")
    await widget.ended()
    asked = await widget.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert [one for one in asked if "approvals" in one] == []


async def test_what_others_ask_for_is_listed_and_answered(wire: Wire, open_widget: OpenWidget) -> None:
    """G279"""
    asked = {
        "tool_call_id": "c9",
        "name": "refund",
        "title": "Refund 40 EUR?",
        "arguments": {"amount": 40},
        "hash": "h",
    }
    wire.approvals = [
        {**asked, "run_id": "run-9", "expires_at": LATER, "asked_by": "ben", "asked_at": LATER, "branch_id": None}
    ]
    wire.assistant["approves"] = True
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.page.locator(".inbox summary").click()
    card = widget.page.get_by_role("region", name="Asked by ben")
    await expect(card).to_contain_text("Refund 40 EUR?")
    wire.approvals = []
    await widget.button("Approve").click()
    await expect(card).to_have_count(0)
    await expect(widget.page.locator(".inbox")).to_be_hidden()
    assert wire.posts == [("decisions", {"tool_call_id": "c9", "approve": True})]


async def test_with_keys_alone_a_question_is_read_changed_and_answered(wire: Wire, open_widget: OpenWidget) -> None:
    """G278"""
    wire.parts(question(), [ToolCallChanged("c1", "cancel_order", "ok"), TextDelta("Done."), ENDED])
    widget = await open_widget(wire.url, attributes=OPEN)
    await widget.ask("Cancel.")
    await expect(widget.button("Approve")).to_be_enabled()
    await widget.button("Edit").focus()
    await widget.page.keyboard.press("Enter")
    field = widget.page.get_by_label("number", exact=True)
    await expect(field).to_be_focused()
    await field.fill("eight")
    await widget.button("Approve with changes").focus()
    await widget.page.keyboard.press("Enter")
    await expect(card_in(widget.page)).to_contain_text("This cannot be read")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("8")
    await field.press("Escape")
    await expect(field).to_have_count(0)
    await expect(widget.page.get_by_role("dialog")).to_be_visible()
    await widget.button("Approve").focus()
    await widget.page.keyboard.press("Enter")
    await expect(widget.answers.last).to_contain_text("Done.")
    assert [body for what, body in wire.posts if what == "decisions"] == [{"tool_call_id": "c1", "approve": True}]

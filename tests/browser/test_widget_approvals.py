"""The widget's cards for approvals, with a real server behind them."""

from typing import Any

import orjson
import pytest
from playwright.async_api import Page, expect
from support.backend import TenantBackend
from support.embedding import OpenWidget, Widget
from support.host import Host
from support.provider import Call, Provider
from support.world import OpenWorld, Person

ASK = {"confirm": True, "ask": "Order {item}?"}
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

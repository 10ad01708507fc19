"""Answers of several models beside each other in the widget, with a real server and two providers behind it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from support.embedding import OpenWidget, Widget
from support.faults import until
from support.host import Host
from support.provider import Provider, scripted_provider
from support.tabs import duplicate, shows
from support.world import OpenWorld, Person

COMPARE = {"open": "", "compare": ""}
HOSTILE = "Here: <img src=x onerror='pwned()'> [go](javascript:pwned()) **bold**"
COLUMNS = """() => new Set(
    [...document.querySelector("frontdesk-chat").shadowRoot.querySelectorAll(".lane")].map((lane) => lane.offsetLeft)
).size"""


@pytest.fixture
async def second() -> AsyncIterator[Provider]:
    async with scripted_provider() as provider:
        yield provider
        provider.check()


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, host: Host, provider: Provider, second: Provider) -> Person:
    two = (("large", provider), ("small", second))
    models = [{"name": name, "spec": f"openai:{name}", "base_url": one.url} for name, one in two]
    return (await open_frontdesk(assistant={"models": models}, cors_origins=[host.url])).person()


async def compared(ann: Person, open_widget: OpenWidget, **options: Any) -> Widget:
    """Open the widget and ask for both models."""
    widget = await open_widget(ann.world.url, token=ann.token, attributes=COMPARE, **options)
    await widget.button("Compare models").click()
    return widget


def lane(page: Page, model: str) -> Locator:
    return page.get_by_role("region", name=model, exact=True)


def use(page: Page, model: str) -> Locator:
    return lane(page, model).get_by_role("button", name="Use this answer")


async def test_two_models_answer_beside_each_other_and_the_conversation_goes_on_with_the_one_that_is_chosen(
    ann: Person, provider: Provider, second: Provider, open_widget: OpenWidget
) -> None:
    """G470 G471"""
    gate = asyncio.Event()
    provider.say("Forty-two orders.")
    second.wait_for(gate, "two.", before=["Forty-"])
    widget = await compared(ann, open_widget)
    page = widget.page
    await widget.ask("How many?")
    await expect(lane(page, "large")).to_contain_text("Forty-two orders.")
    await expect(lane(page, "small")).to_contain_text("Forty-")
    await expect(lane(page, "small").get_by_role("button", name="Stop: small")).to_be_visible()
    await expect(lane(page, "large").get_by_role("button", name="Stop: large")).to_be_hidden()
    await expect(page.locator(".bubble:visible")).to_have_text(["How many?"])
    await expect(page.get_by_text("Forty-two orders.").locator("visible=true")).to_have_count(1)
    assert await page.evaluate(COLUMNS) == 2
    assert await widget.axe() == []
    gate.set()
    await expect(widget.spoken.last).to_have_text("small: Answer complete.")
    await page.set_viewport_size({"width": 390, "height": 780})
    await widget.becomes(f"({COLUMNS})() === 1")
    assert await widget.axe() == []
    await use(page, "small").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".lane")).to_have_count(0)
    await expect(widget.composer).to_be_focused()
    await expect(widget.spoken.last).to_have_text("Going on with the answer of small.")
    await shows(widget, "How many?", "Forty-two.")
    await page.get_by_text("1 earlier version").click()
    await expect(page.locator(".versions")).to_contain_text("Forty-two orders.")
    await widget.button("Compare models").click()
    provider.say("Seven.")
    await widget.ask("And yesterday?")
    await shows(widget, "How many?", "Forty-two.", "And yesterday?", "Seven.")
    assert [one["content"] for one in provider.requests[-1]["messages"][1:3]] == ["How many?", "Forty-two."]


async def test_lanes_go_on_after_a_reload_and_in_a_second_tab_until_one_is_chosen_in_either(
    ann: Person, provider: Provider, second: Provider, open_widget: OpenWidget
) -> None:
    """G470 G471 G475"""
    gate = asyncio.Event()
    provider.wait_for(gate, "one", before=["Large "])
    second.wait_for(gate, "two", before=["Small "])
    first = await compared(ann, open_widget, own=True)
    await first.ask("Which?")
    await expect(lane(first.page, "small")).to_contain_text("Small")
    await first.page.reload()
    await expect(lane(first.page, "large")).to_contain_text("Large")
    other = await duplicate(first)
    await expect(lane(other.page, "small")).to_contain_text("Small")
    gate.set()
    for tab in (first, other):
        await expect(lane(tab.page, "large")).to_contain_text("Large one")
        await expect(lane(tab.page, "small")).to_contain_text("Small two")
    await use(other.page, "large").click()
    for tab in (first, other):
        await expect(tab.page.locator(".lane")).to_have_count(0)
        await shows(tab, "Which?", "Large one")
    assert [len(one.requests) for one in (provider, second)] == [1, 1]
    assert not other.problems


async def test_a_lane_that_fails_or_is_stopped_leaves_the_others_alone_and_what_it_says_is_not_trusted(
    ann: Person, provider: Provider, second: Provider, open_widget: OpenWidget
) -> None:
    """G470"""
    provider.fail(400)
    second.say(HOSTILE)
    widget = await compared(ann, open_widget)
    await widget.ask("one")
    await expect(lane(widget.page, "large").locator(".problem")).to_be_visible()
    await expect(use(widget.page, "large")).to_be_hidden()
    await expect(lane(widget.page, "small").locator("strong")).to_have_text("bold")
    await expect(lane(widget.page, "small").locator(":is(img, a, [onerror])")).to_have_count(0)
    provider.hang("So ")
    second.say("Whole.")
    await widget.ask("two")
    await expect(lane(widget.page, "small")).to_contain_text("Whole.")
    await lane(widget.page, "large").get_by_role("button", name="Stop: large").click()
    await expect(lane(widget.page, "large")).to_contain_text("Stopped")
    await use(widget.page, "small").click()
    await expect(widget.page.locator(".lane")).to_have_count(0)
    await expect(widget.answers.last).to_contain_text("Whole.")
    await until(lambda: provider.cancelled == 1)


async def test_a_page_that_does_not_allow_it_loads_nothing_for_it(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G472"""
    provider.say("Hello.")
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""})
    loaded: list[str] = []
    widget.page.on("request", lambda request: loaded.append(request.url))
    await widget.page.reload()
    await widget.ask("hi")
    await expect(widget.answers.last).to_contain_text("Hello.")
    await expect(widget.button("Compare models")).to_have_count(0)
    assert loaded
    assert not [url for url in loaded if "lanes" in url or "/runs/" in url]

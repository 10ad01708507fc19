"""Tools of the page, with a real server behind the widget."""

from typing import Any

import pytest
from playwright.async_api import expect
from support.embedding import OpenWidget
from support.faults import until
from support.host import Host
from support.provider import Call, Provider
from support.world import OpenWorld, Person

PAGE = {
    "read_cart": {"description": "Read the cart.", "risk": "read", "timeout_s": 240},
    "never": {"description": "Say nothing.", "risk": "read", "timeout_s": 2},
    "shown_*": {"risk": "read"},
}
ACTIONS = {"open_page": {"description": "Open a page.", "values": {"/orders": "orders"}, "expects_result": True}}
READ = "window.made = 0; chat.tools = { read_cart: () => { made++; return { items: 2 }; }, never: () => new Promise(() => {}) };"


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, host: Host) -> Person:
    return (
        await open_frontdesk(
            assistant={"page_tools": PAGE, "actions": ACTIONS}, cors_origins=[host.url], reap_every_s=0.05
        )
    ).person()


def told(provider: Provider) -> list[Any]:
    return [one["content"] for one in provider.requests[-1]["messages"] if one["role"] == "tool"]


async def test_a_tool_of_the_page_answers_the_model(ann: Person, provider: Provider, open_widget: OpenWidget) -> None:
    """G265"""
    provider.call(Call("read_cart", {}))
    provider.say("Two mats.")
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=READ)
    await widget.ask("What is in my cart?")
    await expect(widget.answers.last).to_contain_text("Two mats.")
    assert told(provider)[0].endswith('{"items":2}')
    assert await widget.page.evaluate("made") == 1


async def test_of_two_browsers_one_makes_the_call(ann: Person, provider: Provider, open_widget: OpenWidget) -> None:
    """G266"""
    provider.call(Call("read_cart", {}))
    stream = await ann.stream("What is in my cart?")
    run_id, call_id = stream.first("run_id"), stream.first("client_tool")["tool_call_id"]
    claimed = await ann.request("POST", f"/runs/{run_id}/claims", json={"tool_call_id": call_id, "claimant": "a phone"})
    assert claimed.status_code == 200
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=READ)
    asked = widget.page.expect_response(lambda response: response.url.endswith("/claims"))
    async with asked as answer:
        await widget.element.evaluate("(chat, id) => chat.chat.open(id)", stream.first("conversation_id"))
    assert (await answer.value).status == 409
    provider.say("Three mats.")
    said = {"tool_call_id": call_id, "result": {"items": 3}}
    assert (await ann.request("POST", f"/runs/{run_id}/results", json=said)).status_code == 200
    await expect(widget.answers.last).to_contain_text("Three mats.")
    assert await widget.page.evaluate("made") == 0
    widget.forgive("Failed to load resource")


async def test_a_tab_that_is_gone_holds_the_run_up_no_longer_than_its_time(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G268"""
    provider.call(Call("never", {}))
    provider.say("Your page is closed.")
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=READ)
    async with widget.page.expect_response(lambda response: response.url.endswith("/claims")):
        await widget.ask("What is in my cart?")
    await widget.page.close()
    await until(lambda: len(provider.requests) > 1)
    assert "did not answer in time" in told(provider)[0]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("chat.actions = { open_page: (value) => window.opened = { value } };", '{"value":"/orders"}'),
        ("chat.actions = { open_page: () => { throw new Error('No way.'); } };", "Error: No way."),
        ("chat.addEventListener('frontdesk-action', (event) => event.preventDefault());", "says that it is done."),
        ("", '"sent"'),
    ],
)
async def test_the_model_knows_whether_the_page_did_it(
    ann: Person, provider: Provider, open_widget: OpenWidget, script: str, words: str
) -> None:
    """G298"""
    provider.call(Call("open_page", {"value": "/orders"}))
    provider.say("I see.")
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=script)
    await widget.ask("Open my orders.")
    await expect(widget.answers.last).to_contain_text("I see.")
    assert told(provider)[0].endswith(words)


async def test_an_action_that_another_browser_does_is_not_done_here_and_its_answer_counts(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G298 G266"""
    provider.call(Call("open_page", {"value": "/orders"}))
    stream = await ann.stream("Open my orders.")
    run_id, call_id = stream.first("run_id"), stream.first("action")["id"]
    mine = {"tool_call_id": call_id, "claimant": "a phone"}
    assert (await ann.request("POST", f"/runs/{run_id}/claims", json=mine)).status_code == 200
    script = "window.made = 0; chat.actions = { open_page: () => { made++; } };"
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=script)
    async with widget.page.expect_response(lambda response: response.url.endswith("/claims")) as answer:
        await widget.element.evaluate("(chat, id) => chat.chat.open(id)", stream.first("conversation_id"))
    assert (await answer.value).status == 409
    provider.say("They are on your phone.")
    said = {"tool_call_id": call_id, "result": "on the phone"}
    assert (await ann.request("POST", f"/runs/{run_id}/results", json=said)).status_code == 200
    await expect(widget.answers.last).to_contain_text("They are on your phone.")
    assert await widget.page.evaluate("made") == 0
    assert told(provider)[0].endswith('"on the phone"')
    widget.forgive("Failed to load resource")


async def test_an_action_that_was_answered_is_not_done_again_by_a_browser_that_comes_later(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G298: it reads of it while the answer goes on, and asks whose it is before it does it."""
    provider.call(Call("open_page", {"value": "/orders"}))
    stream = await ann.stream("Open my orders.")
    provider.hang("They are on ")
    said = {"tool_call_id": stream.first("action")["id"], "result": "on the phone"}
    assert (await ann.request("POST", f"/runs/{stream.first('run_id')}/results", json=said)).status_code == 200
    script = "window.made = 0; chat.actions = { open_page: () => { made++; } };"
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=script)
    async with widget.page.expect_response(lambda response: response.url.endswith("/claims")) as answer:
        await widget.element.evaluate("(chat, id) => chat.chat.open(id)", stream.first("conversation_id"))
    assert (await (await answer.value).json())["code"] == "already_decided"
    await expect(widget.answers.last).to_contain_text("They are on")
    await widget.button("Stop").click()
    await expect(widget.button("Stop")).to_have_count(0)
    assert await widget.page.evaluate("made") == 0
    widget.forgive("Failed to load resource")


async def test_the_page_describes_a_tool_that_it_has_now(
    ann: Person, provider: Provider, open_widget: OpenWidget
) -> None:
    """G269"""
    script = """
        chat.clientTools = () => [{ name: "shown_map", description: "Read the map." }];
        chat.tools = { shown_map: () => "Paris" };
    """
    provider.call(Call("shown_map", {}))
    provider.say("It is Paris.")
    widget = await open_widget(ann.world.url, token=ann.token, attributes={"open": ""}, script=script)
    await widget.ask("Where am I?")
    await expect(widget.answers.last).to_contain_text("It is Paris.")
    assert told(provider)[0].endswith('"Paris"')

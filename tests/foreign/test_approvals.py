"""Questions to a person in the protocols of others, asked of their real packages: what is answered there is done, and no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.node_client import NodeClient, open_client
from support.provider import Call
from support.world import Person

HERE = Path(__file__).parent
ASK = {"confirm": True, "ask": "Order {item}?"}
ASKED = {"toolsets": [{"python": "support.shop_tools", "tools": {"create_order": ASK}}]}
TEA, MILK = Call("create_order", {"item": "tea"}, "a"), Call("create_order", {"item": "milk"}, "b")
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": ASKED}


@asynccontextmanager
async def open_chat(version: str, ann: Person) -> AsyncIterator[NodeClient]:
    arguments = f"{ann.world.url}/ai-sdk/chat", ann.token, version
    async with open_client(f"ai-sdk-{version}", HERE / "ai-sdk" / "chat.mjs", *arguments) as opened:
        await opened("open", id="chat-1")
        yield opened


@asynccontextmanager
async def open_thread(version: str, ann: Person) -> AsyncIterator[NodeClient]:
    async with open_client(
        f"ag-ui-{version}", HERE / "ag-ui" / "thread.mjs", f"{ann.world.url}/ag-ui", ann.token
    ) as opened:
        await opened("open", id="thread-1")
        yield opened


def orders(ann: Person) -> list[Any]:
    asked = [orjson.loads(one.body) for one in ann.world.backend.requests if one.method == "POST"]
    return sorted(asked, key=lambda one: str(one["item"]))


def tools(held: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in held["messages"][-1]["parts"] if one["type"] == "dynamic-tool"]


def text_of(held: dict[str, Any]) -> str:
    return "".join(one["text"] for one in held["messages"][-1]["parts"] if one["type"] == "text")


async def answered(chat: NodeClient, text: str) -> dict[str, Any]:
    """Return what the chat holds when an answer with this text has ended."""
    await chat("until", text=text)
    return await chat("settle")


@pytest.mark.parametrize("version", ["6", "7"])
@pytest.mark.parametrize("is_yes", [True, False], ids=["yes", "no"])
async def test_the_ai_sdk_asks_its_user_and_what_they_say_is_done(ann: Person, version: str, is_yes: bool) -> None:
    """G255"""
    provider = ann.world.provider
    provider.call(TEA, MILK, text=["One moment."])
    async with open_chat(version, ann) as chat:
        held = await chat("send", message={"text": "Order tea and milk, please."})
        assert held["status"] == "ready"
        asked = tools(held)
        assert [one["state"] for one in asked] == ["approval-requested"] * 2
        assert [one["input"] for one in asked] == [{"item": "tea"}, {"item": "milk"}]
        assert [one["approval"]["descriptor"]["title"] for one in asked] == ["Order tea?", "Order milk?"]
        assert orders(ann) == []
        await chat("respond", id=asked[0]["approval"]["id"], approved=True)
        assert orders(ann) == []  # the SDK posts when all is answered
        provider.say("That is that.")
        await chat("respond", id=asked[1]["approval"]["id"], approved=is_yes, reason="There is some.")
        held = await answered(chat, "That is that.")

    assert "error" not in held
    assert text_of(held) == "One moment.\n\nThat is that."
    assert [one["state"] for one in tools(held)] == [
        "output-available",
        "output-available" if is_yes else "output-denied",
    ]
    assert len(held["messages"]) == 2
    assert orders(ann) == [*([{"item": "milk"}] if is_yes else []), {"item": "tea"}]
    told = str(provider.requests[-1]["messages"][-1]["content"])
    assert ("There is some." in told) != is_yes


SAID: dict[str, dict[str, Any]] = {
    "yes": {"status": "resolved", "payload": {"approved": True}},
    "other": {"status": "resolved", "payload": {"approved": True, "editedArgs": {"item": "cocoa"}}},
    "no": {"status": "resolved", "payload": {"approved": False, "reason": "There is some."}},
    "away": {"status": "cancelled"},
}
ORDERED = {"yes": ["milk", "tea"], "other": ["cocoa", "tea"], "no": ["tea"], "away": ["tea"]}


@pytest.mark.parametrize("version", ["0", "1"])
@pytest.mark.parametrize("said", SAID)
async def test_ag_ui_interrupts_for_its_user_and_what_they_say_is_done(ann: Person, version: str, said: str) -> None:
    """G256"""
    provider = ann.world.provider
    provider.call(TEA, MILK, text=["One moment."])
    async with open_thread(version, ann) as thread:
        held = await thread("send", message={"id": "u1", "role": "user", "content": "Order tea and milk, please."})
        assert (held["status"], held.get("error")) == ("awaiting_input", None)
        asked = held["interrupts"]
        assert [one["message"] for one in asked] == ["Order tea?", "Order milk?"]
        assert [one["metadata"]["arguments"] for one in asked] == [{"item": "tea"}, {"item": "milk"}]
        assert {one["reason"] for one in asked} == {"tool_call"}
        calls = held["messages"][-1]["toolCalls"]
        assert [one["id"] for one in calls] == [one["toolCallId"] for one in asked]
        assert orders(ann) == []
        provider.say("That is that.")
        resume = [{"interruptId": asked[0]["id"], **SAID["yes"]}, {"interruptId": asked[1]["id"], **SAID[said]}]
        held = await thread("run", parameters={"resume": resume})

    assert (held["status"], held.get("error"), held["interrupts"]) == ("completed", None, [])
    answer = next(one for one in held["messages"] if one["role"] == "assistant")
    assert answer["content"] == "One moment.\n\nThat is that."
    assert len(answer["toolCalls"]) == 2
    results = [one["toolCallId"] for one in held["messages"] if one["role"] == "tool"]
    assert sorted(results) == sorted(one["toolCallId"] for one in asked)
    assert [one["item"] for one in orders(ann)] == ORDERED[said]
    told = str(provider.requests[-1]["messages"][-1]["content"])
    assert ("There is some." in told) == (said == "no")

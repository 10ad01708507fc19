"""CopilotKit's core, which its React client is made of, in front of our routes and no runtime of its own.

`scripts/foreign` installs it. It runs in Node without a page.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.node_client import NodeClient, open_client
from support.provider import Call
from support.world import Person

PROGRAM = Path(__file__).parent / "copilotkit" / "core.mjs"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": {"suggestions": {"static": ["How many?"]}}}


@pytest.fixture
async def core(ann: Person) -> AsyncIterator[NodeClient]:
    async with open_client("copilotkit", PROGRAM, f"{ann.world.url}/copilotkit", ann.token) as client:
        await client("open", id="thread-1")
        yield client


def user(text: str) -> dict[str, Any]:
    return {"id": uuid4().hex, "role": "user", "content": text}


async def test_it_finds_the_agents_and_shows_text_and_tools(ann: Person, core: NodeClient) -> None:
    ann.world.provider.call(Call("find_order", {"number": 7}), text=["I look."])
    ann.world.provider.say("Tea.")

    held = await core("send", message=user("what is order 7?"))

    assert "default" in held["agents"]
    assert [one["role"] for one in held["messages"]] == ["user", "assistant", "tool"]
    assert held["messages"][1]["content"] == "I look.\n\nTea."
    assert held["messages"][2]["content"] == '{"number":7}'


async def test_a_page_that_is_loaded_again_shows_the_thread(ann: Person, core: NodeClient) -> None:
    ann.world.provider.say("Hello.")
    held = await core("send", message=user("hello"))
    async with open_client("copilotkit", PROGRAM, f"{ann.world.url}/copilotkit", ann.token) as again:
        await again("open", id="thread-1")
        loaded = await again("connect")

    assert loaded["messages"] == held["messages"]


async def test_a_stop_ends_the_answer_and_keeps_what_was_said(ann: Person, core: NodeClient) -> None:
    ann.world.provider.hang("Hello")
    await core("begin", message=user("hello"))
    await core("until", text="Hello")

    await core("stop")
    held = await core("settle")

    assert held["messages"][-1]["content"] == "Hello"
    (conversation,) = (await ann.request("GET", "/conversations")).json()["items"]
    page = (await ann.request("GET", f"/conversations/{conversation['id']}/messages")).json()
    assert [one["text"] for one in page["items"]] == ["hello", "Hello"]


async def test_suggestions_are_those_of_the_answer(ann: Person, core: NodeClient) -> None:
    ann.world.provider.say("Hello.")
    await core("send", message=user("hello"))

    held = await core("suggest")

    assert [(one["title"], one["message"]) for one in held["suggestions"]] == [("How many?", "How many?")]

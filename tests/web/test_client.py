"""The web client, in Node, against the real server: what it shows is what the server stored."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.backend import TenantBackend
from support.http import Connection, Request
from support.processes import QUICK, Nursery
from support.provider import Call, Provider
from support.server import machine, token_of
from support.session import Session, open_session
from support.steady_port import front_door
from support.world import OpenWorld, World, sign

ANN: dict[str, object] = {"tenant_id": "acme", "sub": "ann"}


@pytest.fixture
async def page(world: World, tmp_path: Path) -> AsyncIterator[Session]:
    async with open_session(world.url, tmp_path / "kept.json", token_of()) as session:
        yield session


async def stored(world: World, conversation_id: str) -> list[dict[str, Any]]:
    """Return the conversation's messages that say something."""
    page = await world.person().request("GET", f"/conversations/{conversation_id}/messages")
    return [one for one in page.json()["items"] if one["role"] != "tool" and one["text"]]


def said(view: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["text"]) for message in view["messages"]]


async def test_an_answer_with_tools_and_actions_is_shown_as_it_is_stored(world: World, page: Session) -> None:
    world.backend.answer("GET /orders/7", {"number": 7, "item": "tea"})
    world.provider.call(Call("find_order", {"number": 7}), text=["Let me look."])
    world.provider.call(Call("navigate", {"value": "/orders/7"}))
    world.provider.say("Here is ", "order 7.")
    await page.do("send", "Open order 7")

    assert said(page.view) == [("user", "Open order 7"), ("assistant", "Let me look.\n\nHere is order 7.")]
    assert page.answer["status"] == "completed"
    assert [(call["name"], call["status"]) for call in page.answer["toolCalls"]] == [
        ("find_order", "ok"),
        ("navigate", "ok"),
    ]
    assert [(action["type"], action["value"]) for action in page.actions] == [("navigate", "/orders/7")]
    messages = await stored(world, page.view["conversationId"])
    assert messages[-1]["id"] == page.answer["id"]


async def test_a_reload_in_the_middle_of_an_answer_shows_it_whole_and_does_its_action_once(
    world: World, tmp_path: Path
) -> None:
    gate, kept = asyncio.Event(), tmp_path / "kept.json"
    world.provider.call(Call("change_theme", {"value": "dark"}))
    world.provider.wait_for(gate, "and half.", before=["Half "])
    async with open_session(world.url, kept, token_of()) as before:
        sent = before.begin("send", "Switch to dark mode")
        await before.until(lambda view: view["messages"][-1]["text"] == "Half ")
        async with asyncio.timeout(60):
            while not before.actions:  # noqa: ASYNC110 (it is claimed first, in a file; the next word may be faster)
                await asyncio.sleep(0.01)
        assert len(before.actions) == 1
        sent.cancel()
    async with open_session(world.url, kept, token_of()) as after:
        await after.do("open", before.view["conversationId"])
        await after.until(lambda view: view["messages"][-1]["text"] == "Half " and view["phase"] == "streaming")
        gate.set()
        await after.until(lambda view: view["phase"] == "idle" and view["messages"][-1]["status"] == "completed")

    assert said(after.view) == [("user", "Switch to dark mode"), ("assistant", "Half and half.")]
    assert after.actions == []


async def test_messages_that_wait_for_their_turn_during_a_reload_are_answered_without_another_one(
    world: World, tmp_path: Path
) -> None:
    gate, kept = asyncio.Event(), tmp_path / "kept.json"
    world.provider.wait_for(gate, "and half.", before=["Half "])
    world.provider.say("Two.")
    world.provider.say("Three.")
    async with open_session(world.url, kept, token_of()) as before:
        before.begin("send", "One?")
        await before.until(lambda view: bool(view["messages"]) and view["messages"][-1]["text"] == "Half ")
        conversation_id = before.view["conversationId"]
        for count, text in enumerate(("Two?", "Three?"), 2):
            before.begin("send", text)
            async with asyncio.timeout(60):
                while len(await stored(world, conversation_id)) < count:  # noqa: ASYNC110 (it is the server's)
                    await asyncio.sleep(0.01)
    async with open_session(world.url, kept, token_of()) as after:
        await after.do("open", conversation_id)
        await after.until(lambda view: view["phase"] == "streaming" and view["messages"][1]["text"] == "Half ")
        gate.set()
        await after.until(lambda view: len(view["messages"]) == 6 and view["messages"][-1]["status"] == "completed")

    assert said(after.view) == [
        ("user", "One?"),
        ("assistant", "Half and half."),
        ("user", "Two?"),
        ("assistant", "Two."),
        ("user", "Three?"),
        ("assistant", "Three."),
    ]


async def test_what_was_asked_before_a_reload_is_shown_after_it_as_it_was(world: World, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("broken", id="call_2"), text=["Let me look."])
    world.provider.say("You have **42** orders.")
    async with open_session(world.url, kept, token_of()) as before:
        await before.do("send", "How many orders?")
    async with open_session(world.url, kept, token_of()) as after:
        await after.do("open", before.view["conversationId"])
        await after.until(lambda view: view["phase"] == "idle")

    shown, was = after.view["messages"], before.view["messages"]
    assert said(after.view) == said(before.view)
    parts = ("id", "runId", "text", "status", "error")
    assert [shown[1][part] for part in parts] == [was[1][part] for part in parts]
    names = ("id", "name", "status", "arguments", "error")
    assert [[call[name] for name in names] for call in shown[1]["toolCalls"]] == [
        [call[name] for name in names] for call in was[1]["toolCalls"]
    ]


async def test_stopping_keeps_what_was_said(world: World, page: Session) -> None:
    world.provider.hang("Half ")
    sent = page.begin("send", "Tell me everything")
    await page.until(lambda view: view["phase"] == "streaming" and view["messages"][-1]["text"] == "Half ")
    await page.do("stop")
    await sent

    assert (page.answer["text"], page.answer["status"], page.view["phase"]) == ("Half ", "cancelled", "idle")
    assert [message["status"] for message in await stored(world, page.view["conversationId"])][-1] == "partial"


async def test_an_answer_is_made_anew_and_a_message_is_edited(world: World, page: Session) -> None:
    for text in ("One.", "Two.", "Three."):
        world.provider.say(text)
    await page.do("send", "Count")
    await page.do("regenerate")
    assert said(page.view) == [("user", "Count"), ("assistant", "Two.")]
    await page.do("edit", page.view["messages"][0]["id"], "Count on")
    assert said(page.view) == [("user", "Count on"), ("assistant", "Three.")]
    assert [message["text"] for message in await stored(world, page.view["conversationId"])] == ["Count on", "Three."]


async def test_a_run_that_failed_before_its_first_word_is_made_anew(world: World, page: Session) -> None:
    world.provider.fail(401)
    await page.do("send", "When are you open?")
    assert page.view["error"]["code"] == "model_unauthorized"
    world.provider.say("From 9 to 5.")
    await page.do("retry")

    assert said(page.view) == [("user", "When are you open?"), ("assistant", "From 9 to 5.")]
    assert page.view["error"] is None


async def test_conversations_are_listed_renamed_rated_exported_and_deleted(world: World, page: Session) -> None:
    world.provider.say("From 9 to 5.")
    await page.do("send", "When are you open?")
    conversation_id = page.view["conversationId"]
    async with asyncio.timeout(60):
        while not (listed := await page.do("list", {"q": "9 to 5"}))["items"]:  # noqa: ASYNC110 (it is found a moment later)
            await asyncio.sleep(0.05)
    assert [one["id"] for one in listed["items"]] == [conversation_id]
    assert listed["nextCursor"] is None
    await page.do("feedback", page.answer["id"], {"rating": "up"})
    assert page.answer["feedback"] == "up"
    await page.do("rename", conversation_id, "Hours")
    assert page.view["title"] == "Hours"
    assert (await page.do("get", conversation_id))["title"] == "Hours"
    assert (await page.do("assistant"))["limits"]["messageCharacters"] == 32_000
    await page.do("delete", conversation_id)
    assert page.view["messages"] == []
    with pytest.raises(RuntimeError, match="not_found"):
        await page.do("get", conversation_id)


async def test_an_expired_token_is_replaced_before_the_message_is_taken(world: World, tmp_path: Path) -> None:
    world.provider.say("From 9 to 5.")
    tokens = (sign(ANN, ttl_s=-100), token_of())
    async with open_session(world.url, tmp_path / "kept.json", *tokens) as page:
        await page.do("send", "When are you open?")

    assert said(page.view)[-1] == ("assistant", "From 9 to 5.")


async def test_a_token_that_the_backend_refuses_is_replaced_while_the_run_waits(
    open_frontdesk: OpenWorld, provider: Provider, backend: TenantBackend, tmp_path: Path
) -> None:
    world = await open_frontdesk()
    old, new = sign({**ANN, "n": 1}), sign({**ANN, "n": 2})

    async def count(request: Request, connection: Connection) -> None:
        is_new = request.headers["authorization"] == f"Bearer {new}"
        await connection.respond(200 if is_new else 401, b'{"count": 42}')

    backend.routes["GET /orders/count"] = count
    provider.call(Call("count_orders"))
    provider.say("You have **42** orders.")
    async with open_session(world.url, tmp_path / "kept.json", old, new) as page:
        await page.do("send", "How many orders?")

    assert [call["status"] for call in page.answer["toolCalls"]] == ["ok"]
    assert said(page.view)[-1] == ("assistant", "You have **42** orders.")


@pytest.mark.timeout(400)
async def test_a_server_that_is_killed_in_the_middle_of_an_answer_and_started_again_finishes_it_by_itself(
    provider: Provider, backend: TenantBackend, nursery: Nursery, tmp_path: Path
) -> None:
    backend.answer("GET /orders/count", {"count": 42})
    provider.call(Call("count_orders"), text=["Let me look."])
    provider.wait_for(asyncio.Event(), before=["You have "])
    async with (
        machine(tmp_path, provider_url=provider.url, backend_url=backend.url, nursery=nursery) as frontdesk,
        front_door(lambda: frontdesk.url) as url,
        open_session(url, tmp_path / "kept.json", token_of()) as page,
    ):
        frontdesk.environment |= QUICK
        server = await frontdesk.start()
        sent = page.begin("send", "How many orders?")
        await page.until(lambda view: bool(view["messages"]) and view["messages"][-1]["text"].endswith("You have "))
        await server.kill()
        await page.until(lambda view: view["phase"] == "reconnecting")
        provider.say("You have **42** orders.")
        await frontdesk.start()
        await sent

        assert said(page.view) == [
            ("user", "How many orders?"),
            ("assistant", "Let me look.\n\nYou have **42** orders."),
        ]
        assert (page.view["phase"], page.view["error"], page.view["connection"]) == ("idle", None, "online")
        messages = await page.do("messages", page.view["conversationId"])
        assert [message["text"] for message in messages] == [message["text"] for message in page.view["messages"]]


@pytest.mark.timeout(400)
async def test_a_message_that_is_sent_while_the_server_is_away_arrives_once(
    provider: Provider, backend: TenantBackend, nursery: Nursery, tmp_path: Path
) -> None:
    provider.say("From 9 to 5.")
    async with (
        machine(tmp_path, provider_url=provider.url, backend_url=backend.url, nursery=nursery) as frontdesk,
        front_door(lambda: frontdesk.url) as url,
        open_session(url, tmp_path / "kept.json", token_of()) as page,
    ):
        sent = page.begin("send", "When are you open?")
        await page.until(lambda view: view["phase"] in ("sending", "reconnecting"))
        await frontdesk.start()
        await sent

        assert said(page.view) == [("user", "When are you open?"), ("assistant", "From 9 to 5.")]
        assert len((await page.do("list"))["items"]) == 1

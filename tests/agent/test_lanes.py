"""Lanes as runs: each counts, what is made once is made once, and one that loses its process goes on by itself."""

import asyncio
from typing import Any

import pytest
from support.beside import ALPHA, BETA, THREE, TWO, answers, beside, choose, folded, read, say, stored, turn
from support.faults import HEIR, ZOMBIE, keep_leases, let_die, until
from support.pairs import at, open_pair
from support.provider import Call
from support.redis import RedisServer
from support.world import OpenWorld, World

MODELS: dict[str, Any] = {"models": [*THREE, "demo"]}
PATIENT: dict[str, Any] = {
    **MODELS,
    "limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300},
}


@pytest.mark.usefixtures("one_day")
async def test_each_lane_counts_and_where_one_has_no_room_none_begins(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G455"""
    budgets = {"user": {"day": {"runs": 3}}}
    world = await open_frontdesk(assistant={**MODELS, "budgets": budgets}, database_url=database_url)
    ann = world.person()
    say(world.provider, alpha="One.", beta="Two.")
    assert (await ann.ask("hello", models=TWO)).status_code == 200
    before = await stored(world)
    refused = await ann.ask("hello", models=TWO)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert await stored(world) == before
    world.provider.say("Alone.")
    assert (await ann.ask("hello", model=ALPHA)).status_code == 200


async def test_where_a_lane_may_not_wait_none_begins(open_frontdesk: OpenWorld, database_url: str) -> None:
    """G455: and where all may wait, all have their answers in the end."""
    narrow = {"max_runs_per_user": 1, "max_queued_per_user": 1}
    world = await open_frontdesk(assistant=MODELS, database_url=database_url, **narrow)
    ann = world.person()
    before = await stored(world)
    refused = await ann.ask("hello", models=THREE)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert await stored(world) == before
    say(world.provider, alpha="One.", beta="Two.")
    stream = await ann.stream("hello", models=TWO)
    assert [one["status"] for one in folded(stream.events).values()] == ["completed", "completed"]


async def test_an_assistant_may_allow_fewer_lanes_or_none(open_frontdesk: OpenWorld) -> None:
    """G455"""
    for most in (1, 2):
        world = await open_frontdesk(assistant={**MODELS, "limits": {"lanes": most}})
        ann = world.person()
        assert (await ann.request("GET", "/assistant")).json()["limits"]["lanes"] == most
        refused = await ann.ask("hello", models=["demo"] * (most + 1))
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        assert f"at most {most}" in refused.text


async def test_questions_a_title_and_context_are_made_once_for_all_lanes(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G454"""
    made_once = {
        "suggestions": {"enabled": True},
        "title": "model",
        "context": [{"tool": "count_orders", "scope": "user", "ttl_s": 60}],
    }
    world = await open_frontdesk(assistant={**MODELS, **made_once}, database_url=database_url)
    world.provider.suggestions, world.provider.title = "How many today?", "Three models"
    world.backend.answer("GET /orders/count", {"count": 42})
    say(world.provider, alpha="One.", beta="Two.", gamma="Three.")
    stream = await world.person().stream("hello", models=THREE)
    assert [event["lane"] for event in stream.events if "suggested_questions" in event] == [1]
    assert [event["title"] for event in stream.events if "title" in event] == ["Three models"]
    assert len(world.provider.asides) == 2
    assert len([one for one in world.backend.requests if one.path == "/orders/count"]) == 1
    assert all("42" in one["messages"][0]["content"] for one in world.provider.requests)


async def test_lanes_whose_process_is_gone_are_taken_over_each_by_itself(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G456: with the tools that only read, and as lanes of the same turn."""
    first = await open_frontdesk(assistant=PATIENT, database_url=database_url, **ZOMBIE)
    ann = first.person()
    for _ in TWO:
        first.provider.hang("Half of ")
    async with ann.open_stream("hello", models=TWO) as live:
        turn_id = str(await live.until("run_id"))
        await until(lambda: len(first.provider.requests) == 2)
        await keep_leases(first)
        second = await open_frontdesk(assistant=PATIENT, database_url=database_url, **HEIR)
        say(first.provider, alpha="All of one.", beta="All of two.")
        await let_die(first, other=first)
        there = await read(at(second, ann), turn_id)
    shown = folded(there.events)
    assert {lane: (one["text"], one["status"]) for lane, one in shown.items()} == {
        1: ("All of one. ", "completed"),
        2: ("All of two. ", "completed"),
    }
    assert [one["attempt"] for one in (await turn(at(second, ann), turn_id))["lanes"]] == [2, 2]
    names = {tool["function"]["name"] for one in first.provider.requests for tool in one["tools"]}
    assert "create_order" not in names
    found = await turn(at(second, ann), turn_id)
    assert await answers(at(second, ann), found["conversation_id"]) == ["All of one."]


async def test_lanes_are_read_stopped_and_chosen_at_a_process_that_works_on_none_of_them(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer
) -> None:
    """G456: live, and from any place on."""
    pair = await open_pair(open_frontdesk, postgres, redis_server, assistant=PATIENT, redis_prefix="lanes-read")
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    there = at(second, ann)
    lets = [
        (model, lambda: first.provider.wait_for(gate, "and more.", before=["Words first "]))
        for model in ("alpha", "beta", "gamma")
    ]
    beside(first.provider, *lets)
    async with ann.open_stream("hello", models=THREE) as live:
        turn_id = str(await live.until("run_id"))
        conversation_id = live.response.headers["x-conversation-id"]
        async with there.open_events(f"/turns/{live.response.headers['x-run-id']}/events") as elsewhere:
            for lane in (1, 2, 3):
                await elsewhere.until_bytes(b'"Words first ","lane":%d' % lane)
            lanes = (await turn(there, turn_id))["lanes"]
            stopped = await there.request("POST", f"/runs/{lanes[2]['id']}/cancel")
            assert stopped.json()["state"] == "cancelled"
            assert (await choose(there, conversation_id, lanes[1]["id"])).json()["answer"] == lanes[1]["id"]
            gate.set()
            read_there = await elsewhere.rest()
        here = await live.rest()
    assert folded(read_there.events) == folded(here.events)
    assert [one["status"] for one in folded(here.events).values()] == ["completed", "completed", "cancelled"]
    assert here.is_done
    assert read_there.is_done
    whole = await read(there, turn_id)
    for index, frame in enumerate(whole.frames[:-1]):
        rest = await read(there, turn_id, frame.id or "")
        assert folded([*whole.events[: index + 1], *rest.events]) == folded(whole.events)


async def test_to_clients_of_other_protocols_a_turn_with_lanes_is_its_answer(open_frontdesk: OpenWorld) -> None:
    """G452: AI SDK and AG-UI read the chosen lane, stop all that runs, and go on behind it."""
    world: World = await open_frontdesk(assistant=MODELS)
    ann = world.person()
    say(world.provider, alpha="One.", beta="Two.")
    stream = await ann.stream("hello", models=TWO, client_key="thread-1")
    conversation_id, shown = stream.headers["x-conversation-id"], folded(stream.events)
    await choose(ann, conversation_id, shown[2]["run_id"])
    thread = {"threadId": "thread-1", "runId": "r", "state": {}, "tools": [], "context": [], "forwardedProps": {}}
    joined = await ann.request("POST", "/ag-ui", json={**thread, "messages": []})
    assert "Two. " in joined.text
    assert "One. " not in joined.text
    for _ in TWO:
        world.provider.hang("Half of ")
    async with ann.open_stream("more", models=TWO, client_key="thread-1") as live:
        await until(lambda: len(world.provider.requests) == 4)
        await live.until("run_id")
        assert (await ann.request("POST", "/ai-sdk/chat/thread-1/stop")).status_code == 204
        rest = await live.rest()
    assert [one["status"] for one in folded(rest.events).values()] == ["cancelled", "cancelled"]
    last = [one["content"].strip() for one in world.provider.requests[-1]["messages"] if one["role"] == "assistant"]
    assert last == ["Two."]


@pytest.mark.parametrize("chosen", [ALPHA, BETA])
async def test_a_tool_that_a_lane_has_called_is_in_the_history_of_the_chosen_one_alone(
    open_frontdesk: OpenWorld, chosen: str
) -> None:
    """G452 G454"""
    world = await open_frontdesk(assistant=MODELS)
    ann = world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    beside(
        world.provider,
        ("alpha", lambda: world.provider.call(Call("count_orders"))),
        ("alpha", lambda: world.provider.say("There are 42.")),
        ("beta", lambda: world.provider.say("Who knows.")),
    )
    stream = await ann.stream("how many?", models=TWO)
    runs = {one["model"]: one["run_id"] for one in folded(stream.events).values()}
    conversation_id = stream.headers["x-conversation-id"]
    await choose(ann, conversation_id, runs[chosen])
    world.provider.say("Yes.")
    await ann.ask("sure?", conversation_id=conversation_id, model="openai:gamma")
    roles = [one["role"] for one in world.provider.requests[-1]["messages"]]
    between = ["assistant", "tool", "assistant"] if chosen == ALPHA else ["assistant"]
    assert roles == ["system", "user", *between, "user"]

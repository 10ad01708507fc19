"""`POST /chat`: what goes in reaches the model and the backend, and what comes out is a stream or JSON, as `Accept` says."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.prompt.words import page_of

CORE_KEYS = ["success", "response", "conversation_id", "tools_used", "suggested_questions", "actions"]


async def test_an_answer_streams_in_the_form_of_the_contract(world: World) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("You have ", "**42**", " orders.")

    stream = await world.person().stream("how many orders?")

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    run_id = stream.first("run_id")
    assert stream.headers["x-run-id"] == run_id
    assert stream.headers["x-conversation-id"] == stream.first("conversation_id")
    assert stream.headers["location"] == f"/runs/{run_id}/events"
    assert stream.raw.startswith(b'retry: 2000\nid: 1-1\ndata: {"conversation_id":"')
    assert stream.raw.endswith(b"\n\ndata: [DONE]\n\n")
    assert b"\r" not in stream.raw
    assert stream.keys == ["conversation_id", "tools_used", "tool_call", "tool_call", "token", "status"]
    assert stream.text == "You have **42** orders."


async def test_the_json_answer_has_the_core_keys_first_and_in_order(world: World, ann: Person) -> None:
    world.provider.say("Hello.")

    answer = await ann.ask("hello")

    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert list(body) == [*CORE_KEYS, "run_id", "message_id", "status", "usage"]
    assert body["success"] is True
    assert body["response"] == "Hello."
    assert body["status"] == "completed"
    assert body["usage"] == {"input_tokens": 10, "output_tokens": 5}
    assert answer.headers["x-run-id"] == body["run_id"]
    assert answer.headers["x-conversation-id"] == body["conversation_id"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("application/json, text/event-stream", "text/event-stream; charset=utf-8"),
        ("Text/Event-Stream;q=0.5", "text/event-stream; charset=utf-8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "application/json"),
        ("", "application/json"),
    ],
)
async def test_accept_decides_between_a_stream_and_json(
    world: World, ann: Person, accept: str, content_type: str
) -> None:
    world.provider.say("Hello.")

    answer = await ann.ask("hello", headers={"Accept": accept})

    assert answer.headers["content-type"] == content_type


async def test_the_first_frame_goes_out_before_the_model_says_anything(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Hello.")

    async with ann.open_stream("hello") as live:
        assert live.response.status_code == 200
        assert UUID(await live.until("conversation_id"))
        assert not gate.is_set()
        gate.set()
        assert (await live.rest()).text == "Hello."


async def test_tokens_go_out_as_they_come(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])

    async with ann.open_stream("hello") as live:
        assert await live.until("token") == "Hello"
        gate.set()
        assert (await live.rest()).text == "Hello world"


async def test_closing_the_connection_does_not_stop_the_run(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with ann.open_stream("hello") as live:
        await live.until("token")
    gate.set()

    whole = await ann.events(live.so_far.first("run_id"))

    assert whole.text == "Hello world"
    assert whole.first("status") == "completed"
    assert world.provider.cancelled == 0


async def test_the_next_message_brings_the_conversation_to_the_model(world: World, ann: Person) -> None:
    world.provider.say("Hello Ann.")
    conversation_id = (await ann.ask("I am Ann")).json()["conversation_id"]
    world.provider.say("Ann.")

    again = await ann.ask("who am I?", conversation_id=conversation_id)

    assert again.json()["conversation_id"] == conversation_id
    assert spoken(world.provider.requests[1]) == [
        ("user", "I am Ann"),
        ("assistant", "Hello Ann."),
        ("user", "who am I?"),
    ]


async def test_a_new_message_without_a_conversation_begins_another_one(world: World, ann: Person) -> None:
    world.provider.say("One.")
    world.provider.say("Two.")

    first, second = await ann.ask("one"), await ann.ask("two")

    assert first.json()["conversation_id"] != second.json()["conversation_id"]
    assert spoken(world.provider.requests[1]) == [("user", "two")]


async def test_results_reach_the_model_in_the_order_of_its_calls(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders", id="x"), Call("change_theme", {"value": "dark"}, id="y"), text=["Wait."])
    world.provider.say("Done.")

    await ann.ask("count and darken")

    *_, asked, first, second = world.provider.requests[1]["messages"]
    assert [call["function"]["name"] for call in asked["tool_calls"]] == ["count_orders", "change_theme"]
    assert asked["content"] == "Wait."
    assert [first["tool_call_id"], second["tool_call_id"]] == [call["id"] for call in asked["tool_calls"]]
    assert first["content"] == '{"count":42}'
    assert second["content"] == '{"ok":true,"action":"change_theme","value":"dark"}'


async def test_tools_call_the_backend_with_the_callers_own_token_and_branch(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")

    await ann.ask("how many?", branch_id=2)

    assert world.backend.requests[0].headers["authorization"] == f"Bearer {ann.token}"
    assert world.backend.requests[0].headers["x-branch-id"] == "2"


@pytest.mark.parametrize(
    ("claim", "asked", "sent"), [(7, None, "7"), ("north", None, "north"), ("south", "south", "south")]
)
async def test_without_a_branch_in_the_request_the_principals_own_counts(
    world: World, claim: int | str, asked: str | None, sent: str
) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")

    await world.person(branchId=claim).ask("how many?", branch_id=asked)

    assert world.backend.requests[0].headers["x-branch-id"] == sent


async def test_a_write_carries_its_own_idempotency_key_to_the_backend(world: World, ann: Person) -> None:
    world.backend.answer("POST /orders", {"number": 8})
    world.provider.call(Call("create_order", {"item": "tea"}), Call("create_order", {"item": "tea"}, id="call_2"))
    world.provider.say("Two orders.")

    stream = await ann.stream("order tea twice")

    calls = {event["tool_call"]["id"] for event in stream.events if "tool_call" in event}
    assert set(world.backend.effects) == calls
    assert set(world.backend.effects.values()) == {1}


async def test_the_page_reaches_the_model_as_data_behind_the_users_words(world: World, ann: Person) -> None:
    world.provider.say("You are on the orders page.")

    await ann.ask("where am I?", context={"route": "/orders", "filters": ["open"]})

    said = world.provider.requests[0]["messages"][-1]
    assert said["role"] == "user"
    assert said["content"].startswith("where am I?")
    assert page_of(said["content"]) == {"route": "/orders", "filters": ["open"]}


async def test_the_page_is_not_part_of_what_is_stored(world: World, ann: Person) -> None:
    world.provider.say("You are on the orders page.")
    conversation_id = (await ann.ask("where am I?", context={"route": "/orders"})).json()["conversation_id"]

    page = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()

    assert page["items"][0]["text"] == "where am I?"


async def test_the_request_can_choose_one_of_the_assistants_models(world: World, ann: Person) -> None:
    world.provider.say("Scripted.")

    scripted = (await ann.ask("hello", model="openai:scripted")).json()
    demo = (await ann.ask("hello", model="demo")).json()

    assert world.provider.requests[0]["model"] == "scripted"
    assert len(world.provider.requests) == 1
    assert scripted["response"] == "Scripted."
    assert demo["success"] is True
    assert (await ann.request("GET", f"/runs/{demo['run_id']}")).json()["model"] == "demo"


@pytest.mark.parametrize("message", ["  padded \n", "x" * 32_000, "ü" * 32_000, " " + "x" * 32_000 + " "])
async def test_messages_are_trimmed_and_may_have_32000_characters(world: World, ann: Person, message: str) -> None:
    world.provider.say("I see.")

    answer = await ann.ask(message)

    assert answer.status_code == 200
    assert spoken(world.provider.requests[0]) == [("user", message.strip())]


async def test_after_a_failed_turn_the_conversation_goes_on(world: World, ann: Person) -> None:
    world.provider.fail(401)
    world.provider.say("I am back.")
    failed = (await ann.ask("are you there?")).json()

    answer = (await ann.ask("and now?", conversation_id=failed["conversation_id"])).json()

    assert failed["success"] is False
    assert answer["response"] == "I am back."
    said = spoken(world.provider.requests[1])
    assert [role for role, _ in said] == ["user", "assistant", "user"]
    assert said[0] == ("user", "are you there?")


async def test_after_an_answer_that_broke_off_the_conversation_goes_on(world: World, ann: Person) -> None:
    world.provider.cut("Half of it")
    world.provider.say("The other half.")
    failed = (await ann.ask("tell me")).json()

    answer = (await ann.ask("go on", conversation_id=failed["conversation_id"])).json()

    assert failed["response"] == "Half of it"
    assert answer["response"] == "The other half."
    assert spoken(world.provider.requests[1])[1][1].startswith("Half of it\n\n[")


async def test_a_tenants_own_assistant_answers_its_people(open_frontdesk: OpenWorld) -> None:
    own = {"persona": "You help the staff of a bakery.", "suggestions": {"static": ["Bread?"], "from_model": False}}
    world = await open_frontdesk(assistant={"tenants": {"bakery": own}})
    world.provider.say("Bread.")
    world.provider.say("Shop.")

    bakery = (await world.person(tenant="bakery").ask("what do you sell?")).json()
    other = (await world.person().ask("what do you sell?")).json()

    assert [bakery["suggested_questions"], other["suggested_questions"]] == [["Bread?"], []]
    personas = [request["messages"][0]["content"] for request in world.provider.requests]
    assert personas[0].startswith("You help the staff of a bakery.")
    assert personas[1].startswith("You help the staff of a shop.")


def spoken(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who said what in a request to the provider, without the system prompt and without the facts of the moment."""
    said = [(one["role"], one["content"].split("\n\n[Given by the application")[0]) for one in request["messages"]]
    return said[1:]

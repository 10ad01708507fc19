"""The loop: from the first model call to the end, whatever the model asks for and however it fails."""

import asyncio

import pytest
from support.backend import Route, TenantBackend
from support.faults import rows
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, Person, Stream

from agent.events.fold import STEP_SEPARATOR
from agent.loop.graph import LIMIT_TEXT
from agent.store.tables import messages


def results(person: Person, request: int = -1) -> list[str]:
    """Return the tool results that the model was given with a request."""
    told = person.world.provider.requests[request]["messages"]
    return [message["content"] for message in told if message["role"] == "tool"]


def statuses(stream: Stream) -> list[tuple[str, str]]:
    calls = [event["tool_call"] for event in stream.events if "tool_call" in event]
    return [(call["name"], call["status"]) for call in calls]


def meeting(backend: TenantBackend, *routes: str) -> None:
    """Let routes answer only when all of them have been asked, the last one first."""
    asked: list[str] = []
    everybody = asyncio.Event()
    turns = [asyncio.Event() for _ in routes]

    def answering(place: int, route: str) -> Route:
        async def respond(_request: Request, connection: Connection) -> None:
            asked.append(route)
            if set(asked) == set(routes):
                everybody.set()
            await everybody.wait()
            if place + 1 < len(turns):
                await turns[place + 1].wait()
            await connection.respond(200, f'{{"place":{place}}}'.encode())
            turns[place].set()

        return respond

    for place, route in enumerate(routes):
        backend.routes[route] = answering(place, route)


async def test_calls_of_one_step_run_at_the_same_time_and_their_results_keep_the_models_order(ann: Person) -> None:
    meeting(ann.world.backend, "GET /orders/1", "GET /orders/2", "GET /orders/count")
    calls = [
        Call("find_order", {"number": 1}, "a"),
        Call("find_order", {"number": 2}, "b"),
        Call("count_orders", {}, "c"),
    ]
    ann.world.provider.call(*calls)
    ann.world.provider.say("Done.")

    async with asyncio.timeout(60):
        stream = await ann.stream("both orders, and how many?")

    assert results(ann) == ['{"place":0}', '{"place":1}', '{"place":2}']
    assert stream.first("tools_used") == ["find_order", "find_order", "count_orders"]
    assert [status for _, status in statuses(stream)] == ["running"] * 3 + ["ok"] * 3
    assert stream.text == "Done."


async def test_the_same_tool_twice_in_a_step_gives_two_results(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/7", {"number": 7})
    ann.world.provider.call(*(Call("find_order", {"number": 7}, call_id) for call_id in "ab"))
    ann.world.provider.say("Seven, twice.")
    stream = await ann.stream("order 7, twice")
    assert results(ann) == ['{"number":7}'] * 2
    ids = [event["tool_call"]["id"] for event in stream.events if "tool_call" in event]
    assert len(set(ids)) == 2
    assert len(ann.world.backend.requests) == 2


async def test_text_beside_tool_calls_streams_and_both_texts_are_kept_apart(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/count", {"count": 42})
    ann.world.provider.call(Call("count_orders"), text=["Let me ", "look."])
    ann.world.provider.say("You have ", "42.")
    stream = await ann.stream("how many orders?")
    assert stream.keys == ["conversation_id", "token", "tools_used", "tool_call", "tool_call", "token", "status"]
    assert stream.text == f"Let me look.{STEP_SEPARATOR}You have 42."
    stored = await rows(ann.world, messages, tenant_id=ann.tenant, role="assistant")
    assert [row["text"] for row in stored] == ["Let me look.", "You have 42."]
    assert ann.world.provider.requests[1]["messages"][-2]["content"] == "Let me look."


async def test_usage_is_counted_over_all_steps(ann: Person) -> None:
    ann.world.provider.call(Call("count_orders"))
    ann.world.provider.call(Call("count_orders"))
    ann.world.provider.say("Done.")
    stream = await ann.stream("hi")
    assert next(event for event in stream.events if "status" in event)["usage"] == {
        "input_tokens": 30,
        "output_tokens": 15,
    }


async def test_the_tenth_step_is_the_last_and_ends_the_run_with_words(ann: Person) -> None:
    ann.world.backend.answer("GET /orders/count", {"count": 42})
    for _ in range(10):
        ann.world.provider.call(Call("count_orders"))
    stream = await ann.stream("how many orders?")
    end = next(event for event in stream.events if "status" in event)
    assert (end["status"], end["finish_reason"]) == ("completed", "step_limit")
    assert stream.text == LIMIT_TEXT
    assert stream.is_done
    assert "error" not in stream.keys
    assert len(ann.world.provider.requests) == 10
    assert len(ann.world.backend.requests) == 10


async def test_the_number_of_steps_is_the_assistants_and_the_conversation_goes_on_after_them(
    open_frontdesk: OpenWorld,
) -> None:
    world = await open_frontdesk(assistant={"limits": {"steps": 2}})
    ann = world.person()
    for _ in range(2):
        world.provider.call(Call("count_orders"), text=["Hm. "])
    answer = (await ann.ask("how many orders?")).json()
    assert answer["response"] == STEP_SEPARATOR.join(["Hm. ", "Hm. ", LIMIT_TEXT])
    assert answer["success"] is True
    world.provider.say("On I go.")
    assert (await ann.ask("go on", conversation_id=answer["conversation_id"])).json()["response"] == "On I go."


async def test_a_model_that_fails_after_the_first_step_leaves_what_was_done(ann: Person) -> None:
    ann.world.backend.answer("POST /orders", {"number": 8})
    ann.world.provider.call(Call("create_order", {"item": "tea"}), text=["Ordering."])
    ann.world.provider.fail(400)
    stream = await ann.stream("order tea")
    assert stream.keys[-2:] == ["error", "status"]
    assert stream.first("error")["code"] == "model_refused"
    assert stream.first("status") == "failed"
    stored = await rows(ann.world, messages, tenant_id=ann.tenant)
    assert [(row["role"], row["text"]) for row in stored] == [
        ("user", "order tea"),
        ("assistant", "Ordering."),
        ("tool", '{"number":8}'),
    ]
    ann.world.provider.say("It is ordered already.")
    again = await ann.stream("did you?", conversation_id=stream.first("conversation_id"))
    assert again.first("status") == "completed"
    assert results(ann) == ['{"number":8}']
    assert sum(ann.world.backend.effects.values()) == 1


async def test_a_failed_model_call_keeps_what_it_said_as_a_partial_answer(ann: Person) -> None:
    ann.world.provider.cut("Half an ", "ans")
    stream = await ann.stream("hi")
    assert (stream.text, stream.first("error")["code"]) == ("Half an ans", "model_unavailable")
    stored = await rows(ann.world, messages, tenant_id=ann.tenant, role="assistant")
    assert [(row["text"], row["status"], str(row["id"])) for row in stored] == [
        ("Half an ans", "partial", stream.first("message_id"))
    ]


async def test_a_failed_run_tells_nobody_but_the_operators_debug_log_what_the_provider_said(
    ann: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    ann.world.provider.fail(401)
    stream = await ann.stream("SECRET-QUESTION")
    logged = capfd.readouterr()
    assert b"SECRET-PROVIDER-TEXT" not in stream.raw
    assert "run_ended" in logged.out + logged.err, "nothing was logged: the test would prove nothing"
    lines = (logged.out + logged.err).splitlines()
    quoting = [line for line in lines if "SECRET-PROVIDER-TEXT" in line]
    assert quoting
    assert all("debug" in line and "provider_refused" in line for line in quoting)
    assert not [line for line in lines if "SECRET-QUESTION" in line or ann.token in line]


async def test_a_run_that_takes_longer_than_its_deadline_is_stopped_with_what_it_said(
    open_frontdesk: OpenWorld,
) -> None:
    world = await open_frontdesk(assistant={"limits": {"deadline_s": 1.5}})
    ann = world.person()
    world.provider.hang("Half")
    async with asyncio.timeout(60):
        stream = await ann.stream("tell me everything")
    assert stream.keys == ["conversation_id", "token", "error", "status"]
    assert (stream.first("error")["code"], stream.first("status")) == ("deadline", "failed")
    stored = await rows(world, messages, role="assistant")
    assert [(row["text"], row["status"]) for row in stored] == [("Half", "partial")]


async def test_a_deadline_stops_tools_too(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"limits": {"deadline_s": 1.5}})
    arrived = world.backend.hang("GET /orders/count")
    world.provider.call(Call("count_orders"))
    async with asyncio.timeout(60):
        stream = await world.person().stream("how many?")
    assert arrived.is_set()
    assert stream.first("error")["code"] == "deadline"


async def test_thinking_streams_apart_from_the_answer_and_is_not_stored(ann: Person) -> None:
    ann.world.provider.stream({"reasoning_content": "Hm, "}, {"reasoning_content": "well."}, {"content": "Yes."})
    stream = await ann.stream("hi")
    assert "".join(event["reasoning"] for event in stream.events if "reasoning" in event) == "Hm, well."
    assert stream.text == "Yes."
    stored = await rows(ann.world, messages, tenant_id=ann.tenant, role="assistant")
    assert [row["text"] for row in stored] == ["Yes."]


async def test_the_window_of_the_assistant_bounds_what_the_model_gets(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"history": {"messages": 3, "summary": False}})
    ann = world.person()
    conversation_id = None
    for n in range(4):
        world.provider.say(f"answer {n}")
        conversation_id = (await ann.ask(f"question {n}", conversation_id=conversation_id)).json()["conversation_id"]
    told = world.provider.requests[-1]["messages"]
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert [message["content"].split("\n")[0] for message in told[1:]] == ["question 2", "answer 2", "question 3"]


async def test_the_model_is_given_every_tool_with_its_schema(ann: Person) -> None:
    ann.world.provider.say("Hi.")
    await ann.stream("hi")
    tools = {tool["function"]["name"]: tool["function"] for tool in ann.world.provider.requests[0]["tools"]}
    assert set(tools) == {
        "find_order",
        "count_orders",
        "create_order",
        "slow_report",
        "broken",
        "change_theme",
        "navigate",
    }
    assert tools["find_order"]["parameters"]["required"] == ["number"]
    assert tools["change_theme"]["parameters"]["properties"]["value"]["enum"] == ["dark", "light"]

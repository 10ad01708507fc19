"""Runs that wait for a person: what is asked, who may answer, and how they go on."""

import asyncio
import time
from typing import Any

import orjson
import pytest
from support.backend import TenantBackend
from support.provider import Call
from support.world import OpenWorld, Person, Stream

from agent.errors import InvalidRequestError
from agent.runs.decisions import check_arguments, restored
from agent.toolkit import Tool

ASKED = {
    "toolsets": [{"python": "support.shop_tools", "tools": {"create_order": {"confirm": True, "ask": "Order {item}?"}}}]
}
ORDER = Call("create_order", {"item": "tea"})


@pytest.fixture
async def ann(open_frontdesk: OpenWorld, backend: TenantBackend) -> Person:
    backend.answer("POST /orders", {"number": 8})
    backend.answer("GET /orders/count", 3)
    return (await open_frontdesk(assistant=ASKED)).person()


async def asked(ann: Person, *calls: Call) -> Stream:
    """Let the model ask for calls; return the stream up to the questions."""
    ann.world.provider.call(*(calls or (ORDER,)), text=["One moment."])
    return await ann.stream("Order tea, please.")


def approval_of(stream: Stream) -> Any:
    return stream.first("approval")


def run_of(stream: Stream) -> str:
    return str(stream.first("run_id"))


async def decide(ann: Person, stream: Stream, **more: Any) -> Any:
    body = {"tool_call_id": approval_of(stream)["tool_call_id"], "approve": True, **more}
    return await ann.request("POST", f"/runs/{run_of(stream)}/decisions", json=body)


async def whole(ann: Person, run_id: str) -> Stream:
    """Return the stream of a run that goes on, to its end."""
    async with asyncio.timeout(60):
        while not (read := await ann.events(run_id)).is_done:
            pass
    return read


def orders(ann: Person) -> list[Any]:
    return [orjson.loads(one.body) for one in ann.world.backend.requests if one.method == "POST"]


async def test_a_call_that_changes_something_waits_until_a_person_has_said_yes(ann: Person) -> None:
    """G250"""
    stream = await asked(ann)
    assert stream.events[-1] == {"status": "awaiting_input"}
    assert not stream.is_done
    approval = approval_of(stream)
    assert approval["name"] == "create_order"
    assert approval["title"] == "Order tea?"
    assert approval["arguments"] == {"item": "tea"}
    state = (await ann.request("GET", f"/runs/{run_of(stream)}")).json()
    assert state["state"] == "waiting"
    assert orders(ann) == []
    ann.world.provider.say("Ordered.")
    assert (await decide(ann, stream)).status_code == 200
    read = await whole(ann, run_of(stream))
    assert read.text.endswith("Ordered.")
    assert read.first("status") == "completed"
    assert orders(ann) == [{"item": "tea"}]


async def test_a_no_is_told_to_the_model_with_its_reason_and_nothing_is_done(ann: Person) -> None:
    """G250"""
    stream = await asked(ann)
    ann.world.provider.say("Then not.")
    await decide(ann, stream, approve=False, reason="We have enough.")
    read = await whole(ann, run_of(stream))
    assert read.text.endswith("Then not.")
    assert "We have enough." in ann.world.provider.requests[-1]["messages"][-1]["content"]
    assert orders(ann) == []


async def test_the_other_calls_of_the_step_are_made_while_one_waits(ann: Person) -> None:
    """G250"""
    stream = await asked(ann, Call("count_orders", {}, "a"), Call("create_order", {"item": "tea"}, "b"))
    results = [event["tool_call"] for event in stream.events if "tool_call" in event]
    assert [(one["name"], one["status"]) for one in results][-2:] == [
        ("count_orders", "ok"),
        ("create_order", "awaiting_approval"),
    ]
    ann.world.provider.say("Both done.")
    await decide(ann, stream)
    await whole(ann, run_of(stream))
    told = [one["content"] for one in ann.world.provider.requests[-1]["messages"] if one["role"] == "tool"]
    assert told == ["3", '{"number":8}']
    assert ann.world.provider.violations == []


async def test_a_decision_counts_once_however_often_it_is_sent(ann: Person) -> None:
    """G251"""
    stream = await asked(ann)
    ann.world.provider.say("Ordered.")
    answers = await asyncio.gather(*(decide(ann, stream) for _ in range(20)))
    statuses = sorted(one.status_code for one in answers)
    assert statuses == [200] + [409] * 19
    late = [one.json() for one in answers if one.status_code == 409]
    assert {(one["code"], one["outcome"]) for one in late} == {("already_decided", "approved")}
    await whole(ann, run_of(stream))
    assert orders(ann) == [{"item": "tea"}]
    assert (await decide(ann, stream, approve=False)).json()["outcome"] == "approved"


@pytest.mark.parametrize(
    "forged",
    [
        {"tool_call_id": "another"},
        {"arguments": {"item": "gold"}},
        {"arguments": {"item": "gold"}, "hash": "0" * 64},
        {"arguments": {"item": ""}, "hash": None},
        {"approve": "yes"},
        {"approve": 1},
        {"tool_call_id": ""},
        {"arguments": []},
        {"more": True},
    ],
)
async def test_what_does_not_answer_just_what_was_asked_changes_nothing(ann: Person, forged: dict[str, Any]) -> None:
    """G251"""
    stream = await asked(ann)
    if "hash" in forged and forged["hash"] is None:
        forged = {**forged, "hash": approval_of(stream)["hash"]}
    answer = await decide(ann, stream, **forged)
    assert answer.status_code in (409, 422)
    assert (await ann.request("GET", f"/runs/{run_of(stream)}")).json()["state"] == "waiting"
    assert orders(ann) == []


async def test_nobody_answers_for_another_user_tenant_or_role(ann: Person) -> None:
    """G251"""
    stream = await asked(ann)
    for other in (
        ann.world.person(user="ben"),
        ann.world.person("umbrella", "ann"),
        ann.world.person(role="owner"),
    ):
        assert (await decide(other, stream)).status_code in (403, 404)
    assert orders(ann) == []


async def test_changed_arguments_are_what_is_done(ann: Person) -> None:
    """G251"""
    stream = await asked(ann)
    ann.world.provider.say("Ordered coffee.")
    answer = await decide(ann, stream, arguments={"item": "coffee"}, hash=approval_of(stream)["hash"])
    assert answer.status_code == 200
    await whole(ann, run_of(stream))
    assert orders(ann) == [{"item": "coffee"}]
    told = ann.world.provider.requests[-1]["messages"][-1]["content"]
    assert told == 'The user changed the arguments first, to: {"item":"coffee"}\n{"number":8}'


async def test_a_question_that_nobody_answers_in_time_is_a_no(
    open_frontdesk: OpenWorld, backend: TenantBackend
) -> None:
    """G252"""
    world = await open_frontdesk(assistant={**ASKED, "approvals": {"expires_s": 1}})
    ann = world.person()
    stream = await asked(ann)
    world.provider.say("You did not say.")
    read = await whole(ann, run_of(stream))
    assert read.text.endswith("You did not say.")
    assert (await decide(ann, stream)).json()["outcome"] == "expired"
    assert orders(ann) == []


async def test_a_new_message_takes_an_open_question_for_answered_with_no(ann: Person) -> None:
    """G252"""
    stream = await asked(ann)
    ann.world.provider.say("Five.")
    second = await ann.stream("How many are five?", conversation_id=stream.first("conversation_id"))
    assert second.text == "Five."
    assert (await ann.request("GET", f"/runs/{run_of(stream)}")).json()["state"] == "cancelled"
    assert (await decide(ann, stream)).json()["outcome"] == "withdrawn"
    assert ann.world.provider.violations == []
    assert orders(ann) == []


@pytest.mark.parametrize(("policy", "status"), [("reject", 409), ("enqueue", 200)])
async def test_an_assistant_may_refuse_or_queue_messages_while_a_question_is_open(
    open_frontdesk: OpenWorld, backend: TenantBackend, policy: str, status: int
) -> None:
    """G252"""
    backend.answer("POST /orders", {"number": 8})
    world = await open_frontdesk(assistant={**ASKED, "approvals": {"when_waiting": policy}})
    ann = world.person()
    stream = await asked(ann)
    world.provider.say("Ordered.")
    if policy == "enqueue":
        world.provider.say("Yes.")
    conversation = stream.first("conversation_id")
    later = asyncio.create_task(ann.ask("Is it done?", conversation_id=conversation))
    if policy == "reject":
        assert (await later).json()["code"] == "run_active"
    await decide(ann, stream)
    assert (await whole(ann, run_of(stream))).text.endswith("Ordered.")
    assert (await later).status_code == status
    assert orders(ann) == [{"item": "tea"}]


async def test_what_was_left_as_it_was_shown_in_changed_arguments_is_as_it_was_asked(ann: Person) -> None:
    """G250: a sign that turns the text is shown as its code, as a secret is by a mask; neither is what is sent."""
    item = "tea \u202e for two"
    stream = await asked(ann, Call("create_order", {"item": item, "note": "soon"}))
    approval = approval_of(stream)
    assert approval["arguments"]["item"] != item
    ann.world.provider.say("Ordered.")
    changed = {**approval["arguments"], "note": "later"}
    assert (await decide(ann, stream, arguments=changed, hash=approval["hash"])).status_code == 200
    await whole(ann, run_of(stream))
    assert orders(ann) == [{"item": item}]


@pytest.mark.parametrize(
    ("edited", "shown", "asked", "used"),
    [
        (
            {"pin": "***", "to": "Ben"},
            {"pin": "***", "to": "Ann"},
            {"pin": "1", "to": "Ann"},
            {"pin": "1", "to": "Ben"},
        ),
        ({"all": ["***", "b"]}, {"all": ["***", "a"]}, {"all": ["1", "a"]}, {"all": ["1", "b"]}),
        ({"in": {"pin": "***", "n": 2}}, {"in": {"pin": "***"}}, {"in": {"pin": "1"}}, {"in": {"pin": "1", "n": 2}}),
        ({"pin": "2"}, {"pin": "***"}, {"pin": "1"}, {"pin": "2"}),
        ({}, {"pin": "***"}, {"pin": "1"}, {}),
    ],
)
def test_a_mask_that_comes_back_is_what_it_hides(edited: Any, shown: Any, asked: Any, used: Any) -> None:
    """G250"""
    assert restored(edited, shown, asked) == used


async def test_a_json_answer_names_what_is_asked(ann: Person) -> None:
    """G253"""
    ann.world.provider.call(ORDER)
    answer = await ann.ask("Order tea, please.")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["status"]) == (False, "awaiting_input")
    [approval] = body["approvals"]
    assert approval["title"] == "Order tea?"


async def test_a_waiting_run_is_told_again_to_whoever_comes_later(ann: Person) -> None:
    """G253"""
    stream = await asked(ann)
    for path in (f"/runs/{run_of(stream)}/events", f"/conversations/{stream.first('conversation_id')}/stream"):
        async with asyncio.timeout(60), ann.open_events(path) as live:
            again = await live.rest()
        assert approval_of(again) == approval_of(stream)
        assert again.events[-1] == {"status": "awaiting_input"}
        assert again.first("snapshot")["text"] == "One moment."
    last = next(frame.id for frame in reversed(again.frames) if frame.id)
    more = await ann.events(run_of(stream), headers={"Last-Event-ID": last})
    assert more.events == []


async def test_of_several_questions_those_that_are_left_keep_their_ids(ann: Person) -> None:
    """G253"""
    stream = await asked(ann, *(Call("create_order", {"item": item}, item) for item in ("tea", "milk", "salt")))

    async def read() -> dict[str | None, Any]:
        async with asyncio.timeout(60), ann.open_events(f"/runs/{run_of(stream)}/events") as live:
            return {frame.id: frame.data for frame in (await live.rest()).frames}

    first = await read()
    assert (await decide(ann, stream)).status_code == 200
    second = await read()
    assert len(second) == len(first) - 2
    assert {event_id: first[event_id] for event_id in second} == second
    assert orders(ann) == []
    rest = [one["approval"]["tool_call_id"] for one in second.values() if "approval" in one]
    body = {"decisions": [{"tool_call_id": one, "approve": n == 0} for n, one in enumerate(rest)]}
    ann.world.provider.say("Two of them.")
    assert (await ann.request("POST", f"/runs/{run_of(stream)}/decisions", json=body)).status_code == 200
    await whole(ann, run_of(stream))
    assert len(orders(ann)) == 2


async def test_a_stop_ends_a_waiting_run_and_its_question(ann: Person) -> None:
    """G252"""
    stream = await asked(ann)
    stopped = await ann.request("POST", f"/runs/{run_of(stream)}/cancel")
    assert stopped.json()["state"] == "cancelled"
    assert (await decide(ann, stream)).json()["outcome"] == "withdrawn"
    ann.world.provider.say("Hello again.")
    after = await ann.stream("Hello?", conversation_id=stream.first("conversation_id"))
    assert after.text == "Hello again."
    assert ann.world.provider.violations == []


@pytest.mark.parametrize(("form", "is_asked"), [("events", True), ("typed", False), ("text", False), ("delta", False)])
async def test_a_form_asks_where_it_can_carry_a_question(ann: Person, form: str, is_asked: bool) -> None:
    """G254"""
    ann.world.provider.call(ORDER)
    if not is_asked:
        ann.world.provider.say("I may not do that here.")
    answer = await ann.request("POST", f"/chat?format={form}", json={"message": "Order tea."})
    assert ("Order tea?" in answer.text) == is_asked
    assert ("I may not do that here." in answer.text) != is_asked
    assert orders(ann) == []


async def test_a_protocol_that_cannot_ask_does_not_do_it_and_says_so(ann: Person) -> None:
    """G254"""
    ann.world.provider.call(ORDER)
    ann.world.provider.say("I may not do that here.")
    [model] = (await ann.request("GET", "/v1/models")).json()["data"]
    body = {"model": model["id"], "messages": [{"role": "user", "content": "Order tea."}]}
    answer = await ann.request("POST", "/v1/chat/completions", json=body)
    assert answer.json()["choices"][0]["message"]["content"].endswith("I may not do that here.")
    assert "cannot be asked" in ann.world.provider.requests[-1]["messages"][-1]["content"]
    assert orders(ann) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"item": {"type": "string", "pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(i|it)+(e|em)*$": {"type": "string"}}},
        {"properties": {"item": {"$ref": "http://127.0.0.1:1/elsewhere.json"}}},
        {"$ref": "#/nowhere"},
        {"type": 7},
        {"properties": []},
    ],
)
def test_the_schema_of_a_stranger_holds_no_decision_up_and_fetches_nothing(schema: dict[str, Any]) -> None:
    """G251: what it says beyond that is the tool's own to check."""

    async def call(*_: object) -> object:
        return None

    begun = time.process_time()
    check_arguments(Tool("order", "Order.", {"type": "object", **schema}, call, risk="write"), {"item": "a" * 60 + "!"})
    assert time.process_time() - begun < 1


def test_changed_arguments_that_a_schema_refuses_are_refused() -> None:
    """G251"""

    async def call(*_: object) -> object:
        return None

    schema = {"type": "object", "properties": {"item": {"type": "string", "maxLength": 3}}}
    with pytest.raises(InvalidRequestError, match="item"):
        check_arguments(Tool("order", "Order.", schema, call, risk="write"), {"item": "long"})

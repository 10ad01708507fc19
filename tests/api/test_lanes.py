"""Models beside each other: `POST /chat` with `models` makes one turn with a lane for each, and one of them is the answer."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from support.beside import (
    ALPHA,
    BETA,
    PLACES,
    THREE,
    TWO,
    beside,
    choose,
    folded,
    house_of,
    of_lane,
    read,
    say,
    stored,
    turn,
    two,
    until_said,
)
from support.faults import until
from support.provider import Call
from support.world import Person, World

from agent.errors import InvalidRequestError
from api.sockets.commands import parse


@pytest.fixture(scope="module", params=PLACES)
def house(request: pytest.FixtureRequest) -> dict[str, Any]:
    return house_of(request)


async def test_each_model_answers_in_a_lane_of_its_own_and_all_come_as_one_stream(world: World, ann: Person) -> None:
    """G450: every frame names its lane and its model, and each lane's are those of its run."""
    stream = await two(ann)
    turn_id, conversation_id = stream.headers["x-run-id"], stream.headers["x-conversation-id"]
    assert stream.headers["location"] == f"/turns/{turn_id}/events"
    assert stream.is_done
    assert stream.raw.startswith(b"retry: 2000\nid: ")
    shown = folded(stream.events)
    assert {lane: (one["model"], one["text"], one["status"]) for lane, one in shown.items()} == {
        1: (ALPHA, "Number one. ", "completed"),
        2: (BETA, "Number two. ", "completed"),
    }
    assert shown[1]["run_id"] == turn_id
    for lane, one in shown.items():
        alone = await ann.events(one["run_id"])
        assert not [event for event in alone.events if "lane" in event or "model" in event]
        own = [
            {name: event[name] for name in event if name not in ("lane", "model")} for event in of_lane(stream, lane)
        ]
        assert _joined(own) == _joined(alone.events)
        run = (await ann.request("GET", f"/runs/{one['run_id']}")).json()
        assert (run["lane"], run["model"], run["conversation_id"]) == (lane, one["model"], conversation_id)
    assert len(world.provider.requests) == 2


def _joined(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events with adjacent tokens as one."""
    joined: list[dict[str, Any]] = []
    for event in events:
        if "token" in event and joined and "token" in joined[-1]:
            event = {"token": joined.pop()["token"] + event["token"]}
        joined.append(event)
    return joined


async def test_a_stream_that_is_cut_anywhere_goes_on_there_in_every_lane(world: World, ann: Person) -> None:
    """G451: for every frame of a turn with three lanes and a call, by whichever run the turn is named."""
    lets = [(model, lambda: world.provider.say("Some ", "words ", "of it.")) for model in ("alpha", "beta")]
    world.backend.answer("GET /orders/count", {"count": 42})
    called = [
        ("gamma", lambda: world.provider.call(Call("count_orders"), text=["Look. "])),
        ("gamma", lambda: world.provider.say("It is ", "42.")),
    ]
    beside(world.provider, *lets, *called)
    whole = await ann.stream("how many?", models=THREE)
    wanted, turn_id = folded(whole.events), whole.headers["x-run-id"]
    assert wanted[3]["tools"] == ["count_orders"]
    names = [one["run_id"] for one in wanted.values()]
    for index, frame in enumerate(whole.frames[:-1]):
        rest = await read(ann, names[index % 3], frame.id or "")
        seen = [one.data for one in whole.frames[: index + 1]]
        assert folded([*seen, *rest.events]) == wanted, frame.id
        assert rest.is_done
        assert not [event for event in rest.events if "snapshot" in event], frame.id
    again = await read(ann, turn_id)
    assert folded(again.events) == wanted


@pytest.mark.parametrize("after", ["1-5", "x_y", "1-1_1-1_1-1", "9-9_9-9", "1-1_" + "9" * 21])
async def test_an_id_that_is_none_of_the_turns_brings_a_snapshot_of_each_lane(
    world: World, ann: Person, after: str
) -> None:
    """G451"""
    whole = await two(ann)
    rest = await read(ann, whole.headers["x-run-id"], after)
    assert folded(rest.events) == folded(whole.events)
    if after != "9-9_9-9":
        assert {event["lane"] for event in rest.events if "snapshot" in event} == {1, 2}
    assert rest.is_done


async def test_one_lane_is_stopped_and_then_all(world: World, ann: Person) -> None:
    """G453: what they said is kept; a stopped lane is not the answer while another one may be, unless somebody chose it."""
    for _ in TWO:
        world.provider.hang("Half of ")
    async with ann.open_stream("hello", models=TWO) as live:
        await until_said(live, [b'"Half of ","lane":1', b'"Half of ","lane":2'])
        turn_id, conversation_id = (live.response.headers[f"x-{name}-id"] for name in ("run", "conversation"))
        lanes = (await turn(ann, turn_id))["lanes"]
        assert [one["state"] for one in lanes] == ["running", "running"]
        assert (await ann.request("POST", f"/runs/{turn_id}/cancel")).json()["state"] == "cancelled"
        assert (await turn(ann, turn_id))["answer"] == lanes[1]["id"]
        assert (await choose(ann, conversation_id, turn_id)).json()["answer"] == turn_id
        for _ in range(2):
            stopped = (await ann.request("POST", f"/turns/{lanes[1]['id']}/cancel")).json()
            assert [one["state"] for one in stopped["lanes"]] == ["cancelled", "cancelled"]
        assert stopped["answer"] == turn_id
        rest = await live.rest()
    assert rest.is_done
    assert [one["status"] for one in folded(rest.events).values()] == ["cancelled", "cancelled"]
    await until(lambda: world.provider.cancelled == 2)


async def test_who_closes_the_stream_reads_no_lane_any_more(world: World, ann: Person) -> None:
    """G451: and the lanes go on."""
    gate, runner = asyncio.Event(), world.app.state.services.runner
    lets = [(model, lambda: world.provider.wait_for(gate, "Late.", before=["First. "])) for model in ("alpha", "beta")]
    beside(world.provider, *lets)
    async with ann.open_stream("hello", models=TWO) as live:
        await until_said(live, [b'"First. ","lane":1', b'"First. ","lane":2'])
        turn_id = live.response.headers["x-run-id"]
        assert runner.reader_count == 2
    await until(lambda: runner.reader_count == 0)
    gate.set()
    shown = folded((await read(ann, turn_id)).events)
    assert [one["text"] for one in shown.values()] == ["First. Late.", "First. Late."]


async def test_lanes_have_the_tools_that_only_read(world: World, ann: Person) -> None:
    """G454: no writing tool, no action, no tool of the page; one that is called all the same is not made."""
    order = Call("create_order", {"item": "tea"})
    beside(
        world.provider,
        *(("alpha", lambda: world.provider.call(order)), ("alpha", lambda: world.provider.say("I cannot."))),
        ("beta", lambda: world.provider.say("Nor I.")),
    )
    stream = await ann.stream("order tea", models=TWO)
    assert folded(stream.events)[1]["text"] == "I cannot."
    assert not [event for event in stream.events if "approval" in event or "client_tool" in event]
    assert not world.backend.effects
    offered = {tool["function"]["name"] for one in world.provider.requests for tool in one["tools"]}
    assert offered == {"find_order", "count_orders", "slow_report", "broken"}


async def test_the_same_post_again_gives_the_same_turn(world: World, ann: Person) -> None:
    """G450: also many at once, and read on behind an id."""
    say(world.provider, alpha="One.", beta="Two.")
    key: dict[str, Any] = {"headers": {"Idempotency-Key": uuid4().hex}}
    streams = await asyncio.gather(*(ann.stream("hello", models=TWO, **key) for _ in range(5)))
    wanted = folded(streams[0].events)
    assert all(folded(one.events) == wanted for one in streams)
    assert len({one.headers["x-run-id"] for one in streams}) == 1
    frame = streams[0].frames[2]
    on = await ann.stream("hello", models=TWO, headers={**key["headers"], "Last-Event-ID": frame.id or ""})
    assert folded([*streams[0].events[:3], *on.events]) == wanted
    other = await ann.ask("hello", models=[BETA, ALPHA], **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(world.provider.requests) == 2


@pytest.mark.parametrize(
    "models",
    [[], [ALPHA], [ALPHA] * 5, [ALPHA, "openai:nobody"], [ALPHA, ""], [ALPHA, "\x00"], [ALPHA, 1], ALPHA, {"a": 1}],
    ids=str,
)
async def test_what_are_no_models_to_answer_is_refused_and_nothing_is_stored(
    world: World, ann: Person, models: object
) -> None:
    """G450"""
    before = await stored(world)
    refused = await ann.ask("hello", models=models)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), refused.text
    assert "models" in refused.text
    assert await stored(world) == before


async def test_models_are_refused_where_one_answer_is_all_that_can_be_read(world: World, ann: Person) -> None:
    """G450"""
    stream = await two(ann)
    conversation_id, message_id = stream.headers["x-conversation-id"], stream.first("message_id")
    before = await stored(world)
    again = {"message_id": message_id, "models": TWO}
    place = f"/conversations/{conversation_id}"
    refused = [
        await ann.ask("hello", models=TWO, model=ALPHA),
        await ann.ask("hello", path="/chat?format=events", models=TWO),
        await ann.ask(None, path=f"{place}/regenerate", **again),
        await ann.ask("other", path=f"{place}/edit", **again),
        await ann.request("GET", "/chat", params={"message": "hello", "models": '["a","b"]'}),
        await ann.request("GET", "/chat", params={"message": "hello", "models": '["a","b"]', "format": "text"}),
        await ann.ask("hello", path="/chat/public", models=TWO),
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(422, "invalid_request")] * 7
    assert all("models" in one.text for one in refused)
    with pytest.raises(InvalidRequestError, match="models"):
        parse('{"type": "send", "message": "hello", "models": ["demo", "demo"]}')
    assert await stored(world) == before


async def test_one_model_may_fill_two_lanes(world: World, ann: Person) -> None:
    """G450"""
    stream = await ann.stream("hello", models=["demo", "demo"])
    assert {lane: one["model"] for lane, one in folded(stream.events).items()} == {1: "demo", 2: "demo"}
    assert stream.is_done

"""Of the lanes of a turn one is the answer: the one that its user chose, or else the first that went well."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from support.beside import (
    ALPHA,
    BETA,
    PLACES,
    TWO,
    answers,
    beside,
    choose,
    folded,
    house_of,
    messages,
    of_lane,
    stored,
    turn,
    two,
)
from support.faults import store_of
from support.searching import until_indexed
from support.world import Person, World

from agent.store.audit import AuditFilter, list_audit


@pytest.fixture(scope="module", params=PLACES)
def house(request: pytest.FixtureRequest) -> dict[str, Any]:
    return house_of(request)


async def test_the_first_lane_is_the_answer_until_another_one_is_chosen(world: World, ann: Person) -> None:
    """G452: whoever knows no lanes reads one answer; the others are versions; a later turn reads the chosen one only."""
    stream = await two(ann)
    conversation_id, shown = stream.headers["x-conversation-id"], folded(stream.events)
    first, second = shown[1]["run_id"], shown[2]["run_id"]
    assert await answers(ann, conversation_id) == ["Number one."]
    every = await messages(ann, conversation_id, versions="all")
    told = [(one["role"], one.get("lane"), one["superseded_by"]) for one in every]
    assert sorted(told, key=str) == sorted([("user", None, None), ("assistant", 1, None), ("assistant", 2, 1)], key=str)
    assert (await ann.request("GET", f"/conversations/{conversation_id}/stream")).status_code == 204

    for _ in range(2):
        chosen = await choose(ann, conversation_id, second)
        assert chosen.status_code == 200
        assert (chosen.json()["answer"], chosen.json()["chosen"]) == (second, second)
    assert await answers(ann, conversation_id) == ["Number two."]
    assert (await choose(ann, conversation_id, first)).json()["answer"] == first
    assert (await choose(ann, conversation_id, second)).json() == await turn(ann, first)

    world.provider.say("And three.")
    await ann.ask("and then?", conversation_id=conversation_id, model=ALPHA)
    given = [(one["role"], one["content"]) for one in world.provider.requests[-1]["messages"][1:3]]
    assert [role for role, _ in given] == ["user", "assistant"]
    assert given[1][1].strip() == "Number two."
    late = await choose(ann, conversation_id, first)
    assert (late.status_code, late.json()["code"]) == (409, "superseded")
    assert await answers(ann, conversation_id) == ["Number two.", "And three."]
    exported = (await ann.request("GET", f"/conversations/{conversation_id}/export")).json()
    assert exported["choices"] == {BETA: 1}
    assert len(exported["messages"]) == 5


async def test_a_choice_is_news_to_whoever_knows_the_conversation(world: World, ann: Person) -> None:
    """G452: `after` brings what counts now and what does not any more."""
    stream = await two(ann)
    conversation_id, shown = stream.headers["x-conversation-id"], folded(stream.events)
    path = f"/conversations/{conversation_id}/messages"
    known = (await ann.request("GET", path)).json()
    assert (await ann.request("GET", path, params={"after": known["version"]})).json()["items"] == []
    await choose(ann, conversation_id, shown[2]["run_id"])
    news = (await ann.request("GET", path, params={"after": known["version"], "versions": "all"})).json()
    assert {one["run_id"]: one["superseded_by"] for one in news["items"]} == {
        shown[1]["run_id"]: 1,
        shown[2]["run_id"]: None,
    }
    again = (await ann.request("GET", path, params={"after": news["version"], "versions": "all"})).json()
    assert (again["items"], again["version"]) == ([], news["version"])


async def test_only_the_answer_is_found(world: World, ann: Person) -> None:
    """G452"""
    stream = await two(ann, "A zebra.", "A giraffe.")
    conversation_id, second = stream.headers["x-conversation-id"], folded(stream.events)[2]["run_id"]
    await until_indexed(world.app.state.services.store)

    async def found() -> list[int]:
        asked = [await ann.request("GET", "/conversations", params={"q": word}) for word in ("zebra", "giraffe")]
        return [len(one.json()["items"]) for one in asked]

    assert await found() == [1, 0]
    await choose(ann, conversation_id, second)
    assert await found() == [0, 1]


async def test_a_lane_that_failed_is_not_the_answer_and_cannot_be_chosen(world: World, ann: Person) -> None:
    """G453: without a choice the first goes on that ended well; no lane asks another model."""
    beside(world.provider, ("alpha", lambda: world.provider.fail(401)), ("beta", lambda: world.provider.say("Well.")))
    answer = await ann.ask("hello", models=TWO)
    body = answer.json()
    assert (answer.status_code, body["response"], body["success"]) == (200, "Well.", True)
    assert [(one["lane"], one["model"], one["status"]) for one in body["lanes"]] == [
        (1, ALPHA, "failed"),
        (2, BETA, "completed"),
    ]
    assert body["lanes"][0]["error"]["code"] == "model_unauthorized", "for which another model is asked elsewhere"
    found = await turn(ann, body["turn_id"])
    assert (found["answer"], found["chosen"]) == (body["lanes"][1]["run_id"], None)
    refused = await choose(ann, body["conversation_id"], body["turn_id"])
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert await answers(ann, body["conversation_id"]) == ["Well."]
    assert len(world.provider.requests) == 2


async def test_where_all_lanes_fail_the_answer_is_the_first_ones_error(world: World, ann: Person) -> None:
    """G453"""
    beside(world.provider, *((model, lambda: world.provider.fail(400)) for model in ("alpha", "beta")))
    answer = await ann.ask("hello", models=TWO)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "model_refused")
    assert (await turn(ann, answer.json()["turn_id"]))["answer"] == answer.json()["turn_id"]


async def test_what_is_no_lane_of_the_conversation_is_not_chosen(world: World, ann: Person, ben: Person) -> None:
    """G452: another's, another conversation's, a run without lanes."""
    stream = await two(ann)
    conversation_id, run_id = stream.headers["x-conversation-id"], folded(stream.events)[2]["run_id"]
    world.provider.say("Alone.")
    alone = (await ann.ask("hi")).json()
    before = await stored(world)
    for who, place, run, status in [
        (ben, conversation_id, run_id, 404),
        (ann, alone["conversation_id"], run_id, 404),
        (ann, conversation_id, str(uuid4()), 404),
        (ann, alone["conversation_id"], alone["run_id"], 422),
        (ann, conversation_id, "x", 422),
    ]:
        assert (await choose(who, place, run)).status_code == status
    for path in ("", "/events"):
        assert (await ann.request("GET", f"/turns/{alone['run_id']}{path}")).status_code == 404
    assert (await ann.request("POST", f"/turns/{alone['run_id']}/cancel")).status_code == 404
    assert await stored(world) == before


async def test_two_tabs_that_choose_at_once_leave_one_answer(world: World, ann: Person) -> None:
    """G452"""
    stream = await two(ann)
    conversation_id, shown = stream.headers["x-conversation-id"], folded(stream.events)
    ids = [shown[lane]["run_id"] for lane in (1, 2)] * 5
    chosen = await asyncio.gather(*(choose(ann, conversation_id, run_id) for run_id in ids))
    assert {one.status_code for one in chosen} == {200}
    found = await turn(ann, ids[0])
    assert found["chosen"] == found["answer"]
    texts = {shown[lane]["run_id"]: shown[lane]["text"].strip() for lane in shown}
    assert await answers(ann, conversation_id) == [texts[found["answer"]]]
    counting = [one for one in await messages(ann, conversation_id, versions="all") if one["superseded_by"] is None]
    assert [one["role"] for one in counting] == ["user", "assistant"]
    before = await stored(world)
    await choose(ann, conversation_id, found["answer"])
    assert await stored(world) == before
    async with store_of(world).read(ann.tenant) as connection:
        wanted = AuditFilter(kind="lane.chosen")
        deeds = await list_audit(connection, ann.tenant, wanted=wanted, limit=99, after=None)
    models = {shown[lane]["run_id"]: shown[lane]["model"] for lane in shown}
    assert deeds
    assert all(models[str(one.deed.run_id)] == one.deed.outcome for one in deeds)
    assert {(one.deed.user_id, str(one.deed.conversation_id)) for one in deeds} == {("ann", conversation_id)}


async def test_a_turn_with_lanes_is_answered_again_with_the_model_of_the_lane_that_is_named(
    world: World, ann: Person
) -> None:
    """G452: the other lanes stay versions, and the new turn has one answer."""
    stream = await two(ann)
    conversation_id, second = stream.headers["x-conversation-id"], of_lane(stream, 2)[0]
    world.provider.say("Once more.")
    again = await ann.ask(None, path=f"/conversations/{conversation_id}/regenerate", message_id=second["message_id"])
    assert again.json()["response"] == "Once more."
    assert world.provider.requests[-1]["model"] == "beta"
    assert await answers(ann, conversation_id) == ["Once more."]
    late = await choose(ann, conversation_id, second["run_id"])
    assert (late.status_code, late.json()["code"]) == (409, "superseded")
    every = await messages(ann, conversation_id, versions="all")
    assert sorted((one["turn"], one["superseded_by"] or 0) for one in every) == [(1, 1), (1, 2), (2, 0), (2, 0)]


async def test_a_choice_holds_until_a_message_that_waits_begins(world: World, ann: Person) -> None:
    """G452: it may be made while a lane is still at work, and the next turn reads it."""
    gate = asyncio.Event()
    beside(
        world.provider,
        ("alpha", lambda: world.provider.wait_for(gate, "Late.")),
        ("beta", lambda: world.provider.say("Early.")),
    )
    async with ann.open_stream("hello", models=TWO) as live:
        conversation_id = await live.until("conversation_id")
        await live.until("status")
        lanes = (await turn(ann, live.response.headers["x-run-id"]))["lanes"]
        # To whoever knows no lanes the first one is being answered.
        assert [one["state"] for one in lanes] == ["running", "completed"]
        assert await answers(ann, conversation_id) == []
        world.provider.say("Next.")
        async with ann.open_stream("and?", conversation_id=conversation_id, model=ALPHA) as waiting:
            run_id = await waiting.until("run_id")
            assert (await choose(ann, conversation_id, lanes[1]["id"])).status_code == 200
            async with ann.open_events(f"/conversations/{conversation_id}/stream") as active:
                assert await active.until("run_id") == run_id, "the answer is whole, whatever another lane does"
            gate.set()
            assert (await waiting.rest()).text == "Next."
        await live.rest()
    said = [one["content"].strip() for one in world.provider.requests[-1]["messages"] if one["role"] == "assistant"]
    assert said == ["Early."]

"""Follow-up questions on demand: made when somebody wants them, once, kept, and given again."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.faults import rows, until
from support.http import Connection, Request
from support.provider import Call, Provider
from support.world import OpenWorld, Person

from agent.prompt.words import SUGGESTIONS_REQUEST
from agent.store.tables import runs

ON_DEMAND = {"suggestions": {"when": "on_demand"}}


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """It makes questions on demand, in place of the quiet one."""
    return {"assistant": ON_DEMAND}


@pytest.fixture(autouse=True)
def _as_new(request: pytest.FixtureRequest) -> None:
    if "world" in request.fixturenames:
        request.getfixturevalue("world").provider.forget()


async def answered(who: Person) -> str:
    """Let somebody ask, and return the id of the answer."""
    who.world.provider.say("You have 42.")
    return str((await who.ask("how many orders?")).json()["message_id"])


async def suggest(who: Person, message_id: object) -> httpx2.Response:
    return await who.request("POST", f"/messages/{message_id}/suggestions")


async def kept(who: Person) -> list[Any]:
    return [row["suggestions"] for row in await rows(who.world, runs, tenant_id=who.tenant)]


def wait_for(provider: Provider, gate: asyncio.Event) -> asyncio.Event:
    """Let the next questions come when the gate is opened; the event is set when they were asked for."""
    asked = asyncio.Event()

    async def script(request: Request, connection: Connection) -> None:
        provider.aside = None
        asked.set()
        waiting = [asyncio.create_task(gate.wait()), asyncio.create_task(connection.gone.wait())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if connection.gone.is_set():
            provider.cancelled += 1
            return
        provider.asides.pop()
        await provider.handle(request, connection)

    provider.aside = script
    return asked


async def test_they_are_made_when_they_are_wanted_once_and_given_again(ann: Person) -> None:
    provider = ann.world.provider
    provider.suggestions = "And today?\nWho ordered?"
    provider.say("You have 42.")
    stream = await ann.stream("how many orders?")
    message_id = stream.first("message_id")
    assert stream.keys == ["conversation_id", "token", "status"]
    assert (provider.asides, await kept(ann)) == ([], [None])

    first = await suggest(ann, message_id)
    provider.suggestions = "Something else?"
    second = await suggest(ann, message_id)

    assert first.status_code == 200
    assert first.json() == {"message_id": message_id, "suggested_questions": ["And today?", "Who ordered?"]}
    assert second.json() == first.json()
    assert len(provider.asides) == 1
    assert await kept(ann) == [["And today?", "Who ordered?"]]


async def test_they_are_asked_for_behind_the_turn_alone_with_its_tools_and_without_calls(ann: Person) -> None:
    world = ann.world
    world.provider.say("Hello.")
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    world.backend.answer("GET /orders/count", {"count": 42, "all": "x" * 5000})
    world.provider.call(Call("count_orders"))
    world.provider.say("You have 42.")
    told = await ann.ask("how many orders?", conversation_id=conversation_id)
    asked = world.provider.requests[-1]
    world.provider.say("Bye.")
    await ann.ask("bye", conversation_id=conversation_id)
    world.provider.suggestions = "And today?"

    assert (await suggest(ann, told.json()["message_id"])).status_code == 200

    aside = world.provider.asides[-1]
    system, question, call, result, answer, request = aside["messages"]
    assert [system, question, call] == [asked["messages"][0], *asked["messages"][-3:-1]]
    assert [answer["content"], request["content"]] == ["You have 42.", SUGGESTIONS_REQUEST]
    assert (result["role"], len(result["content"]) < 600) == ("tool", True)
    assert (aside["tools"], aside["tool_choice"]) == (asked["tools"], "none")


async def test_nobody_gets_those_to_anothers_answer(ann: Person, ben: Person, eve: Person) -> None:
    message_id = await answered(ann)

    answers = [await suggest(who, message_id) for who in (ben, eve)]
    answers.append(await suggest(ann, uuid4()))

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "not_found")] * 3
    assert len({one.content for one in answers}) == 1
    assert not ann.world.provider.asides
    assert (await suggest(ann, "no-id")).status_code == 422
    nobody = Person(ann.world, "garbage")
    assert (await suggest(nobody, message_id)).status_code == 401


async def test_only_answers_have_them(ann: Person) -> None:
    provider = ann.world.provider
    provider.call(Call("change_theme", {"value": "dark"}))
    provider.say("Dark.")
    told = (await ann.ask("dark please")).json()
    page = (await ann.request("GET", f"/conversations/{told['conversation_id']}/messages")).json()
    others = [one["id"] for one in page["items"] if one["id"] != told["message_id"]]

    assert len(others) == 3
    assert {(await suggest(ann, other)).status_code for other in others} == {404}
    assert not provider.asides


async def test_an_answer_that_was_stopped_or_failed_has_none_and_one_under_way_not_yet(ann: Person) -> None:
    provider = ann.world.provider
    provider.hang("Half")
    async with ann.open_stream("stop me") as live:
        await live.until("token")
        stopped = live.so_far.first("message_id")
        under_way = await suggest(ann, stopped)
        await ann.request("POST", f"/runs/{live.so_far.first('run_id')}/cancel")
    provider.cut("Half of it")
    failed = (await ann.ask("fail")).json()["message_id"]
    provider.fail(400)
    never_began = (await ann.ask("refuse")).json()["message_id"]

    refused = [await suggest(ann, one) for one in (stopped, failed, never_began)]

    assert under_way.status_code == 404
    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (422, "invalid_request"),
        (422, "invalid_request"),
        (404, "not_found"),
    ]
    assert not provider.asides


async def test_an_earlier_version_has_none(ann: Person) -> None:
    provider = ann.world.provider
    provider.say("You have 42.")
    told = (await ann.ask("how many orders?")).json()
    provider.say("42.")
    again = await ann.ask(
        None, path=f"/conversations/{told['conversation_id']}/regenerate", message_id=told["message_id"]
    )
    provider.suggestions = "And today?"

    refused = await suggest(ann, told["message_id"])

    assert (refused.status_code, refused.json()["code"]) == (409, "superseded")
    assert (await suggest(ann, again.json()["message_id"])).json()["suggested_questions"] == ["And today?"]


async def test_who_wants_them_at_the_same_time_gets_the_same_and_the_model_is_asked_once(ann: Person) -> None:
    provider, gate = ann.world.provider, asyncio.Event()
    message_id = await answered(ann)
    provider.suggestions = "And today?"
    asked = wait_for(provider, gate)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(suggest(ann, message_id)) for _ in range(5)]
        await asked.wait()
        gate.set()

    assert [task.result().json()["suggested_questions"] for task in tasks] == [["And today?"]] * 5
    assert len(provider.asides) == 1


async def test_who_leaves_has_them_made_no_further_and_others_who_wait_do_not_leave_with_them(ann: Person) -> None:
    provider = ann.world.provider
    message_id = await answered(ann)
    provider.suggestions = "And today?"
    asked = wait_for(provider, asyncio.Event())
    leaves = asyncio.create_task(suggest(ann, message_id))
    await asked.wait()
    stays = asyncio.create_task(suggest(ann, message_id))
    seats = ann.world.app.state.services.seats
    await until(lambda: seats.taken == 2)
    leaves.cancel()
    await until(lambda: provider.cancelled == 1)

    assert 'frontdesk_suggestions_total{code="cancelled"}' in (await ann.request("GET", "/metrics")).text
    assert (await stays).json()["suggested_questions"] == ["And today?"]
    assert await kept(ann) == [["And today?"]]


@pytest.mark.parametrize(
    ("status", "over_http", "code"),
    [(500, 502, "model_unavailable"), (400, 502, "model_refused"), (429, 503, "model_rate_limited")],
)
async def test_a_model_that_fails_is_told_and_may_be_asked_again(
    ann: Person, status: int, over_http: int, code: str
) -> None:
    provider = ann.world.provider
    message_id = await answered(ann)

    async def script(_request: Request, connection: Connection) -> None:
        await connection.respond(status, b'{"error": {"message": "SECRET-PROVIDER-TEXT"}}')

    provider.aside = script
    failed = await suggest(ann, message_id)
    provider.aside, provider.suggestions = None, "And today?"

    assert (failed.status_code, failed.json()["code"]) == (over_http, code)
    assert failed.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in failed.headers) == (over_http == 503)
    assert "SECRET" not in failed.text
    assert (await suggest(ann, message_id)).json()["suggested_questions"] == ["And today?"]
    metrics = (await ann.request("GET", "/metrics")).text
    assert f'frontdesk_suggestions_total{{code="{code}"}}' in metrics


async def test_one_that_is_late_is_told_too(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"when": "on_demand", "timeout_s": 0.2}})
    ann = world.person()
    message_id = await answered(ann)
    wait_for(world.provider, asyncio.Event())

    late = await suggest(ann, message_id)

    assert (late.status_code, late.json()["code"]) == (504, "model_timeout")
    await until(lambda: world.provider.cancelled == 1)


async def test_static_ones_stand_in_for_a_model_that_fails(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"when": "on_demand", "static": ["More?"]}})
    ann = world.person()
    message_id = await answered(ann)

    async def script(_request: Request, connection: Connection) -> None:
        await connection.respond(500, b"")

    world.provider.aside = script
    assert (await suggest(ann, message_id)).json()["suggested_questions"] == ["More?"]


@pytest.mark.parametrize("said", ["", "1.\n-", "x" * 50])
async def test_a_model_that_has_none_is_no_failure(ann: Person, said: str) -> None:
    message_id = await answered(ann)
    ann.world.provider.suggestions = said

    none = await suggest(ann, message_id)

    assert (none.status_code, none.json()["suggested_questions"]) == (200, [])


async def test_they_take_a_seat_and_a_place_at_work_like_a_message_that_may_not_wait(open_frontdesk: OpenWorld) -> None:
    for limit, code in ({"max_streams_per_user": 1}, 429), ({"max_runs_per_user": 1}, 429), ({"max_runs": 1}, 503):
        world = await open_frontdesk(assistant=ON_DEMAND, **limit)
        ann = world.person()
        message_id = await answered(ann)
        world.provider.hang("Hello")
        world.provider.suggestions = "And today?"
        async with ann.open_stream("hello") as live:
            await live.until("token")
            refused = await suggest(ann, message_id)
            assert (refused.status_code, not world.provider.asides) == (code, True)
            assert int(refused.headers["retry-after"]) > 0
            run_id = live.so_far.first("run_id")
        await ann.request("POST", f"/runs/{run_id}/cancel")
        roster = world.app.state.services.runner._roster
        assert await roster.idle(timeout_s=60)
        assert (await suggest(ann, message_id)).status_code == 200
        assert roster._admission.inside == 0
        world.provider.asides.clear()


async def test_where_they_come_after_the_answer_asking_gives_those_and_makes_no_others(
    open_frontdesk: OpenWorld,
) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"when": "after"}})
    ann, gate = world.person(), asyncio.Event()
    world.provider.suggestions = "And today?"
    asked = wait_for(world.provider, gate)
    world.provider.say("You have 42.")
    async with ann.open_stream("how many orders?") as live:
        await live.until("status")
        await asked.wait()
        asking = asyncio.create_task(suggest(ann, live.so_far.first("message_id")))
        roster = world.app.state.services.runner._roster
        await until(lambda: any(held.over._event for held in roster))  # it waits for the run
        gate.set()
        stream = await live.rest()
    assert stream.first("suggested_questions") == ["And today?"]
    assert (await asking).json()["suggested_questions"] == ["And today?"]
    assert len(world.provider.asides) == 1


async def test_an_assistant_without_them_has_none_on_demand_either(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"enabled": False, "when": "on_demand"}})
    ann = world.person()

    none = await suggest(ann, await answered(ann))

    assert (none.status_code, none.json()["suggested_questions"]) == (200, [])
    assert not world.provider.asides


async def test_the_offline_model_has_them_too(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant={**ON_DEMAND, "models": ["demo"]})
    ann = world.person()
    told = (await ann.ask("hello")).json()
    assert told["suggested_questions"] == []

    given = (await suggest(ann, told["message_id"])).json()["suggested_questions"]

    assert given
    assert (await suggest(ann, told["message_id"])).json()["suggested_questions"] == given


async def test_who_reads_the_run_later_is_shown_them(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(assistant=ON_DEMAND, log_keep_s=0.01)
    ann = world.person()
    world.provider.suggestions = "And today?"
    world.provider.say("You have 42.")
    told = (await ann.ask("how many orders?")).json()
    await suggest(ann, told["message_id"])

    async def shows() -> bool:
        return (await ann.events(told["run_id"])).keys[-1] == "suggested_questions"

    await until(shows)


async def test_an_assistant_says_when_it_has_them(open_frontdesk: OpenWorld) -> None:
    for suggestions, shown in (
        ({"enabled": False}, None),
        ({"enabled": True}, "after"),
        ({"when": "on_demand"}, "on_demand"),
        ({"when": "on_demand", "enabled": False}, None),
    ):
        world = await open_frontdesk(assistant={"suggestions": suggestions})
        described = (await world.person().request("GET", "/assistant")).json()
        assert described.get("suggestions_when") == shown
        assert described["suggestions"] == (shown is not None)

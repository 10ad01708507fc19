"""Calls of the page, while processes end, take over and race for them, and while nobody is there."""

import asyncio
from typing import Any

import pytest
from support.faults import until
from support.provider import Call
from support.together import OpenProcess, ended
from support.world import Person, Stream

PAGE = {"read_filter": {"description": "Read what the table is filtered by.", "risk": "read"}}
READ = Call("read_filter", {})
ACTIONS = {"open_page": {"description": "Open a page.", "values": {"/orders": "orders"}, "expects_result": True}}


@pytest.fixture
def open_process(open_process_of: OpenProcess) -> OpenProcess:
    return lambda shared, **tool: open_process_of(
        shared, {"page_tools": {"read_filter": {**PAGE["read_filter"], **tool}}, "actions": ACTIONS}
    )


async def asked(ann: Person) -> Stream:
    ann.world.provider.call(READ)
    return await ann.stream("What do I see?")


async def post(ann: Person, stream: Stream, what: str, **more: Any) -> Any:
    body = {"tool_call_id": stream.first("client_tool")["tool_call_id"], **more}
    return await ann.request("POST", f"/runs/{stream.first('run_id')}/{what}", json=body)


async def test_what_the_page_was_asked_is_there_after_a_restart(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G265"""
    async with open_process(shared) as world:
        stream = await asked(world.person())
        assert (await post(world.person(), stream, "claims", claimant="tab-1")).status_code == 200
    async with open_process(shared) as world:
        ann = world.person()
        async with asyncio.timeout(60), ann.open_events(f"/runs/{stream.first('run_id')}/events") as live:
            again = await live.rest()
        assert again.first("client_tool") == stream.first("client_tool")
        assert (await post(ann, stream, "claims", claimant="tab-2")).json()["code"] == "already_claimed"
        assert (await post(ann, stream, "claims", claimant="tab-1")).status_code == 200
        world.provider.say("I see.")
        assert (await post(ann, stream, "results", result=1)).status_code == 200
        assert (await ended(ann, stream))["state"] == "completed"


@pytest.mark.parametrize("is_done", [True, False], ids=["answered", "not answered"])
async def test_an_action_that_its_page_tells_of_is_there_once_after_a_restart(
    shared: dict[str, Any], open_process: OpenProcess, is_done: bool
) -> None:
    """G298: whoever did it before the restart has it still, and what came of it is told by nobody else."""
    async with open_process(shared) as world:
        world.provider.call(Call("open_page", {"value": "/orders"}))
        stream = await world.person().stream("Open my orders.")
        action = stream.first("action")
        path, body = f"/runs/{stream.first('run_id')}", {"tool_call_id": action["id"]}
        mine = await world.person().request("POST", f"{path}/claims", json={**body, "claimant": "tab-1"})
        assert mine.status_code == 200
    async with open_process(shared) as world:
        ann = world.person()
        async with asyncio.timeout(60), ann.open_events(f"{path}/events") as live:
            assert [event["action"] for event in (await live.rest()).events if "action" in event] == [action]
        other = await ann.request("POST", f"{path}/claims", json={**body, "claimant": "tab-2"})
        assert other.json()["code"] == "already_claimed"
        world.provider.say("There they are.")
        if is_done:
            assert (await ann.request("POST", f"{path}/results", json=body)).status_code == 200
            assert (await ended(ann, stream))["state"] == "completed"
        else:
            again = {"conversation_id": stream.first("conversation_id")}
            assert (await ann.ask("Never mind.", **again)).json()["status"] == "completed"
        late = await ann.request("POST", f"{path}/results", json=body)
        assert late.json()["outcome"] == ("ok" if is_done else "withdrawn")
        told = [one["content"] for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"]
        assert ("says that it is done" in str(told)) == is_done
        assert world.provider.violations == []


async def test_of_fifty_tabs_at_two_processes_one_makes_the_call(two: tuple[Person, Person]) -> None:
    """G266"""
    stream = await asked(two[0])
    answers = await asyncio.gather(*(post(two[n % 2], stream, "claims", claimant=f"tab-{n}") for n in range(50)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 49
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"already_claimed"}


async def test_twenty_answers_at_two_processes_are_one(two: tuple[Person, Person]) -> None:
    """G266"""
    stream = await asked(two[0])
    two[0].world.provider.say("I see.")
    answers = await asyncio.gather(*(post(two[n % 2], stream, "results", result=n) for n in range(20)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 19
    assert {one.json()["outcome"] for one in answers if one.status_code == 409} == {"ok"}
    assert (await ended(two[1], stream))["state"] == "completed"
    [first] = [n for n, one in enumerate(answers) if one.status_code == 200]
    results = [one for one in two[0].world.provider.requests[-1]["messages"] if one["role"] == "tool"]
    assert [one["content"].splitlines()[-1] for one in results] == [str(first)]


async def test_a_call_that_nobody_answers_is_over_in_time_whoever_has_the_process(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G268"""
    async with open_process(shared, timeout_s=4) as world:
        stream = await asked(world.person())
        assert (await post(world.person(), stream, "claims", claimant="a tab that goes")).status_code == 200
    async with open_process(shared, timeout_s=4) as world:
        world.provider.say("Your page is closed.")
        assert (await ended(world.person(), stream))["state"] == "completed"
        assert (await post(world.person(), stream, "results", result=1)).json()["outcome"] == "expired"


@pytest.mark.parametrize("attempt", range(3))
async def test_an_answer_at_the_moment_of_the_time_out_counts_or_does_not(
    shared: dict[str, Any], open_process: OpenProcess, attempt: int
) -> None:
    """G266 G268"""
    async with open_process(shared, timeout_s=1) as world:
        ann = world.person()
        stream = await asked(ann)
        world.provider.say("As you like it.")
        answers: list[Any] = []

        async def is_decided() -> bool:
            answers.append(await post(ann, stream, "results", result={"wrong": attempt}, error="both"))
            answers.append(await post(ann, stream, "claims", claimant="mine"))
            return bool(answers[-1].status_code == 409)

        await until(is_decided)
        assert answers[-1].json()["outcome"] == "expired"
        assert (await post(ann, stream, "results", result=1)).json()["outcome"] == "expired"
        assert (await ended(ann, stream))["state"] == "completed"
        results = [one for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"]
        assert len(results) == 1


async def test_a_deletion_and_an_answer_at_once_leave_nothing_that_runs(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G266"""
    async with open_process(shared) as world:
        ann = world.person()
        stream = await asked(ann)
        world.provider.say("I see.")
        path = f"/conversations/{stream.first('conversation_id')}"
        said, gone = await asyncio.gather(post(ann, stream, "results", result=1), ann.request("DELETE", path))
        assert gone.status_code == 200
        assert said.status_code in (200, 404)
        assert (await post(ann, stream, "results", result=1)).status_code == 404
        world.provider.scripts.clear()  # the run may have come to its next step, or not

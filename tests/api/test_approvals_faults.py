"""Runs that wait, while processes end, take over and race for them, and while their conversation goes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.backend import TenantBackend
from support.faults import until
from support.provider import Call
from support.together import OpenProcess, ended, in_postgres
from support.world import Person, Stream

SHOP = {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True, "ask": "Order {item}?"}}}
ORDER = Call("create_order", {"item": "tea"})


@pytest.fixture
def open_process(open_process_of: OpenProcess, backend: TenantBackend) -> OpenProcess:
    backend.answer("POST /orders", {"number": 8})
    return lambda shared, **approvals: open_process_of(shared, {"toolsets": [SHOP], "approvals": approvals})


async def asked(ann: Person) -> Stream:
    ann.world.provider.call(ORDER)
    return await ann.stream("Order tea, please.")


async def decide(ann: Person, stream: Stream, **more: Any) -> Any:
    body = {"tool_call_id": stream.first("approval")["tool_call_id"], "approve": True, **more}
    return await ann.request("POST", f"/runs/{stream.first('run_id')}/decisions", json=body)


def effects(ann: Person) -> list[int]:
    return list(ann.world.backend.effects.values())


async def test_a_run_that_waits_is_decided_after_a_restart(shared: dict[str, Any], open_process: OpenProcess) -> None:
    """G250"""
    async with open_process(shared) as world:
        stream = await asked(world.person())
    async with open_process(shared) as world:
        ann = world.person()
        async with asyncio.timeout(60), ann.open_events(f"/runs/{stream.first('run_id')}/events") as live:
            again = await live.rest()
        assert again.first("approval") == stream.first("approval")
        assert effects(ann) == []
        world.provider.say("Ordered.")
        assert (await decide(ann, stream)).status_code == 200
        assert (await ended(ann, stream))["state"] == "completed"
        assert effects(ann) == [1]


async def test_twenty_equal_decisions_at_two_processes_execute_once(two: tuple[Person, Person]) -> None:
    """G251"""
    stream = await asked(two[0])
    two[0].world.provider.say("Ordered.")
    answers = await asyncio.gather(*(decide(two[n % 2], stream) for n in range(20)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * 19
    assert {one.json()["outcome"] for one in answers if one.status_code == 409} == {"approved"}
    assert (await ended(two[1], stream))["state"] == "completed"
    assert effects(two[0]) == [1]


async def test_yes_and_no_at_once_at_two_processes_are_one_of_them(two: tuple[Person, Person]) -> None:
    """G251"""
    stream = await asked(two[0])
    two[0].world.provider.say("As you like it.")
    answers = await asyncio.gather(*(decide(two[n % 2], stream, approve=n % 4 < 2) for n in range(12)))
    [first] = [n for n, one in enumerate(answers) if one.status_code == 200]
    is_yes = first % 4 < 2
    assert {one.json().get("outcome") for one in answers} - {None} == {"approved" if is_yes else "denied"}
    assert (await ended(two[1], stream))["state"] == "completed"
    assert effects(two[0]) == ([1] if is_yes else [])


async def test_the_second_process_decides_what_the_first_one_asked_and_goes_on_with_it(
    two: tuple[Person, Person],
) -> None:
    """G250"""
    stream = await asked(two[0])
    two[0].world.provider.say("Ordered.")
    assert (await decide(two[1], stream)).status_code == 200
    assert (await ended(two[0], stream))["state"] == "completed"
    assert effects(two[0]) == [1]


@pytest.mark.parametrize("attempt", range(3))
async def test_an_answer_at_the_moment_of_the_expiry_counts_or_does_not(
    shared: dict[str, Any], open_process: OpenProcess, attempt: int
) -> None:
    """G251 G252"""
    async with open_process(shared, expires_s=1) as world:
        await ask_and_decide_at_the_last_moment(world.person(), world.person(), before_ms=30 * attempt)


async def ask_and_decide_at_the_last_moment(ann: Person, decider: Person, *, before_ms: int) -> None:
    """Let Ann be asked, somebody decide five times so shortly before the question expires, and see that it counts once or never."""
    stream = await asked(ann)
    ann.world.provider.say("As you like it.")
    expires_at = datetime.fromisoformat(stream.first("approval")["expires_at"])
    moment = expires_at - timedelta(milliseconds=before_ms)
    await until(lambda: datetime.now(UTC) >= moment)
    answers = await asyncio.gather(*(decide(decider, stream) for _ in range(5)))
    taken = [one for one in answers if one.status_code == 200]
    outcomes = {one.json().get("outcome") for one in answers} - {None}
    assert (len(taken), outcomes) in ((1, {"approved"}), (0, {"expired"}))
    assert (await ended(ann, stream))["state"] == "completed"
    assert effects(ann) == ([1] if taken else [])


async def test_what_a_deleted_conversation_asked_is_not_there_any_more(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G252"""
    async with open_process(shared) as world:
        ann = world.person()
        stream = await asked(ann)
        gone = await ann.request("DELETE", f"/conversations/{stream.first('conversation_id')}")
        assert gone.status_code == 200
        assert (await decide(ann, stream)).status_code == 404
        assert effects(ann) == []


async def test_a_decision_and_a_deletion_at_once_leave_no_call_behind_the_deletion(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G252"""
    async with open_process(shared) as world:
        ann = world.person()
        stream = await asked(ann)
        world.provider.say("Ordered.")
        path = f"/conversations/{stream.first('conversation_id')}"
        decided, gone = await asyncio.gather(decide(ann, stream), ann.request("DELETE", path))
        assert gone.status_code == 200
        assert decided.status_code in (200, 404)
        assert (await decide(ann, stream)).status_code == 404
        assert len(effects(ann)) <= 1
        world.provider.scripts.clear()  # the run may have come to its next step, or not


async def test_a_new_message_and_a_decision_at_once_are_both_taken_in_some_order(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G251 G252"""
    async with open_process(shared) as world:
        ann = world.person()
        stream = await asked(ann)
        for _ in range(2):
            world.provider.say("Well.")
        message = ann.ask("How are you?", conversation_id=stream.first("conversation_id"))
        decided, answered = await asyncio.gather(decide(ann, stream), message)
        assert answered.json()["status"] == "completed"
        state = (await ended(ann, stream))["state"]
        if decided.status_code == 200:
            assert (state, effects(ann)) == ("completed", [1])
        else:
            world.provider.scripts.clear()  # only the message was answered
            assert (decided.json()["outcome"], state, effects(ann)) == ("withdrawn", "cancelled", [])
        assert world.provider.violations == []


OTHERS: dict[str, Any] = {"approvers": ["owner"]}


async def test_another_person_decides_at_one_process_and_the_run_goes_on_at_another(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G271: the process that asked is gone, and so is the one where it was decided."""
    async with open_process(shared, **OTHERS) as world:
        stream = await asked(world.person())
    async with open_process(shared, **OTHERS) as world:
        olga = world.person(user="olga", role="owner")
        [card] = (await olga.request("GET", "/approvals")).json()["items"]
        assert card["run_id"] == stream.first("run_id")
        assert (await decide(olga, stream)).status_code == 200
    async with open_process(shared, **OTHERS) as world:
        ann = world.person()
        world.provider.say("Ordered.")
        assert (await ended(ann, stream))["state"] == "completed"
        assert effects(ann) == [1]


async def test_users_who_come_at_once_to_two_processes_let_a_run_go_on_once(
    open_process: OpenProcess, postgres: str
) -> None:
    """G271"""
    shared = in_postgres(postgres)
    async with open_process(shared, **OTHERS) as first, open_process(shared, **OTHERS) as second:
        stream = await asked(first.person())
        assert (await decide(second.person(user="olga", role="owner"), stream)).status_code == 200
        first.provider.say("Ordered.")
        path = f"/runs/{stream.first('run_id')}"
        ways = [("GET", path), ("POST", f"{path}/credential"), ("GET", f"{path}/events")]
        asks = (
            (first, second)[n % 2].person().request(*ways[n % 3], headers={"Accept": "application/json"})
            for n in range(18)
        )
        assert {one.status_code for one in await asyncio.gather(*asks)} == {200}
        assert (await ended(second.person(), stream))["state"] == "completed"
        assert effects(first.person()) == [1]
        assert first.provider.violations == []


@pytest.mark.parametrize("attempt", range(2))
async def test_another_persons_answer_at_the_moment_of_the_expiry_counts_or_does_not(
    shared: dict[str, Any], open_process: OpenProcess, attempt: int
) -> None:
    """G252 G271"""
    async with open_process(shared, **OTHERS, expires_s=1) as world:
        olga = world.person(user="olga", role="owner")
        await ask_and_decide_at_the_last_moment(world.person(), olga, before_ms=30 * attempt)


async def test_what_a_deleted_conversation_asks_others_is_not_there_any_more(
    shared: dict[str, Any], open_process: OpenProcess
) -> None:
    """G252 G271: neither before the answer nor after it."""
    async with open_process(shared, **OTHERS) as world:
        ann, olga = world.person(), world.person(user="olga", role="owner")
        for is_decided in (False, True):
            stream = await asked(ann)
            if is_decided:
                assert (await decide(olga, stream)).status_code == 200
            gone = await ann.request("DELETE", f"/conversations/{stream.first('conversation_id')}")
            assert gone.status_code == 200
            assert (await olga.request("GET", "/approvals")).json()["items"] == []
            assert (await decide(olga, stream)).status_code == 404
            assert (await ann.request("GET", f"/runs/{stream.first('run_id')}")).status_code == 404
        assert effects(ann) == []

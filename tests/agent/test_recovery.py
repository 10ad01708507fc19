"""A run whose process died, hung or lost touch: taken over from the transcript, ended once, nothing done twice.

Two installations share a database. The one that fails is a `ZOMBIE`: it works, but never renews its leases, as a process
does that was paused. So both the dead and those that come back are tested, without a process to kill.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from support.backend import TenantBackend
from support.faults import (
    HEIR,
    ZOMBIE,
    Hanging,
    cancel,
    execute,
    keep_leases,
    let_die,
    reaches,
    rows,
    state,
    texts,
    until,
)
from support.http import Connection, Request
from support.provider import Call, Provider
from support.world import OpenWorld, Person, World, open_world

from agent.principal import Principal, RunKey
from agent.prompt.history import LOST_RESULT, UNANSWERED_NOTE
from agent.store.conversations import create_conversation
from agent.store.database import Store
from agent.store.messages import NewMessage, append_messages
from agent.store.runs import NewRun, insert_run
from agent.store.tables import messages, runs, tool_calls
from agent.store.transitions import claim_run, take_over

Succeed = Callable[..., Awaitable[World]]


@dataclass(slots=True)
class Pair:
    """A process that lost touch, and how to start the one that takes over."""

    zombie: World
    ann: Person
    succeed: Succeed


@pytest.fixture
async def pair(open_frontdesk: OpenWorld, database_url: str) -> Pair:
    """Two installations on one database, on each kind of database; the second one comes when it is called."""
    zombie = await open_frontdesk(database_url=database_url, **ZOMBIE)

    async def succeed(**settings: Any) -> World:
        return await open_frontdesk(database_url=database_url, **{**HEIR, **settings})

    return Pair(zombie, zombie.person(), succeed)


def at(world: World, person: Person) -> Person:
    """Return the same person, with the same token, at another process."""
    return Person(world, person.token, person.tenant)


async def taken_over(world: World) -> bool:
    return all(row["attempt"] > 1 for row in await rows(world, runs))


async def answers(world: World) -> list[str]:
    return [row["text"] for row in await rows(world, messages, role="assistant")]


async def test_a_worker_that_lost_its_lease_cannot_write(pair: Pair) -> None:
    """G13: its answer is refused, and its reader gets the one that counts. G12: one end."""
    gate = asyncio.Event()
    pair.zombie.provider.wait_for(gate, "from the dead", before=["I was "])
    async with pair.ann.open_stream("who are you?") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"I was ")
        pair.zombie.provider.say("From the living.")
        heir = await pair.succeed()
        await reaches(at(heir, pair.ann), run_id, "completed")
        gate.set()
        cut = await live.rest()
    assert "status" not in cut.keys
    assert not cut.is_done
    [run] = await rows(heir, runs)
    assert (run["state"], run["attempt"]) == ("completed", 2)
    assert await answers(heir) == ["From the living."]

    for world in (heir, pair.zombie):
        stream = await at(world, pair.ann).events(run_id, headers={"Last-Event-ID": cut.frames[-1].id or ""})
        assert stream.first("snapshot") is not None
        assert [event["status"] for event in stream.events if "status" in event] == ["completed"]
        assert stream.is_done


async def test_a_worker_that_lost_its_lease_cannot_settle_a_call_or_ask_for_one(pair: Pair) -> None:
    """G13: neither results nor further steps."""
    counting = Hanging(pair.zombie, "GET /orders/count", b'{"count":1}')
    pair.zombie.provider.call(Call("count_orders"))
    async with pair.ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await until(lambda: counting.arrived == 1)
        heir = await pair.succeed(auth_wait_s=10)
        pair.zombie.provider.say("Two.")
        async with asyncio.timeout(60):
            reading = asyncio.create_task(at(heir, pair.ann).events(run_id))
            await until(lambda: counting.arrived == 2)
            counting.go_on.set()
            assert (await reading).text == "Two."
        await live.rest()
    assert len(pair.zombie.provider.requests) == 2
    assert len(await rows(heir, messages, role="tool")) == 1
    assert await answers(heir) == ["", "Two."]


@pytest.mark.parametrize("dies", [True, False], ids=["ended", "to stop"])
async def test_a_worker_asks_for_no_tool_in_a_run_that_was_stopped_elsewhere(pair: Pair, *, dies: bool) -> None:
    """G13: not where it was taken for dead and the run is over. G61: nor where it is asked to stop and has not heard of it."""
    gate = asyncio.Event()
    pair.zombie.provider.call(Call("create_order", {"item": "tea"}))
    order = pair.zombie.provider.scripts.pop()

    async def late(request: Request, connection: Connection) -> None:
        await gate.wait()
        await order(request, connection)

    pair.zombie.provider.then(late)
    async with pair.ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(pair.zombie.provider.requests) == 1)
        await keep_leases(pair.zombie)
        other = await pair.succeed(reap_every_s=60)
        if dies:
            await let_die(pair.zombie, other=other)
        await cancel(at(other, pair.ann), run_id)
        gate.set()
        await live.rest()
    assert other.backend.effects == {}
    assert await answers(other) == []
    assert await rows(other, tool_calls) == []
    assert [row["state"] for row in await rows(other, runs)] == ["cancelled"]


async def test_a_queued_run_is_not_begun_by_a_worker_that_lost_it(store: Store) -> None:
    """G13: claiming is writing too."""
    ann = Principal("acme", "ann")
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, ann, title="one")
        run = await insert_run(connection, ann, NewRun(conversation_id, "m", "paused"))
        name = RunKey("acme", run.id)
        assert await take_over(connection, name, worker_id="heir", most_attempts=3) == "ann"
        assert not await claim_run(connection, "acme", run.id, worker_id="paused")
        assert await claim_run(connection, "acme", run.id, worker_id="heir")


async def test_a_queued_run_that_was_taken_over_is_not_begun_by_the_process_that_lost_it(pair: Pair) -> None:
    """G15: queued runs are taken over with the rest, in order."""
    gate = asyncio.Event()
    pair.zombie.provider.wait_for(gate, "lost")
    async with pair.ann.open_stream("message 0") as first:
        conversation_id = await first.until("conversation_id")
        run_ids = [await first.until("run_id")]
        for n in (1, 2):
            async with pair.ann.open_stream(f"message {n}", conversation_id=conversation_id) as queued:
                run_ids.append(await queued.until("run_id"))
        for n in (0, 1, 2):
            pair.zombie.provider.say(f"answer {n}")
        heir = await pair.succeed()
        await reaches(at(heir, pair.ann), run_ids[-1], "completed")
        gate.set()
        await first.rest()
    assert await answers(heir) == ["answer 0", "answer 1", "answer 2"]
    assert [row["attempt"] for row in await rows(heir, runs)] == [2, 2, 2]
    assert len(pair.zombie.provider.requests) == 4


async def test_a_started_write_is_never_made_again_and_the_model_hears_that_nobody_knows(pair: Pair) -> None:
    """G10: the ledger says `unknown`. G11: the one request carried the call's id."""
    creating = Hanging(pair.zombie, "POST /orders", b'{"number":7}')
    pair.zombie.provider.call(Call("create_order", {"item": "tea"}))
    async with pair.ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await until(lambda: creating.arrived == 1)
        pair.zombie.provider.say("I have to look first.")
        heir = await pair.succeed()
        await reaches(at(heir, pair.ann), run_id, "completed")
        creating.go_on.set()
        await live.rest()
    [call] = await rows(heir, tool_calls)
    assert call["state"] == "unknown"
    assert heir.backend.effects == {call["id"]: 1}
    assert texts(heir.provider.requests[-1])[-1] == ("tool", LOST_RESULT)
    assert [row["is_error"] for row in await rows(heir, messages, role="tool")] == [True]


async def test_reads_are_made_again_and_writes_that_had_not_begun_are_made_once(pair: Pair) -> None:
    """G10: only what may have left the process is unknown. G17: a reader's token lets the run go on."""
    gate = asyncio.Event()
    pair.zombie.provider.wait_for(gate, "never heard")
    pair.zombie.backend.answer("GET /orders/7", {"item": "tea"})
    pair.zombie.backend.answer("POST /orders", {"number": 8})
    async with pair.ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(pair.zombie.provider.requests) == 1)
        [message] = await rows(pair.zombie, messages)
        asked = [
            {"id": "call-1", "name": "create_order", "arguments": {"item": "tea"}},
            {"id": "call-2", "name": "find_order", "arguments": {"number": 7}},
            {"id": "call-3", "name": "create_order", "arguments": {"item": "cake"}},
        ]
        scope = {name: message[name] for name in ("tenant_id", "run_id")}
        now = datetime.now(UTC)
        await execute(
            pair.zombie,
            messages.insert().values(
                **{**message, "id": message["conversation_id"], "position": 2, "step": 1, "role": "assistant"}
                | {"text": "", "tool_calls": asked}
            ),
        )
        for call, call_state in zip(asked, ("started", "proposed", "proposed"), strict=True):
            risk = "write" if call["name"] == "create_order" else "read"
            values = {"id": call["id"], "step": 1, "name": call["name"], "kind": "data", "risk": risk}
            await execute(pair.zombie, tool_calls.insert().values(**scope, **values, state=call_state, created_at=now))
        await execute(pair.zombie, text("UPDATE conversations SET last_position = 2"))
        pair.zombie.provider.say("Done.")
        heir = await pair.succeed()
        assert (await at(heir, pair.ann).events(run_id)).text == "Done."
    assert heir.backend.effects == {"call-3": 1}
    assert texts(heir.provider.requests[-1])[-3:] == [
        ("tool", LOST_RESULT),
        ("tool", '{"item":"tea"}'),
        ("tool", '{"number":8}'),
    ]
    assert [row["state"] for row in sorted(await rows(heir, tool_calls), key=lambda row: str(row["id"]))] == [
        "unknown",
        "settled",
        "settled",
    ]


@asynccontextmanager
async def waiting_for_its_user(pair: Pair, **settings: Any) -> AsyncIterator[tuple[World, str]]:
    """Yield an heir with a run that needs a token to go on, and the run's id."""
    counting = Hanging(pair.zombie, "GET /orders/count", b'{"count":42}')
    pair.zombie.provider.call(Call("count_orders"))
    async with pair.ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await until(lambda: counting.arrived == 1)
        heir = await pair.succeed(**settings)
        await until(lambda: taken_over(heir))
        counting.go_on.set()
        yield heir, run_id


async def test_a_recovered_run_without_its_user_asks_for_them_and_then_is_interrupted(pair: Pair) -> None:
    """G17: the token died with the process."""
    async with waiting_for_its_user(pair, auth_wait_s=0.2) as (heir, run_id):
        ann = at(heir, pair.ann)
        await reaches(ann, run_id, "failed")
        stream = await ann.events(run_id)
    assert stream.keys == ["conversation_id", "snapshot", "tools_used", "tool_call", "auth_required", "error", "status"]
    assert stream.first("error")["code"] == "interrupted"
    assert (await ann.request("GET", f"/runs/{run_id}")).json()["error"] == "interrupted"
    assert stream.is_done


async def test_the_runs_of_a_user_who_stays_away_wait_together(pair: Pair) -> None:
    """G17: three behind each other hold their conversation for one wait, not for three."""
    counting = Hanging(pair.zombie, "GET /orders/count", b'{"count":42}')
    pair.zombie.provider.call(Call("count_orders"))
    async with pair.ann.open_stream("message 0") as live:
        conversation_id = await live.until("conversation_id")
        run_ids = [await live.until("run_id")]
        await until(lambda: counting.arrived == 1)
        for n in (1, 2):
            async with pair.ann.open_stream(f"message {n}", conversation_id=conversation_id) as queued:
                run_ids.append(await queued.until("run_id"))
        for _ in (1, 2):
            pair.zombie.provider.call(Call("count_orders"))
        begun = asyncio.get_running_loop().time()
        heir = await pair.succeed(auth_wait_s=3)
        ann = at(heir, pair.ann)
        await reaches(ann, run_ids[0], "failed")
        asked_at = asyncio.get_running_loop().time()
        for run_id in run_ids[1:]:
            await reaches(ann, run_id, "failed")
        assert asked_at - begun > 2.9, "the first one waited"
        counting.go_on.set()
        streams = [await ann.events(run_id) for run_id in run_ids]
    assert [stream.keys.count("auth_required") for stream in streams] == [1, 0, 0]
    assert {row["error_code"] for row in await rows(heir, runs)} == {"interrupted"}


async def test_a_recovered_run_goes_on_when_its_user_sends_a_token(pair: Pair) -> None:
    """G17: by posting it, without reading."""
    async with waiting_for_its_user(pair, auth_wait_s=20) as (heir, run_id):
        ann = at(heir, pair.ann)
        heir.provider.say("42.")

        async def answered() -> bool:
            await ann.request("POST", f"/runs/{run_id}/credential")
            return await state(ann, run_id) == "completed"

        await until(answered)
    assert (await answers(heir))[-1] == "42."


@pytest.mark.parametrize("stranger", [{"user": "ben"}, {"tenant": "rival"}])
async def test_a_recovered_run_does_not_go_on_with_another_persons_token(pair: Pair, stranger: dict[str, str]) -> None:
    """G17: refused as what is not there."""
    async with waiting_for_its_user(pair, auth_wait_s=0.5) as (heir, run_id):
        other, ann = heir.person(**stranger), at(heir, pair.ann)

        async def refused() -> bool:
            assert (await other.request("POST", f"/runs/{run_id}/credential")).status_code == 404
            assert (await other.events(run_id)).status == 404
            return await state(ann, run_id) == "failed"

        await until(refused)
    assert len(heir.backend.requests) == 1


async def test_a_run_that_dies_three_times_is_interrupted_for_good(
    open_frontdesk: OpenWorld, provider: Provider, database_url: str
) -> None:
    """G16: failed in the database and for every reader, once."""
    first = await open_frontdesk(database_url=database_url, **ZOMBIE)
    provider.hang("Well, ")
    async with first.person().open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(provider.requests) == 1)
        for number in (2, 3):
            provider.hang("Well, ")
            await open_frontdesk(database_url=database_url, **{**ZOMBIE, "reap_every_s": 0.05})
            await until(lambda number=number: len(provider.requests) == number)  # type: ignore[misc]
        world = await open_frontdesk(database_url=database_url, **HEIR)
        ann = at(world, first.person())
        await reaches(ann, run_id, "failed")
    [run] = await rows(world, runs)
    assert (run["attempt"], run["error_code"], run["finish_reason"]) == (3, "interrupted", "error")
    for after in ("", "1-2", "2-3"):
        stream = await ann.events(run_id, headers={"Last-Event-ID": after} if after else {})
        assert stream.keys == ["conversation_id", "snapshot", "error", "status"]
        assert stream.first("error")["code"] == "interrupted"
        assert stream.is_done
    provider.say("Again.")
    assert (await ann.ask("and now?", conversation_id=str(run["conversation_id"]))).json()["response"] == "Again."


async def test_a_run_whose_processes_died_while_it_waited_is_answered_in_the_end(
    tmp_path: Path, provider: Provider, backend: TenantBackend, database_url: str
) -> None:
    """G16: waiting for the turn before it uses up no attempt, however many processes come and go."""
    patient: dict[str, Any] = {"database_url": database_url, "max_attempts": 2, **HEIR}
    async with open_world(tmp_path, provider, backend, database_url=database_url, **dict[str, Any](ZOMBIE)) as zombie:
        gate = asyncio.Event()
        provider.wait_for(gate, "1")
        ann = zombie.person()
        async with ann.open_stream("one") as first:
            conversation_id = await first.until("conversation_id")
            async with ann.open_stream("two", conversation_id=conversation_id) as second:
                waiting = await second.until("run_id")
            await keep_leases(zombie)
            for attempt in range(2, 6):
                await execute(zombie, update(runs).where(runs.c.state == "queued").values(worker_id=None))
                async with open_world(tmp_path, provider, backend, **patient) as heir:
                    await until(partial(has_come_to_attempt, heir, waiting, attempt))
            provider.say("2")
            async with open_world(tmp_path, provider, backend, **patient) as heir:
                gate.set()
                await reaches(at(heir, ann), waiting, "completed")
    assert texts(provider.requests[-1]) == [("user", "one"), ("assistant", "1"), ("user", "two")]


async def has_come_to_attempt(world: World, run_id: str, attempt: int) -> bool:
    return all(row["attempt"] >= attempt for row in await rows(world, runs, id=UUID(run_id)))


async def test_a_reader_hears_at_once_that_its_run_was_given_up(open_frontdesk: OpenWorld, database_url: str) -> None:
    """G16: also one who waits for a takeover."""
    world = await open_frontdesk(database_url=database_url, reap_every_s=0.5, recovery_wait_s=30)
    run_id = await left_behind(world, attempt=3)
    async with asyncio.timeout(60):
        stream = await world.person().events(run_id)
    assert (stream.first("error")["code"], stream.first("status")) == ("interrupted", "failed")
    assert stream.is_done


async def left_behind(world: World, *, attempt: int = 1) -> str:
    """Write into the database what a dead process leaves there; return the run's id."""
    store, ann = world.app.state.services.store, Principal("acme", "ann")
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, ann, title="left")
        run = await insert_run(connection, ann, NewRun(conversation_id, "openai:scripted", "dead"))
        new = [NewMessage("user", "are you there?", 0)]
        await append_messages(connection, ann, conversation_id, run_id=run.id, turn=1, new=new)
        assert await claim_run(connection, "acme", run.id, worker_id="dead")
        await connection.execute(update(runs).values(attempt=attempt, begun_attempts=attempt))
    return str(run.id)


async def test_what_a_dead_process_left_is_answered_and_its_conversation_goes_on(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G15: without anybody asking for it."""
    world = await open_frontdesk(database_url=database_url, **HEIR)
    world.provider.say("Yes.")
    run_id = await left_behind(world)
    await reaches(world.person(), run_id, "completed")
    assert await answers(world) == ["Yes."]


async def test_a_run_of_a_dead_process_can_be_stopped_before_anybody_takes_it_over(pair: Pair) -> None:
    """G3: from anywhere. G13: and if the process was not dead, what it writes is refused."""
    gate = asyncio.Event()
    pair.zombie.provider.wait_for(gate, "too late")
    async with pair.ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(pair.zombie.provider.requests) == 1)
        await keep_leases(pair.zombie)
        other = await pair.succeed(reap_every_s=60)
        await let_die(pair.zombie, other=other)
        assert (await cancel(at(other, pair.ann), run_id))["state"] == "cancelled"
        gate.set()
        assert "status" not in (await live.rest()).keys
    for world in (other, pair.zombie):
        stream = await at(world, pair.ann).events(run_id)
        assert [event["status"] for event in stream.events if "status" in event] == ["cancelled"]
    assert await answers(other) == []


async def test_a_run_that_is_to_stop_makes_no_write_after_its_user_came_back(open_frontdesk: OpenWorld) -> None:
    """G61: the call was stored before, and waited for a sign-in."""
    world = await open_frontdesk(**{**HEIR, "lease_s": 900.0, "renew_every_s": 300.0, "lease_lost_after_s": 800.0})
    world.provider.call(Call("create_order", {"item": "tea"}))
    run_id = await left_behind(world)
    ann = world.person()

    async def is_stored() -> bool:
        return bool(await rows(world, tool_calls))

    await until(is_stored)
    await execute(world, update(runs).values(cancel_requested_at=datetime.now(UTC)))
    assert (await ann.request("POST", f"/runs/{run_id}/credential")).status_code == 200
    await reaches(ann, run_id, "cancelled")
    assert world.backend.effects == {}


async def test_a_message_can_interrupt_a_run_that_is_with_a_dead_process(pair: Pair) -> None:
    """G7: wherever the first one was."""
    pair.zombie.provider.hang("Old")
    async with pair.ann.open_stream("first") as live:
        conversation_id = await live.until("conversation_id")
        await live.until_bytes(b"Old")
        await keep_leases(pair.zombie)
        other = await pair.succeed(reap_every_s=60)
        await let_die(pair.zombie, other=other)
        other.provider.say("New.")
        ann = at(other, pair.ann)
        second = await ann.stream("second", conversation_id=conversation_id, when_active="interrupt")
    assert second.text == "New."
    assert [row["state"] for row in await rows(other, runs)] == ["cancelled", "completed"]


async def test_the_next_turn_is_accepted_after_a_result_was_lost(world: World) -> None:
    """G18: a call without its result gets one that says so."""
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    ann = world.person()
    conversation_id = (await ann.ask("how many?")).json()["conversation_id"]
    await execute(world, delete(messages).where(messages.c.role == "tool"))
    world.provider.say("Still 42.")
    assert (await ann.ask("sure?", conversation_id=conversation_id)).json()["response"] == "Still 42."
    assert texts(world.provider.requests[-1])[1:3] == [("assistant", ""), ("tool", LOST_RESULT)]


async def test_the_next_turn_is_accepted_after_a_call_was_lost(world: World) -> None:
    """G18: a result without its call is dropped."""
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    ann = world.person()
    conversation_id = (await ann.ask("how many?")).json()["conversation_id"]
    await execute(world, delete(messages).where(messages.c.role == "assistant", messages.c.step == 1))
    world.provider.say("Still 42.")
    assert (await ann.ask("sure?", conversation_id=conversation_id)).json()["response"] == "Still 42."
    assert texts(world.provider.requests[-1]) == [("user", "how many?"), ("assistant", "42."), ("user", "sure?")]


async def test_the_next_turn_is_accepted_after_the_answer_was_lost(world: World) -> None:
    """G18: roles alternate whatever is missing."""
    world.provider.say("Hello.")
    ann = world.person()
    conversation_id = (await ann.ask("hi")).json()["conversation_id"]
    await execute(world, delete(messages).where(messages.c.role == "assistant"))
    world.provider.say("Yes.")
    await ann.ask("there?", conversation_id=conversation_id)
    assert texts(world.provider.requests[-1])[1] == ("assistant", UNANSWERED_NOTE)

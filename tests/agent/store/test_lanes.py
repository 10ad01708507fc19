"""Lanes in their rows: whatever ends, says something or is chosen in whatever order, the answer counts and nothing else does."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from support.releases import alembic
from support.rows import ANN, WORKER, count_rows, in_one, say

from agent.events.schema import EndStatus, Usage
from agent.store import choices
from agent.store.choices import Lanes, choose_lane, get_lanes, insert_lane
from agent.store.conversations import Version, create_conversation, get_version
from agent.store.database import Store, new_id
from agent.store.lanes import settle_answer
from agent.store.messages import NewMessage, append_messages, list_messages, recent_messages, run_messages
from agent.store.runs import NewRun, Run, RunEnd, active_run, insert_run, unfinished_runs
from agent.store.tables import messages
from agent.store.transitions import claim_run, end_run
from alembic import command

ENDS: tuple[EndStatus, ...] = ("completed", "failed", "cancelled")


async def new_turn(store: Store, lanes: int = 3) -> list[Run]:
    """Return the runs of a new turn with lanes, all of them at work."""
    conversation_id = await in_one(store, create_conversation, ANN, title="Orders")
    async with store.write("acme") as connection:
        first = await insert_run(connection, ANN, NewRun(conversation_id, "model-1", WORKER, lane=1))
        found = [first]
        for lane in range(2, lanes + 1):
            own: dict[str, Any] = {"lane": lane, "model": f"model-{lane}", "worker_id": WORKER, "run_id": new_id()}
            found.append(await insert_lane(connection, ANN, first, **own))
        asked = NewMessage("user", "hello", 0)
        await append_messages(connection, ANN, conversation_id, run_id=first.id, turn=first.turn, new=[asked])
        for run in found:
            assert await claim_run(connection, "acme", run.id, worker_id=WORKER)
    return found


async def end(store: Store, run: Run, status: EndStatus) -> None:
    """End a run, as its writer does."""
    async with store.write("acme") as connection:
        await end_run(connection, "acme", run.id, attempt=1, end=RunEnd(status, "stop", Usage()))
        await settle_answer(connection, "acme", run)


async def tell(store: Store, run: Run, step: int) -> None:
    """Let a run say something, as its writer does."""
    await say(store, run, NewMessage("assistant", f"lane {run.lane}, {step}", step))
    await in_one(store, settle_answer, "acme", run)


async def lanes_of(store: Store, run: Run) -> Lanes:
    return await in_one(store, get_lanes, ANN, run.id)


def expected(lanes: Lanes) -> Run:
    """Return the answer, as the documents say it."""
    well = [run for run in lanes.runs if run.state != "failed"]
    chosen = [run for run in well if run.chosen_at is not None]
    unstopped = [run for run in well if run.state != "cancelled"]
    return (chosen or unstopped or well or [r for r in lanes.runs if r.chosen_at is not None] or list(lanes.runs))[0]


async def known(store: Store, run: Run, copy: dict[Any, Any], since: Version | None) -> Version:
    """Bring a client's copy of a conversation up to date; return how far it has come."""
    async with store.read("acme") as connection:
        _, version = await get_version(connection, ANN, run.conversation_id)
        more: dict[str, Any] = {"limit": 99, "after": None, "with_superseded": True}
        found = await list_messages(connection, ANN, run.conversation_id, since=since, **more)
    copy.update({one.id: one for one in found})
    return version


@pytest.mark.parametrize("seed", range(3))
async def test_the_answer_counts_whatever_happens_in_whatever_order(store: Store, seed: int) -> None:
    """G452 G453: and whoever has a copy of the conversation learns of it by what is new."""
    random = Random(seed)
    for _ in range(2):
        runs = await new_turn(store)
        open_runs, steps = list(runs), dict.fromkeys((run.id for run in runs), 0)
        copy: dict[Any, Any] = {}
        version = await known(store, runs[0], copy, None)
        for _ in range(12):
            match random.randrange(3):
                case 0 if open_runs:
                    run = random.choice(open_runs)
                    steps[run.id] += 1
                    await tell(store, run, steps[run.id])
                case 1 if open_runs:
                    await end(store, open_runs.pop(random.randrange(len(open_runs))), random.choice(ENDS))
                case _:
                    may = [run.id for run in (await lanes_of(store, runs[0])).runs if run.state != "failed"]
                    if may:
                        await in_one(store, choose_lane, ANN, runs[0].conversation_id, random.choice(may))
            lanes = await lanes_of(store, random.choice(runs))
            answer = expected(lanes)
            assert lanes.answer == answer.id
            whole: dict[Any, Any] = {}
            await known(store, runs[0], whole, None)
            own = {one.id for one in whole.values() if one.run_id == answer.id or one.role == "user"}
            assert {one.id for one in whole.values() if one.superseded_by is None} == own
            assert [one.run_id for one in whole.values() if one.role == "user"] == [answer.id]
            version = await known(store, runs[0], copy, version)
            assert copy == whole
            async with store.read("acme") as connection:
                at_work = await active_run(connection, ANN, runs[0].conversation_id)
                earlier = await recent_messages(connection, ANN, runs[0].conversation_id, before_turn=9, limit=99)
                for run in runs:
                    said = await run_messages(connection, ANN, run)
                    assert [one.role for one in said] == ["user", *["assistant"] * steps[run.id]]
            assert (at_work.id if at_work else None) == (answer.id if answer in open_runs or _is_open(answer) else None)
            assert len(earlier) == len(own)


def _is_open(run: Run) -> bool:
    return run.state in ("queued", "running")


async def test_a_turn_with_lanes_has_one_run_for_each_and_the_next_one_waits_for_all(store: Store) -> None:
    """G450: a lane twice is refused by the database."""
    runs = await new_turn(store)
    assert [run.lane for run in (await lanes_of(store, runs[2])).runs] == [1, 2, 3]
    later = await in_one(store, insert_run, ANN, NewRun(runs[0].conversation_id, "demo", WORKER))
    assert later.turn == runs[0].turn + 1
    for run in runs:
        assert not await in_one(store, claim_run, "acme", later.id, worker_id=WORKER)
        await end(store, run, "completed")
    assert await in_one(store, unfinished_runs, ANN, later.conversation_id) == [later.id]
    assert await in_one(store, claim_run, "acme", later.id, worker_id=WORKER)


async def test_a_later_turn_that_took_the_place_leaves_no_lane_that_counts(store: Store) -> None:
    """G452: also of what a lane says afterwards."""
    runs = await new_turn(store)
    await tell(store, runs[1], 1)
    place = runs[0].conversation_id
    later = await in_one(store, insert_run, ANN, NewRun(place, "demo", WORKER, replaces=runs[0].turn))
    await tell(store, runs[0], 1)
    await end(store, runs[0], "failed")
    await tell(store, runs[1], 2)
    async with store.read("acme") as connection:
        counting = await list_messages(connection, ANN, place, limit=99, after=None)
    assert [one.role for one in counting if one.turn != later.turn] == ["user"]


async def test_the_way_down_keeps_the_answer_and_the_message_of_each_turn(store: Store) -> None:
    """G450: a release before this one has one run of a turn."""
    runs = await new_turn(store)
    for run in runs:
        await tell(store, run, 1)
        await end(store, run, "completed")
    await in_one(store, choose_lane, ANN, runs[0].conversation_id, runs[1].id)
    async with store.write("acme") as connection:
        await connection.run_sync(alembic(command.downgrade, "0020"))
    assert {name: count for name, count in (await count_rows(store)).items() if name in ("runs", "messages")} == {
        "runs": 1,
        "messages": 2,
    }
    async with store.read("acme") as connection:
        assert set((await connection.execute(select(messages.c.run_id))).scalars()) == {runs[1].id}
    await store.migrate()
    assert await in_one(store, choices.count_choices, ANN, runs[0].conversation_id) == {}

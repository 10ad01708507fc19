"""Runs: one at work per conversation, one end each, and a worker that lost its lease finds out before it writes."""

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from support.rows import (
    ANN,
    BEN,
    EVE,
    WORKER,
    abandon,
    at_once,
    finish,
    in_one,
    new_conversation,
    new_run,
    read_run,
)

from agent.errors import LeaseLostError, NotFoundError
from agent.events.schema import EndStatus, Usage
from agent.principal import RunKey
from agent.store.clock import database_now
from agent.store.database import Store
from agent.store.runs import (
    KeyTakenError,
    NewRun,
    Run,
    RunEnd,
    active_run,
    find_run_by_key,
    insert_run,
    unfinished_runs,
)
from agent.store.tables import runs, workers
from agent.store.transitions import (
    cancel_run,
    claim_run,
    end_run,
    fail_run,
    hold_run,
    release_run,
    request_cancel,
    resume_run,
    set_suggestions,
    take_over,
)
from agent.store.workers import Own, abandoned_runs, end_lease, forget_the_dead, own_runs, renew_lease

DAY = timedelta(hours=24)
COMPLETED = RunEnd("completed", "stop", Usage(3, 4))


async def claim(store: Store, run: Run, worker_id: str = WORKER) -> bool:
    return await in_one(store, claim_run, "acme", run.id, worker_id=worker_id)


async def overtake(store: Store, name: RunKey, worker_id: str = "worker-2", most_attempts: int = 3) -> str | None:
    await in_one(store, renew_lease, worker_id, lease_s=60)
    return await in_one(store, take_over, name, worker_id=worker_id, most_attempts=most_attempts)


async def abandoned(store: Store) -> list[RunKey]:
    async with store.read("acme") as connection:
        return [run.key for run in await abandoned_runs(connection, most=99)]


async def test_a_new_run_is_as_it_was_asked_for(store: Store) -> None:
    asked: dict[str, Any] = {
        "branch_id": "north",
        "page": {"route": "/clients", "ids": [1, None]},
        "request_hash": "f" * 64,
    }
    run = await new_run(store, claim=False, **asked)
    assert (run.state, run.attempt, run.turn, run.model) == ("queued", 1, 1, "demo")
    assert (run.branch_id, run.page, run.request_hash) == tuple(asked.values())
    assert (run.started_at, run.ended_at, run.finish_reason, run.error_code) == (None, None, None, None)
    assert (run.usage, run.suggestions) == (Usage(), ())
    assert run.message_id != run.id


@pytest.mark.parametrize("branch_id", [None, 0, 7, -1, 2**53, "7", "north"])
async def test_a_branch_keeps_its_kind(store: Store, branch_id: int | str | None) -> None:
    run = await new_run(store, branch_id=branch_id)
    assert run.branch_id == branch_id
    assert type(run.branch_id) is type(branch_id)


async def test_times_are_aware_utc_and_in_order(store: Store) -> None:
    run = await new_run(store)
    await finish(store, run)
    ended = await read_run(store, run)
    assert ended.started_at
    assert ended.ended_at
    assert ended.created_at <= ended.started_at <= ended.ended_at
    assert {time.utcoffset() for time in (ended.created_at, ended.started_at, ended.ended_at)} == {timedelta(0)}
    assert abs(datetime.now(UTC) - ended.created_at) < timedelta(minutes=1)


async def test_turns_are_numbered_without_gaps_under_many_posts(store: Store) -> None:
    conversation_id = await new_conversation(store)
    made = await at_once(new_run(store, conversation_id=conversation_id) for _ in range(20))
    made_runs = [run for run in made if isinstance(run, Run)]
    assert sorted(run.turn for run in made_runs) == list(range(1, 21))
    assert [run.turn for run in made_runs if run.state == "running"] == [1]


async def test_a_conversation_has_one_run_at_work_whatever_the_code_does(store: Store) -> None:
    first = await new_run(store)
    await new_run(store, conversation_id=first.conversation_id)
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await connection.execute(update(runs).values(state="running"))


async def test_a_run_is_claimed_once_however_many_try(store: Store) -> None:
    run = await new_run(store, claim=False)
    assert sorted(await at_once(claim(store, run) for _ in range(10)), key=str) == [False] * 9 + [True]


async def test_a_run_begins_when_the_turn_before_it_is_over(store: Store) -> None:
    first = await new_run(store)
    second = await new_run(store, conversation_id=first.conversation_id)
    third = await new_run(store, conversation_id=first.conversation_id)
    assert not await claim(store, second)
    await finish(store, first)
    assert not await claim(store, third)
    assert await claim(store, second)
    await finish(store, second, "cancelled")
    assert await claim(store, third)


async def test_runs_of_other_conversations_do_not_wait(store: Store) -> None:
    await new_run(store)
    assert (await new_run(store)).state == "running"


async def test_only_the_worker_that_has_a_run_claims_it(store: Store) -> None:
    run = await new_run(store, claim=False)
    assert not await claim(store, run, "worker-2")
    assert await claim(store, run)


async def test_equal_posts_that_arrive_at_once_make_one_run(store: Store) -> None:
    made = await at_once(new_run(store, idempotency_key="k", request_hash="h") for _ in range(10))
    assert [type(one) for one in made if not isinstance(one, Run)] == [KeyTakenError] * 9
    async with store.write("acme") as connection:
        found = await find_run_by_key(connection, ANN, "k", keep=DAY)
    assert found == next(one for one in made if isinstance(one, Run))


async def test_a_key_is_its_users_own(store: Store) -> None:
    mine = [await new_run(store, who, idempotency_key="k") for who in (ANN, BEN, EVE)]
    async with store.write("acme") as connection:
        found = [await find_run_by_key(connection, who, "k", keep=DAY) for who in (ANN, BEN, EVE)]
    assert [run.id for run in found if run] == [run.id for run in mine]


async def test_a_key_is_free_again_after_its_time(store: Store) -> None:
    first = await new_run(store, idempotency_key="k")
    async with store.write("acme") as connection:
        await connection.execute(update(runs).values(created_at=datetime.now(UTC) - DAY - timedelta(seconds=1)))
        assert await find_run_by_key(connection, ANN, "k", keep=DAY) is None
    second = await new_run(store, idempotency_key="k")
    async with store.write("acme") as connection:
        found = await find_run_by_key(connection, ANN, "k", keep=DAY)
    assert found
    assert found.id == second.id != first.id


async def test_runs_without_a_key_do_not_collide(store: Store) -> None:
    assert (await new_run(store)).id != (await new_run(store)).id


async def test_a_run_for_a_conversation_that_is_not_there_is_refused(store: Store) -> None:
    conversation_id = await new_conversation(store)
    for who in (BEN, EVE):
        with pytest.raises(NotFoundError):
            await in_one(store, insert_run, who, NewRun(conversation_id, "demo", WORKER))


async def test_the_owner_may_write_and_another_attempt_may_not(store: Store) -> None:
    run = await new_run(store)
    await in_one(store, hold_run, "acme", run.id, attempt=1)
    for tenant_id, attempt in (("acme", 2), ("acme", 0), ("rival", 1)):
        with pytest.raises(LeaseLostError):
            await in_one(store, hold_run, tenant_id, run.id, attempt=attempt)


async def test_nobody_may_write_for_a_run_that_waits_or_is_over(store: Store) -> None:
    waiting, over = await new_run(store, claim=False), await new_run(store)
    await finish(store, over)
    for run in (waiting, over):
        with pytest.raises(LeaseLostError):
            await in_one(store, hold_run, "acme", run.id, attempt=1)


async def test_whoever_takes_a_run_waits_for_what_its_owner_is_writing(store: Store) -> None:
    run = await new_run(store)
    async with store.write("acme") as connection:
        await hold_run(connection, "acme", run.id, attempt=1)
        taking = asyncio.create_task(
            in_one(store, take_over, RunKey("acme", run.id), worker_id=WORKER, most_attempts=None)
        )
        await asyncio.wait([taking], timeout=0.5)
        assert not taking.done()
    assert await taking == "ann"


async def test_an_owner_that_waited_for_whoever_took_its_run_may_not_write(store: Store) -> None:
    run = await new_run(store)
    async with store.write("acme") as connection:
        await take_over(connection, RunKey("acme", run.id), worker_id=WORKER, most_attempts=None)
        holding = asyncio.create_task(in_one(store, hold_run, "acme", run.id, attempt=1))
        await asyncio.wait([holding], timeout=0.5)
        assert not holding.done()
    with pytest.raises(LeaseLostError):
        await holding


async def test_a_run_ends_once_however_many_try(store: Store) -> None:
    run = await new_run(store)
    states: tuple[EndStatus, ...] = ("completed", "failed", "cancelled")
    ends = [RunEnd(status, "stop", Usage(n, n)) for n, status in enumerate(states)] * 3
    outcomes = await at_once(in_one(store, end_run, "acme", run.id, attempt=1, end=end) for end in ends)
    assert [type(outcome) for outcome in outcomes].count(LeaseLostError) == len(ends) - 1
    won = ends[outcomes.index(None)]
    ended = await read_run(store, run)
    assert (ended.state, ended.usage) == (won.status, won.usage)


async def test_a_run_that_waits_can_be_ended(store: Store) -> None:
    run = await new_run(store, claim=False)
    await finish(store, run, "cancelled")
    assert (await read_run(store, run)).state == "cancelled"


async def test_the_user_ends_a_run_that_no_living_worker_has_and_asks_a_living_one_to(store: Store) -> None:
    run = await new_run(store)
    assert not await in_one(store, cancel_run, ANN, run.id)
    for stranger, is_asked in ((BEN, False), (EVE, False), (ANN, True), (ANN, True)):
        assert await in_one(store, request_cancel, stranger, run.id) is is_asked
    async with store.read("acme") as connection:
        assert await own_runs(connection, WORKER) == {RunKey("acme", run.id): Own(1, is_cancel_requested=True)}
    await abandon(store, run)
    assert not await in_one(store, cancel_run, BEN, run.id)
    assert not await in_one(store, cancel_run, EVE, run.id)
    assert await in_one(store, cancel_run, ANN, run.id)
    assert not await in_one(store, cancel_run, ANN, run.id)
    assert (await read_run(store, run)).state == "cancelled"
    with pytest.raises(LeaseLostError):
        await in_one(store, hold_run, "acme", run.id, attempt=1)


async def test_a_run_whose_lease_ran_out_is_taken_over_once_as_the_next_attempt(store: Store) -> None:
    run = await new_run(store)
    assert await overtake(store, RunKey("acme", run.id)) is None
    assert await abandoned(store) == []
    name = await abandon(store, run)
    assert await abandoned(store) == [name]
    outcomes = await at_once(overtake(store, name, f"worker-{n}") for n in range(2, 10))
    assert sorted(outcomes, key=str) == [None] * 7 + ["ann"]
    assert (await read_run(store, run)).attempt == 2
    assert await abandoned(store) == []


async def test_the_old_owner_of_a_run_that_was_taken_over_can_write_nothing(store: Store) -> None:
    run = await new_run(store)
    await overtake(store, await abandon(store, run))
    with pytest.raises(LeaseLostError):
        await in_one(store, hold_run, "acme", run.id, attempt=1)
    with pytest.raises(LeaseLostError):
        await in_one(store, end_run, "acme", run.id, attempt=1, end=COMPLETED)
    await in_one(store, release_run, "acme", run.id, attempt=1)
    assert await abandoned(store) == []
    await in_one(store, hold_run, "acme", run.id, attempt=2)


async def test_a_run_that_waits_is_taken_over_too_and_claimed_by_its_new_worker(store: Store) -> None:
    run = await new_run(store, claim=False)
    assert await overtake(store, await abandon(store, run)) == "ann"
    assert not await claim(store, run)
    assert await claim(store, run, "worker-2")


async def test_a_released_run_can_be_taken_over_at_once(store: Store) -> None:
    run = await new_run(store)
    await in_one(store, release_run, "acme", run.id, attempt=1)
    assert await abandoned(store) == [RunKey("acme", run.id)]
    assert await overtake(store, RunKey("acme", run.id)) == "ann"


async def test_a_run_that_had_all_its_attempts_is_failed_and_not_before(store: Store) -> None:
    run = await new_run(store)
    name = await abandon(store, run)
    assert not await in_one(store, fail_run, name, worker_id="any", code="interrupted", attempts=2)
    await overtake(store, name)
    assert await in_one(store, resume_run, "acme", run.id, attempt=2)
    assert not await in_one(store, fail_run, name, worker_id="any", code="interrupted", attempts=2), (
        "its lease is fresh"
    )
    await abandon(store, run)
    assert await overtake(store, name, most_attempts=2) is None
    assert sorted(
        await at_once(in_one(store, fail_run, name, worker_id="any", code="interrupted", attempts=2) for _ in range(5)),
        key=str,
    ) == [
        *[None] * 4,
        "ann",
    ]
    failed = await read_run(store, run)
    assert (failed.state, failed.error_code, failed.finish_reason) == ("failed", "interrupted", "error")
    assert failed.ended_at


async def test_attempts_that_died_while_they_waited_are_not_counted(store: Store) -> None:
    run = await new_run(store, claim=False)
    name = await abandon(store, run)
    for _ in range(4):  # in the queue
        assert await overtake(store, name) == "ann"
        assert not await in_one(store, fail_run, name, worker_id="any", code="interrupted", attempts=3)
        await abandon(store, run)
    assert await overtake(store, name) == "ann"
    assert await claim(store, run, "worker-2")
    for _ in range(4):  # for a place, after it had begun
        await abandon(store, run)
        assert await overtake(store, name) == "ann"
    for attempt in (10, 11):
        assert await in_one(store, resume_run, "acme", run.id, attempt=attempt)
        await abandon(store, run)
        assert await overtake(store, name) == ("ann" if attempt == 10 else None)
    assert await in_one(store, fail_run, name, worker_id="any", code="interrupted", attempts=3)


async def test_an_attempt_that_is_over_does_not_go_on(store: Store) -> None:
    run = await new_run(store)
    await overtake(store, await abandon(store, run))
    assert not await in_one(store, resume_run, "acme", run.id, attempt=1)
    await finish(store, await read_run(store, run))
    assert not await in_one(store, resume_run, "acme", run.id, attempt=2)


async def test_an_ended_run_is_never_abandoned(store: Store) -> None:
    run = await new_run(store)
    await finish(store, run)
    assert await overtake(store, await abandon(store, run)) is None
    assert await abandoned(store) == []


async def test_a_worker_has_one_lease_whatever_it_holds_and_learns_what_it_lost(store: Store) -> None:
    kept, lost, ended = [await new_run(store) for _ in range(3)]
    await overtake(store, await abandon(store, lost))
    await finish(store, ended)
    async with store.read("acme") as connection:
        assert await own_runs(connection, WORKER) == {RunKey("acme", kept.id): Own(1)}
    assert await abandoned(store) == []


async def test_the_runs_of_a_worker_whose_lease_is_over_are_abandoned_and_its_next_renewal_keeps_them(
    store: Store,
) -> None:
    """G35: what decides is the database's time and the row as it is."""
    names = [RunKey("acme", (await new_run(store)).id) for _ in range(2)]
    await in_one(store, renew_lease, WORKER, lease_s=-1)
    assert await abandoned(store) == names
    await in_one(store, renew_lease, WORKER, lease_s=6)
    assert await abandoned(store) == []
    assert await overtake(store, names[0]) is None


async def test_a_lease_further_ahead_than_it_is_long_counts_as_over(store: Store) -> None:
    """G35: the database's clock jumped back since, and the worker may be dead for all that anybody knows."""
    name = RunKey("acme", (await new_run(store)).id)
    for ahead_s, is_abandoned in ((60, False), (600, True), (60, False)):
        ahead = update(workers).values(lease_until=database_now() + ahead_s, lease_s=60)
        async with store.write("acme") as connection:
            await connection.execute(ahead)
        assert await abandoned(store) == [name] * is_abandoned


async def test_the_runs_of_a_worker_that_ended_its_lease_are_abandoned_at_once(store: Store) -> None:
    name = RunKey("acme", (await new_run(store)).id)
    await in_one(store, end_lease, WORKER)
    assert await abandoned(store) == [name]
    await in_one(store, renew_lease, WORKER, lease_s=6)
    assert await abandoned(store) == []


async def test_the_rows_of_the_dead_are_removed_and_nobody_elses(store: Store) -> None:
    await new_run(store)
    for number, lease_s in enumerate((-5, -1, 30)):
        await in_one(store, renew_lease, f"other-{number}", lease_s=lease_s)
    await in_one(store, forget_the_dead)
    async with store.read("acme") as connection:
        assert set((await connection.execute(select(workers.c.id))).scalars()) == {WORKER, "other-2"}


async def test_a_worker_takes_up_its_own_run_which_is_nobody_elses_to_take(store: Store) -> None:
    run = await new_run(store)
    assert await overtake(store, RunKey("acme", run.id)) is None
    assert await overtake(store, RunKey("acme", run.id), WORKER) == "ann"
    assert not await in_one(store, resume_run, "acme", run.id, attempt=1, counts=False)
    for attempt in (2, 3, 4, 5):
        assert await in_one(store, resume_run, "acme", run.id, attempt=attempt, counts=False)
        assert await overtake(store, RunKey("acme", run.id), WORKER, most_attempts=2) == "ann"
    assert await in_one(store, resume_run, "acme", run.id, attempt=6)
    assert await overtake(store, RunKey("acme", run.id), WORKER, most_attempts=2) is None


async def test_the_time_of_a_run_is_the_databases(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """G35 G9: a process whose clock is wrong neither makes old keys nor takes new ones for old."""
    conversation_id = await new_conversation(store)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2100, 1, 1, tzinfo=tz)

    monkeypatch.setattr("agent.store.runs.datetime", Wrong)
    run = await new_run(store, conversation_id=conversation_id, idempotency_key="key")
    found = await in_one(store, find_run_by_key, ANN, "key", keep=timedelta(seconds=60))
    monkeypatch.undo()
    assert found is not None
    assert abs(run.created_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert await in_one(store, find_run_by_key, ANN, "key", keep=timedelta(seconds=60)) == found


async def test_abandoned_runs_come_oldest_first_over_all_tenants(store: Store) -> None:
    made = [(who, await new_run(store, who)) for who in (ANN, EVE, BEN)]
    names = [await abandon(store, run, who) for who, run in made]
    assert await abandoned(store) == names


async def test_the_active_run_is_the_one_at_work_or_else_the_next(store: Store) -> None:
    first = await new_run(store)
    second = await new_run(store, conversation_id=first.conversation_id)
    async with store.read("acme") as connection:
        active = await active_run(connection, ANN, first.conversation_id)
        assert await unfinished_runs(connection, ANN, first.conversation_id) == [first.id, second.id]
    assert active
    assert active.id == first.id
    await finish(store, first)
    async with store.read("acme") as connection:
        active = await active_run(connection, ANN, first.conversation_id)
    assert active
    assert active.id == second.id
    await finish(store, second)
    async with store.read("acme") as connection:
        assert await active_run(connection, ANN, first.conversation_id) is None


async def test_suggestions_are_kept_with_the_run(store: Store) -> None:
    run = await new_run(store)
    await finish(store, run)
    kept = await in_one(store, set_suggestions, "acme", run.id, questions=("Und gestern?", "世界?"))
    assert kept == ("Und gestern?", "世界?")
    assert await in_one(store, set_suggestions, "acme", run.id, questions=("Others?",)) == kept, "the first ones stay"
    assert (await read_run(store, run)).suggestions == ("Und gestern?", "世界?")


@pytest.mark.parametrize("state", ["done", "", "RUNNING"])
async def test_a_state_that_is_none_is_refused_by_the_database(store: Store, state: str) -> None:
    await new_run(store)
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await connection.execute(update(runs).values(state=state))


async def test_claims_and_ends_at_once_never_let_two_turns_work_together(store: Store) -> None:
    first = await new_run(store)
    waiting = [await new_run(store, conversation_id=first.conversation_id) for _ in range(4)]
    working, most = [first], 1

    async def work(run: Run) -> None:
        nonlocal most
        while not await claim(store, run):  # noqa: ASYNC110 (the claim is what is tested)
            await asyncio.sleep(0)
        working.append(run)
        most = max(most, len(working))
        working.remove(run)
        await finish(store, run)

    tasks = [asyncio.create_task(work(run)) for run in reversed(waiting)]
    working.remove(first)
    await finish(store, first)
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks)
    assert most == 1
    ended = [await read_run(store, run) for run in waiting]
    assert [run.ended_at for run in ended] == sorted(run.ended_at for run in ended if run.ended_at)

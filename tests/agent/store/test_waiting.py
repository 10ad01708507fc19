"""Runs that wait, as their rows change: what is over when it is looked at late, and how they end from outside."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import select, update
from support.faults import until
from support.postgres import new_database, sqlalchemy_url
from support.rows import ANN, WORKER, abandon, in_one, new_run, question, read_run

from agent.assistant.definition import Assistant
from agent.assistant.source import only
from agent.attempt.snapshot import while_waiting
from agent.attempt.unheld import expire
from agent.attempt.unheld_ends import cancel_elsewhere, fail_abandoned
from agent.events.schema import AnyEvent, EventId
from agent.log.memory import MemoryLog
from agent.principal import Principal, RunKey
from agent.prompt.history import LOST_RESULT
from agent.runs.waiting import Front, deal_with_front
from agent.store.approvals import Decision, NewApproval, ask, decide, list_approvals
from agent.store.asked_ahead import put_right
from agent.store.audit import AuditFilter, list_audit
from agent.store.conversations import lock_conversation
from agent.store.database import Store
from agent.store.messages import ToolCall, run_messages
from agent.store.page_calls import NewPageCall, ask_page, list_page_calls
from agent.store.runs import Run, get_run
from agent.store.shared_approvals import LOOKED_AT, list_shared
from agent.store.tables import approvals, page_calls, runs
from agent.store.tool_calls import list_calls, propose_calls, start_call
from agent.store.transitions import lock_waiting, pause_run
from agent.store.versions import supersede

HOUR = timedelta(hours=1)


async def waiting(store: Store, *questions: NewApproval, until: timedelta = HOUR) -> Run:
    """Return a run that asks these."""
    run = await new_run(store)
    await in_one(store, ask, RunKey("acme", run.id), questions)
    await in_one(store, pause_run, "acme", run.id, attempt=1, until=datetime.now(UTC) + until)
    return run


async def states(store: Store, run: Run) -> list[str]:
    async with store.read("acme") as connection:
        return [one.state for one in await list_approvals(connection, "acme", run.id)]


async def look_late(store: Store, run: Run) -> str | None:
    """Let upkeep come to a run that it found some time ago."""
    return await expire(store, RunKey("acme", run.id), worker_id=WORKER, resume_s=60)


async def test_a_question_that_is_new_when_an_old_one_was_found_to_be_over_stays_open(store: Store) -> None:
    """G328"""
    run = await waiting(store, question())
    assert await look_late(store, run) is None
    assert await states(store, run) == ["open"]
    assert (await read_run(store, run)).state == "waiting"
    over = await waiting(store, question("call-2", within_s=-1), until=-HOUR)
    assert await look_late(store, over) == "ann"
    assert await states(store, over) == ["expired"]


async def test_a_yes_is_not_taken_back_while_its_page_or_its_user_has_time(store: Store) -> None:
    """G328"""
    run = await waiting(store, question("call-1", within_s=-1), until=-HOUR)
    await in_one(store, propose_calls, ANN, run.id, step=1, calls=[(ToolCall("call-1", "refund", {}), "data", "write")])
    await in_one(store, decide, ANN, run.id, decision=Decision("call-1", is_approved=True))
    await in_one(store, ask_page, RunKey("acme", run.id), [NewPageCall("call-2", "read_filter", {}, None, 60)])
    assert await look_late(store, run) is None
    assert await states(store, run) == ["approved"]
    other = await waiting(store, question("call-3"), until=HOUR)
    await in_one(
        store, propose_calls, ANN, other.id, step=1, calls=[(ToolCall("call-3", "refund", {}), "data", "write")]
    )
    await in_one(store, decide, ANN, other.id, decision=Decision("call-3", is_approved=True))
    assert await look_late(store, other) is None
    assert await states(store, other) == ["approved"]


async def test_what_a_clock_asked_that_was_ahead_is_over_in_its_time_by_the_clock_of_now(store: Store) -> None:
    """G318 G268"""
    ahead, now = await waiting(store, question("call-1")), await waiting(store, question("call-3"))
    await in_one(store, ask_page, RunKey("acme", ahead.id), [NewPageCall("call-2", "read_filter", {}, None, 60)])
    later = {"created_at": approvals.c.created_at, "expires_at": approvals.c.expires_at}
    async with store.write("acme") as connection:
        asked = (await connection.execute(select(*later.values()).where(approvals.c.tool_call_id == "call-1"))).one()
        turned = {name: getattr(asked, name) + HOUR for name in later}
        await connection.execute(update(approvals).where(approvals.c.tool_call_id == "call-1").values(turned))
        hour_s = HOUR.total_seconds()
        c = page_calls.c
        await connection.execute(
            update(page_calls).values(created_at=c.created_at + hour_s, expires_at=c.expires_at + hour_s)
        )

    await put_right(store)
    await put_right(store)

    async with store.read("acme") as connection:
        [person] = await list_approvals(connection, "acme", ahead.id)
        [page] = await list_page_calls(connection, "acme", ahead.id)
        [other] = await list_approvals(connection, "acme", now.id)
    assert abs(person.expires_at - other.expires_at) < timedelta(seconds=30)
    assert abs(page.until - other.expires_at) < timedelta(seconds=30)
    assert abs(person.asked_at - other.asked_at) < timedelta(seconds=30)


async def test_an_event_that_asks_keeps_its_id_when_the_time_of_a_question_is_put_right(store: Store) -> None:
    """G2"""
    run = await waiting(store, question("call-1"), question("call-2"))
    pages = [NewPageCall(name, "read_filter", {}, None, 60) for name in ("call-3", "call-4")]
    await in_one(store, ask_page, RunKey("acme", run.id), pages)
    calls = [(ToolCall(f"call-{number}", "refund", {}), "data", "write") for number in (1, 2, 3, 4)]
    await in_one(store, propose_calls, ANN, run.id, step=1, calls=calls)
    told = await _told(store, run)
    async with store.write("acme") as connection:
        later = {"created_at": datetime.now(UTC) + HOUR}
        await connection.execute(update(approvals).where(approvals.c.tool_call_id == "call-1").values(later))
        moved = update(page_calls).values(created_at=page_calls.c.created_at - 600)
        await connection.execute(moved.where(page_calls.c.tool_call_id == "call-4"))
    assert await _told(store, run) == told


async def _told(store: Store, run: Run) -> list[tuple[EventId, AnyEvent]]:
    """Return what is told of a waiting run from the database, by id."""
    async with store.read("acme") as connection:
        waits = await get_run(connection, ANN, run.id)
        calls = await list_calls(connection, ANN, run.id)
        asked = await list_approvals(connection, "acme", run.id)
        pages = await list_page_calls(connection, "acme", run.id)
    return [(one.id, one.event) for one in while_waiting(waits, [], calls, asked, pages)]


@pytest.mark.parametrize("policy", ["deny", "reject"])
async def test_a_question_whose_turn_is_replaced_ends_in_the_transaction_that_does_so(
    store: Store, policy: str
) -> None:
    """G252: or the new turn would wait behind it, if the process died right after."""
    run = await waiting(store, question())
    new = await new_run(store, conversation_id=run.conversation_id, claim=False, replaces=run.turn)
    approvals = {"when_waiting": policy}
    assistant = Assistant.model_validate({"name": "Desk", "models": ["a:b"], "persona": "-", "approvals": approvals})
    assistants = only(assistant)
    async with store.write("acme") as connection:
        await supersede(connection, ANN, run, by=new, keeps_message=True)
        assert await deal_with_front(connection, ANN, new, assistants, worker_id=WORKER) == Front(ended=run.id)
        assert await deal_with_front(connection, ANN, new, assistants, worker_id=WORKER) == Front()
    assert (await read_run(store, run)).state == "cancelled"
    assert await states(store, run) == ["withdrawn"]


async def _cancel(store: Store, run: Run) -> object:
    await abandon(store, run)
    return await cancel_elsewhere(store, MemoryLog(keep_s=10), ANN, run.id)


async def _give_up(store: Store, run: Run) -> None:
    key = await abandon(store, run)
    await fail_abandoned(store, MemoryLog(keep_s=10), key, worker_id=WORKER, attempts=1)


@pytest.mark.parametrize("end", [_cancel, _give_up])
async def test_of_a_run_that_ends_from_outside_what_was_out_is_recorded_as_unknown(
    store: Store, end: Callable[[Store, Run], Awaitable[object]]
) -> None:
    """G329"""
    run = await new_run(store)
    calls = [
        (ToolCall(name, name, {}), "data", risk)
        for name, risk in (("out", "write"), ("not", "write"), ("look", "read"))
    ]
    await in_one(store, propose_calls, ANN, run.id, step=1, calls=calls)
    await in_one(store, start_call, ANN, "out")
    await end(store, run)
    async with store.read("acme") as connection:
        ledger = {one.id: one.state for one in await list_calls(connection, ANN, run.id)}
        found = await list_audit(connection, "acme", wanted=AuditFilter(kind="call.unknown"), limit=9, after=None)
        said = [one for one in await run_messages(connection, ANN, run) if one.role == "tool"]
    assert [(one.tool_call_id, one.text, one.is_error) for one in said] == [("out", LOST_RESULT, True)]
    assert ledger == {"out": "unknown", "not": "proposed", "look": "proposed"}
    assert [(one.deed.tool_call_id, one.deed.run_id, one.deed.user_id) for one in found] == [("out", run.id, "ann")]


async def test_an_approver_finds_what_is_asked_behind_any_number_of_questions_to_others(store: Store) -> None:
    """G272"""
    run = await waiting(store, *(replace(question(f"{n:04}"), approvers=("owner",)) for n in range(LOOKED_AT)))
    await in_one(store, ask, RunKey("acme", run.id), [replace(question("9999"), approvers=("manager", 'a "r%\\ö"'))])
    for role in ("manager", 'a "r%\\ö"'):
        async with store.read("acme") as connection:
            found, more = await list_shared(connection, Principal("acme", "mia", role=role), limit=5)
        assert ([one.tool_call_id for one in found], more) == (["9999"], None)
    async with store.read("acme") as connection:
        found, _ = await list_shared(connection, Principal("acme", "mia", role="own"), limit=5)
    assert found == []


async def test_a_stop_and_a_message_lock_a_conversation_in_the_same_order(postgres: str) -> None:
    """G252: or the database would have to end one of them."""
    database = new_database(postgres)
    store = Store(sqlalchemy_url(database), pool_size=5)
    run = await waiting(store, question())
    async with store.write("acme") as connection:
        await connection.execute(update(runs).where(runs.c.id == run.id).values(worker_id=None))
    async with store.write("acme") as message:
        await lock_conversation(message, "acme", run.conversation_id)
        stop = asyncio.create_task(cancel_elsewhere(store, MemoryLog(keep_s=10), ANN, run.id))
        await until(lambda: _somebody_waits(database))
        # At once: one that is ended for a deadlock is done again, and would pass here.
        await message.execute(select(runs.c.id).where(runs.c.id == run.id).with_for_update(nowait=True))
        assert await lock_waiting(message, RunKey("acme", run.id)) == "ann"
    assert await stop
    assert (await read_run(store, run)).state == "cancelled"
    await store.close()


def _somebody_waits(database: str) -> bool:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(row and row[0])

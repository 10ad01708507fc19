"""No row points into another tenant, and no function of the store works without saying whose rows it means."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from support.kept_files import keep_file
from support.rows import (
    ANN,
    BEN,
    EVE,
    WORKER,
    count_rows,
    counters_of,
    for_page,
    in_one,
    let_ask,
    let_fold,
    let_spend,
    new_run,
    question,
    say,
)
from support.searching import index_all

import agent.store
from agent.budget import Amount
from agent.errors import FrontdeskError
from agent.events.schema import Usage
from agent.principal import Principal, RunKey
from agent.store import (
    approvals,
    attachments,
    audit,
    audit_tables,
    budgets,
    choices,
    conversations,
    deletion,
    done_writes,
    erasure,
    expiry,
    feedback,
    file_bytes,
    lanes,
    looks,
    memories,
    messages,
    naming,
    overview,
    page_calls,
    retention,
    runs,
    search,
    shared_approvals,
    spending,
    suggestions,
    summaries,
    tool_calls,
    transitions,
    verifying,
    versions,
    workers,
)
from agent.store.approvals import Decision
from agent.store.attempts import check_attempt
from agent.store.database import Store, new_id
from agent.store.feedback import Feedback
from agent.store.messages import NewMessage, ToolCall
from agent.store.runs import NewRun, Run, RunEnd
from agent.store.sealing import seal_all
from agent.store.tables import files, metadata, reservations
from agent.store.transaction import Transaction

OVER_ALL_TENANTS = {
    "abandoned_runs",
    "count_living",
    "own_runs",
    "renew_lease",
    "end_lease",
    "end_all_leases",
    "forget_the_dead",
    "expired_runs",
    "overdue_runs",
    "remove_batch",
    "recorded_tenants",
    "next_tenant",
    "next_keeping",
    "look_for_any",
    "let_go_of_old",
    "gone_files",
    "remove_gone",
    "left_reservations",
    "expire_counters",
    "read_clock",
    "is_our_turn",
}
"""Background work: they give names only, which the others ask for. The clock, and whose turn it is, are of no row."""
MAKES_ROWS = {
    "create_conversation",
    "record",
    "record_erasure",
    "set_budget",
    "count_run",
    "reserve",
    "keep_memory",
    "add_file",
    "lock_owner",
}
"""They only make rows of whoever is named, or a lock."""
OF_TENANTS = [table for table in metadata.sorted_tables if table.name != "workers"]
"""The tables that hold a tenant's data: a worker serves all of them, and its row says nothing of any."""
CALL = ToolCall("call-1", "find_order", {})
NOW = datetime.now(UTC)
KEPT = timedelta(days=1)


def functions() -> dict[str, Callable[..., Any]]:
    """Return every function of the store that takes a connection, by name."""
    found = {}
    for module in iter_modules(agent.store.__path__, "agent.store."):
        for name, value in vars(import_module(module.name)).items():
            own = inspect.iscoroutinefunction(value) and value.__module__ == module.name
            if own and not name.startswith("_") and "connection" in inspect.signature(value).parameters:
                found[name] = value
    return found


def test_every_function_says_whose_rows_it_means_right_after_the_connection() -> None:
    assert len(functions()) > 20, "hardly any function found: the test would prove nothing"
    for name, function in functions().items():
        first, second, *_ = [*inspect.signature(function).parameters.values(), None]
        assert first
        assert first.name == "connection"
        if name in OVER_ALL_TENANTS:
            continue
        assert second, name
        scoped = second.annotation in (Principal, RunKey) or (second.name, second.annotation) == ("tenant_id", str)
        assert scoped, f"{name} takes {second}"
        assert second.default is inspect.Parameter.empty, name


@pytest.mark.parametrize("table", OF_TENANTS, ids=str)
def test_every_table_has_the_tenant_in_front_of_its_key_and_of_every_reference_and_index(table: Table) -> None:
    assert not table.c.tenant_id.nullable
    assert next(iter(table.primary_key.columns)).name == "tenant_id"
    for reference in table.foreign_key_constraints:
        assert reference.column_keys[0] == "tenant_id"
        assert next(iter(reference.elements)).target_fullname.endswith(".tenant_id")
        assert reference.ondelete == "CASCADE"
    for index in table.indexes:
        if index.unique:
            assert next(iter(index.columns)).name == "tenant_id"


async def _filled(store: Store) -> Run:
    run = await new_run(store, assistant="house", client_message_id="u1", history_hash=HISTORY)
    answer = (await say(store, run, NewMessage("assistant", "42", 1, id=run.message_id)))[0]
    await in_one(store, tool_calls.propose_calls, ANN, run.id, step=1, calls=[(CALL, "data", "read")])
    await let_ask(store, run)
    await let_spend(store, run)
    await in_one(store, feedback.rate_message, ANN, Feedback(answer, "up", None))
    await in_one(store, memories.keep_memory, ANN, FACT, owner="ann", most=9)
    await keep_file(store, ANN)
    await keep_file(store, ANN, conversation_id=run.conversation_id)
    await let_fold(store, run)
    await index_all(store)
    deed = audit.Deed("call.proposed", "ann", "ann", run.conversation_id, run.id, CALL.id, words={"arguments": {}})
    await in_one(store, audit.record, ANN, [deed])
    async with store.write("acme") as connection:  # as if the second were over
        await connection.execute(update(audit_tables.audit).values(at=1000.5))
    await seal_all(store)
    return run


@pytest.mark.parametrize("name", [name for name, table in metadata.tables.items() if table.foreign_key_constraints])
async def test_a_row_that_points_into_another_tenant_is_refused_by_the_database(store: Store, name: str) -> None:
    await _filled(store)
    table = metadata.tables[name]
    async with store.read("acme") as connection:
        row = (await connection.execute(select(table))).mappings().first()
    assert row
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await connection.execute(insert(table).values({**row, "tenant_id": EVE.tenant_id}))


async def test_two_tenants_may_have_rows_of_one_id(store: Store) -> None:
    run = await _filled(store)
    async with store.write("acme") as connection:
        for table in OF_TENANTS:
            rows = (await connection.execute(select(table))).mappings().all()
            await connection.execute(insert(table), [{**row, "tenant_id": EVE.tenant_id} for row in rows])
    await in_one(store, transitions.end_run, "acme", run.id, attempt=1, end=RunEnd("completed", "stop", Usage()))
    async with store.read("acme") as connection:
        assert (await runs.get_run(connection, EVE, run.id)).state == "running"
        assert (await runs.get_run(connection, ANN, run.id)).state == "completed"


FACT = "Ann likes tea."
UNTIL = summaries.Until(9, 99, new_id())
HISTORY = "5" * 64
SEAL = "6" * 64
Attempt = Callable[[Transaction, Principal, Run], Awaitable[object]]


def attempts() -> dict[str, Attempt]:
    """Return how a stranger would use each function on a run and what belongs to it."""
    end = RunEnd("completed", "stop", Usage())
    said = NewMessage("assistant", "mine", 9)

    def name(who: Principal, run: Run) -> RunKey:
        return RunKey(who.tenant_id, run.id)

    return {
        "get_conversation": lambda c, who, run: conversations.get_conversation(c, who, run.conversation_id),
        "get_owner": lambda c, who, run: conversations.get_owner(c, who.tenant_id, run.conversation_id),
        "get_version": lambda c, who, run: conversations.get_version(c, who, run.conversation_id),
        "list_conversations": lambda c, who, _: conversations.list_conversations(c, who, limit=9, after=None),
        "search_conversations": lambda c, who, _: search.search_conversations(
            c, who, question="how many", limit=9, after=None
        ),
        "rename_conversation": lambda c, who, run: conversations.rename_conversation(
            c, who, run.conversation_id, title="x"
        ),
        "lock_conversation": lambda c, who, run: conversations.lock_conversation(c, who.tenant_id, run.conversation_id),
        "hide_conversation": lambda c, who, run: deletion.hide_conversation(c, who, run.conversation_id),
        "rate_message": lambda c, who, run: feedback.rate_message(c, who, Feedback(run.message_id, "down", None)),
        "append_messages": lambda c, who, run: messages.append_messages(
            c, who, run.conversation_id, run_id=run.id, turn=1, new=[said]
        ),
        "recent_messages": lambda c, who, run: messages.recent_messages(
            c, who, run.conversation_id, before_turn=9, limit=9
        ),
        "list_messages": lambda c, who, run: messages.list_messages(c, who, run.conversation_id, limit=9, after=None),
        "run_messages": lambda c, who, run: messages.run_messages(c, who, run),
        "withhold_message": lambda c, who, run: messages.withhold_message(c, who, run),
        "insert_lane": lambda c, who, run: choices.insert_lane(
            c, who, run, lane=2, model="demo", worker_id=WORKER, run_id=new_id()
        ),
        "get_lanes": lambda c, who, run: choices.get_lanes(c, who, run.id),
        "choose_lane": lambda c, who, run: choices.choose_lane(c, who, run.conversation_id, run.id),
        "count_choices": lambda c, who, run: choices.count_choices(c, who, run.conversation_id),
        "settle_answer": lambda c, who, run: lanes.settle_answer(c, who.tenant_id, replace(run, lane=1)),
        "insert_run": lambda c, who, run: runs.insert_run(c, who, NewRun(run.conversation_id, "demo", WORKER)),
        "get_run": lambda c, who, run: runs.get_run(c, who, run.id),
        "find_run_by_key": lambda c, who, _: runs.find_run_by_key(c, who, "key", keep=timedelta(hours=1)),
        "active_run": lambda c, who, run: runs.active_run(c, who, run.conversation_id),
        "unfinished_runs": lambda c, who, run: runs.unfinished_runs(c, who, run.conversation_id),
        "claim_run": lambda c, who, run: transitions.claim_run(c, who.tenant_id, run.id, worker_id=WORKER),
        "resume_run": lambda c, who, run: transitions.resume_run(c, who.tenant_id, run.id, attempt=1),
        "check_attempt": lambda c, who, run: check_attempt(c, who.tenant_id, run.id, attempt=1),
        "change_model": lambda c, who, run: transitions.change_model(c, who.tenant_id, run),
        "hold_run": lambda c, who, run: transitions.hold_run(c, who.tenant_id, run.id, attempt=1),
        "end_run": lambda c, who, run: transitions.end_run(c, who.tenant_id, run.id, attempt=1, end=end),
        "cancel_run": lambda c, who, run: transitions.cancel_run(c, who, run.id),
        "cancel_runs": lambda c, who, run: transitions.cancel_runs(c, who, run.conversation_id, now=NOW),
        "request_cancel": lambda c, who, run: transitions.request_cancel(c, who, run.id),
        "set_suggestions": lambda c, who, run: transitions.set_suggestions(c, who.tenant_id, run.id, questions=("x",)),
        "take_over": lambda c, who, run: transitions.take_over(c, name(who, run), worker_id="w", most_attempts=9),
        "move_run": lambda c, who, run: transitions.move_run(
            c, name(who, run), attempt=1, sender=WORKER, worker_id="w"
        ),
        "release_run": lambda c, who, run: transitions.release_run(c, who.tenant_id, run.id, attempt=1),
        "fail_run": lambda c, who, run: transitions.fail_run(
            c, name(who, run), worker_id="w", code="interrupted", attempts=0
        ),
        "propose_calls": lambda c, who, run: tool_calls.propose_calls(
            c, who, run.id, step=9, calls=[(ToolCall(str(new_id()), "x", {}), "data", "read")]
        ),
        "start_call": lambda c, who, _: tool_calls.start_call(c, who, CALL.id),
        "settle_call": lambda c, who, _: tool_calls.settle_call(c, who, CALL.id),
        "ask": lambda c, who, run: approvals.ask(c, name(who, run), [question("call-2")]),
        "list_approvals": lambda c, who, run: approvals.list_approvals(c, who.tenant_id, run.id),
        "decide": lambda c, who, run: approvals.decide(c, who, run.id, decision=Decision(CALL.id, is_approved=True)),
        "close_open": lambda c, who, run: approvals.close_open(c, name(who, run), "expired"),
        "close_unused": lambda c, who, run: approvals.close_unused(c, name(who, run), "expired"),
        "user_of": lambda c, who, run: shared_approvals.user_of(c, name(who, run)),
        "list_shared": lambda c, who, _: _shared(c, who),
        "standing": lambda c, who, run: workers.standing(c, name(who, run)),
        "list_standing": lambda c, who, run: shared_approvals.list_standing(c, who, run.conversation_id),
        "end_standing": lambda c, who, run: shared_approvals.end_standing(c, who, run.conversation_id),
        "await_user": lambda c, who, run: transitions.await_user(c, name(who, run), until=NOW),
        "ask_page": lambda c, who, run: page_calls.ask_page(c, name(who, run), [for_page("call-2")]),
        "list_page_calls": lambda c, who, run: page_calls.list_page_calls(c, who.tenant_id, run.id),
        "find_page_call": lambda c, who, run: page_calls.find_page_call(c, name(who, run), CALL.id),
        "claim": lambda c, who, run: page_calls.claim(c, name(who, run), CALL.id, claimant="a tab"),
        "answer": lambda c, who, run: page_calls.answer(c, name(who, run), CALL.id, state="ok", result="1"),
        "expire_calls": lambda c, who, run: page_calls.expire_calls(c, name(who, run)),
        "withdraw_calls": lambda c, who, run: page_calls.withdraw_calls(c, name(who, run)),
        "pause_run": lambda c, who, run: transitions.pause_run(c, who.tenant_id, run.id, attempt=1, until=NOW),
        "lock_waiting": lambda c, who, run: transitions.lock_waiting(c, name(who, run)),
        "wake_run": lambda c, who, run: transitions.wake_run(c, name(who, run), worker_id="w"),
        "find_answered": lambda c, who, run: suggestions.find_answered(c, who, run.message_id),
        "kept_assistant": lambda c, who, run: versions.kept_assistant(c, who, run.conversation_id),
        "find_conversation": lambda c, who, run: naming.find_conversation(c, who, str(run.conversation_id)),
        "find_by_history": lambda c, who, run: naming.find_by_history(c, who, HISTORY),
        "find_turn_behind": lambda c, who, run: naming.find_turn_behind(c, who, naming.Place(run.conversation_id, 0)),
        "find_turn_asked": lambda c, who, run: naming.find_turn_asked(c, who, run.conversation_id, ("hello",)),
        "newest_turn": lambda c, who, run: naming.newest_turn(
            c, who, [str(run.message_id), "u1"], conversation_id=None
        ),
        "last_turn": lambda c, who, run: naming.last_turn(c, who, run.conversation_id),
        "client_names": lambda c, who, run: naming.client_names(c, who, run.conversation_id, from_turn=0),
        "find_message": lambda c, who, run: naming.find_message(c, who, run.conversation_id, "u1"),
        "find_named_turn": lambda c, who, run: naming.find_named_turn(
            c, who, run.conversation_id, "u1", said_before=None
        ),
        "find_turn": lambda c, who, run: versions.find_turn(c, who, run.conversation_id, message_id=run.message_id),
        "supersede": lambda c, who, run: versions.supersede(
            c, who, run, by=replace(run, id=new_id(), turn=2), keeps_message=False
        ),
        "superseded_writes": lambda c, who, run: versions.superseded_writes(
            c, who, run.conversation_id, from_turn=1, limit=9
        ),
        "list_calls": lambda c, who, run: tool_calls.list_calls(c, who, run.id),
        "list_audit": lambda c, who, _: audit.list_audit(
            c, who.tenant_id, wanted=audit.AuditFilter(), limit=9, after=None
        ),
        "recorded_runs": lambda c, who, run: audit.recorded_runs(c, who.tenant_id, run.conversation_id),
        "has_seal": lambda c, who, _: verifying.has_seal(c, who.tenant_id, number=1, digest=SEAL),
        "erase_words": lambda c, who, run: audit.erase_words(c, who.tenant_id, run.conversation_id, most_rows=9),
        "blank": lambda c, who, _: audit.blank(c, who.tenant_id, [], most_rows=9),
        "conversations_of": lambda c, who, _: erasure.conversations_of(c, who.tenant_id, user_id=None, most=9),
        "count_hidden": lambda c, who, _: erasure.count_hidden(c, who.tenant_id, user_id=None),
        "hidden_runs": lambda c, who, _: erasure.hidden_runs(c, who.tenant_id, user_id=None, most=9),
        "erase_recorded_words": lambda c, who, _: erasure.erase_recorded_words(
            c, who.tenant_id, user_id=None, until=2e9, most_rows=9
        ),
        "forget_decider": lambda c, who, _: erasure.forget_decider(c, who.tenant_id, "ann", most_rows=9),
        "count_traces": lambda c, who, _: _traces(c, who),
        "unfinished_of": lambda c, who, _: overview.unfinished_of(c, who.tenant_id, most=9),
        "failed_of": lambda c, who, _: overview.failed_of(c, who.tenant_id, since=NOW - KEPT, most=9),
        "usage_of": lambda c, who, _: overview.usage_of(c, who.tenant_id, since=NOW - KEPT, until=NOW + KEPT),
        "expire_conversations": lambda c, who, _: _expired(c, who),
        "expire_feedback": lambda c, who, _: retention.expire_feedback(c, who.tenant_id, keep_days=1, most_rows=9),
        "list_budgets": lambda c, who, _: budgets.list_budgets(c, who.tenant_id, most=9),
        "clear_budget": lambda c, who, _: budgets.clear_budget(c, who.tenant_id, whose=budgets.Whose("user", "ann")),
        "kept_budgets": lambda c, who, _: _kept(c, who),
        "settle_steps": lambda c, who, run: spending.settle_steps(
            c, name(who, run), counters_of(), reserved=None, used=Amount(1, 1)
        ),
        "settle_one": lambda c, who, run: _settled(c, who, run),
        "read_counters": lambda c, who, _: spending.read_counters(c, who.tenant_id, counters_of()),
        "kept_of": lambda c, who, _: budgets.kept_of(c, who.tenant_id, ["ann", "ben"]),
        "stored_keys": lambda c, who, _: looks.stored_keys(c, who.tenant_id, [looks.Key("ann", "key")]),
        "see": lambda c, who, _: _seen(c, who),
        "list_spending": lambda c, who, _: spending.list_spending(c, who.tenant_id, user_id="ann", most=9),
        "erase_spending": lambda c, who, _: spending.erase_spending(c, who.tenant_id, user_id=None, most_rows=9),
        "newest_summary": lambda c, who, run: summaries.newest_summary(c, who, run.conversation_id, before_turn=9),
        "list_summaries": lambda c, who, run: summaries.list_summaries(c, who, run.conversation_id, with_void=True),
        "last_message": lambda c, who, run: summaries.last_message(c, who, run.conversation_id, until_turn=9),
        "claim_summary": lambda c, who, run: summaries.claim_summary(
            c, who, run.conversation_id, run_id=run.id, after_turn=0, until=UNTIL, worker_id=WORKER, length_s=9
        ),
        "keep_summary": lambda c, who, run: summaries.keep_summary(
            c, who, run.conversation_id, new_id(), summaries.NewSummary(text="x", messages=1, model="demo")
        ),
        "drop_claim": lambda c, who, run: summaries.drop_claim(c, who, run.conversation_id, new_id()),
        "remove_summaries": lambda c, who, run: summaries.remove_summaries(
            c, who.tenant_id, run.conversation_id, most_rows=9
        ),
        "done_between": lambda c, who, run: done_writes.done_between(
            c, who, run.conversation_id, after_turn=0, until_turn=9
        ),
        "find_writes": lambda c, who, run: done_writes.find_writes(c, who, run.conversation_id, most=9),
        "hold_running": lambda c, who, run: memories.hold_running(c, who, run.id),
        "list_memories": lambda c, who, _: memories.list_memories(c, who, with_tenant=True, limit=9),
        "find_memories": lambda c, who, _: memories.find_memories(c, who, ["tea"], with_tenant=True),
        "read_memories": lambda c, who, _: _read(c, who),
        "get_memory": lambda c, who, _: _got(c, who),
        "find_memory": lambda c, who, _: memories.find_memory(c, who, FACT, owners=[who.user_id, memories.TENANT]),
        "change_memory": lambda c, who, _: _changed(c, who),
        "delete_memories": lambda c, who, _: _deleted(c, who),
        "delete_own_memories": lambda c, who, _: memories.delete_own_memories(c, who),
        "read_vectors": lambda c, who, _: memories.read_vectors(c, who.tenant_id, "ann", model="m"),
        "missing_vectors": lambda c, who, _: memories.missing_vectors(c, who.tenant_id, "ann", model="m", limit=9),
        "write_vectors": lambda c, who, _: _write_vector(c, who),
        "erase_memories": lambda c, who, _: memories.erase_memories(c, who.tenant_id, user_id=None, most_rows=9),
        "expire_memories": lambda c, who, _: retention.expire_memories(c, who.tenant_id, keep_days=1, most_rows=9),
        "held_by": lambda c, who, _: _held(c, who),
        "held_by_tenant": lambda c, who, _: file_bytes.held_by_tenant(c, who.tenant_id),
        "mark_stored": lambda c, who, _: _of_file(c, who, attachments.mark_stored),
        "get_file": lambda c, who, _: _of_file(c, who, attachments.get_file),
        "give_up": lambda c, who, _: _of_file(c, who, attachments.give_up),
        "count_gone": lambda c, who, _: attachments.count_gone(c, who.tenant_id, user_id=None),
        "delete_file": lambda c, who, _: _of_file(c, who, attachments.delete_file),
        "read_files": lambda c, who, _: _files_read(c, who),
        "take_files": lambda c, who, run: _taken(c, who, run),
        "let_go_of_conversation": lambda c, who, run: attachments.let_go_of_conversation(
            c, who.tenant_id, run.conversation_id, most_rows=9
        ),
        "let_go_of_owner": lambda c, who, _: attachments.let_go_of_owner(c, who.tenant_id, user_id=None, most_rows=9),
        "let_go_where": lambda c, who, _: attachments.let_go_where(c, who.tenant_id, most_rows=9),
        "expire_files": lambda c, who, _: retention.expire_files(c, who.tenant_id, keep_days=1, most_rows=9),
        "kinds_due": lambda c, who, _: retention.kinds_due(c, who.tenant_id, {"files": 1, "memories": 1}),
        "has_expired": lambda c, who, _: expiry.has_expired(c, who.tenant_id, keep_days=1),
        "expire_audit": lambda c, who, _: expiry.expire_audit(c, who.tenant_id, keep_days=1, most_rows=9),
    }


async def _held(connection: Transaction, who: Principal) -> int:
    return max(await file_bytes.held_by(connection, who))


async def _anns_file(connection: Transaction) -> UUID:
    loose = select(files.c.id).where(files.c.tenant_id == "acme", files.c.conversation_id.is_(None))
    found: UUID = (await connection.execute(loose)).scalar_one()
    return found


async def _of_file(connection: Transaction, who: Principal, work: Callable[..., Any]) -> object:
    return await work(connection, who, await _anns_file(connection))


async def _files_read(connection: Transaction, who: Principal) -> object:
    return await attachments.read_files(connection, who, [await _anns_file(connection)])


async def _taken(connection: Transaction, who: Principal, run: Run) -> object:
    return await attachments.take_files(connection, who, [await _anns_file(connection)], run.conversation_id)


async def _anns(connection: Transaction) -> memories.Memory:
    return (await memories.list_memories(connection, ANN, with_tenant=False, limit=1))[0]


async def _read(connection: Transaction, who: Principal) -> object:
    return await memories.read_memories(connection, who, [(await _anns(connection)).id], with_tenant=True)


async def _write_vector(connection: Transaction, who: Principal) -> object:
    own = await _anns(connection)
    made = memories.Vector(own.id, own.text, b"\0" * 8)
    return await memories.write_vectors(connection, who.tenant_id, [made], model="m")


async def _got(connection: Transaction, who: Principal) -> object:
    return await memories.get_memory(connection, who, (await _anns(connection)).id, with_tenant=True)


async def _changed(connection: Transaction, who: Principal) -> object:
    return await memories.change_memory(connection, who, await _anns(connection), "Mine now.")


async def _deleted(connection: Transaction, who: Principal) -> object:
    return await memories.delete_memories(connection, who, [await _anns(connection)])


async def _shared(connection: Transaction, who: Principal) -> object:
    found, _ = await shared_approvals.list_shared(connection, who, limit=9)
    return found


async def _kept(connection: Transaction, who: Principal) -> object:
    return any(await budgets.kept_budgets(connection, who.tenant_id, "ann"))


async def _seen(connection: Transaction, who: Principal) -> object:
    seen = [await looks.see(connection, who.tenant_id, users, asks_kept=True) for users in (["ann"], ["ann", "ben"])]
    assert seen[0].used == seen[1].used
    assert seen[0].kept == seen[1].kept
    return seen[0].used or seen[0].kept


async def _settled(connection: Transaction, who: Principal, run: Run) -> None:
    reserved = (await connection.execute(select(reservations.c.id))).scalar_one()
    await spending.settle_one(connection, RunKey(who.tenant_id, run.id), reserved=reserved, used=Amount(1, 1))


async def _traces(connection: Transaction, who: Principal) -> object:
    return any((await erasure.count_traces(connection, who.tenant_id, user_id=None)).values())


async def _expired(connection: Transaction, who: Principal) -> object:
    return (await retention.expire_conversations(connection, who.tenant_id, keep_days=1, most_rows=9)).gone


def test_every_function_that_touches_rows_that_are_there_is_tried_by_a_stranger() -> None:
    assert set(attempts()) == set(functions()) - OVER_ALL_TENANTS - MAKES_ROWS


async def _tried(store: Store, attempt: Attempt, who: Principal, run: Run) -> object:
    """Return what a stranger gets: a result, or nothing where they are refused."""
    try:
        async with store.write("acme") as connection:
            return await attempt(connection, who, run)
    except (FrontdeskError, IntegrityError):
        return None


async def _everything(store: Store) -> dict[str, list[Any]]:
    async with store.read("acme") as connection:
        return {name: list((await connection.execute(select(table))).all()) for name, table in metadata.tables.items()}


async def test_another_tenant_gets_nothing_and_changes_nothing_with_any_function(store: Store) -> None:
    run = await _filled(store)
    await in_one(store, transitions.release_run, "acme", run.id, attempt=1)
    before = await _everything(store)
    for name, attempt in attempts().items():
        assert not await _tried(store, attempt, EVE, run), name
        assert await _everything(store) == before, name


async def test_a_colleague_gets_nothing_and_changes_nothing_with_any_function_that_takes_a_principal(
    store: Store,
) -> None:
    run = await _filled(store)
    before = await _everything(store)
    owned = [name for name, f in functions().items() if "principal" in inspect.signature(f).parameters]
    for name in set(owned) & set(attempts()) - BY_RUN:
        assert not await _tried(store, attempts()[name], BEN, run), name
        assert await _everything(store) == before, name


BY_RUN = {"propose_calls", "start_call", "settle_call", "list_calls", "decide"}
"""The ledger and what is asked belong to a run, and their callers have got the run by its user before."""


async def test_background_functions_give_names_only(store: Store) -> None:
    run = await _filled(store)
    await in_one(store, transitions.release_run, "acme", run.id, attempt=1)
    async with store.read("acme") as connection:
        found = await workers.abandoned_runs(connection, most=9)
    assert [one.key for one in found] == [RunKey("acme", run.id)]
    for field, kind in workers.Abandoned.__annotations__.items():
        assert kind in (str, UUID, int, bool), field
    assert (await count_rows(store))["runs"] == 1

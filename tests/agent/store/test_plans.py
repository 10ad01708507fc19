"""No statement of a turn or of the reaper costs more because much was said before: each finds its rows by an index."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.asking import Asking
from support.each import each
from support.rows import ANN, WORKER, new_run
from support.searching import index_all

from agent.budget import Amount, Counter, Most
from agent.events.schema import Usage
from agent.store import (
    asked_ahead,
    attachments,
    budgets,
    memories,
    naming,
    retention,
    sealing,
    search,
    search_index,
    spending,
)
from agent.store.approvals import expired_runs
from agent.store.audit import AuditCursor, AuditFilter, erase_words, list_audit, recorded_runs
from agent.store.conversations import ConversationCursor, list_conversations
from agent.store.database import Store, new_id
from agent.store.file_bytes import held_by, held_by_tenant
from agent.store.lanes import settle_answer
from agent.store.messages import NewMessage, append_messages, recent_messages, run_messages
from agent.store.runs import Run, RunEnd, active_run, find_run_by_key, unfinished_runs
from agent.store.shared_approvals import list_shared, list_standing
from agent.store.transaction import Transaction
from agent.store.transitions import claim_run, end_run, hold_run
from agent.store.versions import superseded_writes
from agent.store.workers import abandoned_runs, own_runs

Ask = Callable[[Transaction, Run], Awaitable[object]]
FOUND = tuple(f"SCAN {name}" for name in ("workers", "of_user", "of_tenant", "next", "(subquery", "CONSTANT ROW"))
THE_FEW = tuple(
    f"SCAN {name}"
    for name in (
        "runs USING INDEX ix_runs_unfinished_turn",
        "approvals USING INDEX ix_approvals_open",
        "page_calls USING INDEX ix_page_calls_open",
    )
)
"""All of the indexes that have unfinished runs, and open questions, only."""
SAID = NewMessage("assistant", "Three.", step=1)
END = RunEnd("completed", "stop", Usage())

BY_PLACE: dict[str, Ask] = {
    "the turns before": lambda c, run: recent_messages(c, ANN, run.conversation_id, before_turn=2, limit=3),
    "this turn": lambda c, run: run_messages(c, ANN, run),
    "an answer": lambda c, run: append_messages(c, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[SAID]),
    "a turn's answer": lambda c, run: settle_answer(c, "acme", replace(run, lane=1)),
    "the run's hold": lambda c, run: hold_run(c, "acme", run.id, attempt=1),
    "the run's end": lambda c, run: end_run(c, "acme", run.id, attempt=1, end=END),
    "an equal request": lambda c, _: find_run_by_key(c, ANN, "key", keep=timedelta(hours=1)),
    "a conversation by its name": lambda c, _: naming.find_conversation(c, ANN, "chat-1"),
    "a conversation by what was said": lambda c, _: naming.find_by_history(c, ANN, "5" * 64),
    "a turn by its message's name": lambda c, run: naming.find_named_turn(
        c, ANN, run.conversation_id, "m-1", said_before=9
    ),
    "what others are asked": lambda c, _: list_shared(c, ANN, limit=9),
    "the yeses that stand": lambda c, run: list_standing(c, ANN, run.conversation_id),
    "what a user's files take": lambda c, _: held_by(c, ANN),
    "what a tenant's files take": lambda c, _: held_by_tenant(c, "acme"),
    "what waits in vain": lambda c, _: expired_runs(c, most=9),
    "what people were asked ahead": lambda c, _: asked_ahead._of_people(c),
    "what pages were asked ahead": lambda c, _: c.row(asked_ahead._ANY_OF_PAGES, {}),
    "a page of the record": lambda c, _: list_audit(c, "acme", wanted=AuditFilter(), limit=9, after=None),
    "a user's page of the record": lambda c, _: list_audit(
        c, "acme", wanted=AuditFilter(user_id="ann", since=1.0), limit=9, after=AuditCursor(2.0, new_id())
    ),
    "a run's page of the record": lambda c, run: list_audit(
        c, "acme", wanted=AuditFilter(run_id=run.id), limit=9, after=None
    ),
    "a tool's page of the record": lambda c, _: list_audit(
        c, "acme", wanted=AuditFilter(tool_name="x"), limit=9, after=None
    ),
    "a kind's page of the record": lambda c, _: list_audit(
        c, "acme", wanted=AuditFilter(kind="action"), limit=9, after=None
    ),
    "runs that are recorded": lambda c, run: recorded_runs(c, "acme", run.conversation_id),
    "words to erase": lambda c, run: erase_words(c, "acme", run.conversation_id, most_rows=9),
    "writes that were superseded": lambda c, run: superseded_writes(c, ANN, run.conversation_id, from_turn=1, limit=9),
}
AMONG_UNFINISHED: dict[str, Ask] = {
    "the claim": lambda c, run: claim_run(c, "acme", run.id, worker_id=WORKER),
    "what has to be stopped": lambda c, run: unfinished_runs(c, ANN, run.conversation_id),
    "what is active": lambda c, run: active_run(c, ANN, run.conversation_id),
    "what was abandoned": lambda c, run: abandoned_runs(c, most=9),
    "what a worker has": lambda c, run: own_runs(c, WORKER),
}


async def _let_go_of_old(connection: Transaction, _run: Run) -> None:
    new = attachments.NewFile("a.txt", "text/plain", 1, "", None, {})
    await attachments.add_file(connection, ANN, new)
    await attachments.let_go_of_old(connection, loose_s=-60, unstored_s=-60, most_rows=9)


async def _expire_counters(connection: Transaction, _run: Run) -> None:
    old = [Counter("ann", "2020-01-01", Most(runs=9))]
    await spending.count_run(connection, "acme", old, needs=Amount())
    await spending.expire_counters(connection, most_rows=9)


AMONG_MANY: dict[str, Ask] = {
    "files that nobody took": _let_go_of_old,
    "counters that are old": _expire_counters,
    "files of a user": lambda c, _: attachments.let_go_of_owner(c, "acme", user_id="ann", most_rows=9),
    "what a user's files left": lambda c, _: attachments.count_gone(c, "acme", user_id="ann"),
    "bytes of a user's files": lambda c, _: attachments.gone_files(
        c, most=9, unstored_s=9, tenant_id="acme", user_id="ann"
    ),
    "what a user spent": lambda c, _: spending.erase_spending(c, "acme", user_id="ann", most_rows=9),
    "budgets of a user": lambda c, _: budgets.kept_budgets(c, "acme", "ann"),
    "budgets of a few": lambda c, _: budgets.kept_of(c, "acme", ["ann", "ben"]),
    "facts of a user": lambda c, _: memories.list_memories(c, ANN, with_tenant=True, limit=9),
    "facts with a word": lambda c, _: memories.find_memories(c, ANN, ["tea"], with_tenant=True),
    "the yeses that stand": BY_PLACE["the yeses that stand"],
    "a turn by its messages": lambda c, _: naming.newest_turn(c, ANN, [str(new_id())], conversation_id=None),
    "what is kept too long": lambda c, _: retention.kinds_due(
        c, "acme", {"conversations": 1, "feedback": 1, "memories": 1, "files": 1}
    ),
}
FEW = "SEARCH reservations"
"""Of what is out there is little."""


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}", pool_size=1)
    yield store
    await store.close()


async def plan_of(store: Store, ask: Ask) -> list[str]:
    """Return SQLite's plan for all statements that `ask` executes on a run at work."""
    run = await new_run(store)
    async with store.write("acme") as connection:
        await claim_run(connection, "acme", run.id, worker_id=WORKER)
    async with store.write("acme") as connection:
        asking = Asking(connection)
        await ask(asking, run)
        statements = list(asking.asked)
        return [
            str(row[-1])
            for statement, parameters in statements
            for row in await connection.ordinary.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", parameters[0] if isinstance(parameters, list) else parameters
            )
        ]


@pytest.mark.parametrize("ask", [*BY_PLACE.values(), *AMONG_UNFINISHED.values()], ids=[*BY_PLACE, *AMONG_UNFINISHED])
async def test_nothing_is_looked_for_in_a_whole_table(sqlite: Store, ask: Ask) -> None:
    """But for the workers, the unfinished runs and the open questions, which are few, and what was found by an index before."""
    plan = await plan_of(sqlite, ask)
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and not step.startswith((*FOUND, *THE_FEW))]


@each("ask", AMONG_MANY.items())
async def test_neither_a_turn_nor_upkeep_reads_all_that_a_tenant_has(sqlite: Store, ask: tuple[str, Ask]) -> None:
    """G617"""
    plan = await plan_of(sqlite, ask[1])
    whole = [step for step in plan if step.startswith("SCAN") and step.split()[1] not in ("CONSTANT", "memory_index")]
    whole += [step for step in plan if step.endswith("(tenant_id=?)") and not step.startswith(FEW)]
    assert plan
    assert not [step for step in whole if not step.startswith(("SCAN 1", "SCAN (sub"))], plan


@pytest.mark.parametrize("reading", ["the turns before", "this turn"])
async def test_what_a_turn_reads_is_read_by_index_however_long_the_conversation_is(sqlite: Store, reading: str) -> None:
    plan = await plan_of(sqlite, BY_PLACE[reading])
    [step] = [step for step in plan if step.startswith(("SEARCH messages", "SCAN messages"))]
    assert "conversation_id=? AND turn" in step


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        ("a page of the record", "ix_audit_at"),
        ("a user's page of the record", "ix_audit_user"),
        ("a run's page of the record", "ix_audit_run"),
        ("a tool's page of the record", "ix_audit_tool"),
        ("a kind's page of the record", "ix_audit_kind"),
        ("runs that are recorded", "ix_audit_words"),
        ("words to erase", "ix_audit_words"),
    ],
)
async def test_the_record_is_read_by_indexes_of_what_is_sealed_and_of_what_is_not(
    sqlite: Store, ask: str, index: str
) -> None:
    plan = await plan_of(sqlite, BY_PLACE[ask])
    steps = [step for step in plan if step.startswith("SEARCH audit")]
    assert len(steps) == 2, plan
    assert "ix_audit_unsealed" in steps[0]
    assert f"{index} (" in steps[1]
    assert not [step for step in plan if "TEMP B-TREE FOR ORDER" in step], plan


async def test_what_is_to_be_sealed_is_looked_for_among_what_is_not(sqlite: Store) -> None:
    [step] = await plan_of(sqlite, lambda connection, _: sealing._unsealed(connection, 9.0, most=9))
    assert "ix_audit_unsealed" in step


@pytest.mark.parametrize("ask", AMONG_UNFINISHED.values(), ids=AMONG_UNFINISHED)
async def test_unfinished_runs_are_looked_for_among_the_unfinished_ones(sqlite: Store, ask: Ask) -> None:
    plan = await plan_of(sqlite, ask)
    assert any("INDEX ix_runs_unfinished_turn" in step for step in plan), plan


@pytest.mark.parametrize(
    ("ask", "index"),
    [("an equal request", "uq_runs_idempotency_key"), ("writes that were superseded", "uq_messages_tool_call_id")],
)
async def test_what_few_rows_have_is_found_by_an_index_of_those_rows(sqlite: Store, ask: str, index: str) -> None:
    assert any(index in step for step in await plan_of(sqlite, BY_PLACE[ask]))


async def test_superseded_messages_are_left_out_by_the_index(sqlite: Store) -> None:
    """Of each that lies between, the window costs a step in the index and no look at the row."""
    found = await plan_of(sqlite, BY_PLACE["the turns before"])
    assert any("ix_messages_turn" in step for step in found)
    async with sqlite.read("acme") as connection:
        columns = await connection.ordinary.exec_driver_sql("PRAGMA index_info(ix_messages_turn)")
        assert [str(row.name) for row in columns][-3:] == ["turn", "position", "superseded_by"]


async def test_the_list_of_conversations_is_read_by_index_also_from_its_middle(sqlite: Store) -> None:
    """G33"""

    async def read(connection: Transaction, run: Run) -> object:
        after = ConversationCursor(run.created_at, run.conversation_id)
        return await list_conversations(connection, ANN, limit=20, after=after)

    [step] = await plan_of(sqlite, read)
    assert "SEARCH conversations USING INDEX ix_conversations_owner" in step
    assert "updated_at,id)<" in step.replace(" ", "") or "updated_at<" in step.replace(" ", "")


async def test_what_is_to_be_indexed_is_looked_for_among_what_is_not(sqlite: Store) -> None:
    """G33"""
    plan = await plan_of(sqlite, lambda connection, _: search_index._due(connection))
    assert any("INDEX ix_conversations_unindexed" in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN") and "ix_conversations_unindexed" not in step]


async def test_a_search_goes_from_the_index_to_what_it_found(sqlite: Store) -> None:
    """G33"""
    await new_run(sqlite)
    await index_all(sqlite)
    after = ConversationCursor(datetime.now(UTC), new_id())
    for place in (None, after):

        async def look(connection: Transaction, _: Run, place: ConversationCursor | None = place) -> object:
            return await search.search_conversations(connection, ANN, question="how many", limit=20, after=place)

        plan = await plan_of(sqlite, look)
        whole = [step for step in plan if step.startswith("SCAN") and step.split()[1] not in ("f", "h")]
        assert any("VIRTUAL TABLE" in step for step in plan)
        assert whole == [], plan
        assert not any("ix_conversations_owner" in step for step in plan)


async def test_postgresql_finds_by_its_index_too(store: Store) -> None:
    """G33"""
    if store.engine.dialect.name == "postgresql":
        await new_run(store)
        await index_all(store)
        async with store.search("acme") as connection:
            asking = Asking(connection)
            await search.search_conversations(asking, ANN, question="how", limit=20, after=None)
            statement, parameters = next(one for one in asking.asked if "matches" in one[0])
            plan = [
                str(row[0]) for row in await connection.ordinary.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            ]
        assert any("ix_search_entries_words" in step for step in plan), plan

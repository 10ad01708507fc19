"""Deleting: hidden by one short transaction, removed by many, and nothing is left of it, on both kinds of database."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Table, insert, inspect, text
from support.asking import Asking
from support.rows import ANN, EVE, count_rows, finish, in_one, let_ask, new_conversation, new_run, question, say
from support.searching import index_all

from agent.errors import FrontdeskError, LeaseLostError, NotFoundError
from agent.events.schema import Usage
from agent.principal import PUBLIC_TENANT, Principal, RunKey
from agent.store.conversations import get_conversation, list_conversations, lock_conversation, rename_conversation
from agent.store.database import Store, new_id
from agent.store.deletion import hide_conversation, purge_deleted, remove_batch
from agent.store.feedback import Feedback, rate_message
from agent.store.messages import NewMessage, ToolCall, append_messages, list_messages, recent_messages
from agent.store.runs import NewRun, Run, RunEnd, active_run, find_run_by_key, get_run, insert_run, unfinished_runs
from agent.store.tables import (
    approvals,
    conversations,
    feedback,
    messages,
    metadata,
    page_calls,
    runs,
    tool_calls,
)
from agent.store.tool_calls import propose_calls
from agent.store.transaction import Transaction
from agent.store.transitions import cancel_run, end_run, hold_run, set_suggestions
from agent.store.versions import find_turn

DAY = timedelta(days=1)


async def purge(store: Store, most_rows: int = 500) -> list[UUID]:
    """Remove all that was deleted; return the runs that it was of."""
    gone: list[UUID] = []

    async def note(run: RunKey) -> None:
        gone.append(run.run_id)

    await purge_deleted(store, most_rows=most_rows, gone=note)
    return gone


async def fill(store: Store, conversation_id: UUID, turns: int, *, who: Principal = ANN, word: str = "word") -> None:
    """Store turns with a call, a question, a call of the page and a rating each, many at a time: seven rows a turn, and a run."""
    now = datetime.now(UTC)
    scope = {"tenant_id": who.tenant_id, "created_at": now}
    rows: dict[Table, list[dict[str, Any]]] = {runs: [], messages: [], tool_calls: [], approvals: []}
    rows |= {page_calls: [], feedback: []}
    for turn in range(1, turns + 1):
        run_id, answer_id, call_id = new_id(), new_id(), str(new_id())
        run = {"id": run_id, "conversation_id": conversation_id, "user_id": who.user_id, "turn": turn, "model": "demo"}
        counts = {"state": "completed", "attempt": 1, "message_id": answer_id, "input_tokens": 1, "output_tokens": 1}
        rows[runs].append({**scope, **run, **counts})
        said = [("user", new_id(), None), ("tool", new_id(), call_id), ("assistant", answer_id, None)]
        for n, (role, message_id, tool_call_id) in enumerate(said):
            place = {"conversation_id": conversation_id, "run_id": run_id, "turn": turn, "position": 3 * turn - 2 + n}
            written = {"id": message_id, "step": n, "role": role, "text": f"{word} {turn}", "is_error": False}
            rows[messages].append({**scope, **place, **written, "tool_call_id": tool_call_id, "status": "complete"})
        call = {"id": call_id, "run_id": run_id, "step": 1, "name": "find", "kind": "data", "risk": "read"}
        rows[tool_calls].append({**scope, **call, "state": "settled"})
        asked = {**asdict(question(call_id)), "run_id": run_id, "state": "denied"}
        rows[approvals].append({**scope, **asked})
        page = {"tool_call_id": call_id, "run_id": run_id, "name": "read_filter", "arguments": {}, "state": "ok"}
        page |= {"is_action": False}
        rows[page_calls].append({**scope, **page, "created_at": 1.0, "expires_at": 2.0})
        rows[feedback].append({**scope, "message_id": answer_id, "user_id": who.user_id, "rating": "up"})
    async with store.write("acme") as connection:
        for table, new in rows.items():
            await connection.execute(insert(table), new)


def leads(columns: Sequence[object], index: Sequence[object]) -> bool:
    return list(index)[: len(columns)] == list(columns)


def declared(table: Table) -> list[list[str]]:
    """Return the columns of a table's full indexes and of its key."""
    full = [
        index for index in table.indexes if not any(index.dialect_options[d]["where"] is not None for d in DIALECTS)
    ]
    return [list(table.primary_key.columns.keys()), *(list(index.columns.keys()) for index in full)]


DIALECTS = ("sqlite", "postgresql")


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_every_foreign_key_leads_a_full_index(table: Table) -> None:
    """G31"""
    for reference in table.foreign_key_constraints:
        assert any(leads(reference.column_keys, index) for index in declared(table)), reference.column_keys


def test_a_foreign_key_that_leads_a_partial_index_only_would_be_noticed() -> None:
    copy = messages.to_metadata(type(metadata)())
    copy.indexes.remove(next(index for index in copy.indexes if index.name == "ix_messages_run"))
    assert not any(leads(["tenant_id", "run_id"], index) for index in declared(copy))


def unindexed(connection: Connection) -> list[str]:
    """Return the foreign keys of the real tables whose columns do not lead a full index."""
    found = inspect(connection)
    wanting = []
    for name in metadata.tables:
        full = [one for one in found.get_indexes(name) if not one.get("dialect_options", {}).keys() & PARTIAL]
        indexes: list[Any] = [
            found.get_pk_constraint(name)["constrained_columns"],
            *(one["column_names"] for one in full),
        ]
        wanting += [
            f"{name} {reference['constrained_columns']}"
            for reference in found.get_foreign_keys(name)
            if not any(leads(reference["constrained_columns"], index) for index in indexes)
        ]
    return wanting


PARTIAL = {"sqlite_where", "postgresql_where"}


async def test_every_foreign_key_of_the_real_tables_leads_a_full_index(store: Store) -> None:
    """G31"""
    async with store.read("acme") as connection:
        assert await connection.run_sync(unindexed) == []
    async with store.write("acme") as connection:
        await connection.execute(text("DROP INDEX ix_messages_run"))
    async with store.read("acme") as connection:
        assert await connection.run_sync(unindexed) == ["messages ['tenant_id', 'run_id']"]


async def _deleted(store: Store) -> Run:
    """Return a run that was at work in a conversation with an ended turn, with a key, when that was deleted."""
    ended = await new_run(store, idempotency_key="first")
    call = ToolCall("call-1", "find_order", {})
    [answer] = await say(store, ended, NewMessage("assistant", "word", 1, id=ended.message_id, tool_calls=(call,)))
    await in_one(store, propose_calls, ANN, ended.id, step=1, calls=[(call, "data", "write")])
    await let_ask(store, ended)
    await in_one(store, rate_message, ANN, Feedback(answer, "up", "word"))
    await finish(store, ended)
    run = await new_run(store, conversation_id=ended.conversation_id, idempotency_key="key")
    assert await in_one(store, hide_conversation, ANN, run.conversation_id) == [run.id]
    return run


SAID = NewMessage("assistant", "late", 1)
END = RunEnd("completed", "stop", Usage())
USES: dict[str, Callable[[Transaction, Run], Awaitable[object]]] = {
    "read": lambda c, run: get_conversation(c, ANN, run.conversation_id),
    "rename": lambda c, run: rename_conversation(c, ANN, run.conversation_id, title="again"),
    "lock": lambda c, run: lock_conversation(c, "acme", run.conversation_id),
    "delete again": lambda c, run: hide_conversation(c, ANN, run.conversation_id),
    "messages": lambda c, run: list_messages(c, ANN, run.conversation_id, limit=9, after=None),
    "append": lambda c, run: append_messages(c, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[SAID]),
    "next turn": lambda c, run: insert_run(c, ANN, NewRun(run.conversation_id, "demo", "worker", 6)),
    "run": lambda c, run: get_run(c, ANN, run.id),
    "hold": lambda c, run: hold_run(c, "acme", run.id, attempt=1),
    "end": lambda c, run: end_run(c, "acme", run.id, attempt=1, end=END),
    "suggest": lambda c, run: set_suggestions(c, "acme", run.id, questions=("late?",)),
    "rate": lambda c, run: rate_message(c, ANN, Feedback(run.message_id, "up", None)),
    "replace": lambda c, run: find_turn(c, ANN, run.conversation_id, message_id=run.message_id),
}
"""Uses of a conversation and a run, by those who have their ids."""


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_nothing_of_a_deleted_conversation_is_there_from_the_commit_on(
    store: Store, use: Callable[[Transaction, Run], Awaitable[object]]
) -> None:
    """G31"""
    run = await _deleted(store)
    before = await count_rows(store)
    with pytest.raises((NotFoundError, LeaseLostError)):
        await in_one(store, use, run)
    assert await count_rows(store) == before
    await purge(store)
    with pytest.raises((NotFoundError, LeaseLostError)):
        await in_one(store, use, run)


async def test_a_deleted_conversation_is_not_listed_found_or_given_to_a_model(store: Store) -> None:
    """G31"""
    run = await _deleted(store)
    async with store.read("acme") as connection:
        assert await list_conversations(connection, ANN, limit=9, after=None) == []
        assert await recent_messages(connection, ANN, run.conversation_id, before_turn=9, limit=9) == []
        assert await active_run(connection, ANN, run.conversation_id) is None
        assert await unfinished_runs(connection, ANN, run.conversation_id) == []
        assert not await cancel_run(connection, ANN, run.id)


async def test_the_key_of_a_deleted_run_makes_a_new_one(store: Store) -> None:
    """G31"""
    run = await _deleted(store)
    async with store.write("acme") as connection:
        assert await find_run_by_key(connection, ANN, "key", keep=DAY) is None
    again = await new_run(store, idempotency_key="key")
    await purge(store)
    async with store.read("acme") as connection:
        found = await find_run_by_key(connection, ANN, "key", keep=DAY)
    assert found
    assert found.id == again.id != run.id


@pytest.mark.parametrize("who", [ANN, Principal(PUBLIC_TENANT, "visitor")], ids=["a user's", "a visitor's"])
async def test_no_transaction_removes_more_rows_than_a_batch(store: Store, who: Principal) -> None:
    """G31"""
    conversation_id = await new_conversation(store, who)
    await fill(store, conversation_id, 130, who=who)
    kept = await new_conversation(store, who)
    await fill(store, kept, 3, who=who)
    rest = {"conversations": 1, "runs": 3, "messages": 9, "tool_calls": 3, "feedback": 3}
    rest |= {"approvals": 3, "page_calls": 3, "search_entries": 0, "audit": 0, "audit_seals": 0}
    rest |= {"budgets": 0, "spendings": 0, "reservations": 0, "memories": 0, "files": 0, "summaries": 0}
    await in_one(store, hide_conversation, who, conversation_id)
    total = sum((await count_rows(store)).values())
    while True:
        async with store.write("acme") as connection:
            removed = await remove_batch(connection, most_rows=100)
        now = sum((await count_rows(store)).values())
        assert total - now == removed.rows <= 100
        total = now
        if not removed.rows:
            break
    assert await count_rows(store) == rest


async def test_what_a_process_left_half_removed_the_next_one_removes(store: Store) -> None:
    """G31"""
    for _ in range(2):
        conversation_id = await new_conversation(store)
        await fill(store, conversation_id, 20)
        await in_one(store, hide_conversation, ANN, conversation_id)
    await in_one(store, remove_batch, most_rows=33)
    successor = Store(store.url.render_as_string(hide_password=False), pool_size=2)
    gone = await asyncio.gather(purge(store, 7), purge(successor, 11))  # and two at once
    await successor.close()
    assert sum((await count_rows(store)).values()) == 0
    assert len({run_id for one in gone for run_id in one}) == sum(map(len, gone)) == 40


async def test_removing_a_batch_reads_no_more_because_the_tenant_has_much(store: Store) -> None:
    """G31"""
    conversation_id = await new_conversation(store)
    await fill(store, conversation_id, 3)
    await in_one(store, hide_conversation, ANN, conversation_id)
    async with store.write("acme") as connection:
        asking = Asking(connection)
        await remove_batch(asking, most_rows=500)
    statements = [one for one in asking.asked if one[0].split()[0] in ("SELECT", "DELETE")]
    assert sum(sql.startswith("DELETE") for sql, _ in statements) == 7
    explain = "EXPLAIN QUERY PLAN" if store.engine.dialect.name == "sqlite" else "EXPLAIN"
    async with store.write("acme") as connection:
        if store.engine.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # tables this small it would read whole
        for sql, parameters in statements:
            plan = [str(row[-1]) for row in await connection.ordinary.exec_driver_sql(f"{explain} {sql}", parameters)]
            assert not [step for step in plan if step.startswith("SCAN ") and "CONSTANT" not in step], (sql, plan)
            assert not [step for step in plan if "Seq Scan" in step], (sql, plan)


@pytest.fixture
async def on_file(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[tuple[Store, Path]]:
    path = Path(shutil.copy(sqlite_template, tmp_path / "one.db"))
    store = Store(f"sqlite+aiosqlite:///{path}", pool_size=3)
    yield store, path
    await store.close()


def found_in_files(path: Path, word: bytes) -> dict[str, int]:
    """Return how often a word stands in the files of a database."""
    return {one.name: count for one in path.parent.iterdir() if (count := one.read_bytes().count(word))}


async def test_the_words_of_a_deleted_conversation_are_in_no_file(on_file: tuple[Store, Path]) -> None:
    """G31"""
    store, path = on_file
    deleted = [await new_conversation(store, title="zebra title") for _ in range(3)]
    for n, conversation_id in enumerate(deleted):
        await fill(store, await new_conversation(store), 40, word="kept" * (n + 1))
        await fill(store, conversation_id, 60, word="zebra words " * (1, 40, 900)[n])
    async with store.write("acme") as connection:
        await connection.execute(conversations.update().values(last_position=180))
    assert await index_all(store) > 180  # search knows the words, too
    await store.checkpoint(most_bytes=1)
    assert found_in_files(path, b"zebra")["one.db"] > 180
    for conversation_id in deleted:
        await in_one(store, hide_conversation, ANN, conversation_id)
    await purge(store, 100)
    await store.checkpoint(most_bytes=2**40)
    assert found_in_files(path, b"zebra") == {}
    assert found_in_files(path, b"kept")


async def test_what_a_reader_still_holds_is_cut_when_it_has_left(on_file: tuple[Store, Path]) -> None:
    """G31"""
    store, path = on_file
    conversation_id = await new_conversation(store, title="zebra title")
    await fill(store, conversation_id, 10, word="zebra")
    async with store.read("acme") as connection:
        await get_conversation(connection, ANN, conversation_id)
        await in_one(store, hide_conversation, ANN, conversation_id)
        await purge(store)
        await store.checkpoint(most_bytes=2**40)
        assert found_in_files(path, b"zebra")
    await store.checkpoint(most_bytes=2**40)
    assert found_in_files(path, b"zebra") == {}


async def test_deleting_frees_no_row_of_another_tenant(store: Store) -> None:
    run = await new_run(store)
    other = await new_run(store, EVE)
    await in_one(store, hide_conversation, ANN, run.conversation_id)
    with pytest.raises(FrontdeskError):
        await in_one(store, hide_conversation, ANN, other.conversation_id)
    await purge(store)
    assert (await count_rows(store))["conversations"] == 1

"""How much a turn writes: SQLite puts each page that a transaction changes whole into its log of writes."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from support.rows import ANN, WORKER, in_one

from agent.events.schema import Usage
from agent.store.conversations import create_conversation
from agent.store.database import Store, new_id
from agent.store.messages import NewMessage, ToolCall, append_messages
from agent.store.runs import NewRun, Run, RunEnd, insert_run
from agent.store.tool_calls import propose_calls, settle_call, start_call
from agent.store.transitions import end_run, hold_run
from agent.store.workers import renew_lease

PAGE_BYTES = 4096 + 24
"""A page in the log of writes, with what stands in front of it."""
Turn = Callable[..., Awaitable[None]]
BEFORE = 300
TURNS = 50


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}", pool_size=1)
    await in_one(store, renew_lease, WORKER, lease_s=600)
    yield store
    await store.close()


async def plain_turn(store: Store, *, key: str | None = None) -> None:
    """Write what a first turn writes, in its two transactions."""
    await _end(store, await _begin(store, key))


async def tool_turn(store: Store, *, key: str | None = None) -> None:
    """Write what a first turn with one tool call writes, in its four transactions."""
    run = await _begin(store, key)
    call = ToolCall(f"call-{new_id()}", "find_order", {"number": 7})
    async with store.write("acme") as connection:
        await hold_run(connection, ANN.tenant_id, run.id, attempt=1)
        asking = NewMessage("assistant", "", 1, tool_calls=(call,), model="demo", usage=Usage(3, 4))
        await append_messages(connection, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[asking])
        await propose_calls(connection, ANN, run.id, step=1, calls=[(call, "data", "read")])
        await start_call(connection, ANN, call.id)
    async with store.write("acme") as connection:
        await hold_run(connection, ANN.tenant_id, run.id, attempt=1)
        found = NewMessage("tool", "Three.", 1, tool_call_id=call.id, tool_name=call.name)
        await append_messages(connection, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[found])
        await settle_call(connection, ANN, call.id)
    await _end(store, run, step=2)


async def _begin(store: Store, key: str | None) -> Run:
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, ANN, title="How many?")
        new = NewRun(conversation_id, "demo", WORKER, may_begin=True, idempotency_key=key)
        run = await insert_run(connection, ANN, new)
        said = NewMessage("user", "How many?", 0)
        await append_messages(connection, ANN, conversation_id, run_id=run.id, turn=run.turn, new=[said])
    return run


async def _end(store: Store, run: Run, step: int = 1) -> None:
    async with store.write("acme") as connection:
        await hold_run(connection, ANN.tenant_id, run.id, attempt=1)
        answer = NewMessage("assistant", "Three orders.", step, id=run.message_id, model="demo", usage=Usage(5, 6))
        await append_messages(connection, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[answer])
        await end_run(connection, ANN.tenant_id, run.id, attempt=1, end=RunEnd("completed", "stop", Usage(5, 6)))


def size(log: Path) -> int:
    return log.stat().st_size


@pytest.mark.parametrize(
    ("turn", "keyed", "most"),
    [(plain_turn, False, 31), (plain_turn, True, 32), (tool_turn, False, 57), (tool_turn, True, 58)],
    ids=["plain", "plain, with a key", "tool", "tool, with a key"],
)
async def test_a_turn_writes_few_pages(sqlite: Store, turn: Turn, keyed: bool, most: int) -> None:
    """Print them, too."""
    for _ in range(BEFORE):
        await turn(sqlite, key=str(new_id()) if keyed else None)
    log = Path(f"{sqlite.engine.url.database}-wal")
    before = size(log)
    for _ in range(TURNS):
        await turn(sqlite, key=str(new_id()) if keyed else None)
    written = (size(log) - before) / TURNS
    print(f"a turn writes {written / PAGE_BYTES:.1f} pages, {written / 1024:.0f} KB")
    assert written / PAGE_BYTES < most, "an index more on what every turn writes is two pages"

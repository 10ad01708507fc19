"""No statement of a turn or of the reaper costs more because much was said before: each finds its rows by an index."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection
from support.rows import ANN, WORKER, new_run

from agent.events import Usage
from agent.store.database import Store
from agent.store.messages import NewMessage, append_messages, recent_messages, run_messages
from agent.store.runs import Run, RunEnd, active_run, claim_run, end_run, hold_run, unfinished_runs
from agent.store.workers import abandoned_runs, own_runs

Ask = Callable[[AsyncConnection, Run], Awaitable[object]]
SAID = NewMessage("assistant", "Three.", step=1)
END = RunEnd("completed", "stop", Usage())

BY_PLACE: dict[str, Ask] = {
    "the turns before": lambda c, run: recent_messages(c, ANN, run.conversation_id, before_turn=2, limit=3),
    "this turn": lambda c, run: run_messages(c, ANN, run),
    "an answer": lambda c, run: append_messages(c, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[SAID]),
    "the run's hold": lambda c, run: hold_run(c, "acme", run.id, attempt=1),
    "the run's end": lambda c, run: end_run(c, "acme", run.id, attempt=1, end=END),
}
AMONG_UNFINISHED: dict[str, Ask] = {
    "the claim": lambda c, run: claim_run(c, "acme", run.id, worker_id=WORKER),
    "what has to be stopped": lambda c, run: unfinished_runs(c, ANN, run.conversation_id),
    "what is active": lambda c, run: active_run(c, ANN, run.conversation_id),
    "what was abandoned": lambda c, run: abandoned_runs(c),
    "what a worker has": lambda c, run: own_runs(c, WORKER),
}


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite+aiosqlite:///{shutil.copy(sqlite_template, tmp_path / 'one.db')}", pool_size=1)
    yield store
    await store.close()


async def plan_of(store: Store, ask: Ask) -> list[str]:
    """Return SQLite's plan for all statements that `ask` executes on a run at work."""
    run = await new_run(store)
    async with store.write() as connection:
        await claim_run(connection, "acme", run.id, worker_id=WORKER)
    asked: list[tuple[str, Any]] = []
    async with store.write() as connection:
        event.listen(store.engine.sync_engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
        await ask(connection, run)
        statements = list(asked)
        return [
            str(row[-1])
            for statement, parameters in statements
            for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.mark.parametrize("ask", [*BY_PLACE.values(), *AMONG_UNFINISHED.values()], ids=[*BY_PLACE, *AMONG_UNFINISHED])
async def test_nothing_is_looked_for_in_a_whole_table(sqlite: Store, ask: Ask) -> None:
    """But for the workers, who are few."""
    plan = await plan_of(sqlite, ask)
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and not step.startswith("SCAN workers")]


@pytest.mark.parametrize("reading", ["the turns before", "this turn"])
async def test_what_a_turn_reads_is_read_by_index_however_long_the_conversation_is(sqlite: Store, reading: str) -> None:
    plan = await plan_of(sqlite, BY_PLACE[reading])
    [step] = [step for step in plan if step.startswith(("SEARCH messages", "SCAN messages"))]
    assert "conversation_id=? AND turn" in step


@pytest.mark.parametrize("ask", AMONG_UNFINISHED.values(), ids=AMONG_UNFINISHED)
async def test_unfinished_runs_are_looked_for_among_the_unfinished_ones(sqlite: Store, ask: Ask) -> None:
    plan = await plan_of(sqlite, ask)
    assert any("INDEX ix_runs_unfinished" in step for step in plan), plan

"""The ledger: what was asked for, what has left the process, what is settled, and what nobody knows."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from support.rows import ANN, EVE, in_one, new_run

from agent.store.database import Store, new_id
from agent.store.messages import ToolCall
from agent.store.runs import Run
from agent.store.tables import tool_calls
from agent.store.tool_calls import LedgerEntry, list_calls, propose_calls, settle_call, start_call
from agent.toolkit import Action


async def ledger(store: Store, run: Run) -> list[LedgerEntry]:
    async with store.read("acme") as connection:
        return await list_calls(connection, ANN, run.id)


async def proposed(store: Store, *ids: str, step: int = 1, run: Run | None = None) -> Run:
    run = run or await new_run(store)
    calls = [(ToolCall(call_id, "create_order", {}), "data", "write") for call_id in ids]
    await in_one(store, propose_calls, ANN, run.id, step=step, calls=calls)
    return run


async def test_a_call_goes_from_proposed_over_started_to_settled(store: Store) -> None:
    run = await proposed(store, "a")
    assert await ledger(store, run) == [LedgerEntry("a", 1, "create_order", "data", "write", "proposed", None)]
    await in_one(store, start_call, ANN, "a")
    assert [entry.state for entry in await ledger(store, run)] == ["started"]
    await in_one(store, settle_call, ANN, "a")
    assert [entry.state for entry in await ledger(store, run)] == ["settled"]


async def test_times_say_when_it_left_and_when_it_came_back(store: Store) -> None:
    await proposed(store, "a")
    await in_one(store, start_call, ANN, "a")
    await in_one(store, settle_call, ANN, "a")
    async with store.read("acme") as connection:
        row = (await connection.execute(select(tool_calls))).one()
    assert row.created_at <= row.started_at <= row.settled_at
    assert row.settled_at.tzinfo


async def test_what_a_call_asked_of_the_page_is_kept(store: Store) -> None:
    run = await proposed(store, "a")
    await in_one(store, settle_call, ANN, "a", action=Action("change_theme", "dark"))
    assert [entry.action for entry in await ledger(store, run)] == [Action("change_theme", "dark")]


async def test_a_call_whose_outcome_nobody_knows_says_so(store: Store) -> None:
    run = await proposed(store, "a")
    await in_one(store, settle_call, ANN, "a", is_known=False)
    assert [entry.state for entry in await ledger(store, run)] == ["unknown"]


async def test_the_ledger_is_in_order_of_steps_and_of_asking(store: Store) -> None:
    run = await new_run(store)
    ids = [str(new_id()) for _ in range(12)]
    await proposed(store, *ids[6:], step=2, run=run)
    await proposed(store, *ids[:6], step=1, run=run)
    assert [entry.id for entry in await ledger(store, run)] == ids


async def test_an_id_is_entered_once(store: Store) -> None:
    run = await proposed(store, "a")
    with pytest.raises(IntegrityError):
        await proposed(store, "a", run=run)


async def test_another_tenant_changes_and_sees_nothing(store: Store) -> None:
    run = await proposed(store, "a")
    await in_one(store, start_call, EVE, "a")
    await in_one(store, settle_call, EVE, "a")
    assert [entry.state for entry in await ledger(store, run)] == ["proposed"]
    async with store.read("acme") as connection:
        assert await list_calls(connection, EVE, run.id) == []

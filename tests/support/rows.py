"""People, and rows of theirs in a store, for tests of the store."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, inspect, select, update
from sqlalchemy.exc import IntegrityError

from agent.budget import ALL, Amount, Amounts, Budget, Counter, Most
from agent.events.schema import EndStatus, Usage
from agent.principal import Principal, RunKey
from agent.store.approvals import NewApproval, ask
from agent.store.budgets import Whose, set_budget
from agent.store.conversations import create_conversation
from agent.store.database import EVERY_TENANT, Store
from agent.store.done_writes import Done, DoneCall
from agent.store.messages import NewMessage, append_messages
from agent.store.page_calls import NewPageCall, ask_page
from agent.store.runs import NewRun, Run, RunEnd, get_run, insert_run
from agent.store.spending import Reserved, count_run, reserve
from agent.store.summaries import NewSummary, Summary, claim_summary, keep_summary, last_message, list_summaries
from agent.store.tables import metadata, runs
from agent.store.transitions import claim_run, end_run
from agent.store.workers import renew_lease

ANN = Principal("acme", "ann")
BEN = Principal("acme", "ben")
"""A colleague of Ann's."""
EVE = Principal("rival", "ann")
"""A user with Ann's name at another tenant."""
WORKER = "worker-1"

Result = TypeVar("Result")


async def in_one(store: Store, work: Callable[..., Awaitable[Result]], *args: Any, **kwargs: Any) -> Result:
    """Do one thing in a writing transaction of its own, of the tenant of the first who is named."""
    named = (one.tenant_id for one in (*args, *kwargs.values()) if isinstance(one, Principal | RunKey))
    async with store.write(next(named, ANN.tenant_id)) as connection:
        return await work(connection, *args, **kwargs)


def in_use(store: Store) -> int:
    """Return how many connections of a store are in use."""
    return sum(pool.in_use for pool in store.pools.values())


async def at_once(work: Iterable[Awaitable[Result]]) -> list[Result | BaseException]:
    """Do things at the same time; return each one's result or error."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*work, return_exceptions=True)


async def new_conversation(store: Store, who: Principal = ANN, title: str = "Orders") -> UUID:
    """Add an empty conversation."""
    return await in_one(store, create_conversation, who, title=title)


async def new_run(
    store: Store, who: Principal = ANN, conversation_id: UUID | None = None, *, claim: bool = True, **more: Any
) -> Run:
    """Add a run with its user message, in a new conversation unless one is given, and begin it if it may."""
    conversation_id = conversation_id or await new_conversation(store, who)
    new = NewRun(conversation_id, "demo", more.pop("worker_id", WORKER), **more)
    with suppress(IntegrityError):  # somebody else was faster
        await in_one(store, renew_lease, new.worker_id, lease_s=60)
    async with store.write(who.tenant_id) as connection:
        run = await insert_run(connection, who, new)
        said = NewMessage("user", "how many?", step=0)
        await append_messages(connection, who, conversation_id, run_id=run.id, turn=run.turn, new=[said])
        if claim:
            await claim_run(connection, who.tenant_id, run.id, worker_id=new.worker_id)
        return await get_run(connection, who, run.id)


async def say(store: Store, run: Run, *new: NewMessage, who: Principal = ANN) -> list[UUID]:
    """Add messages to a run's conversation; return their ids."""
    stored = await in_one(store, append_messages, who, run.conversation_id, run_id=run.id, turn=run.turn, new=new)
    return [message.id for message in stored]


def question(tool_call_id: str = "call-1", *, within_s: float = 60) -> NewApproval:
    """Return a question about a call."""
    until = datetime.now(UTC) + timedelta(seconds=within_s)
    return NewApproval(tool_call_id, "find_order", "Find ü?", {"number": 7, "words": ["ü", None]}, "4" * 64, until)


async def let_ask(store: Store, run: Run, *questions: NewApproval, who: Principal = ANN) -> None:
    """Add questions of a run, to a person and to the page."""
    await in_one(store, ask, RunKey(who.tenant_id, run.id), questions or (question(),))
    await in_one(store, ask_page, RunKey(who.tenant_id, run.id), [for_page()])


def for_page(tool_call_id: str = "call-1", *, within_s: float = 60) -> NewPageCall:
    """Return a call of the page."""
    return NewPageCall(tool_call_id, "read_filter", {"words": ["ü", None]}, {"type": "object"}, within_s)


DAY = f"{datetime.now(UTC):%Y-%m-%d}"
MONTH = DAY[:7]
"""Periods of counters. One of two months ago would be removed by upkeep."""
PERIODS = Most(runs=10, tokens=1000, cost=1_000_000)


def counters_of(who: Principal = ANN, most: Most = PERIODS) -> list[Counter]:
    """Return the counters of a tenant's month and of a user's day."""
    return [Counter(ALL, MONTH, most), Counter(who.user_id, DAY, most)]


async def let_spend(store: Store, run: Run, *, who: Principal = ANN) -> Reserved:
    """Give a tenant a budget, count a run in it, and hold something for its step."""
    counters, key = counters_of(who), RunKey(who.tenant_id, run.id)
    held = {"user_id": who.user_id, "attempt": run.attempt, "amount": Amount(100, 7), "length_s": 60.0}
    budget = Budget(month=Amounts(tokens=1000))
    async with store.write(who.tenant_id) as connection:
        await set_budget(connection, who.tenant_id, budget, whose=Whose("user", who.user_id))
        assert await count_run(connection, who.tenant_id, counters, needs=Amount()) is None
        reserved = await reserve(connection, key, counters, **held)  # type: ignore[arg-type] # each is what it is to be
        assert isinstance(reserved, Reserved)
        return reserved


async def finish(store: Store, run: Run, status: EndStatus = "completed", *, who: Principal = ANN) -> None:
    """End a run."""
    end = RunEnd(status, "stop", Usage(3, 4))
    async with store.write(who.tenant_id) as connection:
        await end_run(connection, who.tenant_id, run.id, attempt=run.attempt, end=end)


async def read_run(store: Store, run: Run, who: Principal = ANN) -> Run:
    """Return a run as it is now."""
    async with store.read(who.tenant_id) as connection:
        return await get_run(connection, who, run.id)


async def ignore(_run: RunKey) -> None:
    """Take note of a run whose rows are gone, where nobody has a log of it."""


async def abandon(store: Store, run: Run, who: Principal = ANN) -> RunKey:
    """Make a run one of a worker that nobody knows; return its name."""
    async with store.write(who.tenant_id) as connection:
        await connection.execute(update(runs).where(runs.c.id == run.id).values(worker_id="dead"))
    return RunKey(who.tenant_id, run.id)


async def count_rows(store: Store) -> dict[str, int]:
    """Return how many rows each table with data of tenants has; an older schema may not have all of them."""
    async with store.read(EVERY_TENANT) as connection:
        there = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        return {
            name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for name, table in metadata.tables.items()
            if name in there and "tenant_id" in table.c
        }


async def let_fold(store: Store, run: Run, *, who: Principal = ANN, text: str = "In short.") -> Summary:
    """Add a summary of all that was said up to a run."""
    async with store.write(who.tenant_id) as connection:
        place = connection, who, run.conversation_id
        until = await last_message(*place, until_turn=run.turn)
        made_by = {"run_id": run.id, "after_turn": 0, "until": until, "worker_id": WORKER, "length_s": 60.0}
        claim = await claim_summary(*place, **made_by)  # type: ignore[arg-type] # each is what it is to be
        assert claim is not None
        done = Done((DoneCall("find_order", text, text),))
        assert await keep_summary(*place, claim, NewSummary(text=text, done=done, messages=2, model="demo"))
        [summary] = await list_summaries(*place)
    return summary

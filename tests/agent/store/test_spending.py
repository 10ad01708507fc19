"""Counters under many at once: none passes its limit, nobody below one is refused, and what is held is settled once."""

import asyncio
from collections import Counter as Tally
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from support.rows import ANN, BEN, EVE, MONTH, count_rows, counters_of, finish, in_one, let_spend, new_run

from agent.budget import ALL, Amount, Budget, Counter, Most
from agent.principal import Principal, RunKey
from agent.store.budget_tables import reservations, spendings
from agent.store.budgets import Whose, set_budget
from agent.store.database import EVERY_TENANT, Store
from agent.store.runs import Run
from agent.store.spending import (
    Refused,
    Reserved,
    count_run,
    erase_spending,
    expire_counters,
    left_reservations,
    reserve,
    settle_one,
    settle_steps,
)
from agent.store.tables import runs


class NoRoomError(Exception):
    """A run that is not counted leaves nothing behind."""


async def counted(store: Store, tenant_id: str = "acme") -> dict[str, tuple[int, ...]]:
    """Return runs, tokens, cost, and what is held of the two, by user; of the tenant itself under an empty name."""
    c = spendings.c
    async with store.read(tenant_id) as connection:
        found = await connection.execute(select(spendings).where(c.tenant_id == tenant_id))
    names = ("runs", "tokens", "cost", "held_tokens", "held_cost")
    return {one["user_id"]: tuple(one[name] for name in names) for one in found.mappings()}


async def try_run(store: Store, tenant_id: str, counters: list[Counter]) -> bool:
    try:
        async with store.write(tenant_id) as connection:
            if await count_run(connection, tenant_id, counters, needs=Amount()) is not None:
                raise NoRoomError
    except NoRoomError:
        return False
    return True


@pytest.mark.timeout(300)
@pytest.mark.parametrize("many", [200, pytest.param(1_000, marks=pytest.mark.long)])
async def test_of_many_users_at_once_nobody_passes_a_limit_and_nobody_below_one_is_refused(
    store: Store, many: int
) -> None:
    """G368 G375: at their own limit of two, and at their tenant's; what was refused counted nowhere."""
    room = many * 7 // 4  # for less than each of them might have
    of_tenant, most, gate = Counter(ALL, MONTH, Most(runs=room)), Most(runs=2), asyncio.Semaphore(50)
    let_in: Tally[str] = Tally()
    refused: Tally[str] = Tally()

    async def ask(tenant_id: str, user_id: str, *counters: Counter) -> None:
        async with gate:
            is_in = await try_run(store, tenant_id, [*counters, Counter(user_id, MONTH, most)])
        (let_in if is_in else refused)[user_id] += 1

    users = [f"user-{n}" for n in range(many)]
    async with asyncio.TaskGroup() as group:
        for user_id in users * 3:
            group.create_task(ask("acme", user_id, of_tenant))
        for n in range(20):
            group.create_task(ask("rival", f"other-{n % 10}"))
    own = {name: count for name, count in let_in.items() if name in users}
    assert sum(own.values()) == room
    assert max(own.values()) == 2
    assert all(let_in[f"other-{n}"] == 2 and not refused[f"other-{n}"] for n in range(10))
    found = await counted(store)
    assert found.pop(ALL)[0] == room
    assert {name: numbers[0] for name, numbers in found.items()} == own
    assert {numbers[0] for numbers in (await counted(store, "rival")).values()} == {2}


async def hold(store: Store, run: Run, who: Principal = ANN, *, tokens: int = 100, attempt: int = 1) -> Any:
    key, most = RunKey(who.tenant_id, run.id), Most(tokens=1000)
    held = {"user_id": who.user_id, "attempt": attempt, "amount": Amount(tokens, 0), "length_s": 60.0}
    return await in_one(store, reserve, key, counters_of(who, most), **held)


async def test_what_is_held_at_once_has_room_in_every_counter_or_is_held_in_none(store: Store) -> None:
    """G369"""
    run = await new_run(store)
    held = await asyncio.gather(*(hold(store, run, who) for who in (ANN, BEN) * 8))
    got = [one for one in held if isinstance(one, Reserved)]
    assert len(got) == 10, "what the tenant has"
    assert {one.kind for one in held if isinstance(one, Refused)} == {"tokens"}
    found = await counted(store)
    assert found[ALL][3] == 1000
    assert found["ann"][3] + found["ben"][3] == 1000
    for one in got[:9]:
        await in_one(store, settle_one, RunKey("acme", run.id), reserved=one.id, used=Amount(30, 2))
    await in_one(store, settle_one, RunKey("acme", run.id), reserved=got[0].id, used=Amount(30, 2))
    assert (await counted(store))[ALL] == (0, 270, 18, 100, 0), "each of them once"


async def test_a_step_takes_what_it_used_and_gives_back_what_earlier_attempts_held(store: Store) -> None:
    """G370"""
    run = await new_run(store)
    await hold(store, run, tokens=500)
    own = await hold(store, run, tokens=300, attempt=2)
    aside = await hold(store, run, tokens=50, attempt=0)
    key, counters = RunKey("acme", run.id), counters_of(ANN, Most(tokens=1000))
    standings = await in_one(store, settle_steps, key, counters, reserved=own.id, used=Amount(40, 4))
    assert [one.used for one in standings] == [(0, 40, 4)] * 2
    assert (await counted(store))[ALL] == (0, 40, 4, 50, 0)
    assert await in_one(store, settle_steps, key, counters, reserved=own.id, used=Amount(40, 4)) == []
    await in_one(store, settle_one, key, reserved=aside.id, used=Amount(1, 0))
    assert (await counted(store))[ALL] == (0, 41, 4, 0, 0)


async def test_what_nobody_settles_any_more_is_found_and_what_is_at_work_is_not(store: Store) -> None:
    """G371: of a run that ended, of an attempt that another one followed, of a time that is over by the database's clock."""
    works, ended, moved, late = [await new_run(store) for _ in range(4)]
    kept, left = await let_spend(store, works), [await let_spend(store, one) for one in (ended, moved)]
    left.append(await hold(store, late, attempt=0, tokens=7))
    kept_aside = await hold(store, late, EVE, attempt=0, tokens=7)
    await finish(store, ended)
    async with store.write("acme") as connection:
        await connection.execute(update(runs).where(runs.c.id == moved.id).values(attempt=2))
        past = update(reservations).where(reservations.c.id == left[2].id)
        await connection.execute(past.values(until=reservations.c.until - 61))
    async with store.read(EVERY_TENANT) as connection:
        found = await left_reservations(connection, most=9)
    assert {reserved for _, reserved in found} == {one.id for one in left}
    for key, reserved in found:
        await in_one(store, settle_one, key, reserved=reserved, used=Amount())
    assert (await counted(store))[ALL][3] == kept.amount.tokens
    assert (await counted(store, "rival"))[ALL][3] == kept_aside.amount.tokens


async def _expired(store: Store, *, most_rows: int) -> int:
    async with store.write(EVERY_TENANT) as connection:
        return await expire_counters(connection, most_rows=most_rows)


async def test_counters_go_two_months_after_their_period_and_no_more_at_once_than_may(store: Store) -> None:
    """G617"""
    async with store.write(EVERY_TENANT) as connection:
        today = (await connection.execute(select(spendings.c.period))).scalars().all()
        assert today == []
    run = await new_run(store)
    await let_spend(store, run)
    now = run.created_at
    old, young = (now - timedelta(days=90), now - timedelta(days=30))
    for at, user in ((old, "ann"), (young, "ben")):
        for period in (f"{at:%Y-%m-%d}", f"{at:%Y-%m}"):
            counters = [Counter(user, period, Most(runs=9))]
            await in_one(store, count_run, "acme", counters, needs=Amount())
    assert [await _expired(store, most_rows=1) for _ in range(3)] == [1, 1, 0]
    async with store.read("acme") as connection:
        kept = set((await connection.execute(select(spendings.c.user_id))).scalars())
    assert "ben" in kept
    async with store.read("acme") as connection:
        periods = set((await connection.execute(select(spendings.c.period))).scalars())
    assert not periods & {f"{old:%Y-%m-%d}", f"{old:%Y-%m}"}


@pytest.mark.parametrize("user_id", ["ann", None])
async def test_an_erasure_takes_so_many_counters_at_once_and_gives_back_what_was_held_first(
    store: Store, user_id: str | None
) -> None:
    """G617"""
    run, other = await new_run(store), await new_run(store, BEN)
    await let_spend(store, run)
    await hold(store, other, BEN, tokens=7)
    for number in range(5):
        counters = [Counter("ann", f"2026-0{number + 1}", Most(runs=9))]
        await in_one(store, count_run, "acme", counters, needs=Amount())
        await in_one(store, set_budget, "acme", Budget(), whose=Whose("user", "ann" if number else "ben"))
    gone: list[int] = []
    while not gone or gone[-1]:
        gone.append(await in_one(store, erase_spending, "acme", user_id=user_id, most_rows=2))
    assert all(rows <= 2 * 3 for rows in gone)
    assert len(gone) > 3
    left = await counted(store)
    assert left == {} if user_id is None else set(left) == {ALL, "ben"}
    assert user_id is None or left[ALL][3] == 7
    rows = await count_rows(store)
    assert (rows["reservations"], rows["budgets"]) == ((0, 0) if user_id is None else (1, 1))


@pytest.mark.parametrize("kind", ["runs", "tokens", "cost"])
async def test_nothing_passes_a_limit_of_zero(store: Store, kind: str) -> None:
    """G368: also what takes nothing of it."""
    counters = [Counter("ann", MONTH, Most()._replace(**{kind: 0}))]
    refused = await in_one(store, count_run, "acme", counters, needs=Amount())
    assert refused is not None
    assert refused.kind == kind
    assert await counted(store) == {}

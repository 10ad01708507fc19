"""Budgets of tenants and users: nobody passes one, nobody below one is refused, and what was held is used or given back."""

from typing import Any

from support.faults import rows, store_of, until
from support.provider import Call
from support.world import OpenWorld, World
from sqlalchemy import select

from agent.store.budget_tables import reservations, spendings
from agent.store.tables import runs


async def counted(world: World) -> dict[tuple[str, str], dict[str, int]]:
    """Return the counters of all tenants by user and kind of period; of a tenant as a whole the user is empty."""
    async with store_of(world).read(None) as connection:
        found = (await connection.execute(select(spendings))).mappings().all()
    return {
        (one["user_id"], "day" if len(one["period"]) == 10 else "month"): {
            name: one[name] for name in ("runs", "tokens", "cost", "held_tokens", "held_cost")
        }
        for one in found
    }


async def test_smoke(open_frontdesk: OpenWorld, database_url: str) -> None:
    budgets = {"user": {"day": {"runs": 2, "tokens": 3000}}, "tenant": {"month": {"tokens": 100_000}}}
    world = await open_frontdesk(assistant={"budgets": budgets}, database_url=database_url)
    ann = world.person()
    world.provider.call(Call("count_orders"))
    world.provider.say("Hello")
    got = await ann.stream("hi")
    print(got.events)
    print(await counted(world))
    world.provider.say("Hello")
    got = await ann.stream("hi", path="/chat?format=events")
    print(got.raw.decode())
    got = await ann.ask("hi")
    print(got.status_code, got.headers, got.text)
    async with store_of(world).read(None) as connection:
        assert (await connection.execute(select(reservations))).all() == []
    print(await counted(world))
    assert 0

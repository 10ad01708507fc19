"""Behind pgbouncer in its transaction mode: a connection is the server's for a transaction, and another's for the next."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text
from support.pgbouncer import pgbouncer
from support.postgres import as_application, new_database, sqlalchemy_url
from support.rows import ANN, EVE, finish, new_run, read_run

from agent.errors import DatabaseError
from agent.principal import Principal
from agent.store.database import EVERY_TENANT, Store
from agent.store.limits import Limits
from agent.store.tables import conversations


@pytest.fixture
async def pooled(postgres: str) -> AsyncIterator[Store]:
    """A store whose ten connections share two of the server's."""
    async with pgbouncer(new_database(postgres), connections=2) as url:
        owner = sqlalchemy_url(url)
        store = Store(
            as_application(owner), pool_size=10, upkeep_url=owner, is_pooled=True, limits=Limits(statement_s=5)
        )
        await store.prepare()
        yield store
        await store.close()


async def test_statements_that_are_run_often_work_on_whichever_connection_they_come_to(pooled: Store) -> None:
    """G291: what one connection has prepared, another one has not."""

    async def turns(number: int, who: Principal) -> None:
        for _ in range(8):
            run = await new_run(pooled, who, worker_id=f"worker-{number}")
            await finish(pooled, run, who=who)
            assert (await read_run(pooled, run, who)).state == "completed"

    await asyncio.gather(*(turns(number, who) for number, who in enumerate((ANN, EVE) * 5)))


async def test_whose_a_transaction_is_goes_to_no_other(pooled: Store) -> None:
    """G290 G291: 200 at once of two tenants over two connections of the server."""
    for who in (ANN, EVE):
        await new_run(pooled, who)

    async def seen(tenant_id: str) -> set[str]:
        async with pooled.read(tenant_id) as connection:
            return set((await connection.execute(select(conversations.c.tenant_id))).scalars())

    wanted = ["acme", "rival", ""] * 67
    for tenant_id, found in zip(wanted, await asyncio.gather(*map(seen, wanted)), strict=True):
        assert found == {tenant_id} - {""}


async def test_limits_hold_in_each_transaction_and_nobody_elses(pooled: Store) -> None:
    """G291"""
    async with pooled.read("acme") as connection:
        assert (await connection.execute(text("SHOW statement_timeout"))).scalar_one() == "5s"
    async with pooled.read(EVERY_TENANT, is_urgent=True) as connection:
        assert (await connection.execute(text("SHOW statement_timeout"))).scalar_one() == "2s"
    with pytest.raises(DatabaseError):
        async with pooled.read(EVERY_TENANT, is_urgent=True) as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))

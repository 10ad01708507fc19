"""The second wall: what the database itself keeps apart, where two roles are named, and that nothing works without it then."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError
from support.kept_files import keep_file
from support.postgres import APPLICATION, as_application, new_database, sqlalchemy_url
from support.rows import ANN, EVE, for_page, in_one, let_ask, let_fold, let_spend, new_run, say
from support.searching import index_all
from support.silence import silent_proxy

from agent.errors import ConfigurationError
from agent.principal import RunKey
from agent.store.audit import Deed, record
from agent.store.audit_tables import audit
from agent.store.database import EVERY_TENANT, Store, new_id
from agent.store.feedback import Feedback, rate_message
from agent.store.memories import keep_memory
from agent.store.messages import NewMessage, ToolCall
from agent.store.page_calls import ask_page
from agent.store.sealing import seal_batch
from agent.store.tables import conversations, metadata
from agent.store.tool_calls import propose_calls

OF_TENANTS = [table for table in metadata.sorted_tables if "tenant_id" in table.c]


@pytest.fixture
def owner_url(postgres: str) -> str:
    return sqlalchemy_url(new_database(postgres))


@pytest.fixture
async def walled(owner_url: str) -> AsyncIterator[Store]:
    """A store as two roles have it, with one connection for turns: what one leaves on it the next one would have."""
    store = Store(as_application(owner_url), pool_size=1, upkeep_url=owner_url)
    await store.prepare()
    yield store
    await store.close()


async def test_a_start_asks_again_for_what_a_connection_that_broke_did_not_tell(owner_url: str) -> None:
    """G386: a restart of the database, or a busy machine, ends no start that could be told of its roles a moment later."""
    async with silent_proxy(owner_url) as proxy:
        proxy.cut_once = b"pg_has_role"
        store = Store(as_application(proxy.url), pool_size=1, upkeep_url=owner_url)
        try:
            await store.prepare()
            assert proxy.cut_once is None
        finally:
            await store.close()


@pytest.fixture
async def both(walled: Store) -> Store:
    """The same, with rows of two tenants in every table that the store fills."""
    for who in (ANN, EVE):
        run = await new_run(walled, who)
        [message_id] = await say(walled, run, NewMessage("assistant", "Forty-two.", step=1, status="complete"), who=who)
        call = ToolCall("call-1", "find_order", {})
        await in_one(walled, propose_calls, who, run.id, step=1, calls=[(call, "data", "read")])
        await let_ask(walled, run, who=who)
        await let_spend(walled, run, who=who)
        await in_one(walled, rate_message, who, Feedback(message_id, "up", None))
        await in_one(walled, ask_page, RunKey(who.tenant_id, run.id), [for_page("call-2")])
        await in_one(walled, keep_memory, who, "I like tea.", owner=who.user_id, most=9)
        await keep_file(walled, who)
        await let_fold(walled, run, who=who)
        await in_one(walled, record, who, [Deed("audit.read", who.user_id)])
        async with walled.write(EVERY_TENANT) as connection:
            await connection.execute(update(audit).values(at=audit.c.at - 10))
    while await seal_batch(walled):
        pass
    await index_all(walled)
    return walled


async def rows_of(store: Store, tenant_id: str | None, table: Any) -> set[str]:
    """Return the tenants of all rows of a table that a transaction sees, with no condition of ours."""
    async with store.read(tenant_id) as connection:
        return {tenant for (tenant,) in await connection.execute(select(table.c.tenant_id))}


async def run(store: Store, tenant_id: str, statement: Any) -> int:
    """Run a statement, which has no condition of ours, as a tenant; return how many rows it has changed."""
    async with store.write(tenant_id) as connection:
        return (await connection.execute(statement)).rowcount


@pytest.mark.parametrize("table", OF_TENANTS, ids=lambda table: table.name)
async def test_without_any_condition_of_ours_a_tenant_sees_its_own_rows_only(both: Store, table: Any) -> None:
    """G290"""
    assert await rows_of(both, EVERY_TENANT, table) == {"acme", "rival"}, "nothing is there that could be seen"
    assert await rows_of(both, "acme", table) == {"acme"}
    assert await rows_of(both, "rival", table) == {"rival"}
    assert await rows_of(both, "", table) == set()
    assert await rows_of(both, "acme' OR 'a' = 'a", table) == set()


async def test_what_is_searched_in_is_the_tenants_own(both: Store) -> None:
    """G290: also where a search would name another tenant."""
    every = text("SELECT tenant_id FROM search_entries_of_tenant WHERE words @@ CAST(' ' AS tsquery) OR true")
    for tenant_id in ("acme", "rival", ""):
        async with both.search(tenant_id) as connection:
            assert set((await connection.execute(every)).scalars()) == {tenant_id} - {""}


async def test_a_tenant_can_neither_write_nor_take_rows_of_another(both: Store) -> None:
    """G290"""
    row = {"tenant_id": "rival", "id": new_id(), "user_id": "eve", "title": "x", "last_position": 0, "last_turn": 0}
    theirs = {**row, "created_at": (now := datetime.now(UTC)), "updated_at": now}
    for statement in (insert(conversations).values(theirs), update(conversations).values(tenant_id="rival")):
        with pytest.raises(ProgrammingError, match="row-level security"):
            await run(both, "acme", statement)
    assert await run(both, "acme", update(conversations).values(title="taken")) == 1
    async with both.read("rival") as connection:
        assert "taken" not in set((await connection.execute(select(conversations.c.title))).scalars())


async def test_nothing_of_a_transaction_is_left_on_its_connection(both: Store) -> None:
    """G290: whether it commits, fails or is undone."""
    with pytest.raises(DBAPIError, match="division by zero"):
        await run(both, "acme", text("SELECT 1 / 0"))
    assert await rows_of(both, "", conversations) == set()
    await run(both, "acme", update(conversations).values(title="x"))
    [free] = both._main._free
    found = await free.driver.run("SELECT current_setting('frontdesk.tenant', true)", ())
    assert found.rows == [("",)]
    assert await rows_of(both, "rival", conversations) == {"rival"}


def test_every_table_with_rows_of_tenants_has_a_policy(owner_url: str) -> None:
    """G290: also those that are to come."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE relrowsecurity"
        ).fetchall()
    assert {name for (name,) in found} == {table.name for table in OF_TENANTS}


async def test_a_role_that_would_see_all_tenants_is_refused(owner_url: str) -> None:
    """G290"""
    for role in ("owner", "above"):
        with psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"DROP ROLE IF EXISTS {role}")
            connection.execute(f"CREATE ROLE {role} LOGIN {'BYPASSRLS' if role == 'above' else ''}")
            if role == "owner":
                connection.execute(f"ALTER TABLE messages OWNER TO {role}")
        store = Store(as_application(owner_url).replace(APPLICATION, role), pool_size=1, upkeep_url=owner_url)
        with pytest.raises(ConfigurationError, match="would see all tenants"):
            await store.prepare()
        await store.close()


async def test_roles_the_wrong_way_round_are_refused(owner_url: str) -> None:
    """G290"""
    store = Store(owner_url, pool_size=1, upkeep_url=as_application(owner_url))
    with pytest.raises(ConfigurationError, match="FRONTDESK_DATABASE_UPKEEP_URL: its role neither owns"):
        await store.prepare()
    await store.close()
    with pytest.raises(ConfigurationError, match="another role"):
        Store(owner_url, pool_size=1, upkeep_url=owner_url)
    with pytest.raises(ConfigurationError, match="only PostgreSQL"):
        Store("sqlite+aiosqlite:///one.db", pool_size=1, upkeep_url=owner_url)


async def test_a_role_that_may_nothing_yet_may_after_a_migration(owner_url: str) -> None:
    """G290: what a vendor does who had one role so far."""
    with psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS newcomer")
        connection.execute("CREATE ROLE newcomer LOGIN")
    store = Store(as_application(owner_url).replace(APPLICATION, "newcomer"), pool_size=1, upkeep_url=owner_url)
    with pytest.raises(ConfigurationError, match="run `frontdesk migrate`"):
        await store.prepare()
    await store.migrate()
    await store.prepare()
    await new_run(store, ANN)
    assert await rows_of(store, "acme", conversations) == {"acme"}
    await store.close()

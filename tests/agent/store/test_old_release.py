"""A database of release 0.1.0 with 10,000 conversations is brought to the newest schema, and all of it is there."""

import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, func, select
from support.releases import FIRST_RELEASE, alembic
from support.rows import count_rows, finish, new_run

from agent.principal import Principal
from agent.store.conversations import list_conversations
from agent.store.database import EVERY_TENANT, Store
from agent.store.messages import list_messages
from agent.store.tables import messages, runs
from alembic import command

CONVERSATIONS, TENANTS = 10_000, 20
BUSY = 7
"""Each so many-th conversation has a run that nobody has ended."""
PERCENT = {"sqlite": "%", "postgresql": "%%"}
LONGEST_S = 60.0
"""A bound for a busy machine; a statement of a version has as much."""


@pytest.fixture
async def store(empty_database_url: str) -> AsyncIterator[Store]:
    store = Store(empty_database_url, pool_size=2)
    async with store.write(EVERY_TENANT, is_long=True) as connection:
        await connection.run_sync(alembic(command.upgrade, FIRST_RELEASE))
        await connection.run_sync(_fill)
    yield store
    await store.close()


KINDS = {
    "sqlite": {
        "id": "printf('%08x%024x', {kind}, n)",
        "at": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-01', '+' || n || ' seconds')",
        "tenant": "printf('tenant-%02d', n % {tenants})",
        "no": "0",
    },
    "postgresql": {
        "id": "(lpad(to_hex({kind}), 8, '0') || lpad(to_hex(n), 24, '0'))::uuid",
        "at": "timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second'",
        "tenant": "'tenant-' || lpad((n % {tenants})::text, 2, '0')",
        "no": "false",
    },
}
"""How each kind of database counts out ids, times and names: ten thousand rows from here would take longer than what is tried."""
NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {conversations})"
ROWS = (
    "INSERT INTO conversations (tenant_id, id, user_id, title, last_position, last_turn, created_at, updated_at) {numbers}"
    " SELECT {tenant}, {conversation}, 'ann', 'Order ' || n, CASE n % {busy} WHEN 0 THEN 1 ELSE 2 END, 1, {at}, {at} FROM numbers",
    "INSERT INTO runs (tenant_id, id, conversation_id, user_id, turn, attempt, model, message_id, input_tokens, output_tokens,"
    " state, worker_id, created_at) {numbers} SELECT {tenant}, {run}, {conversation}, 'ann', 1, 1, 'demo', {answer}, 1, 1,"
    " CASE n % {busy} WHEN 0 THEN 'running' ELSE 'completed' END, 'gone', {at} FROM numbers",
    "INSERT INTO messages (tenant_id, id, run_id, conversation_id, turn, position, step, role, text, is_error, status, created_at)"
    " {numbers} SELECT {tenant}, {question}, {run}, {conversation}, 1, 1, 0, 'user', 'asked word' || n, {no}, 'complete', {at} FROM numbers",
    "INSERT INTO messages (tenant_id, id, run_id, conversation_id, turn, position, step, role, text, is_error, status, created_at)"
    " {numbers} SELECT {tenant}, {answer}, {run}, {conversation}, 1, 2, 1, 'assistant', 'said word' || n, {no}, 'complete', {at} FROM numbers"
    " WHERE n % {busy} <> 0",
)


def _fill(connection: Connection) -> None:
    """Store conversations of many tenants as the release did: a question, and an answer where the run is over."""
    kind = KINDS[connection.dialect.name]
    names = ("conversation", "run", "question", "answer")
    ids = {name: kind["id"].format(kind=number) for number, name in enumerate(names, 1)}
    tenant = kind["tenant"].format(tenants=TENANTS)
    for statement in ROWS:
        numbers = NUMBERS.format(conversations=CONVERSATIONS)
        rest = {"numbers": numbers, "tenant": tenant, "busy": BUSY, "at": kind["at"], "no": kind["no"]}
        connection.exec_driver_sql(statement.format(**ids, **rest).replace("%", PERCENT[connection.dialect.name]))


async def test_ten_thousand_conversations_of_the_first_release_are_brought_to_the_newest_schema(store: Store) -> None:
    """G388"""
    before = await count_rows(store)
    begun = time.monotonic()
    await store.migrate()
    taken_s = time.monotonic() - begun
    print(f"{store.url.drivername}: {CONVERSATIONS} conversations migrated in {taken_s:.1f} s")
    assert taken_s < LONGEST_S
    await store.prepare()
    after = await count_rows(store)
    assert {name: after[name] for name in before} == before
    assert (before["conversations"], before["messages"]) == (
        CONVERSATIONS,
        2 * CONVERSATIONS - -(-CONVERSATIONS // BUSY),
    )

    who = Principal("tenant-03", "ann")
    async with store.read(who.tenant_id) as connection:
        newest = await list_conversations(connection, who, limit=2, after=None)
        said = await list_messages(connection, who, newest[0].id, limit=9, after=None)
        left = select(func.count()).select_from(runs).where(runs.c.state == "running")
        unfinished = (await connection.execute(left)).scalar_one()
        kept = (await connection.execute(select(func.count(messages.c.text.distinct())))).scalar_one()
    last = CONVERSATIONS - TENANTS + 3
    assert [one.title for one in newest] == [f"Order {last}", f"Order {last - TENANTS}"]
    assert [one.text for one in said] == [f"asked word{last}", f"said word{last}"], "it is none of those that are busy"
    assert unfinished == -(-CONVERSATIONS // BUSY), "some process takes them up"
    assert kept == before["messages"]
    new = await new_run(store, who, newest[0].id)
    await finish(store, new, who=who)
    assert new.turn == 2

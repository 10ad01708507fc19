"""The migrations give exactly the tables of `tables.py`, on both kinds of database, and can be run at any time."""

import asyncio
import re
import sqlite3
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from support.releases import alembic, fill
from support.rows import ANN, count_rows, new_run
from support.searching import index_all, search

from agent.errors import ConfigurationError
from agent.store.columns import is_compared
from agent.store.conversations import list_conversations
from agent.store.database import Store
from agent.store.messages import list_messages
from agent.store.migrations import ALEMBIC
from agent.store.runs import NewRun, get_run, insert_run
from agent.store.tables import metadata
from agent.store.versions import supersede
from alembic import command

BUDGETS = ("budgets", "spendings", "reservations")
ROOT = Path(__file__).parents[3]


async def on(store: Store, work: Any) -> Any:
    async with store.write("acme") as connection:
        return await connection.run_sync(work)


def differences(connection: Connection) -> list[Any]:
    compared = {"compare_type": True, "compare_server_default": True, "include_object": is_compared}
    context = MigrationContext.configure(connection, opts=compared)
    return list(compare_metadata(context, metadata))


def checks(connection: Connection) -> dict[str, set[tuple[str, str]]]:
    """Return the check constraints by table; alembic does not compare them."""
    return {
        name: {
            (str(found["name"]), re.sub(r"\s+", " ", found["sqltext"]))
            for found in inspect(connection).get_check_constraints(name)
        }
        for name in metadata.tables
    }


async def test_the_migrations_give_what_the_code_declares(store: Store) -> None:
    assert await on(store, differences) == []


async def test_a_table_that_a_migration_forgot_would_be_noticed(store: Store) -> None:
    async with store.write("acme") as connection:
        await connection.execute(text("DROP TABLE feedback"))
    assert await on(store, differences)


async def test_the_migrations_give_the_same_check_constraints(store: Store, empty_database_url: str) -> None:
    declared = Store(empty_database_url, pool_size=1)
    if declared.engine.dialect.name == store.engine.dialect.name:
        await on(declared, metadata.create_all)
        expected = await on(declared, checks)
        assert sum(map(len, expected.values())) >= 6
        assert await on(store, checks) == expected
    await declared.close()


async def test_migrating_again_changes_nothing(store: Store) -> None:
    await new_run(store)
    before = await count_rows(store)
    await store.migrate()
    await store.prepare()
    assert await count_rows(store) == before
    assert await on(store, differences) == []


async def test_the_way_down_leaves_nothing_and_the_way_up_works_again(store: Store) -> None:
    await on(store, alembic(command.downgrade, "base"))
    assert await on(store, lambda connection: inspect(connection).get_table_names()) == ["alembic_version"]
    await store.migrate()
    assert await on(store, differences) == []
    await new_run(store)


async def test_rows_of_the_first_version_are_kept_on_the_way_up_and_down(empty_database_url: str) -> None:
    store = Store(empty_database_url, pool_size=1)
    await on(store, alembic(command.upgrade, "0001"))
    await on(store, fill)
    before = await count_rows(store)
    assert (before["messages"], before["feedback"]) == (4, 1)

    await store.migrate()
    assert await on(store, differences) == []
    added = dict.fromkeys(
        (
            "search_entries",
            "approvals",
            "page_calls",
            "audit",
            "audit_seals",
            "memories",
            "files",
            "summaries",
            *BUDGETS,
        ),
        0,
    )
    assert await count_rows(store) == {**before, **added}
    await index_all(store)
    assert len(await search(store, ANN, "assistant")) == 1
    async with store.read("acme") as connection:
        [conversation] = await list_conversations(connection, ANN, limit=9, after=None)
        messages = await list_messages(connection, ANN, conversation.id, limit=9, after=None)
        run = await get_run(connection, ANN, messages[0].run_id)
    assert [message.text for message in messages] == ["user 1", "assistant 1", "user 2", "assistant 2"]
    async with store.write("acme") as connection:
        new = await insert_run(connection, ANN, NewRun(conversation.id, "demo", "worker", replaces=run.turn))
        await supersede(connection, ANN, run, by=new, keeps_message=True)
    async with store.read("acme") as connection:
        counting = await list_messages(connection, ANN, conversation.id, limit=9, after=None)
    assert [(message.turn, message.text) for message in counting] == [(3, "user 1")]

    await on(store, alembic(command.downgrade, "0001"))
    assert await count_rows(store) == {**before, "runs": 3}
    await store.close()


async def test_a_new_database_is_made_ready_where_it_is_ones_own_and_refused_where_it_is_shared(
    empty_database_url: str,
) -> None:
    store = Store(empty_database_url, pool_size=1)
    if store.engine.dialect.name == "postgresql":
        with pytest.raises(ConfigurationError, match="frontdesk migrate"):
            await store.prepare()
        await store.migrate()
    await store.prepare()
    assert set((await count_rows(store)).values()) == {0}
    await store.close()


async def test_a_database_of_a_newer_version_is_refused_in_words(store: Store) -> None:
    async with store.write("acme") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="schema version"):
        await store.prepare()


MIGRATE = """
import asyncio, multiprocessing, sys
from agent.store.database import Store

async def main():
    store = Store(sys.argv[1], pool_size=1)
    await store.migrate()
    await store.close()

def migrate():
    asyncio.run(main())

both = [multiprocessing.get_context("fork").Process(target=migrate) for _ in range(2)]
for one in both:
    one.start()
for one in both:
    one.join()
print(*(one.exitcode for one in both))
"""


@pytest.mark.timeout(400)
async def test_processes_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    both = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MIGRATE, empty_database_url), cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(200):
        ends, errors = await both.communicate()
    assert ends == b"0 0\n", errors
    store = Store(empty_database_url, pool_size=1)
    assert await on(store, differences) == []
    await store.close()


async def test_a_new_sqlite_file_that_another_one_writes_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # not yet in WAL mode: SQLite refuses the switch at once
    store = Store(f"sqlite+aiosqlite:///{path}", pool_size=1)
    ping = asyncio.create_task(store.ping())
    await asyncio.wait([ping], timeout=0.3)
    assert not ping.done()
    other.execute("COMMIT")
    await ping
    other.close()
    await store.close()


def test_the_migrations_are_one_line_without_branches() -> None:
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


CONTRACTS = {"0006", "0013", "0021"}
"""Versions before the rule, or that drop an index, perhaps to make it anew: no release needs one."""


def test_a_version_takes_nothing_away_that_the_release_before_it_uses() -> None:
    """G322: expand, then contract; see CONTRIBUTING.md."""
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC))
    for version in ScriptDirectory.from_config(config).walk_revisions():
        up = Path(version.path).read_text("utf-8").partition("def upgrade")[2].partition("def downgrade")[0]
        taken = [words for words in ("drop_", "rename_table", "alter_column", "new_column_name") if words in up]
        assert not taken or version.revision in CONTRACTS, (version.revision, taken)

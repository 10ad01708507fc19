"""The connection: transactions that hold or leave nothing, on both kinds of database."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from support.each import each
from support.rows import ANN, at_once, count_rows, in_one, in_use, new_conversation, new_run

from agent.errors import ConfigurationError, DatabaseError
from agent.principal import Principal
from agent.store.conversations import create_conversation, get_conversation
from agent.store.database import EVERY_TENANT, Store, new_id
from agent.store.tables import conversations, messages


@pytest.fixture
async def sqlite(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """Two stores on one SQLite file, as two processes have them."""
    path = shutil.copy(sqlite_template, tmp_path / "shared.db")
    stores = [Store(f"sqlite+aiosqlite:///{path}", pool_size=5) for _ in range(2)]
    yield stores
    for store in stores:
        await store.close()


async def read_then_write(store: Store, conversation_id: object) -> None:
    """Add one to a conversation's counter by reading it first, as careless code would."""
    async with store.write("acme") as connection:
        query = select(conversations.c.last_turn).where(conversations.c.id == conversation_id)
        counted = (await connection.execute(query)).scalar_one()
        await asyncio.sleep(0)
        await connection.execute(update(conversations).values(last_turn=counted + 1))


async def test_what_a_block_writes_is_there_when_it_has_ended(store: Store) -> None:
    conversation_id = await new_conversation(store)
    async with store.read("acme") as connection:
        assert (await get_conversation(connection, ANN, conversation_id)).title == "Orders"


async def _write_and_break(store: Store) -> None:
    async with store.write("acme") as connection:
        await create_conversation(connection, ANN, title="half")
        raise RuntimeError("in the middle")


async def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        await _write_and_break(store)
    assert (await count_rows(store))["conversations"] == 0
    assert in_use(store) == 0


async def test_what_is_not_committed_is_not_seen(store: Store) -> None:
    async with store.write("acme") as connection:
        await create_conversation(connection, ANN, title="in the making")
        async with asyncio.timeout(60):
            assert (await count_rows(store))["conversations"] == 0


async def test_a_stop_in_the_middle_of_a_transaction_waits_until_it_is_decided(store: Store) -> None:
    with anyio.CancelScope() as scope:
        async with store.write("acme") as connection:
            await create_conversation(connection, ANN, title="first")
            scope.cancel()
            await create_conversation(connection, ANN, title="second")
        await anyio.lowlevel.checkpoint()
        raise AssertionError("the stop was forgotten")
    assert (await count_rows(store))["conversations"] == 2
    assert in_use(store) == 0


async def _queued(store: Store, order: list[str], *names: str) -> dict[str, asyncio.Task[None]]:
    """Let writers wait behind one that is writing; those named `urgent…` are urgent."""
    tasks = {}

    async def write(name: str) -> None:
        async with store.write(EVERY_TENANT, is_urgent=name.startswith("urgent")):
            order.append(name)

    for name in names:
        tasks[name] = asyncio.create_task(write(name))
        await asyncio.sleep(0)
    return tasks


async def test_writers_of_a_process_come_in_order_but_the_urgent_first(sqlite: list[Store]) -> None:
    order: list[str] = []
    async with asyncio.timeout(60):
        async with sqlite[0].write("acme"):
            tasks = await _queued(sqlite[0], order, "first", "second", "urgent", "third")
        await asyncio.gather(*tasks.values())
    assert order == ["urgent", "first", "second", "third"]


@pytest.mark.parametrize("leaving", ["first", "urgent", "last"])
async def test_a_writer_that_gives_up_waiting_does_not_hold_up_the_others(sqlite: list[Store], leaving: str) -> None:
    order: list[str] = []
    async with asyncio.timeout(60):
        async with sqlite[0].write("acme"):
            tasks = await _queued(sqlite[0], order, "first", "urgent", "middle", "last")
            tasks[leaving].cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await new_conversation(sqlite[0])
    assert tasks[leaving].cancelled()
    assert order == [name for name in ("urgent", "first", "middle", "last") if name != leaving]


async def test_a_writer_that_gives_up_in_the_moment_of_its_turn_passes_it_on(sqlite: list[Store]) -> None:
    order: list[str] = []
    async with asyncio.timeout(60):
        async with sqlite[0].write("acme"):
            tasks = await _queued(sqlite[0], order, "first", "second")
        tasks["first"].cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await new_conversation(sqlite[0])
    assert order[-1] == "second"


async def test_fifty_readers_that_write_do_not_fail_or_overtake_each_other_on_sqlite(sqlite: list[Store]) -> None:
    conversation_id = await new_conversation(sqlite[0])
    outcomes = await at_once(read_then_write(sqlite[n % 2], conversation_id) for n in range(50))
    assert outcomes == [None] * 50
    async with sqlite[0].read("acme") as connection:
        assert (await connection.execute(select(conversations.c.last_turn))).scalar_one() == 50


async def test_fifty_writers_at_once_are_all_served_whatever_the_pool_holds(store: Store) -> None:
    made = await at_once(new_run(store) for _ in range(50))
    assert not [one for one in made if isinstance(one, BaseException)]
    assert (await count_rows(store))["runs"] == 50
    assert in_use(store) == 0


async def test_sqlite_checks_foreign_keys_keeps_a_write_ahead_log_and_waits_for_locks(sqlite: list[Store]) -> None:
    async with sqlite[0].read("acme") as connection:
        pragmas = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("foreign_keys", "journal_mode", "busy_timeout")
        ]
    assert pragmas == [1, "wal", 5000]


async def test_a_message_of_a_run_that_is_not_there_is_refused(store: Store) -> None:
    run = await new_run(store)
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await connection.execute(update(messages).where(messages.c.run_id == run.id).values(run_id=new_id()))


async def test_an_error_text_does_not_show_what_was_to_be_written_on_sqlite(sqlite: list[Store]) -> None:
    # PostgreSQL's own texts do ("Failing row contains …"): no error's text may be logged, only its type.
    with pytest.raises(StatementError) as failed:
        await in_one(sqlite[0], create_conversation, Principal("acme", None), title="SECRET")  # type: ignore[arg-type]
    assert "SECRET" not in str(failed.value)


async def test_a_database_that_answers_gives_a_sign_of_life(store: Store) -> None:
    await store.ping()


async def test_a_database_that_is_not_there_is_an_error_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    store = Store(f"postgresql+psycopg://frontdesk:SECRET@127.0.0.1:{port}/frontdesk", pool_size=1)
    with pytest.raises(DatabaseError) as failed:
        await store.ping()
    with pytest.raises(ConfigurationError, match="cannot be reached") as refused:
        await store.prepare()
    await store.close()
    assert "SECRET" not in f"{failed.value}{refused.value}"


@each(
    "url",
    [
        *("", "SECRET", "sqlite:///SECRET.db", "postgresql://u:SECRET@host/db", "mysql+aiomysql://u:SECRET@host/db"),
        *("postgresql+asyncpg://u:SECRET@host/db", "://SECRET", "postgresql+psycopg://u:SECRET@host:port/db"),
    ],
)
def test_a_url_of_no_known_database_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="FRONTDESK_DATABASE_URL") as refused:
        Store(url, pool_size=1)
    assert "SECRET" not in str(refused.value)


def test_ids_are_unique_and_in_order_of_making() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert [str(one) for one in ids] == sorted({str(one) for one in ids})
    assert {one.version for one in ids} == {7}

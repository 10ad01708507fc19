"""A SQLite file at start: ours, missing, or refused in a line. And its log of writes, which stays short."""

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text
from support.rows import ANN, count_rows, in_one, new_run

from agent.errors import ConfigurationError, DatabaseError
from agent.store import files
from agent.store.checkpoints import log_bytes
from agent.store.conversations import create_conversation
from agent.store.database import EVERY_TENANT, Store
from agent.store.lock import only_server


def store_at(path: Path) -> Store:
    return Store(f"sqlite+aiosqlite:///{path}", pool_size=2)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def only_its_first_page(path: Path) -> None:
    os.truncate(path, 4096)


def fill_with(content: bytes) -> Callable[[Path], None]:
    return lambda path: _put(path, content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def overwrite_the_list_of_tables(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2000)


def of_another_application(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def without_a_table(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def gone_but_for_its_log(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}-wal"))


def files_in(folder: Path) -> list[tuple[str, int]]:
    """Return the names and sizes of the files in a folder."""
    return sorted((one.name, one.lstat().st_size) for one in folder.iterdir())


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("elsewhere.db"))


def without_tables_of_ours(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('0007')")


BROKEN = {
    "is empty": fill_with(b""),
    "cannot be read as a database": fill_with(b"This is a letter, and no database. " * 300),
    "cannot be read": overwrite_the_list_of_tables,
    "cut short|cannot be read": cut_short,
    "cut short|cannot be read ": only_its_first_page,
    "another application": of_another_application,
    "without a table": without_a_table,
    "is a folder": a_folder,
    "is missing, and": gone_but_for_its_log,
    "where there is nothing": a_link_to_nothing,
    "has lost its tables": without_tables_of_ours,
}


@pytest.mark.parametrize("words", BROKEN)
async def test_what_is_no_database_of_ours_is_refused_in_a_line_and_left_as_it_is(
    sqlite_template: Path, tmp_path: Path, words: str
) -> None:
    """G50"""
    path = Path(shutil.copy(sqlite_template, tmp_path / "one.db"))
    BROKEN[words](path)
    before = files_in(tmp_path)
    store = store_at(path)
    with pytest.raises(ConfigurationError, match=words.strip()) as refused:
        await store.prepare()
    await store.close()
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__cause__ is None
    assert files_in(tmp_path) == before


def test_a_server_is_alone_with_its_file_whatever_leads_to_it(sqlite_template: Path, tmp_path: Path) -> None:
    """G50: a link to a database is that database."""
    path = Path(shutil.copy(sqlite_template, tmp_path / "one.db"))
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with (
        only_server(path, wait_s=0),
        pytest.raises(ConfigurationError),
        only_server(link, wait_s=0),
    ):
        pass


async def test_a_missing_file_is_made_whole_by_whoever_comes_first(tmp_path: Path) -> None:
    """G50"""
    path = tmp_path / "folder" / "new.db"
    first, second = store_at(path), store_at(path)

    async def lose_the_race(new: Path) -> None:
        _put(new, b"half")
        await first.prepare()

    await files.make(path, lose_the_race)
    await second.prepare()
    await new_run(first)
    assert (await count_rows(second))["runs"] == 1
    await first.close()
    await second.close()
    assert [one.name for one in path.parent.iterdir()] == ["new.db"]


async def test_a_database_that_was_there_is_opened_with_all_that_is_in_it(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path / "a folder #1?%.db"))
    for count in range(3):
        store = store_at(path)
        await store.prepare()
        assert (await count_rows(store))["runs"] == count
        await new_run(store)
        await store.close()


async def test_a_folder_that_cannot_be_made_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        store_at(tmp_path / "file" / "one.db")


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"])
async def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must name a file"):
        Store(url, pool_size=1)


@pytest.fixture
async def store(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Store]:
    store = store_at(Path(shutil.copy(sqlite_template, tmp_path / "one.db")))
    yield store
    await store.close()


async def write_pages(store: Store, pages: int) -> None:
    for _ in range(pages // 100):
        async with store.write("acme") as connection:
            for _ in range(100):
                await create_conversation(connection, ANN, title="x" * 200)
            await connection.execute(text("UPDATE conversations SET title = title"))


async def test_the_log_of_writes_is_short_again_after_a_long_reader_left_and_no_commit_pays_for_it(
    store: Store, tmp_path: Path
) -> None:
    """G31"""
    path = tmp_path / "one.db"
    await store.checkpoint(most_bytes=1)
    async with store.read("acme") as connection:
        await connection.execute(select(1))
        await connection.execute(text("SELECT count(*) FROM conversations"))
        while log_bytes(path) < 10_000_000:
            await write_pages(store, 1000)
            await store.checkpoint(most_bytes=6_000_000)
    size = path.stat().st_size
    await in_one(store, create_conversation, ANN, title="the first after it")
    assert path.stat().st_size == size, "a commit moved the log into the file"
    await store.checkpoint(most_bytes=6_000_000)
    assert log_bytes(path) == 0
    assert path.stat().st_size > size


async def test_a_log_that_is_short_is_left_alone(store: Store, tmp_path: Path) -> None:
    await store.checkpoint(most_bytes=1)
    await in_one(store, create_conversation, ANN, title="Orders")
    before = log_bytes(tmp_path / "one.db")
    await store.checkpoint(most_bytes=10_000_000)
    assert log_bytes(tmp_path / "one.db") == before > 0


async def test_a_file_that_cannot_be_written_is_a_fault_and_not_a_mistake(store: Store, tmp_path: Path) -> None:
    """G32"""
    async with store.write("acme") as connection:
        await connection.execute(text("PRAGMA query_only = ON"))
        with pytest.raises(DatabaseError):
            async with store.write(EVERY_TENANT, is_urgent=True):
                pass
    await store.close()
    async with store.write("acme") as connection:
        await connection.execute(text("PRAGMA query_only = OFF"))


async def test_too_many_open_files_are_a_fault(store: Store) -> None:
    """G32"""
    import resource

    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(free := os.open(os.devnull, os.O_RDONLY))  # numbers below may be free where a file was closed
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, was[1]))
    try:
        with pytest.raises(DatabaseError):
            async with store.read("acme") as connection:
                await connection.execute(select(1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, was)
    async with store.read("acme") as connection:
        await connection.execute(select(1))

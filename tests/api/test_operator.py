"""Runs and their use by tenant, as an operator sees them, and copies of a database that are whole wherever they are put back."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from sqlalchemy import select, update
from support.faults import store_of, until
from support.releases import FIRST_RELEASE, alembic, fill
from support.rows import ANN, BEN, EVE, finish, in_one, let_ask, new_run, read_run
from support.world import ASSISTANT, SECRET, OpenWorld, write_assistant
from typer.testing import CliRunner

from agent.errors import ConfigurationError
from agent.events.schema import Usage
from agent.store.database import Store
from agent.store.lock import only_server
from agent.store.runs import RunEnd
from agent.store.tables import messages, runs
from agent.store.transitions import end_run, pause_run, release_run
from alembic import command
from api.cli import cli
from api.operator.copies import backup, restore
from api.operator.sights import list_runs, sum_usage
from api.settings import Settings

TODAY = datetime.now(UTC)
DAY = timedelta(days=1)
PRICED = {"spec": "openai:scripted", "name": "demo", "price": {"input": 1.0, "output": 4.0, "currency": "EUR"}}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """An installation on each kind of database, whose model `demo` has a price."""
    assistant = write_assistant(tmp_path, models=[PRICED])
    return Settings(
        _env_file=None, data=tmp_path / "data", database_url=database_url, jwt_secret=SECRET, assistant=assistant
    )


async def test_runs_that_go_on_and_failed_lately_are_listed_by_tenant(store: Store, settings: Settings) -> None:
    """G340: and no word of theirs."""
    works, waits = await new_run(store), await new_run(store, BEN)
    queued = await new_run(store, conversation_id=works.conversation_id)
    left, hers, over = await new_run(store), await new_run(store, EVE), await new_run(store)
    failed, long_ago = await new_run(store), await new_run(store)
    await let_ask(store, waits, who=BEN)
    await in_one(store, pause_run, "acme", waits.id, attempt=1, until=TODAY + DAY)
    await in_one(store, release_run, "acme", left.id, attempt=1)
    await finish(store, over)
    for one in (failed, long_ago):
        await in_one(store, end_run, "acme", one.id, attempt=1, end=RunEnd("failed", "error", Usage(), "model_error"))
    async with store.write("acme") as connection:
        aged = update(runs).where(runs.c.id == long_ago.id)
        await connection.execute(aged.values(ended_at=TODAY - 3 * DAY))
    found = await list_runs(settings, None, failed_h=24, most=100)
    assert {(one.run, one.standing, one.is_abandoned) for one in found} == {
        (works.id, "works", False),
        (waits.id, "waits", False),
        (queued.id, "queued", False),
        (left.id, "works", True),
        (hers.id, "works", False),
        (failed.id, "failed", False),
    }
    assert [one.error_code for one in found if one.standing == "failed"] == ["model_error"]
    assert "how many" not in str([asdict(one) for one in found])
    assert {one.run for one in await list_runs(settings, "rival", failed_h=24, most=100)} == {hers.id}
    few = await list_runs(settings, "acme", failed_h=0, most=2)
    assert [one.run for one in few] == [works.id, waits.id], "the oldest first"


async def test_usage_is_summed_by_what_is_asked_for_and_priced_where_there_is_a_price(
    store: Store, settings: Settings
) -> None:
    """G340"""
    for who, used in ((ANN, Usage(100, 10)), (ANN, Usage(200, 20)), (BEN, Usage(1_000_000, 0)), (EVE, Usage(5, 5))):
        run = await new_run(store, who)
        await in_one(store, end_run, who.tenant_id, run.id, attempt=1, end=RunEnd("completed", "stop", used))
    async with store.write("acme") as connection:
        await connection.execute(update(runs).values(created_at=TODAY))  # the tests may have been read the day before
        await connection.execute(update(runs).where(runs.c.user_id == "ben").values(created_at=TODAY - DAY))
        await connection.execute(update(runs).where(runs.c.tenant_id == "rival").values(model="another"))

    async def summed(by: str, tenant: str | None = None, **more: Any) -> list[tuple[Any, ...]]:
        keys, span = by.split(","), {"since": TODAY - 2 * DAY, "until": TODAY + DAY, **more}
        found = await sum_usage(settings, tenant, by=keys, **span)
        return [tuple(one[key] for key in (*keys, "runs", "input_tokens", "output_tokens")) for one in found]

    day, before = (f"{one:%Y-%m-%d}" for one in (TODAY, TODAY - DAY))
    assert await summed("tenant") == [("acme", 3, 1_000_300, 30), ("rival", 1, 5, 5)]
    assert await summed("user,day", "acme") == [("ann", day, 2, 300, 30), ("ben", before, 1, 1_000_000, 0)]
    assert await summed("model") == [("another", 1, 5, 5), ("demo", 3, 1_000_300, 30)]
    assert await summed("tenant", since=TODAY + DAY, until=TODAY + 2 * DAY) == []
    assert await summed("tenant", "acme", until=TODAY - DAY / 2) == [("acme", 1, 1_000_000, 0)]
    whole = await sum_usage(settings, None, by=["tenant"], since=TODAY - 2 * DAY, until=TODAY + DAY)
    assert [(one["cost"], one["unpriced_runs"]) for one in whole] == [({"EUR": 1.00042}, 0), ({}, 1)]


async def test_a_backup_under_load_has_all_that_was_acknowledged_and_nothing_by_halves(
    open_frontdesk: OpenWorld, tmp_path: Path
) -> None:
    """G341 G342"""
    world = await open_frontdesk()
    store, acknowledged, stop = store_of(world), list[Any](), asyncio.Event()

    async def talk() -> None:
        while not stop.is_set():
            run = await new_run(store)
            await finish(store, run)
            acknowledged.append(run.id)

    file = tmp_path / "copies" / "one.db"
    await anyio.Path(file.parent).mkdir()
    async with asyncio.TaskGroup() as talking, asyncio.timeout(100):
        for _ in range(4):
            talking.create_task(talk())
        before: list[Any] = []
        for enough in (40, 80, 120):
            await until(lambda enough=enough: len(acknowledged) >= enough)  # type: ignore[misc] # a number
            before = list(acknowledged)
            done = await anyio.to_thread.run_sync(lambda: backup(world.settings, file, replaces=True))
        stop.set()
    assert done == {"file": str(file), "bytes": file.stat().st_size, "is_checked": True}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["one.db"]
    elsewhere = Settings(_env_file=None, data=tmp_path / "elsewhere", jwt_secret=SECRET)
    assert restore(elsewhere, file)["database"] == elsewhere.database_file.__fspath__()  # type: ignore[union-attr]
    copy = elsewhere.open_store()
    await copy.prepare()
    for run_id in before[:: len(before) // 20]:
        assert await _rows_of(copy, run_id) == await _rows_of(store, run_id)
    async with copy.read("acme") as connection:
        found = set((await connection.execute(select(runs.c.id))).scalars())
        said = set((await connection.execute(select(messages.c.run_id))).scalars())
    await copy.close()
    assert set(before) <= found
    assert found == said, "a run without its message: half of a transaction"


async def _rows_of(store: Store, run_id: Any) -> list[Any]:
    async with store.read("acme") as connection:
        run = (await connection.execute(select(runs).where(runs.c.id == run_id))).all()
        said = (await connection.execute(select(messages).where(messages.c.run_id == run_id))).all()
    return [tuple(row) for row in (*run, *said)]


@pytest.fixture
def ours(tmp_path: Path, sqlite_template: Path) -> Settings:
    """An installation on SQLite with an empty database."""
    made = Settings(_env_file=None, data=tmp_path / "data", jwt_secret=SECRET)
    made.data.mkdir()
    shutil.copy(sqlite_template, made.data / "frontdesk.db")
    return made


def test_a_backup_takes_the_place_of_no_file_and_of_no_database(ours: Settings, tmp_path: Path) -> None:
    """G341"""
    file = tmp_path / "one.db"
    backup(ours, file, replaces=False)
    before = file.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        backup(ours, file, replaces=False)
    assert file.read_bytes() == before
    for wrong, told in (
        (ours.data / "frontdesk.db", "database itself"),
        (tmp_path / "no" / "x.db", "cannot be written"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            backup(ours, wrong, replaces=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "one.db"]
    with pytest.raises(ConfigurationError, match="there is no database"):
        backup(Settings(_env_file=None, data=tmp_path / "none"), file, replaces=True)


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[8192 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8192)
    file.write_bytes(content)


def of_another(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")


def of_later(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


NOBODY = 65534
"""A user that has no files."""
WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a damaged one": (damaged, "damaged|cannot be copied"),
    "half of one": (lambda file: file.write_bytes(file.read_bytes()[:20_000]), "damaged|cannot be copied"),
    "an empty one": (lambda file: file.write_bytes(b""), "no database of Frontdesk"),
    "no database": (lambda file: file.write_text("SELECT 1;" * 999), "cannot be copied"),
    "another application's": (of_another, "no database of Frontdesk"),
    "one of a later release": (of_later, "not known here"),
    "none": (lambda file: file.unlink(), "there is no file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_copy_that_is_none_changes_nothing(ours: Settings, tmp_path: Path, name: str) -> None:
    """G342"""
    file = tmp_path / "one.db"
    backup(ours, file, replaces=False)
    spoil, told = WRONG[name]
    spoil(file)
    before = (ours.data / "frontdesk.db").read_bytes()
    with pytest.raises(ConfigurationError, match=told):
        restore(ours, file)
    assert (ours.data / "frontdesk.db").read_bytes() == before
    assert not [one.name for one in ours.data.iterdir() if one.name.startswith(".")]


async def test_what_was_written_since_the_backup_is_gone_and_what_was_at_work_has_failed(
    ours: Settings, tmp_path: Path
) -> None:
    """G342: nothing that it did since is done again."""
    store = ours.open_store()
    over, works, waits = await new_run(store), await new_run(store), await new_run(store)
    await finish(store, over)
    await let_ask(store, waits)
    await in_one(store, pause_run, "acme", waits.id, attempt=1, until=TODAY + DAY)
    backup(ours, tmp_path / "one.db", replaces=False)
    later = await new_run(store)
    log = ours.data / "frontdesk.db-wal"
    left = await anyio.Path(log).read_bytes()
    await store.close()
    await anyio.Path(log).write_bytes(left)  # as a server leaves it that was killed
    assert restore(ours, tmp_path / "one.db")["ended_runs"] == 2
    assert (ours.data / "frontdesk.db").stat().st_mode & 0o777 == 0o600
    store = ours.open_store()
    await store.prepare()
    async with store.read("acme") as connection:
        found = set((await connection.execute(select(runs.c.id))).scalars())
    assert found == {over.id, works.id, waits.id}
    assert later.id not in found
    for run, state in ((over, "completed"), (works, "failed"), (waits, "failed")):
        now = await read_run(store, run)
        assert (now.state, now.error_code) == (state, None if state == "completed" else "interrupted")
        assert now.ended_at is not None
    await store.close()


async def test_a_copy_of_the_first_release_is_put_back_as_well(ours: Settings, tmp_path: Path) -> None:
    """G387"""
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'old.db'}", pool_size=1)
    async with store.write("acme") as connection:
        await connection.run_sync(alembic(command.upgrade, FIRST_RELEASE))
        await connection.run_sync(fill)
        await connection.execute(update(runs).where(runs.c.turn == 2).values(state="running", worker_id="dead"))
    await store.close()
    assert restore(ours, tmp_path / "old.db")["ended_runs"] == 1
    store = ours.open_store()
    await store.prepare()
    async with store.read("acme") as connection:
        found = (await connection.execute(select(runs.c.state, runs.c.error_code).order_by(runs.c.turn))).all()
    assert [tuple(one) for one in found] == [("completed", None), ("failed", "interrupted")]
    await store.close()


def test_what_root_puts_back_belongs_to_whom_it_belonged(ours: Settings, tmp_path: Path) -> None:
    """G615: else the service, which is somebody else, could not open its own database."""
    copy, database = tmp_path / "one.db", ours.data / "frontdesk.db"
    backup(ours, copy, replaces=False)
    owner = NOBODY if os.geteuid() == 0 else os.getuid()  # nobody else gives a file away
    for path in (ours.data, database):
        os.chown(path, owner, -1)
    restore(ours, copy)
    assert database.stat().st_uid == owner
    database.unlink()
    restore(ours, copy)
    assert (database.stat().st_uid, copy.stat().st_uid) == (owner, os.getuid())


def test_nothing_is_put_back_while_a_server_runs(ours: Settings, tmp_path: Path) -> None:
    """G342"""
    backup(ours, tmp_path / "one.db", replaces=False)
    file = ours.data / "frontdesk.db"
    before = file.read_bytes()
    with only_server(file, wait_s=0), pytest.raises(ConfigurationError, match="stop it first"):
        restore(ours, tmp_path / "one.db")
    assert file.read_bytes() == before


@pytest.fixture
def run(ours: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command in this process, in the installation's folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assistant.yaml").write_text(orjson.dumps(ASSISTANT).decode())
    variables = {"COLUMNS": "200", "FRONTDESK_DATA": "data", "FRONTDESK_ASSISTANT": "assistant.yaml"}

    def invoke(*arguments: str, **more: str) -> Any:
        return CliRunner().invoke(cli, arguments, input="", env=variables | more)

    return invoke


async def test_commands_print_lines_or_json(run: Callable[..., Any], ours: Settings, tmp_path: Path) -> None:
    store = ours.open_store()
    works, over = await new_run(store), await new_run(store)
    await finish(store, over)
    await store.close()
    done = await asyncio.to_thread(run, "runs", "--json")
    [told] = orjson.loads(done.stdout)
    assert (told["run"], told["standing"], told["tenant"]) == (str(works.id), "works", "acme")
    lines = (await asyncio.to_thread(run, "runs")).stdout.splitlines()
    assert lines[0].split() == ["standing", "tenant", "user", "run", "model", "created_at", "error_code"]
    assert lines[1].split()[:4] == ["works", "acme", "ann", str(works.id)]
    done = await asyncio.to_thread(run, "usage", "--by", "user,model", "--json")
    [summed] = orjson.loads(done.stdout)
    assert summed == {
        "user": "ann",
        "model": "demo",
        "runs": 2,
        "input_tokens": 3,
        "output_tokens": 4,
        "cost": {},
        "unpriced_runs": 2,
    }
    lines = (await asyncio.to_thread(run, "usage")).stdout.splitlines()
    assert lines == [
        "tenant  model  runs  input_tokens  output_tokens  cost",
        "acme    demo   2     3             4              -",
    ]
    assert (
        await asyncio.to_thread(run, "usage", "--from", "2020-01-01", "--to", "2020-01-31", "--json")
    ).stdout == "[]\n"
    file = tmp_path / "one.db"
    done = await asyncio.to_thread(run, "backup", str(file), "--json")
    assert orjson.loads(done.stdout)["bytes"] == file.stat().st_size
    refused = await asyncio.to_thread(run, "restore", str(file))
    assert (refused.exit_code, "Say --yes" in refused.stderr) == (2, True)
    done = await asyncio.to_thread(run, "restore", str(file), "--yes", "--json")
    assert orjson.loads(done.stdout) == {"database": str(tmp_path / "data" / "frontdesk.db"), "ended_runs": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--by", "colour"],
        ["--by", "day,day"],
        ["--by", ""],
        ["--from", "soon"],
        ["--from", "2026-11-30", "--to", "2026-11-01"],
    ],
)
def test_a_sum_by_what_there_is_not_is_refused(run: Callable[..., Any], arguments: list[str]) -> None:
    assert run("usage", *arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "--failed", "nan"],
        ["runs", "--failed", "-1"],
        ["restore", "nowhere.db"],
        ["erase", "--tenant", "acme", "--user", "", "--yes"],
        ["token", "--tenant", "a/b"],
        ["token", "--tenant", ""],
        ["token", "--user", " "],
        ["runs"],
        ["usage"],
        ["audit", "verify"],
        ["audit", "verify", "--tenant", "acme", "--head", f"{10**30}:{'0' * 64}"],
        ["audit", "show", "--tenant", "acme"],
    ],
    ids=" ".join,
)
def test_what_a_command_cannot_do_is_one_line(run: Callable[..., Any], tmp_path: Path, arguments: list[str]) -> None:
    """G395: a number that is none, and a database that is not there, which none of them makes."""
    done = run(*arguments, FRONTDESK_DATA="elsewhere")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), (done.exception, done.output)
    assert done.stderr.startswith("frontdesk: ")
    assert not (tmp_path / "elsewhere" / "frontdesk.db").exists()


def test_more_runs_than_any_database_counts_are_not_asked_for(run: Callable[..., Any]) -> None:
    assert run("runs", "--limit", str(2**64)).exit_code == 2


def test_for_postgresql_the_line_for_its_own_tools_is_printed_without_the_password(run: Callable[..., Any]) -> None:
    """G341"""
    url = "postgresql+psycopg://desk:hunter2@db.example:6432/front desk"
    owner = "postgresql+psycopg://owner:hunter3@db.example:6432/front desk"
    for more in ({}, {"FRONTDESK_DATABASE_UPKEEP_URL": owner}):
        for arguments in (["backup", "my file"], ["restore", "my file"]):
            done = run(*arguments, FRONTDESK_DATABASE_URL=url, **more)
            assert done.exit_code == 0
            assert "hunter" not in done.output
            line = done.stdout.splitlines()[-1]
            assert line.startswith("pg_")
            assert ("&& psql " in line) == (arguments[0] == "restore")
            assert "'my file'" in line
            assert f"postgresql://{'owner' if more else 'desk'}@db.example:6432/front" in line

"""Erasing a user or a tenant: nothing of them is left but who did what, whoever works on it, and whenever it is killed."""

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from sqlalchemy import func, select, update
from support.faults import rows, store_of, until
from support.postgres import as_application, new_database, sqlalchemy_url
from support.processes import Nursery, environment
from support.redis import RedisServer
from support.rows import BEN, EVE, count_rows
from support.traces import decide_for, found_in_files, leave_traces, places_of
from support.world import SECRET, OpenWorld, Person
from typer.testing import CliRunner

from agent.principal import Principal
from agent.store.audit_tables import audit
from agent.store.database import Store
from agent.store.tables import conversations, messages, metadata, runs
from agent.store.verifying import verify_tenant
from api.cli import cli
from api.operator.erase import Erased, count, erase
from api.operator.sights import list_runs, sum_usage
from api.settings import Settings

NOW = datetime.now(UTC)
WORD = "zebra"
KEPT = "walrus"
RECORD = ("audit", "audit_seals")
ANN = Principal("acme", "gazelle")
"""Somebody whose name stands nowhere by chance."""
TENANT, USER = ANN.tenant_id, ANN.user_id


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """An installation on each kind of database."""
    return Settings(_env_file=None, data=tmp_path / "data", database_url=database_url, jwt_secret=SECRET)


async def but_the_record(store: Store) -> dict[str, int]:
    return {name: rows for name, rows in (await count_rows(store)).items() if name not in RECORD}


async def problems(store: Store, tenant: str = TENANT) -> list[str]:
    return [one.text for one in (await verify_tenant(store, tenant)).problems]


async def test_nothing_of_a_user_is_left_but_who_did_what(store: Store, settings: Settings) -> None:
    """G335"""
    await leave_traces(store, BEN, word=KEPT)
    await leave_traces(store, EVE, word=KEPT)
    others = await but_the_record(store)
    assert all(others.values()), "a table that nobody fills"
    await leave_traces(store, ANN, word=WORD)
    decided = await decide_for(store, BEN, ANN, word=WORD)
    for name in others.keys() & {"conversations", "runs", "messages", "approvals"}:
        others[name] += 1  # Ben's own question, which Ann has answered
    found = await places_of(store, WORD)
    assert len(found) > 30
    assert {
        "messages.sources",
        "messages.files",
        "memories.vector",
        "runs.used_before",
        "summaries.done",
        "files.name",
    } <= found

    done = await erase(settings, TENANT, USER)

    assert (done.is_done, done.problems, done.conversations) == (True, [], 1)
    assert await but_the_record(store) == others
    assert await places_of(store, WORD, USER) == set()
    assert await places_of(store, KEPT)
    assert await problems(store) == []
    async with store.read(TENANT) as connection:
        state = (await connection.execute(select(runs.c.state).where(runs.c.id == decided.id))).scalar_one()
        told = select(audit.c.user_id, audit.c.on_behalf_of, audit.c.outcome, audit.c.words)
        erased = (await connection.execute(told.where(audit.c.kind == "user.erased"))).all()
    assert state == "completed"
    assert [tuple(row) for row in erased] == [("$operator", USER, "1 conversations", None)]


async def test_nothing_of_a_tenant_is_left_and_all_of_the_others(store: Store, settings: Settings) -> None:
    """G335"""
    await leave_traces(store, EVE, word=KEPT)
    others = await but_the_record(store)
    for who in (ANN, BEN, Principal(TENANT, "zoë\n' OR 1=1")):
        await leave_traces(store, who, word=WORD)
    await decide_for(store, BEN, ANN, word=WORD)

    done = await erase(settings, TENANT, None)

    assert (done.is_done, done.conversations) == (True, 4)
    assert await but_the_record(store) == others
    assert await places_of(store, WORD) == set()
    assert (await problems(store), await problems(store, EVE.tenant_id)) == ([], [])


async def test_where_the_database_keeps_tenants_apart_erasing_and_seeing_works_as_well(
    postgres: str, tmp_path: Path
) -> None:
    """G335 G340"""
    owner = sqlalchemy_url(new_database(postgres))
    settings = Settings(
        _env_file=None,
        data=tmp_path,
        jwt_secret=SECRET,
        database_url=as_application(owner),
        database_upkeep_url=owner,
    )
    store = settings.open_store(pool_size=2)
    await store.prepare()
    for who, word in ((ANN, WORD), (BEN, KEPT), (EVE, KEPT)):
        await leave_traces(store, who, word=word)
    span = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    assert [one["runs"] for one in await sum_usage(settings, None, by=["tenant"], **span)] == [2, 1]
    assert await list_runs(settings, None, failed_h=1, most=9) == []
    done = await erase(settings, TENANT, USER)
    assert (done.is_done, len(done.notes)) == (True, 1)
    assert await places_of(store, WORD, USER) == set()
    assert (await erase(settings, TENANT, None)).is_done
    assert (await but_the_record(store))["conversations"] == 1
    await store.close()


@pytest.mark.parametrize("who", [USER, None], ids=["a user", "a tenant"])
async def test_words_that_go_from_the_record_without_an_erasure_still_show(
    store: Store, settings: Settings, who: str | None
) -> None:
    """G335"""
    await leave_traces(store, ANN, word=WORD)
    await erase(settings, TENANT, who)
    await leave_traces(store, ANN if who is None else BEN, word=KEPT)
    async with store.write(TENANT) as connection:
        newest = select(func.max(audit.c.at)).where(audit.c.kind == "call.proposed").scalar_subquery()
        await connection.execute(update(audit).where(audit.c.at == newest).values(words=None, salt=None))
    assert "nobody deleted it" in "".join(await problems(store))


async def test_a_dry_run_counts_and_changes_nothing(store: Store, settings: Settings) -> None:
    """G336"""
    await leave_traces(store, ANN, word=WORD)
    await leave_traces(store, BEN, word=WORD)
    before = await count_rows(store)
    own, all_of_them = await count(settings, TENANT, USER), await count(settings, TENANT, None)
    nobody = await count(settings, TENANT, "nobody")
    assert await count_rows(store) == before
    assert all(value for value in own.found.values()), own.found
    twice = {name: 2 * value for name, value in own.found.items()}
    assert all_of_them.found == {**twice, "spendings": 3}, "the tenant has a counter of its own"
    assert not any(nobody.found.values())


async def leave_no_word(settings: Settings, store: Store) -> int:
    """Leave words of two users, erase one of them, and see that none of hers is in any file; return how long that was."""
    for n in (1, 900, 9000):
        await leave_traces(store, ANN, word=WORD, long=n)
        await leave_traces(store, BEN, word=KEPT, long=n)
    for n in range(20):
        await decide_for(store, BEN, ANN, word=WORD * (1 + n * 37 % 120))
    await store.checkpoint(most_bytes=1)
    before = await anyio.Path(settings.data / "frontdesk.db").stat()
    assert sum(found_in_files(settings.data, WORD.encode()).values()) > 100
    done = await erase(settings, TENANT, USER)
    assert (done.is_done, done.problems) == (True, [])
    assert found_in_files(settings.data, WORD.encode()) == {}
    assert found_in_files(settings.data, KEPT.encode())
    rewritten = await anyio.Path(settings.data / "frontdesk.db").stat()
    assert rewritten.st_ino == before.st_ino, "a server goes on with the file that it has open"
    return before.st_size


async def test_a_word_of_theirs_is_in_no_file(tmp_path: Path, sqlite_template: Path) -> None:
    """G335: neither in the database nor in its log of writes, whatever rows became shorter."""
    shutil.copy(sqlite_template, tmp_path / "frontdesk.db")
    settings = Settings(_env_file=None, data=tmp_path, jwt_secret=SECRET)
    store = settings.open_store(pool_size=2)
    size = await leave_no_word(settings, store)
    assert (await anyio.Path(tmp_path / "frontdesk.db").stat()).st_size < size, "it was not rewritten"
    await store.close()


async def test_a_word_of_theirs_is_in_no_file_beside_a_server(open_frontdesk: OpenWorld) -> None:
    """G335"""
    world = await open_frontdesk(seal_every_s=0.2)
    await leave_no_word(world.settings, store_of(world))


async def test_a_tenant_that_is_erased_while_its_runs_work_writes_nothing_afterwards(
    open_frontdesk: OpenWorld,
) -> None:
    """G337"""
    world = await open_frontdesk(renew_every_s=0.1)
    ann, eve, gate = world.person(), world.person(tenant="rival"), asyncio.Event()
    world.provider.wait_for(gate, "zebra of eve", before=["zebra"])
    world.provider.wait_for(gate, "zebra again", before=["zebra"])
    async with eve.open_stream("zebra?") as hers, ann.open_stream("zebra?") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"zebra")
        await hers.until_bytes(b"zebra")
        done = await erase(world.settings, ann.tenant, None)
        assert done.is_done
        gate.set()
        await live.rest()
        assert "zebra again" not in live.so_far.text
        assert (await hers.rest()).is_done
    assert (await ann.request("GET", f"/runs/{run_id}")).status_code == 404
    left = {row["tenant_id"] for table in (conversations, runs, messages) for row in await rows(world, table)}
    assert left == {"rival"}


async def test_runs_of_other_processes_are_stopped_and_redis_forgets_them(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer
) -> None:
    """G337. G447: and what was looked up for them."""
    shared: dict[str, Any] = {
        "database_url": sqlalchemy_url(new_database(postgres)),
        "redis_url": redis_server.url,
        "redis_prefix": "erasing",
        "reap_every_s": 60,  # what they find by themselves is another matter
        "renew_every_s": 0.2,
        "assistant": {"context": [{"tool": "count_orders", "timeout_s": 10}]},
    }
    first, second = await open_frontdesk(**shared), await open_frontdesk(**shared)
    first.backend.answer("GET /orders/count", "zebra")
    ann, ben = first.person(user="ann"), Person(second, second.person(user="ben").token, "acme")
    first.provider.say("Zebra, over.")
    ended = await ann.stream("zebra?")
    first.provider.hang("zebra ")
    async with ben.open_stream("zebra?") as live:
        await live.until_bytes(b"zebra")
        await until(lambda: sum("zebra" in one for one in streams(redis_server)) == 2)
        with closing(redis_server.client()) as client:
            assert len(list(client.scan_iter("erasing:*:context*"))) == 3
        assert (await erase(first.settings, "acme", None)).is_done
        await live.rest()
    assert not any("zebra" in one for one in streams(redis_server))
    with closing(redis_server.client()) as client:
        left: Any = client.scan_iter("erasing:*:context*")
        assert [(one, 0 < client.pttl(one) <= 60_000) for one in left] == [("erasing:{acme}:context:gone", True)]
    assert (await ann.events(ended.first("run_id"))).status == 404
    assert await rows(first, messages) == []


def streams(server: RedisServer) -> list[str]:
    """Return what the streams of this test's installation hold."""
    with closing(server.client()) as client:
        keys: Any = client.keys("erasing:*:log")
        return [str(client.xrange(key)).lower() for key in keys]


def test_a_database_that_others_have_for_too_long_is_told_in_a_line(run: Callable[..., Any], tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "frontdesk.db", isolation_level=None)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        done = run("erase", "--tenant", "acme", "--yes", timeout="0.5")
    assert done.exit_code == 1
    assert done.stderr.startswith("frontdesk: the database did not do it (")
    assert done.stderr.count("\n") == 1


MOMENTS = {
    "it has hidden some": "SELECT count(*) FROM conversations WHERE deleted_at IS NOT NULL",
    "it has removed some": "SELECT 1 - count(*) FROM messages WHERE position = 1 AND conversation_id = :first",
    "it has let go of recorded words": "SELECT count(*) FROM audit WHERE kind = 'user.erased'",
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_one_that_was_killed_is_taken_up_by_the_same_command(
    nursery: Nursery, tmp_path: Path, sqlite_template: Path, moment: str
) -> None:
    """G338"""
    folder = tmp_path / "data"
    folder.mkdir()
    file = Path(shutil.copy(sqlite_template, folder / "frontdesk.db"))
    store = Store(f"sqlite+aiosqlite:///{file}", pool_size=2)
    first = await leave_traces(store, ANN, word=WORD)
    for n in range(2, 5):
        await leave_traces(store, ANN, word=WORD, long=n)
    await leave_traces(store, BEN, word=KEPT)
    await store.close()
    variables = environment({"FRONTDESK_DATA": str(folder), "FRONTDESK_PURGE_ROWS": "1"})
    process = await nursery.fork(tmp_path, ["erase", "--tenant", TENANT, "--user", USER, "--yes"], variables)
    with closing(sqlite3.connect(file, timeout=30)) as looking:

        def is_there() -> bool:
            found = looking.execute(MOMENTS[moment], {"first": first.conversation_id.hex}).fetchone()
            return bool(found[0]) or process.status is not None

        await until(is_there)
    await process.kill()
    assert process.status == -signal.SIGKILL, "it was through before it could be killed"
    store = Store(f"sqlite+aiosqlite:///{file}", pool_size=2)
    assert await problems(store) == [], "the record is whole in between, too"
    await store.close()
    assert (await erase(Settings(_env_file=None, data=folder, jwt_secret=SECRET), TENANT, USER)).is_done
    assert found_in_files(folder, WORD.encode()) == {}
    store = Store(f"sqlite+aiosqlite:///{file}", pool_size=2)
    assert await places_of(store, WORD, USER) == set()
    assert (await but_the_record(store))["conversations"] == 1
    assert await problems(store) == []
    await store.close()


@pytest.fixture
def run(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command in this process, on an empty database."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "frontdesk.db").write_bytes(sqlite_template.read_bytes())

    def invoke(*arguments: str, typed: str | None = None, data: str = "data", timeout: str = "20") -> Any:
        variables = {"COLUMNS": "200", "FRONTDESK_DATA": data, "FRONTDESK_DATABASE_TRANSACTION_TIMEOUT_S": timeout}
        return CliRunner().invoke(cli, arguments, input=typed, env=variables)

    return invoke


def test_nobody_is_erased_without_a_yes(run: Callable[..., Any], tmp_path: Path) -> None:
    """G336"""
    before = (tmp_path / "data" / "frontdesk.db").read_bytes()
    for arguments, said in (
        (["--tenant", "acme"], "Say --yes"),
        (["--tenant", "acme", "--user", "ann"], "Say --yes"),
        ([], "Missing option"),
        (["--tenant", "", "--yes"], "name somebody"),
        (["--tenant", "acme", "--user", "", "--yes"], "name somebody"),
    ):
        done = run("erase", *arguments, typed="acme\n")
        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr
    assert (tmp_path / "data" / "frontdesk.db").read_bytes() == before


def test_where_there_is_no_database_none_is_made(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("erase", "--tenant", "acme", "--yes", data="elsewhere")
    assert done.exit_code == 2
    assert "there is no database at" in done.stderr
    assert not (tmp_path / "elsewhere" / "frontdesk.db").exists()


def test_somebody_who_was_never_there_is_erased_and_that_is_recorded(run: Callable[..., Any], tmp_path: Path) -> None:
    """G336"""
    done = run("erase", "--tenant", "acme", "--yes", "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = orjson.loads(done.stdout)
    assert told == {
        **told,
        "tenant": "acme",
        "user": None,
        "conversations": 0,
        "is_done": True,
        "problems": [],
        "notes": [],
    }
    assert set(told) == set(Erased.__dataclass_fields__)
    with closing(sqlite3.connect(tmp_path / "data" / "frontdesk.db")) as connection:
        assert connection.execute("SELECT kind, user_id FROM audit").fetchall() == [("tenant.erased", "$operator")]


def test_every_table_with_rows_of_tenants_is_one_that_an_erasure_empties() -> None:
    """A new table has its place in `support.traces` and in the erasure: without one nobody would miss it."""
    assert {name for name, table in metadata.tables.items() if "tenant_id" in table.c} == {
        *("conversations", "runs", "messages", "tool_calls", "approvals", "page_calls", "feedback", "search_entries"),
        *("budgets", "spendings", "reservations", "memories", "summaries", "files"),
        *RECORD,
    }

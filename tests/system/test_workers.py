"""`serve --workers` as it is started: real processes, and clients that post and read all the while."""

import asyncio
import itertools
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from support.callers import Caller
from support.faults import until
from support.fleet import Echo, Fleet, echo, open_fleet, said
from support.postgres import new_database, sqlalchemy_url
from support.processes import Machine, Nursery
from support.redis import RedisServer
from support.server import machine, token_of
from support.socketing import Talker
from support.steady_port import front_door
from support.world import write_assistant

from api.processes.inherited import Inherited, told

pytestmark = pytest.mark.timeout(240)

LIMIT_S = 180.0
MARKED = {"worker_silence_timeout_s": 15, "shutdown_grace_s": 120}


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[Echo]:
    async with echo() as model:
        yield model


@pytest.fixture
def provider(model: Echo) -> Echo:
    """The model, as quick as it was."""
    model.pause_s = Echo().pause_s
    return model


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> dict[str, float]:
    """The settings that a test is marked with. Those with the same ones, behind each other, have one fleet."""
    return dict(getattr(request, "param", {}))


@pytest.fixture(scope="module")
def database(postgres: str, settings: dict[str, float]) -> str:
    """A database for each fleet."""
    return new_database(postgres)


@pytest.fixture(scope="module")
async def fleet(
    tmp_path_factory: pytest.TempPathFactory,
    database: str,
    redis_server: RedisServer,
    model: Echo,
    nursery: Nursery,
    settings: dict[str, float],
) -> AsyncIterator[Fleet]:
    """Two processes: each takes seconds to start, so tests share them where the one leaves them to the next."""
    folder = tmp_path_factory.mktemp("fleet")
    shared = {"database_url": sqlalchemy_url(database), "redis_url": redis_server.url, "redis_prefix": folder.name}
    more: dict[str, object] = {**shared, **settings}
    async with open_fleet(folder, model.url, workers=2, nursery=nursery, **more) as fleet:
        yield fleet


@asynccontextmanager
async def callers(url: str, *, posting: int, streaming: int) -> AsyncIterator[list[Caller]]:
    """Let clients ask all the while, each on its kept connection, some with pauses; at the end of the block they finish."""
    ends = asyncio.Event()
    everybody = [Caller(url, token_of(f"user-{number}")) for number in range(posting + streaming)]

    async def keep_asking(number: int, caller: Caller) -> None:
        for count in itertools.count():
            if ends.is_set():
                break
            word = f"w{number}-{count}"
            if number < posting:
                assert await caller.ask(f"say {word}") == said(word)
            else:
                screen = await caller.stream(f"say {word}")
                assert (screen.shown.text, screen.shown.status) == (said(word), "completed")
            pause_s = (0, 0.02, 0.3, 1.5)[(number + count) % 4]
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await ends.wait()

    try:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            for number, caller in enumerate(everybody):
                tasks.create_task(keep_asking(number, caller))
            yield everybody
            ends.set()
    finally:
        for caller in everybody:
            caller.close()


@asynccontextmanager
async def talkers(url: str, count: int) -> AsyncIterator[list[Talker]]:
    """Let people ask over WebSockets all the while; at the end of the block they finish."""
    ends = asyncio.Event()
    everybody = [Talker(url, token_of(f"talker-{number}")) for number in range(count)]
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        for number, talker in enumerate(everybody):
            tasks.create_task(talker.keep_asking(f"t{number}", ends, said))
        yield everybody
        ends.set()


def answers(database: str, everybody: Sequence[Caller | Talker]) -> int:
    """Return how many answers everybody got, after a look that each question has one run, and each run one answer."""
    got = sorted(run for caller in everybody for run in caller.runs)
    with psycopg.connect(database) as connection:
        runs = sorted(connection.execute("SELECT id::text, state FROM runs").fetchall())
        said = connection.execute(
            "SELECT role, count(*), count(DISTINCT run_id) FROM messages GROUP BY role"
        ).fetchall()
    assert runs == [(run, "completed") for run in got]
    assert sorted(said) == [("assistant", len(got), len(got)), ("user", len(got), len(got))]
    return len(got)


async def test_a_new_version_that_does_not_start_replaces_nobody(fleet: Fleet) -> None:
    """G306: the old ones go on. A second try with a mended one works: the next test's."""
    before = fleet.processes()
    path = fleet.machine.folder / "assistant.yaml"
    text = path.read_text()
    path.write_text("persona: [")
    fleet.replace()
    await until(lambda: bool(fleet.log("processes_were_not_replaced")), timeout_s=120)
    path.write_text(text)
    assert fleet.processes() == before
    async with httpx2.AsyncClient(base_url=fleet.url) as client:
        assert (await client.get("/assistant")).status_code == 200


# The first test of its fleet that asks anything: it counts all that is in the database.
async def test_a_rolling_restart_is_noticed_by_nobody_who_posts_and_reads_all_the_while(
    fleet: Fleet, database: str
) -> None:
    """G306: new processes, new definitions, and each answer once; WebSockets are closed between two answers, for a restart."""
    before = fleet.processes()
    async with talkers(fleet.url, 2) as talking, callers(fleet.url, posting=3, streaming=3) as everybody:
        await until(lambda: all(caller.runs for caller in everybody) and all(one.runs for one in talking))
        write_assistant(fleet.machine.folder, models=["openai:echo"], toolsets=[], name="Another desk")
        fleet.replace()
        await fleet.all_there(but=before)
        await until(lambda: bool(fleet.log("processes_were_replaced")), timeout_s=120)
        asked = [len(caller.runs) for caller in everybody]
        await until(lambda: all(len(caller.runs) > count for caller, count in zip(everybody, asked, strict=True)))
    closes, found_closed = (sum(getattr(one, name) for one in everybody) for name in ("closes", "found_closed"))
    count = answers(database, [*everybody, *talking])
    assert all(talker.sockets >= 2 for talker in talking), "a socket outlived its process"
    first = int(fleet.machine.environment["FRONTDESK_METRICS_PORT"])
    print(f"{count} answers; {closes} said that the connection ends, {found_closed} were found closed when idle")
    assert closes >= len(everybody) / 2, "the connections outlived their processes"
    async with httpx2.AsyncClient(base_url=fleet.url) as client:
        assert (await client.get("/assistant")).json()["name"] == "Another desk"
        assert (await client.get("/metrics")).status_code == 404, "nobody knows whose these would be"
        for port in range(first, first + 2):
            metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
            assert 'frontdesk_runs_ended_total{code="",status="completed"}' in metrics.text


async def test_what_dies_is_followed_and_nobody_who_was_not_accepted_yet_notices(fleet: Fleet) -> None:
    """G307: connections wait at the parent's port, also while none of its processes lives."""
    before = fleet.processes()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)  # nobody accepts from here on
    waiting = [Caller(fleet.url, token_of(f"user-{number}")) for number in range(20)]
    asking = [asyncio.create_task(caller.ask("say word")) for caller in waiting]
    await until(lambda: all(caller.response is not None for caller in waiting))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(LIMIT_S):
        assert await asyncio.gather(*asking) == [said("word")] * len(waiting)
    after = await fleet.all_there(but=before)
    assert fleet.log("process_ended")
    for caller in waiting:
        caller.close()

    fleet.server.send(signal.SIGKILL)  # and without a parent nobody stays: the last test of this fleet
    await until(lambda: not any(map(is_there, after)))


@pytest.mark.parametrize("settings", [MARKED], indirect=True, ids=["short"])
async def test_one_that_hangs_is_ended_and_followed(fleet: Fleet) -> None:
    """G307."""
    hanging, well = fleet.processes()
    os.kill(hanging, signal.SIGSTOP)
    after = await fleet.all_there(but=[hanging])
    assert well in after
    assert [line["reason"] for line in fleet.log("process_killed")] == ["it hangs"]


@pytest.mark.parametrize("settings", [MARKED], indirect=True, ids=["short"])
async def test_signals_reach_each_process_once(fleet: Fleet, provider: Echo) -> None:
    """G307: the first one drains, the second one ends the grace time, also of one that hears both at once; the exit is clean."""
    provider.pause_s = 1.0  # two minutes for an answer
    everybody = [Caller(fleet.url, token_of(f"user-{number}")) for number in range(8)]
    reading = [asyncio.create_task(caller.stream("say long word")) for caller in everybody]
    try:
        await until(lambda: all(one.response is not None and b'"token"' in one.response.body for one in everybody))
        pids, ended = fleet.processes(), fleet.log("process_ended")
        stopped, quick = pids
        os.kill(stopped, signal.SIGSTOP)
        fleet.server.send(signal.SIGINT)
        sent_at = time.monotonic()
        await until(lambda: refuses(fleet.url))
        assert set(fleet.processes()) == set(pids), "the first signal ended the grace time"
        fleet.server.send(signal.SIGTERM)
        await until(lambda: not is_there(quick))
        os.kill(stopped, signal.SIGCONT)
        assert await fleet.server.exited() == 0
        assert time.monotonic() - sent_at < MARKED["shutdown_grace_s"]
        assert not any(map(is_there, pids))
        assert fleet.log("process_ended") == ended
        assert b"Traceback" not in fleet.server.errors.read_bytes()
    finally:
        for one in reading:
            one.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for caller in everybody:
            caller.close()


def is_there(pid: int) -> bool:
    """Return whether there is a process of this id."""
    return Path(f"/proc/{pid}").exists()


async def refuses(url: str) -> bool:
    """Return whether new messages are refused."""
    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token_of('more')}"}) as client:
        return (await client.post("/chat", json={"message": "say more"}, timeout=60)).status_code == 503


@pytest.mark.long
@pytest.mark.parametrize("settings", [{"retire_timeout_s": 1, "shutdown_grace_s": 0.5}], indirect=True, ids=["short"])
async def test_a_stream_that_outlives_its_process_goes_on_at_another(fleet: Fleet, provider: Echo) -> None:
    """G306: cut where the old one may take no longer, and read on with its last id."""
    provider.pause_s = 1.0  # longer than any process takes to be replaced
    caller = Caller(fleet.url, token_of())
    async with asyncio.timeout(LIMIT_S):
        reading = asyncio.create_task(caller.stream("say long word"))
        await until(lambda: caller.response is not None and b'"token"' in caller.response.body)
        before = fleet.processes()
        fleet.replace()
        await until(lambda: caller.resumed >= 1, timeout_s=LIMIT_S)
        provider.pause_s = 0.0
        screen = await reading
        await fleet.all_there(but=before)
    assert (screen.shown.text, screen.shown.status) == (said("word", times=120), "completed")
    caller.close()


@pytest.mark.long
async def test_one_that_never_starts_is_given_up_in_a_line(
    tmp_path: Path, database: str, redis_server: RedisServer
) -> None:
    """G307."""
    (tmp_path / "dying_tools.py").write_text("import os\n\nos._exit(7)\n")
    shared: dict[str, Any] = {"database_url": sqlalchemy_url(database), "redis_url": redis_server.url}
    assistant = {"models": ["demo"], "toolsets": ["dying_tools"]}
    backend = "http://127.0.0.1:1"
    async with machine(tmp_path, provider_url="", backend_url=backend, assistant=assistant, **shared) as dying:
        dying.words = ("serve", "--workers", "2")
        with pytest.raises(RuntimeError, match="ended with 1"):
            await dying.start()
        told = [line for line in dying.logs().splitlines() if '"event": "starting"' not in line]  # on a busy machine
        assert told == ["frontdesk: no process has started in 3 tries; the last one ended with 7"]


async def test_a_deploy_beside_the_old_one_is_noticed_by_nobody(
    tmp_path: Path, postgres: str, redis_server: RedisServer, nursery: Nursery, provider: Echo
) -> None:
    """G308: the old server is red at /readyz first, serves on until its balancer has seen that, then drains."""
    database = new_database(postgres)
    shared: dict[str, Any] = {"database_url": sqlalchemy_url(database), "redis_url": redis_server.url}
    async with AsyncExitStack() as stack:
        machines = []
        for name in ("old", "new"):
            (tmp_path / name).mkdir()
            made = machine(
                tmp_path / name,
                provider_url=provider.url,
                backend_url="http://127.0.0.1:1",
                assistant={"models": ["openai:echo"], "toolsets": []},
                nursery=nursery,
                shutdown_delay_s=10,  # until a busy machine has looked, too
                **shared,
            )
            machines.append(await stack.enter_async_context(made))
        old, new = machines
        server = await old.start()
        ready = {server.url}
        door = await stack.enter_async_context(front_door(lambda: next(iter(sorted(ready)), None), resets=False))
        watching = asyncio.create_task(watch(machines, ready))
        async with callers(door, posting=2, streaming=2) as everybody:
            await until(lambda: all(caller.runs for caller in everybody))
            await new.start()
            server.send(signal.SIGTERM)
            assert await server.exited() == 0
            asked = [len(caller.runs) for caller in everybody]
            await until(lambda: all(len(caller.runs) > count for caller, count in zip(everybody, asked, strict=True)))
        await until(lambda: ready == {new.url})  # one look at it may have taken too long
        watching.cancel()
        count = answers(database, everybody)
        print(f"{count} answers")


async def watch(machines: list[Machine], ready: set[str]) -> None:
    """Look at /readyz again and again, as a balancer does, and keep who is ready."""
    async with httpx2.AsyncClient(timeout=5) as client:
        while True:
            for url in {one.url for one in machines if one.url is not None} | ready:
                try:
                    is_ready = (await client.get(f"{url}/readyz")).status_code == 200
                except httpx2.TransportError:
                    is_ready = False
                (ready.add if is_ready else ready.discard)(url)
            await asyncio.sleep(0.1)


async def test_a_process_whose_parent_dies_with_words_unread_knows_that_it_is_alone() -> None:
    """G307: the line is reset then, not only closed."""
    parents, childs = socket.socketpair()
    alone = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        inherited = Inherited(told([listening.detach()], childs.detach()))
    inherited.begin(alone.set)
    parents.close()
    async with asyncio.timeout(LIMIT_S):
        await alone.wait()
    inherited.sockets[0].close()

"""Whether the service is well: health, readiness, metrics, and how it fails."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
import structlog
from support.faults import database_that_hangs, until
from support.provider import Call
from support.world import OpenWorld, Person, World

from api import __version__


async def get(world: World, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False, headers=headers) as client:
        return await client.get(path)


@pytest.mark.parametrize("path", ["/", "/health", "/livez", "/readyz"])
async def test_the_service_says_that_it_is_well_to_anybody(world: World, path: str) -> None:
    answer = await get(world, path)

    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "version": __version__}


@pytest.mark.parametrize("path", ["/", "/health", "/livez", "/readyz", "/openapi.json", "/assistant", "/docs"])
async def test_head_gives_what_get_begins_with(world: World, path: str) -> None:
    """G74: monitors ask so."""
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        got, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    same = set(got.headers) - {"date", "x-request-id"}
    assert {name: head.headers[name] for name in same} == {name: got.headers[name] for name in same}


async def test_head_of_what_is_not_there_not_allowed_or_not_read_by_get_is_refused(world: World, ann: Person) -> None:
    """G74: and a stream's ends at once, without a reader that stays."""
    world.provider.hang("Hello")
    async with ann.open_stream("hello") as live:
        run_id = await live.until("run_id")
        head = await ann.request("HEAD", f"/runs/{run_id}/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        await until(lambda: world.app.state.services.seats.taken == 1)
        await ann.request("POST", f"/runs/{run_id}/cancel")
    statuses = {path: (await ann.request("HEAD", path)).status_code for path in ("/chat", "/nowhere", "/runs/1")}
    assert statuses == {"/chat": 405, "/nowhere": 404, "/runs/1": 422}
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        assert (await client.head("/conversations")).status_code == 401
        assert (await client.head("/metrics")).status_code == 200


async def test_a_server_that_stops_is_alive_and_not_ready(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(shutdown_grace_s=0)
    await world.app.state.services.runner.drain()

    alive, ready = await get(world, "/livez"), await get(world, "/readyz")

    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "overloaded")
    assert int(ready.headers["retry-after"]) > 0


async def test_a_server_whose_writes_hang_is_not_ready_says_so_at_once_and_is_ready_again_by_itself(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G53: it asks nobody, and goes by the last renewal of its own lease, with or without runs."""
    world = await open_frontdesk(database_url=database_url, renew_every_s=0.2)
    assert (await get(world, "/readyz")).status_code == 200

    async def is_ready() -> bool:
        async with asyncio.timeout(20):
            return (await get(world, "/readyz")).status_code == 200

    async def is_not() -> bool:
        return not await is_ready()

    async with database_that_hangs(database_url):
        await until(is_not)
        answer = await get(world, "/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        assert (await get(world, "/livez")).status_code == 200
    await until(is_ready)


async def test_a_server_whose_database_takes_no_writes_is_not_ready_although_it_can_read(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G53: a disk that is full or mounted to be read only answers every question."""
    world = await open_frontdesk(database_url=database_url, renew_every_s=0.2)
    store = world.app.state.services.store

    async def status(wanted: int) -> bool:
        return (await get(world, "/readyz")).status_code == wanted

    refuse, allow = (
        ("CREATE TRIGGER full BEFORE UPDATE ON workers BEGIN SELECT RAISE(FAIL, 'full'); END", "DROP TRIGGER full")
        if database_url.startswith("sqlite")
        else (
            "ALTER TABLE workers ADD CONSTRAINT full_disk CHECK (false) NOT VALID",
            "ALTER TABLE workers DROP CONSTRAINT full_disk",
        )
    )
    async with store.write("acme") as connection:
        await connection.ordinary.exec_driver_sql(refuse)
    await until(lambda: status(503))
    async with store.read("acme") as connection:
        await connection.ordinary.exec_driver_sql("SELECT 1")
    async with store.write("acme") as connection:
        await connection.ordinary.exec_driver_sql(allow)
    await until(lambda: status(200))


async def test_a_server_whose_database_file_is_gone_is_not_ready_until_it_is_back(open_frontdesk: OpenWorld) -> None:
    """G53: what is written into a deleted file is lost, although every write succeeds."""
    world = await open_frontdesk(renew_every_s=0.2)
    path = world.app.state.services.store.path
    assert path is not None

    async def status(wanted: int) -> bool:
        return (await get(world, "/readyz")).status_code == wanted

    path.rename(path.with_name("moved"))
    await until(lambda: status(503))
    assert (await world.person().ask("hello")).status_code == 503, "it would be written into a file that is not there"
    path.with_name("moved").rename(path)
    await until(lambda: status(200))


async def test_the_metrics_count_requests_runs_and_tool_calls_and_name_nobody(world: World, ann: Person) -> None:
    before = await metrics(world)
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("made_up_by_the_model", id="b"))
    world.provider.say("42.")
    run_id = (await ann.ask("how many?")).json()["run_id"]
    await ann.request("GET", f"/runs/{run_id}")
    await ann.request("GET", "/nowhere/at/all")

    after = await metrics(world)

    grown = {name for name, value in after.items() if value > before.get(name, 0)}
    assert any('route="/chat"' in name and 'status="200"' in name for name in grown)
    assert any('route="/runs/{run_id}"' in name for name in grown)
    assert any("runs_ended" in name and 'status="completed"' in name for name in grown)
    assert any("tool_calls" in name and '"count_orders"' in name for name in grown)
    text = "\n".join(after)
    for secret in (run_id, ann.tenant, "ann", "made_up_by_the_model", "nowhere"):
        assert f'"{secret}' not in text
    assert next(value for name, value in after.items() if name.startswith("frontdesk_runs_active")) == 0


async def metrics(world: World) -> dict[str, float]:
    """Return the samples of Frontdesk's own metrics by name and labels."""
    answer = await get(world, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in answer.text.splitlines() if line.startswith("frontdesk")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if "_created" not in name}


async def test_the_openapi_document_describes_every_error_as_a_problem(world: World) -> None:
    document = (await get(world, "/openapi.json")).json()

    for path, item in document["paths"].items():
        for method, operation in item.items():
            described = operation["responses"]["422"]
            assert "Problem" in str(described), (method, path)


async def test_a_database_that_breaks_under_a_request_is_an_internal_problem_without_details(
    open_frontdesk: OpenWorld,
) -> None:
    world = await open_frontdesk()
    file = world.settings.data / "frontdesk.db"

    def rename(was: str, name: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(f"ALTER TABLE {was} RENAME TO {name}")

    await asyncio.to_thread(rename, "conversations", "moved")  # whoever has the file may need the loop to let it go

    answer = await world.person().request("GET", "/conversations")

    await asyncio.to_thread(rename, "moved", "conversations")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "conversations" not in answer.text
    assert "sqlite" not in answer.text.lower()
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
async def test_probes_may_ask_for_the_head_alone(world: World, path: str) -> None:
    """Some load balancers do."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        response = await client.head(world.url + path)
    assert (response.status_code, response.content) == (200, b"")


async def test_a_server_starts_although_its_database_takes_no_writes_at_first(
    open_frontdesk: OpenWorld, tmp_path: Path
) -> None:
    """G53: somebody else has the file for a moment."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    await open_frontdesk(database_url=url)
    with closing(sqlite3.connect(tmp_path / "shared.db", isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the first one may be writing, on this loop
        settings = {"database_statement_timeout_s": 0.5, "database_upkeep_timeout_s": 0.5, "renew_every_s": 0.2}

        async def start() -> World:
            return await open_frontdesk(database_url=url, **settings)

        starting = asyncio.create_task(start())
        with structlog.testing.capture_logs() as logs:
            await until(lambda: any(line["event"] == "database_awaited" for line in logs))
        other.execute("ROLLBACK")
        world = await starting
    assert (await get(world, "/readyz")).status_code == 200

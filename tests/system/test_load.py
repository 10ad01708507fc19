"""Many open streams over few database connections: ordinary requests stay fast, and every stream ends whole."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import copy
from statistics import median, quantiles

import pytest
from support.gated import gated_provider
from support.processes import Nursery
from support.raw import STREAM, RawResponse, raw_request
from support.server import machine, token_of
from support.shown import Screen

from agent.store.database import EVERY_TENANT, Store

pytestmark = pytest.mark.alone

STREAMS = 500
STARTING_AT_ONCE = 50
REQUESTS = 200
FAST_S = 1.0


@pytest.mark.timeout(400)
async def test_five_database_connections_serve_five_hundred_open_streams_and_ordinary_requests_stay_fast(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G25: ordinary requests stay fast meanwhile."""
    async with gated_provider() as provider, AsyncExitStack() as open_streams:
        frontdesk = await open_streams.enter_async_context(
            machine(
                tmp_path,
                provider_url=provider.url,
                backend_url=provider.url,
                assistant={"limits": {"first_token_timeout_s": 60, "between_tokens_timeout_s": 60}},
                nursery=nursery,
                database_pool_size=5,
                max_runs=STREAMS,
                max_runs_per_tenant=STREAMS,
            )
        )
        url = (await frontdesk.start()).url
        streams = await open_all(open_streams, url)
        assert provider.asked == STREAMS, frontdesk.logs()

        taken = [await request(url, path) for path in await ordinary_paths(url, streams)]
        p95 = quantiles(taken, n=20)[-1]
        print(
            f"{STREAMS} streams open: {REQUESTS} requests, median {median(taken) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
        )
        assert p95 < FAST_S

        provider.gate.set()
        screens = await asyncio.gather(*map(read_to_the_end, streams))
        assert {screen.shown.text for screen in screens} == {provider.before + provider.after}
        assert {screen.shown.status for screen in screens} == {"completed"}


async def test_an_urgent_write_is_next_and_one_that_gives_up_holds_nobody_up(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Leases are renewed urgently: behind five hundred new messages they would run out."""
    copy(sqlite_template, tmp_path / "frontdesk.db")
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'frontdesk.db'}", pool_size=5)
    order: list[str] = []

    async def write(name: str, *, is_urgent: bool = False) -> None:
        async with store.write(EVERY_TENANT, is_urgent=is_urgent):
            order.append(name)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        async with store.write("acme"):
            waiting = [group.create_task(write(name)) for name in ("first", "second", "third")]
            urgent = group.create_task(write("urgent", is_urgent=True))
            await asyncio.sleep(0)
            waiting[1].cancel()
        await asyncio.wait([*waiting, urgent])
    await store.close()
    assert order == ["urgent", "first", "third"]


async def open_all(stack: AsyncExitStack, url: str) -> list[RawResponse]:
    """Open the streams and wait until each has its first token."""
    few = asyncio.Semaphore(STARTING_AT_ONCE)

    async def open_one(number: int) -> RawResponse:
        async with few, asyncio.timeout(60):
            token = token_of(f"user-{number}")
            response = await stack.enter_async_context(
                raw_request(url, "POST", "/chat", token=token, headers=STREAM, body={"message": "hello"})
            )
            await response.begin()
            await response.until(b'"token"')
            return response

    return list(await asyncio.gather(*map(open_one, range(STREAMS))))


async def ordinary_paths(url: str, streams: list[RawResponse]) -> list[str]:
    """Return what people ask for while the streams are open, all of the first user's."""
    run_id = streams[0].headers["x-run-id"]
    conversation_id = streams[0].headers["x-conversation-id"]
    kinds = [f"/runs/{run_id}", "/conversations", f"/conversations/{conversation_id}/messages", "/readyz"]
    return kinds * (REQUESTS // len(kinds))


async def request(url: str, path: str) -> float:
    """Make one request and return how long it took."""
    begun = time.perf_counter()
    async with raw_request(url, "GET", path, token=token_of("user-0")) as response:
        await response.begin()
        await response.rest()
        assert response.status == 200
    return time.perf_counter() - begun


async def read_to_the_end(response: RawResponse) -> Screen:
    """Read the rest of a stream and return what it shows."""
    async with asyncio.timeout(60):
        await response.rest()
    screen = Screen()
    screen.feed(response.body)
    assert screen.is_done
    return screen

"""Requests made again and when, against real servers: reads and what never left, a little later or as the server wishes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.backend import Route, TenantBackend
from support.each import each
from support.faults import until
from support.http import Connection, Request, listen

from agent.errors import BackendDownError, ToolError
from agent.toolkit import CallContext
from tools.backends import retries
from tools.backends.answers import NoAnswerError
from tools.backends.backend import Backend, BackendSession
from tools.backends.caution import Caution
from tools.backends.limits import BackendLimits
from tools.backends.transport import Request as Asked
from tools.backends.waiting import retry_after_s

READ = "GET /orders/count"
UNFAILING = BackendLimits(failures=1000)


@pytest.fixture
async def context(context: CallContext) -> CallContext:
    """A call with half a minute left."""
    return with_time(context, 30.0)


@pytest.fixture
async def client(backend: TenantBackend) -> AsyncIterator[Backend]:
    async with Backend(backend.url, caution=Caution(UNFAILING)) as client:
        yield client


def with_time(context: CallContext, limit_s: float) -> CallContext:
    return replace(context, limit_s=limit_s, ends_at=asyncio.get_running_loop().time() + limit_s)


def failing(times: int, status: int = 503, headers: dict[str, str] | None = None) -> Route:
    """Fail so often, then answer."""
    left = times

    async def respond(_request: Request, connection: Connection) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            await connection.respond(status, b'{"detail":"busy"}', headers=headers)
        else:
            await connection.respond(200, b'{"count":42}')

    return respond


def cutting(times: int) -> Route:
    """Drop the connection so often, then answer."""
    left = times

    async def respond(_request: Request, connection: Connection) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            connection.cut()
        else:
            await connection.respond(200, b'{"count":42}')

    return respond


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_read_that_an_overloaded_backend_refused_is_asked_again(
    session: BackendSession, backend: TenantBackend, status: int, times: int
) -> None:
    """G224"""
    backend.routes[READ] = failing(times, status)
    assert await session.get("/orders/count") == {"count": 42}
    assert len(backend.requests) == times + 1
    assert len({(one.path, one.headers["authorization"]) for one in backend.requests}) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_it_is_asked_again_twice_at_most(session: BackendSession, backend: TenantBackend, status: int) -> None:
    """G224"""
    backend.routes[READ] = failing(100, status)
    with pytest.raises(ToolError, match=f"\\({status}\\)"):
        await session.get("/orders/count")
    assert len(backend.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 418, 422, 500, 501, 505, 301, 307])
async def test_what_will_be_the_same_next_time_is_not_asked_again(
    session: BackendSession, backend: TenantBackend, status: int
) -> None:
    """G224"""
    backend.routes[READ] = failing(1, status)
    try:
        assert (await session.get("/orders/count"), status) == (None, 404)
    except ToolError:
        assert status != 404
    assert len(backend.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(("method", "name"), [("POST", "post"), ("PATCH", "patch"), ("DELETE", "delete")])
async def test_a_change_that_has_left_is_never_made_again(
    session: BackendSession, backend: TenantBackend, status: int, method: str, name: str
) -> None:
    """G224: whatever the backend says of it."""
    backend.routes[f"{method} /orders/7"] = failing(1, status, {"Retry-After": "0"})
    with pytest.raises(ToolError):
        await getattr(session, name)("/orders/7", *([] if name == "delete" else [{"a": 1}]))
    assert len(backend.requests) == 1


@pytest.mark.parametrize("route", [failing(1), cutting(1)], ids=["refused", "cut"])
async def test_a_get_that_is_called_a_change_is_never_made_again(
    client: Backend, context: CallContext, backend: TenantBackend, route: Route
) -> None:
    """G224: it is the risk that counts, not the method alone."""
    backend.routes[READ] = route
    with suppress(NoAnswerError):
        assert (await client.send(Asked("GET", "/orders/count", is_change=True), context)).status == 503
    assert len(backend.requests) == 1


async def test_a_change_whose_connection_was_lost_is_never_made_again(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G224: it may have arrived."""
    backend.routes["POST /orders"] = cutting(1)
    with pytest.raises(ToolError, match="may or may not have been made"):
        await session.post("/orders")
    assert len(backend.requests) == 1


async def test_a_read_whose_connection_was_lost_is_asked_again(session: BackendSession, backend: TenantBackend) -> None:
    """G224"""
    backend.routes[READ] = cutting(2)
    assert await session.get("/orders/count") == {"count": 42}
    assert len(backend.requests) == 3


async def test_a_post_of_a_tool_that_only_reads_is_asked_again(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G224: it is the risk that counts, not the method alone."""
    backend.routes["POST /search"] = failing(2)
    session = client.session(replace(context, may_repeat=True))
    assert await session.post("/search", {"text": "tea"}) == {"count": 42}
    assert len(backend.requests) == 3
    assert len({one.headers["idempotency-key"] for one in backend.requests}) == 1


@pytest.mark.parametrize("name", ["get", "post"])
async def test_what_never_left_is_sent_when_the_server_is_there(
    context: CallContext, backend: TenantBackend, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """G224: changes, too, because nobody was there to take them."""
    backend.answer("GET /orders", {"ok": 1})
    backend.answer("POST /orders", {"ok": 1})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with Backend(f"http://127.0.0.1:{port}") as client:
        asked = asyncio.create_task(getattr(client.session(context), name)("/orders"))
        await until(lambda: "backend_asked_again" in capfd.readouterr().out)
        async with listen(backend.handle, port), asyncio.timeout(60):
            assert await asked == {"ok": 1}
    assert len(backend.requests) == 1


async def test_it_waits_as_long_as_the_backend_wishes(session: BackendSession, backend: TenantBackend) -> None:
    """G224"""
    backend.routes[READ] = failing(1, 429, {"Retry-After": "1"})
    begun = time.monotonic()
    assert await session.get("/orders/count") == {"count": 42}
    assert time.monotonic() - begun >= 0.99


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wish_for_longer_than_the_tool_has_is_told_to_the_model_at_once(
    client: Backend, context: CallContext, backend: TenantBackend, status: int
) -> None:
    """G224"""
    backend.routes[READ] = failing(1, status, {"Retry-After": "120"})
    begun = time.monotonic()
    with pytest.raises(ToolError, match=r"Ask it again in 120 s at the earliest\."):
        await client.session(with_time(context, 30)).get("/orders/count")
    assert time.monotonic() - begun < 15
    assert len(backend.requests) == 1


async def test_a_tool_without_time_left_asks_nothing_again(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G224: what it learnt is worth more than a time limit that passes."""
    backend.routes[READ] = failing(5)
    with pytest.raises(ToolError, match=r"\(503\)"):
        await client.session(with_time(context, retries.LONGEST_WAIT_S / 2)).get("/orders/count")
    assert len(backend.requests) == 1


async def test_a_stop_ends_the_waiting_at_once(session: BackendSession, backend: TenantBackend) -> None:
    """G224"""
    backend.routes[READ] = failing(1, 429, {"Retry-After": "20"})
    asked = asyncio.create_task(session.get("/orders/count"))
    await until(lambda: bool(backend.requests))
    begun = time.monotonic()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert time.monotonic() - begun < 10
    assert len(backend.requests) == 1


async def test_a_backend_that_goes_down_meanwhile_is_not_asked_again(
    context: CallContext, backend: TenantBackend
) -> None:
    """G225"""
    backend.routes[READ] = failing(100)
    async with Backend(backend.url, caution=Caution(BackendLimits(failures=2))) as client:
        with pytest.raises(BackendDownError):
            await client.session(context).get("/orders/count")
    assert len(backend.requests) == 2


async def test_the_waits_between_are_short_and_differ(
    session: BackendSession, backend: TenantBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    """G224: callers that failed at the same moment do not come back at the same moment."""
    begun = time.monotonic()
    backend.routes[READ] = failing(100)

    async def fail() -> float:
        with pytest.raises(ToolError):
            await session.get("/orders/count")
        return time.monotonic() - begun

    ends = await asyncio.gather(*(fail() for _ in range(8)))
    assert min(ends) >= 2 * retries.FIRST_WAIT_S
    assert max(ends) - min(ends) > 0.01
    logged = "".join(capfd.readouterr())
    assert logged.count("backend_asked_again") == 16
    assert "stamina" not in logged


def in_s(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("0", 0, 0),
        ("120", 120, 120),
        (" 7 ", 7, 7),
        ("1.5", 1.5, 1.5),
        ("999999999999", 86_400, 86_400),
        (in_s(3000), 1000, 3001),
        (in_s(-100), 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400, 86_400),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0, 0),
    ],
    ids=(
        "none",
        "two minutes",
        "blanks",
        "a half",
        "very long",
        "a date",
        "a date that is past",
        "the last date",
        "an old form",
    ),
)
def test_a_wish_is_seconds_or_a_date_within_bounds(header: str, least: float, most: float) -> None:
    """G224"""
    wish_s = retry_after_s({"retry-after": header})
    assert wish_s is not None
    assert least <= wish_s <= most


@each(
    "header",
    ["", "soon", "-1", "1e9", "１０", "٣", "1 2", "0x10", "inf", "nan", "Fri, 99 Dec 2026", "9" * 5000, "\x00"],
)
def test_what_is_no_wish_is_none(header: str) -> None:
    """G224"""
    assert retry_after_s({"retry-after": header}) is None
    assert retry_after_s({}) is None

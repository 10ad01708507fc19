"""How a backend is asked, against real servers: what counts against it, what a stop closes, and what one tenant may use at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from support.backend import Route, TenantBackend
from support.faults import until
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, World

from agent.errors import BackendDownError, ToolError
from agent.principal import Principal
from agent.toolkit import CallContext
from tools.backends.backend import Backend
from tools.backends.bodies import SMALL_BYTES
from tools.backends.caution import LARGE_BODIES, Caution
from tools.backends.limits import BackendLimits
from tools.backends.parsing import MAX_DEPTH, MAX_VALUES

READ = "GET /orders/count"
LIMITS = BackendLimits(failures=3, pause_s=3600, calls_per_tenant=4)


@pytest.fixture
async def client(backend: TenantBackend) -> AsyncIterator[Backend]:
    async with Backend(backend.url, caution=Caution(LIMITS)) as client:
        yield client


def with_time(context: CallContext, limit_s: float, *, left_s: float | None = None) -> CallContext:
    """Return the context of a call that may take so long, and has so much of that left."""
    now = asyncio.get_running_loop().time()
    return replace(context, limit_s=limit_s, ends_at=now + (limit_s if left_s is None else left_s))


async def ask(client: Backend, context: CallContext) -> str:
    """Ask as the tool boundary does, and return what came of it."""
    try:
        async with asyncio.timeout_at(context.ends_at):
            await client.session(context).get("/orders/count")
    except TimeoutError:
        return "late"
    except BackendDownError:
        return "down"
    except ToolError:
        return "failed"
    return "well"


def responding(status: int, body: bytes = b"{}") -> Route:
    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(status, body)

    return respond


async def test_a_backend_that_fails_is_left_alone_and_the_model_is_told(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G225"""
    backend.routes[READ] = responding(500)
    assert [await ask(client, context) for _ in range(10)] == ["failed"] * 3 + ["down"] * 7
    assert len(backend.requests) == 3
    other = replace(context, principal=Principal("globex", "eve"))
    assert await ask(client, other) == "failed"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 501, 302])
async def test_a_refusal_is_never_held_against_it(
    client: Backend, context: CallContext, backend: TenantBackend, status: int
) -> None:
    """G225: however many there are."""
    backend.routes[READ] = responding(status)
    # The time is too short for another try.
    assert "down" not in [await ask(client, with_time(context, 0.9)) for _ in range(30)]
    backend.answer(READ, {"count": 42})
    assert await ask(client, context) == "well"


async def test_a_stop_is_never_held_against_it(client: Backend, context: CallContext, backend: TenantBackend) -> None:
    """G225: many users who press Stop take the backend from nobody."""
    arrived = backend.hang(READ)
    for _ in range(10):
        asked = asyncio.create_task(ask(client, with_time(context, 30)))
        await until(arrived.is_set)
        arrived.clear()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    backend.answer(READ, {"count": 42})
    assert await ask(client, context) == "well"


async def test_a_backend_that_hangs_until_the_time_is_over_is_ill(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G225"""
    backend.hang(READ)
    assert [await ask(client, with_time(context, 0.3)) for _ in range(4)] == ["late", "late", "late", "down"]


async def test_a_request_that_had_little_of_the_time_says_nothing_of_it(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G225: the tool took it for something else."""
    backend.hang(READ)
    assert {await ask(client, with_time(context, 30, left_s=0.2)) for _ in range(6)} == {"late"}
    backend.answer(READ, {"count": 42})
    assert await ask(client, context) == "well"


async def test_who_looks_whether_it_is_back_and_is_stopped_leaves_that_to_the_next(
    context: CallContext, backend: TenantBackend
) -> None:
    """G225"""
    backend.routes[READ] = responding(500)
    caution = Caution(LIMITS)
    async with Backend(backend.url, caution=caution) as client:
        assert [await ask(client, context) for _ in range(4)] == ["failed"] * 3 + ["down"]
        caution._breaker._clock = lambda: time.monotonic() + LIMITS.pause_s
        arrived = backend.hang(READ)
        looking = asyncio.create_task(ask(client, with_time(context, 60)))
        await until(arrived.is_set)
        assert await ask(client, context) == "down"
        looking.cancel()
        await asyncio.wait([looking])
        backend.answer(READ, {"count": 42})
        assert await ask(client, context) == "well"


async def test_a_stop_passes_through_a_later_try_and_closes_its_request(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G227"""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def fail_then_hang(_request: Request, connection: Connection) -> None:
        if len(backend.requests) == 1:
            await connection.respond(503, b"")
        else:
            arrived.set()
            await connection.gone.wait()
            gone.set()

    backend.routes[READ] = fail_then_hang
    asked = asyncio.create_task(ask(client, with_time(context, 60)))
    async with asyncio.timeout(60):
        await arrived.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await gone.wait()
    assert len(backend.requests) == 2


async def test_a_connection_whose_answer_was_not_read_is_not_used_again(
    context: CallContext, backend: TenantBackend
) -> None:
    """G227: the next request would read the rest of it."""
    connections: list[asyncio.StreamWriter] = []

    async def large_then_small(_request: Request, connection: Connection) -> None:
        connections.append(connection.writer)
        if len(connections) == 1:
            await connection.respond(200, b'"' + b"x" * 8_000_000 + b'"')
        else:
            await connection.respond(200, b'{"count":42}')

    backend.routes[READ] = large_then_small
    async with Backend(backend.url, caution=Caution(replace(LIMITS, response_bytes=1024))) as client:
        session = client.session(context)
        with pytest.raises(ToolError, match="larger than"):
            await session.get("/orders/count")
        for _ in range(2):
            assert await session.get("/orders/count") == {"count": 42}
    assert connections[0] is not connections[1]
    assert connections[1] is connections[2], "one that was read to its end is"


async def test_so_many_requests_of_a_tenant_are_out_at_once(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G226"""
    gate, out, peak = asyncio.Event(), 0, 0

    async def wait(_request: Request, connection: Connection) -> None:
        nonlocal out, peak
        out += 1
        peak = max(peak, out)
        await gate.wait()
        out -= 1
        await connection.respond(200, b"{}")

    backend.routes[READ] = wait
    asked = [asyncio.create_task(ask(client, with_time(context, 60))) for _ in range(40)]
    await until(lambda: out == LIMITS.calls_per_tenant)
    other = asyncio.create_task(ask(client, replace(context, principal=Principal("globex", "eve"))))
    await until(lambda: out == LIMITS.calls_per_tenant + 1)
    gate.set()
    assert set(await asyncio.gather(*asked, other)) == {"well"}
    assert peak == LIMITS.calls_per_tenant + 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested more than 64 levels"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested more than 64 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b"[" + b"[]," * MAX_VALUES + b"1]", "more than 250,000 values"),
        (b"[" + b"1," * MAX_VALUES + b"1]", "more than 250,000 values"),
    ],
)
async def test_json_that_would_cost_too_much_is_not_taken(
    client: Backend, context: CallContext, backend: TenantBackend, body: bytes, told: str
) -> None:
    """G229"""
    backend.routes[READ] = responding(200, body)
    backend.routes["POST /orders"] = responding(201, body)
    backend.routes["GET /refused"] = responding(400, body)
    session = client.session(context)
    with pytest.raises(ToolError, match=told):
        await session.get("/orders/count")
    assert (await session.post("/orders"))["ok"] is True
    with pytest.raises(ToolError, match=r"\(400\)"):
        await session.get("/refused")


@pytest.mark.parametrize(
    "value", [[[]] * 20_000, {"a": [{"b": list(range(9))}] * 1000}, "[{,]}" * 30_000, [1] * 100_000]
)
async def test_json_of_a_usual_shape_is_taken(
    client: Backend, context: CallContext, backend: TenantBackend, value: object
) -> None:
    """G229"""
    backend.answer(READ, value)
    assert await client.session(context).get("/orders/count") == value


async def test_the_deepest_json_is_taken(client: Backend, context: CallContext, backend: TenantBackend) -> None:
    """G229"""
    backend.routes[READ] = responding(200, b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert str(await client.session(context).get("/orders/count")) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


async def test_the_user_reads_that_the_system_is_down_and_the_next_turn_works(open_frontdesk: OpenWorld) -> None:
    """G225"""
    world = await open_frontdesk(backend_failures=2, backend_pause_s=6)
    ann = world.person()
    world.backend.routes[READ] = responding(500)
    for n in range(3):
        world.provider.call(Call("count_orders"))
        world.provider.say("Well.")
        stream = await ann.stream(f"question {n}")
        assert stream.first("status") == "completed"
    assert len(world.backend.requests) == 2
    error = [event["tool_call"] for event in stream.events if "tool_call" in event][-1]["error"]
    assert error.startswith("The business system is down since ")
    assert "Do not try again in this answer; tell the user." in told_to_model(world)
    world.backend.answer(READ, {"count": 42})

    async def is_back() -> bool:
        world.provider.call(Call("count_orders"))
        world.provider.say("Well.")
        await ann.stream("and now?")
        return told_to_model(world) == '{"count":42}'

    await until(is_back)


async def test_a_step_that_asks_for_too_many_calls_makes_so_many_and_is_told_of_the_rest(
    open_frontdesk: OpenWorld,
) -> None:
    """G226"""
    world = await open_frontdesk(assistant={"limits": {"calls_per_step": 3}})
    world.backend.answer(READ, {"count": 42})
    world.provider.call(*(Call("count_orders", {}, f"call-{n}") for n in range(5)))
    world.provider.say("Well.")
    stream = await world.person().stream("count a lot")
    assert stream.first("status") == "completed"
    assert len(world.backend.requests) == 3
    results = [one["content"] for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"]
    assert results[:3] == ['{"count":42}'] * 3
    assert set(results[3:]) == {
        "Not made: one message may ask for 3 calls at most. Ask again for what you still need, in smaller steps."
    }


async def test_a_backend_has_a_time_limit_of_its_own_for_tools_that_have_none(open_frontdesk: OpenWorld) -> None:
    """G231: in plain words; a tool's own counts before it, the assistant's behind it."""
    world = await open_frontdesk(
        assistant={"backend": {"url": "http://elsewhere.invalid", "timeout_s": 0.2}, "limits": {"tool_timeout_s": 50}}
    )
    for name, route, told in (
        ("count_orders", READ, "The tool took longer than 0.2 s and was stopped."),
        ("slow_report", "GET /reports/slow", "The tool took longer than 0.3 s and was stopped."),
    ):
        world.backend.hang(route)
        world.provider.call(Call(name))
        world.provider.say("Well.")
        await world.person().stream("do it")
        assert told_to_model(world) == told


def told_to_model(world: World) -> str:
    """Return the last result that the model was given."""
    text: str = [one["content"] for one in world.provider.requests[-1]["messages"] if one["role"] == "tool"][-1]
    return text


async def test_large_bodies_of_a_tenant_are_read_a_few_at_a_time(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G229: the others wait on the wire, and not in memory; one whose time is over is not held against the backend."""
    gate = asyncio.Event()
    sent = 0

    async def half_then_wait(_request: Request, connection: Connection) -> None:
        nonlocal sent
        await connection.begin_chunks("application/json")
        await connection.chunk(b'"' + b"x" * (2 * SMALL_BYTES))
        sent += 1
        await gate.wait()
        await connection.chunk(b'"')
        await connection.end_chunks()

    backend.routes[READ] = half_then_wait
    first = [asyncio.create_task(ask(client, with_time(context, 60))) for _ in range(LARGE_BODIES)]
    await until(lambda: sent == LARGE_BODIES)
    assert await ask(client, with_time(context, 1)) == "failed"
    gate.set()
    assert await asyncio.gather(*first) == ["well"] * LARGE_BODIES
    assert await asyncio.gather(*(ask(client, with_time(context, 60)) for _ in range(8))) == ["well"] * 8


async def test_the_load_of_other_tenants_is_never_held_against_it(context: CallContext, backend: TenantBackend) -> None:
    """G225: who waits until others give their connections back has not asked yet."""
    limits = replace(LIMITS, connections=8)
    async with Backend(backend.url, caution=Caution(limits)) as client:
        backend.hang(READ)
        others = [
            replace(context, principal=Principal(tenant, "eve")) for tenant in ("globex", "initech") for _ in range(4)
        ]
        slow = [asyncio.create_task(ask(client, with_time(one, 600))) for one in others]
        await until(lambda: len(backend.requests) == 8)
        assert {await ask(client, with_time(context, 0.3)) for _ in range(6)} == {"failed"}
        backend.answer(READ, {"count": 42})
        slow[0].cancel()
        assert await ask(client, context) == "well"
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

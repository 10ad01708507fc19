"""The token of a run: refused in the middle, renewed by its user and nobody else, seen nowhere but at the backend."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import insert, update
from support.backend import TenantBackend
from support.faults import dump, execute, open_events, rows, store_of, until
from support.http import Connection, Request
from support.provider import Call
from support.world import MARKER, OpenWorld, Person, World

from agent.attempt.credential import RunCredential
from agent.errors import ForbiddenError
from agent.principal import Credential, Principal
from agent.store.audit import AuditFilter, list_audit
from agent.store.tables import messages, runs, workers

SIGN_IN = "The business system did not accept the user's sign-in."


def bearer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def refuse_but(backend: TenantBackend, route: str, fresh: Person) -> None:
    """Let a route accept one person's token only."""

    async def serve(request: Request, connection: Connection) -> None:
        if bearer(request) == fresh.token:
            await connection.respond(200, b'{"count":42}')
        else:
            await connection.respond(401, b'{"detail":"expired"}')

    backend.routes[route] = serve


def three_calls(world: World) -> tuple[Person, Person]:
    """Script a turn whose three calls the backend refuses; return Ann, and Ann with a fresh token."""
    ann, fresh = world.person(), world.person(jti="fresh")
    for number in (1, 2):
        refuse_but(world.backend, f"GET /orders/{number}", fresh)
    refuse_but(world.backend, "GET /orders/count", fresh)
    orders = [Call("find_order", {"number": number}, id=f"o{number}") for number in (1, 2)]
    world.provider.call(Call("count_orders", id="c"), *orders)
    return ann, fresh


async def test_a_refused_token_is_asked_for_once_and_the_run_goes_on_with_the_fresh_one(world: World) -> None:
    """G21 G260: one `auth_required`, however many calls wait, and one row in the record."""
    ann, fresh = three_calls(world)
    world.provider.say("42.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        assert await live.until("auth_required")
        await until(lambda: len(world.backend.requests) == 3)
        assert (await fresh.request("POST", f"/runs/{run_id}/credential")).status_code == 200
        stream = await live.rest()
    assert stream.keys.count("auth_required") == 1
    assert (stream.text, stream.first("status")) == ("42.", "completed")
    assert [bearer(request) for request in world.backend.requests] == [ann.token] * 3 + [fresh.token] * 3
    assert all(not row["is_error"] for row in await rows(world, messages, role="tool"))
    assert await renewals(world, run_id) == 1


async def renewals(world: World, run_id: str) -> int:
    """Return how often the record says that a run got a fresh token."""
    async with store_of(world).read("acme") as connection:
        own = AuditFilter(run_id=UUID(run_id), kind="credential.renewed")
        return len(await list_audit(connection, "acme", wanted=own, limit=9, after=None))


async def test_attaching_with_a_fresh_token_lets_the_run_go_on(world: World) -> None:
    """G21 G260: reading is enough."""
    ann, fresh = three_calls(world)
    world.provider.say("42.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        assert (await fresh.events(run_id)).text == "42."
        assert (await live.rest()).text == "42."
    assert await renewals(world, run_id) == 1


async def test_coming_back_with_the_refused_token_is_not_coming_with_a_fresh_one(world: World) -> None:
    """G21: neither before the refusal nor while the run waits."""
    ann, fresh = world.person(), world.person(jti="fresh")
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def serve(request: Request, connection: Connection) -> None:
        reached.set()
        await go_on.wait()
        if bearer(request) == fresh.token:
            await connection.respond(200, b'{"count":42}')
        else:
            await connection.respond(401, b"{}")

    world.backend.routes["GET /orders/count"] = serve
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await reached.wait()
        async with open_events(ann, run_id) as second_tab:
            await second_tab.until("run_id")
            go_on.set()
            await live.until("auth_required")
            assert (await ann.request("POST", f"/runs/{run_id}/credential")).status_code == 200
            await fresh.request("POST", f"/runs/{run_id}/credential")
            assert (await second_tab.rest()).text == "42."
    assert [bearer(request) for request in world.backend.requests] == [ann.token, fresh.token]


async def test_a_write_that_waited_for_a_sign_in_is_dropped_when_another_worker_has_the_run(
    open_frontdesk: OpenWorld,
) -> None:
    """G14: the row is asked again before the second try, because nothing else may have told this worker yet."""
    patient = {"lease_s": 900.0, "renew_every_s": 300.0, "lease_lost_after_s": 800.0, "reap_every_s": 300.0}
    world = await open_frontdesk(**patient)
    ann, fresh = world.person(), world.person(jti="fresh")
    refuse_but(world.backend, "POST /orders", fresh)
    world.provider.call(Call("create_order", {"item": "tea"}))
    roster = world.app.state.services.runner._roster
    async with ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        another = {"id": "another", "lease_until": time.time() + 900, "lease_s": 900.0}
        await execute(world, insert(workers).values(another))
        await execute(world, update(runs).values(attempt=runs.c.attempt + 1, worker_id="another"))
        await fresh.request("POST", f"/runs/{run_id}/credential")
        await until(lambda: len(roster) == 0)
    assert [bearer(request) for request in world.backend.requests] == [ann.token]


async def test_a_write_that_waited_for_a_sign_in_is_dropped_when_the_run_is_to_stop(open_frontdesk: OpenWorld) -> None:
    """G61: another process was asked to stop it, and this one has not heard of it yet."""
    world = await open_frontdesk(lease_s=900.0, renew_every_s=300.0, lease_lost_after_s=800.0)
    ann, fresh = world.person(), world.person(jti="fresh")
    refuse_but(world.backend, "POST /orders", fresh)
    world.provider.call(Call("create_order", {"item": "tea"}))
    async with ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        await execute(world, update(runs).values(cancel_requested_at=datetime.now(UTC)))
        await fresh.request("POST", f"/runs/{run_id}/credential")
        assert (await live.rest()).first("status") == "cancelled"
    assert [bearer(request) for request in world.backend.requests] == [ann.token]


async def test_when_nobody_comes_the_call_fails_and_the_run_completes(open_frontdesk: OpenWorld) -> None:
    """G21: the model is told, and answers."""
    world = await open_frontdesk(auth_wait_s=0.2)
    ann, _ = three_calls(world)
    world.provider.say("Please sign in again.")
    stream = await ann.stream("how many?")
    assert stream.keys.count("auth_required") == 1
    assert (stream.text, stream.first("status")) == ("Please sign in again.", "completed")
    assert [(row["text"], row["is_error"]) for row in await rows(world, messages, role="tool")] == [(SIGN_IN, True)] * 3
    assert len(world.backend.requests) == 3


async def test_a_refused_write_is_made_once_with_the_fresh_token(world: World) -> None:
    """G21 G11: the second request carries the same idempotency key."""
    ann, fresh = world.person(), world.person(jti="fresh")
    refuse_but(world.backend, "POST /orders", fresh)
    world.provider.call(Call("create_order", {"item": "tea"}))
    world.provider.say("Done.")
    async with ann.open_stream("order tea") as live:
        await live.until("auth_required")
        await fresh.request("POST", f"/runs/{await live.until('run_id')}/credential")
        assert (await live.rest()).text == "Done."
    [key] = world.backend.effects
    assert key == (await rows(world, messages, role="tool"))[0]["tool_call_id"]


@pytest.mark.parametrize("stranger", [{"user": "ben"}, {"tenant": "rival"}])
async def test_another_persons_token_is_refused(open_frontdesk: OpenWorld, stranger: dict[str, str]) -> None:
    """G21: with the answer for what is not there, and without any effect."""
    world = await open_frontdesk(auth_wait_s=0.5)
    ann, _ = three_calls(world)
    world.provider.say("Please sign in again.")
    other = world.person(**stranger)
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        assert (await other.request("POST", f"/runs/{run_id}/credential")).status_code == 404
        assert (await other.events(run_id)).status == 404
        assert (await live.rest()).text == "Please sign in again."
    assert {bearer(request) for request in world.backend.requests} == {ann.token}


async def test_the_token_is_in_no_line_row_or_event(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """G22: nor is anything else of its claims that is not needed."""
    ann, fresh = three_calls(world)
    world.provider.say("42.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        await fresh.request("POST", f"/runs/{run_id}/credential")
        raw = (await live.rest()).raw
    written = "".join(capfd.readouterr())
    assert "run_ended" in written, "nothing was logged: the test would prove nothing"
    seen = [raw, written.encode(), await dump(world)]
    for secret in (MARKER, *ann.token.split(".")[1:], *fresh.token.split(".")[1:]):
        assert not any(secret.encode() in text for text in seen)


def test_only_the_same_user_of_the_same_tenant_can_renew() -> None:
    """G21: below the API too."""
    run = RunCredential(Principal("acme", "ann", credential=Credential("old")), wait_s=1)
    for other in (
        Principal("acme", "ben", credential=Credential("x")),
        Principal("rival", "ann", credential=Credential("x")),
    ):
        with pytest.raises(ForbiddenError):
            run.renew(other)
    run.renew(Principal("acme", "ann"))
    assert run.current.credential == Credential("old")
    run.renew(Principal("acme", "ann", credential=Credential("new")))
    assert run.current.credential == Credential("new")

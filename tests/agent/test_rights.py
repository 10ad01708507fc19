"""A run may do what the token allowed that began it: no branch beside the token's, and no gain by a later token."""

import time
from typing import Any

import pytest
from sqlalchemy import update
from support.backend import TenantBackend
from support.each import each
from support.faults import HEIR, ZOMBIE, Hanging, execute, open_events, rows, until
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.attempt.credential import RunCredential
from agent.errors import ForbiddenError
from agent.principal import Credential, Principal
from agent.store.tables import messages, runs

OTHERS: dict[str, dict[str, Any]] = {
    "another role": {"role": "owner"},
    "no role": {"role": None},
    "another branch": {"branchId": 7},
    "one more branch": {"branchId": [2, 7]},
    "no branch, which is all": {"branchId": None},
}


def worker(world: World, **claims: Any) -> Person:
    """Return Ann, who works at branch 2, unless her token says otherwise."""
    return world.person(**{"role": "trainer", "branchId": 2, **claims})


def refuse_all_but(backend: TenantBackend, fresh: Person | None) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        is_fresh = fresh is not None and request.headers["authorization"] == f"Bearer {fresh.token}"
        await connection.respond(200 if is_fresh else 401, b'{"count":42}')

    backend.routes["GET /orders/count"] = serve


def branches_sent(world: World) -> list[str | None]:
    return [request.headers.get("x-branch-id") for request in world.backend.requests]


def script_a_count(world: World) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")


ALLOWED: dict[str, tuple[Any, Any, str | None]] = {
    "its one branch": (2, 2, "2"),
    "as text": (2, "2", "2"),
    "as a number": ("2", 2, "2"),
    "none named, one claimed": (2, None, "2"),
    "one of its branches": ([1, 2], 2, "2"),
    "one of its branches as text": ([1, "north"], "1", "1"),
    "a list of one": ([2], None, "2"),
    "the same twice": ([2, "2"], None, "2"),
    "none named of several": ([1, 2], None, None),
    "a token without a branch": (None, 9, "9"),
    "nothing at all": (None, None, None),
    "zero": (0, 0, "0"),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize(("claimed", "asked", "sent"), ALLOWED.values(), ids=ALLOWED)
async def test_a_branch_that_the_token_allows_goes_to_the_backend(
    world: World, claimed: Any, asked: Any, sent: str | None
) -> None:
    """G38: one, or one of a list, or any where the token names none."""
    script_a_count(world)
    answer = await worker(world, branchId=claimed).ask("how many?", branch_id=asked)
    assert answer.json()["response"] == "42."
    assert branches_sent(world) == [sent]


FORBIDDEN: dict[str, tuple[Any, Any]] = {
    "another": (1, 2),
    "another in a list": ([1, 3], 2),
    "a beginning of its own": (22, 2),
    "with a zero in front": (2, "02"),
    "text for a number": (1, "north"),
    "another case": ("north", "North"),
    "zero": (1, 0),
    "negative": (1, -1),
}


@each(("claimed", "asked"), FORBIDDEN.values())
async def test_another_branch_is_refused_and_nothing_is_stored(world: World, claimed: Any, asked: Any) -> None:
    """G38: the request can narrow what the token allows, and no more."""
    before = world.rows()
    ann = worker(world, branchId=claimed)
    for accept in ("application/json", "text/event-stream"):
        answer = await ann.ask("how many?", branch_id=asked, headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert world.rows() == before


async def test_another_version_cannot_take_a_branch_that_the_token_does_not_allow(world: World) -> None:
    """G38: neither by naming it nor by leaving it as it was for the turn that it replaces."""
    world.provider.say("One.")
    said = (await worker(world, branchId=None).ask("one", branch_id=7)).json()
    message = {"message_id": said["message_id"]}
    before = world.rows()
    for path, text in (("regenerate", None), ("edit", "two")):
        url = f"/conversations/{said['conversation_id']}/{path}"
        branches: list[dict[str, Any]] = [{}, {"branch_id": 7}]
        for branch in branches:
            answer = await worker(world).ask(text, path=url, **message, **branch)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (path, branch)
    assert world.rows() == before
    script_a_count(world)
    url = f"/conversations/{said['conversation_id']}/edit"
    assert (await worker(world).ask("two", path=url, **message, branch_id=2)).status_code == 200
    assert branches_sent(world) == ["2"]


@pytest.mark.parametrize("claims", OTHERS.values(), ids=OTHERS)
async def test_a_run_goes_on_with_no_token_of_other_rights(world: World, claims: dict[str, Any]) -> None:
    """G38: not by the call for it, not by attaching, not by posting again; its user may read all the same."""
    ann, other, fresh = worker(world), worker(world, **claims), worker(world, jti="fresh")
    refuse_all_but(world.backend, fresh)
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    key = {"Idempotency-Key": "once"}
    async with ann.open_stream("how many?", headers=key) as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        refused = await other.request("POST", f"/runs/{run_id}/credential")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        async with open_events(other, run_id) as reading, other.open_stream("how many?", headers=key) as again:
            await reading.until("auth_required")
            await again.until("auth_required")
            assert (await fresh.request("POST", f"/runs/{run_id}/credential")).status_code == 200
            assert [(await one.rest()).text for one in (live, reading, again)] == ["42."] * 3
    sent = [request.headers["authorization"].removeprefix("Bearer ") for request in world.backend.requests]
    assert sent == [ann.token, fresh.token]
    assert branches_sent(world) == ["2", "2"]


AGES: dict[str, tuple[dict[str, int], dict[str, int], bool]] = {
    "issued before": ({"iat": -10}, {"iat": -20}, True),
    "issued before, good for longer": ({"iat": -10}, {"iat": -20, "exp": 7200}, True),
    "issued at the same time": ({"iat": -10}, {"iat": -10}, False),
    "issued later, good for less": ({"iat": -10}, {"iat": 0, "exp": 60}, False),
    "without a time, ends before": ({}, {"exp": 60}, True),
    "without a time, ends later": ({}, {"exp": 7200}, False),
    "one with a time, ends before": ({"iat": -10}, {"exp": 60}, True),
    "one without, ends before": ({}, {"iat": 0, "exp": 60}, True),
}


@pytest.mark.parametrize(("first", "second", "is_older"), AGES.values(), ids=AGES)
async def test_a_run_does_not_go_back_to_an_older_token(
    world: World, first: dict[str, int], second: dict[str, int], is_older: bool
) -> None:
    """G38: by the time of issue, or else by the end."""
    now = int(time.time())
    ann, other = (
        worker(world, jti=name, **{claim: now + s for claim, s in {"exp": 3600, **times}.items()})
        for name, times in (("first", first), ("second", second))
    )
    newest = worker(world, jti="newest", iat=now + 5, exp=now + 9000)
    refuse_all_but(world.backend, newest if is_older else other)
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        async with open_events(other, run_id) as reading:
            await reading.until("run_id")
            answer = await other.request("POST", f"/runs/{run_id}/credential")
            assert answer.status_code == (403 if is_older else 200)
            if is_older:
                assert (await newest.request("POST", f"/runs/{run_id}/credential")).status_code == 200
            assert (await live.rest()).text == "42."
    assert len(world.backend.requests) == 2


@pytest.mark.parametrize("claims", OTHERS.values(), ids=OTHERS)
async def test_a_run_whose_process_died_goes_on_with_the_rights_that_it_was_begun_with(
    open_frontdesk: OpenWorld, database_url: str, claims: dict[str, Any]
) -> None:
    """G38: what they were is in its row; a reader with others waits in vain, one with the same brings it on."""
    zombie = await open_frontdesk(database_url=database_url, **ZOMBIE)
    ann = worker(zombie)
    counting = Hanging(zombie, "GET /orders/count", b'{"count":42}')
    zombie.provider.call(Call("count_orders"))
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await until(lambda: counting.arrived == 1)
        zombie.backend.answer("GET /orders/count", {"count": 42})
        zombie.provider.say("42.")
        other = await open_frontdesk(database_url=database_url, **{**HEIR, "auth_wait_s": 20})
        intruder, fresh = worker(other, **claims), worker(other, jti="fresh")
        async with open_events(intruder, run_id) as reading:
            await reading.until("auth_required")
            assert (await intruder.request("POST", f"/runs/{run_id}/credential")).status_code == 403
            assert len(zombie.backend.requests) == 1
            assert (await fresh.request("POST", f"/runs/{run_id}/credential")).status_code == 200
            assert (await reading.rest()).text == "42."
        counting.go_on.set()
        await live.rest()
    sent = [request.headers["authorization"].removeprefix("Bearer ") for request in zombie.backend.requests]
    assert sent == [ann.token, fresh.token]
    [row] = await rows(other, runs)
    assert (row["role"], row["token_branches"]) == ("trainer", [2])


async def test_a_run_from_before_rights_were_kept_goes_on_with_nobodys(open_frontdesk: OpenWorld) -> None:
    """G38: it is ended rather than guessed."""
    world = await open_frontdesk(**ZOMBIE)
    ann = worker(world)
    refuse_all_but(world.backend, None)
    world.provider.call(Call("count_orders"))
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        await execute(world, update(runs).values(role=None, token_branches=None, worker_id=None))
        heir = await open_frontdesk(database_url=world.settings.database, **{**HEIR, "auth_wait_s": 0.5})
        heir.provider.scripts.clear()
        stream = await Person(heir, ann.token, ann.tenant).events(run_id)
        assert stream.first("error")["code"] == "interrupted"
    assert await rows(world, messages, role="tool") == []


def test_below_the_api_a_run_gains_no_rights_either() -> None:
    """G38."""
    begun = Principal("acme", "ann", "client", (2,), credential=Credential("old"), issued_at=100)
    run = RunCredential(begun, wait_s=1)
    for role, branches, issued_at in (
        ("owner", (2,), 200),
        ("client", (), 200),
        ("client", (2, 3), 200),
        ("client", (2,), 99),
    ):
        new = Principal("acme", "ann", role, branches, credential=Credential("new"), issued_at=issued_at)
        with pytest.raises(ForbiddenError):
            run.renew(new)
    assert run.current is begun
    run.renew(Principal("acme", "ann", "client", ("2",), credential=Credential("new"), issued_at=100))
    assert run.current.credential == Credential("new")


async def test_a_token_that_was_issued_a_moment_ahead_is_taken(open_frontdesk: OpenWorld) -> None:
    """The clocks of two machines differ."""
    world = await open_frontdesk()
    now = int(time.time())
    answers = [
        (await world.person(**{claim: now + ahead_s}).request("GET", "/conversations")).status_code  # type: ignore[arg-type]
        for claim, ahead_s in (("iat", 2), ("nbf", 2), ("iat", 20), ("iat", 3600), ("nbf", 3600))
    ]
    assert answers == [200, 200, 200, 401, 401]

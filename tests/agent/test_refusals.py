"""Who is refused by a budget and goes on asking: what it costs, and when they are let in again."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.faults import store_of, until
from support.operating import ADMIN, operator
from support.pairs import at
from support.postgres import new_database, sqlalchemy_url
from support.rows import ANN, EVE
from support.world import OpenWorld, Person, World

from agent.budget import ALL, Amounts, Budget, QuotaExceededError
from agent.errors import DatabaseError
from agent.principal import Principal
from agent.runs import keys
from agent.runs.keys import KeyLooks
from agent.store import used_up
from agent.store.budgets import EACH_USER, set_budget
from agent.store.database import Store

pytestmark = pytest.mark.usefixtures("one_day")

ONE_RUN: dict[str, Any] = {"budgets": {"user": {"day": {"runs": 1}}}}
OF_TENANT: dict[str, Any] = {"budgets": {"tenant": {"day": {"runs": 1}}}}


@pytest.fixture
def for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a look count for longer than any test takes: what lets somebody in again is nothing but what should."""
    monkeypatch.setattr(used_up, "FRESH_S", 1e9)


@contextmanager
def transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str | None]]:
    """Note the tenants of the transactions that are opened meanwhile."""
    opened: list[str | None] = []
    with monkeypatch.context() as patch:
        for name in ("read", "write"):
            begin = getattr(store, name)

            def noted(tenant_id: str | None, *, begin: Any = begin, **more: Any) -> Any:
                opened.append(tenant_id)
                return begin(tenant_id, **more)

            patch.setattr(store, name, noted)
        yield opened


async def use_up(*people: Person) -> None:
    """Let people have an answer each."""
    for person in people:
        person.world.provider.say("One.")
        assert (await person.ask("hi")).status_code == 200


async def is_refused(person: Person, **more: Any) -> bool:
    return bool((await person.ask("hi", **more)).status_code == 429)


async def let_in(person: Person, **more: Any) -> bool:
    """Ask; return whether it was answered. What was not is not kept for others."""
    person.world.provider.say("Another.")
    answered = not await is_refused(person, **more)
    if not answered:
        person.world.provider.scripts.pop()
    return answered


@pytest.mark.usefixtures("for_ever")
@pytest.mark.parametrize("budgets", [OF_TENANT, ONE_RUN], ids=["the tenant's", "each user's"])
async def test_who_goes_on_asking_is_refused_without_a_transaction(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch, budgets: dict[str, Any]
) -> None:
    """G480: the second look is at everybody who was refused lately, and an equal request has its run all the same."""
    world = await open_frontdesk(assistant=budgets, database_url=database_url)
    people = [world.person(user=f"user-{number}") for number in range(5)]
    key = {"Idempotency-Key": "k"}
    world.provider.say("One.")
    first = await people[0].ask("hi", headers=key)
    if budgets is ONE_RUN:
        await use_up(*people[1:])
    refused = [(await one.ask("hi")).json() for one in people]
    with transactions(store_of(world), monkeypatch) as opened:
        assert [await is_refused(one) for one in people] == [True] * 5
        assert opened.count("acme") <= 1
        del opened[:]
        again = [(await one.ask("hi")).json() for one in people * 3]
        assert "acme" not in opened
    told = ("code", "detail", "resets_at")
    assert [[one[name] for name in told] for one in again] == [[one[name] for name in told] for one in refused * 3]
    assert (await people[0].ask("hi", headers=key)).json()["run_id"] == first.json()["run_id"]
    assert (await people[0].ask("else", headers=key)).json()["code"] == "idempotency_mismatch"


@pytest.mark.usefixtures("for_ever")
async def test_of_many_at_once_whose_look_is_too_old_one_looks(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G480: whether the database answers or not."""
    world = await open_frontdesk(assistant=ONE_RUN, database_url=database_url)
    people, store = [world.person(user=f"user-{number}") for number in range(12)], store_of(world)
    await use_up(*people)
    for one in people:
        assert await is_refused(one)
    store.used_up.forget(["acme"])
    with transactions(store, monkeypatch) as opened:
        assert all(await asyncio.gather(*map(is_refused, people)))
        assert opened.count("acme") == 1
    store.used_up.forget(["acme"])
    gate, read = asyncio.Event(), store.read
    tries: list[object] = []

    def broken(tenant_id: str | None, **more: Any) -> Any:
        if tenant_id != "acme":
            return read(tenant_id, **more)
        tries.append(tenant_id)
        return _broken(gate)

    monkeypatch.setattr(store, "read", broken)
    asking = [asyncio.create_task(one.ask("hi")) for one in people]
    lately = store.used_up.of("acme", "user-0")
    assert lately is not None
    waiting: Any = lately.looking
    await until(lambda: len(waiting._waiters or ()) == len(people) - 1)
    gate.set()
    assert {one.status_code for one in await asyncio.gather(*asking)} == {503}
    assert len(tries) == 1
    monkeypatch.setattr(store, "read", read)
    assert await is_refused(people[0])


@pytest.mark.usefixtures("for_ever")
async def test_keys_of_those_who_go_on_asking_are_looked_for_together(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G480: an equal request is found among them, and whoever stops waiting stops nobody."""
    world = await open_frontdesk(assistant=OF_TENANT, database_url=database_url)
    people, store = [world.person(user=f"user-{number}") for number in range(12)], store_of(world)
    world.provider.say("One.")
    first = await people[0].ask("hi", headers={"Idempotency-Key": "k"})
    for _ in range(3):
        assert await is_refused(people[0])
    with transactions(store, monkeypatch) as opened:
        asking = [one.ask("hi", headers={"Idempotency-Key": "k"}) for one in people for _ in range(2)]
        answers = await asyncio.gather(*asking)
        assert opened.count("acme") < len(asking)
    assert [one.status_code for one in answers] == [200, 200, *[429] * 22]
    assert {one.json()["run_id"] for one in answers[:2]} == {first.json()["run_id"]}
    looks, gate = KeyLooks(store), asyncio.Event()
    keys = [("user-0", "k"), ("user-0", "l"), ("user-1", "k")]
    held = Held(store, gate)
    monkeypatch.setattr(looks, "_store", held)
    tasks = [asyncio.create_task(looks.is_stored(Principal("acme", user), key)) for user, key in keys]
    await until(lambda: held.tries == 1)
    tasks[0].cancel()
    gate.set()
    assert await asyncio.gather(*tasks[1:]) == [False, False]
    assert await looks.is_stored(Principal("acme", "user-0"), "k")
    assert not await looks.is_stored(Principal("rival", "user-0"), "k")
    assert held.tries == 4


async def test_of_more_keys_than_one_look_takes_each_is_found(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G482: whoever waits longest is looked for first, and has read it before the next look."""
    world = await open_frontdesk(assistant=OF_TENANT)
    world.provider.say("One.")
    await world.person(user="user-0").ask("hi", headers={"Idempotency-Key": "k"})
    looks = KeyLooks(store_of(world))
    monkeypatch.setattr(keys, "AT_ONCE", 2)
    asked = [key for number in range(6) for key in ("k", f"other-{number}")]
    found = await asyncio.gather(*(looks.is_stored(Principal("acme", "user-0"), key) for key in asked))
    assert found == [True, False] * 6


class Held:
    """A store that reads only when it may."""

    def __init__(self, store: Store, gate: asyncio.Event) -> None:
        self._store = store
        self._gate = gate
        self.tries = 0

    @asynccontextmanager
    async def read(self, tenant_id: str) -> AsyncIterator[Any]:
        self.tries += 1
        await self._gate.wait()
        async with self._store.read(tenant_id) as connection:
            yield connection


class _broken:  # noqa: N801 (it stands for a method)
    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate

    async def __aenter__(self) -> None:
        await self._gate.wait()
        raise DatabaseError("OperationalError")

    async def __aexit__(self, *_: object) -> None:
        """Never come here."""


@pytest.mark.usefixtures("for_ever")
async def test_what_this_process_gives_back_or_an_operator_allows_counts_at_once(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G481: with the commit, whoever asked in between."""
    budgets = {"user": {"day": {"tokens": 1_000_000}}}
    world = await open_frontdesk(assistant={"budgets": budgets}, database_url=database_url, **ADMIN)
    ann, gate = world.person(), asyncio.Event()
    few = world.person(user="ben")
    await give(world, Budget(day=Amounts(tokens=2500)))
    world.provider.wait_for(gate, "Word.", before=["One "])
    async with ann.open_stream("hi") as live:
        await live.until("token")  # which is held of all that there is
        assert [await is_refused(ann) for _ in range(3)] == [True] * 3
        gate.set()
        await live.rest()
    assert await let_in(ann)
    new = {"tenant": "acme", "whose": "user", "user": "ben", "budget": {"day": {"runs": 1}}}
    olga = operator(world)
    assert (await olga.request("PUT", "/admin/budgets", json=new)).status_code == 200
    await use_up(few)
    assert [await is_refused(few) for _ in range(3)] == [True] * 3
    new["budget"] = {"day": {"runs": 2}}
    assert (await olga.request("PUT", "/admin/budgets", json=new)).status_code == 200
    assert [await let_in(few), *[await is_refused(few) for _ in range(3)]] == [True] * 4
    named = {"tenant": "acme", "whose": "user", "user": "ben"}
    assert (await olga.request("DELETE", "/admin/budgets", params=named)).status_code == 204
    assert await let_in(few)


async def give(world: World, budget: Budget) -> None:
    """Set each user's budget, and wait until the installation knows that there are any."""
    async with store_of(world).write("acme") as connection:
        await set_budget(connection, "acme", budget, whose=EACH_USER)
    await until(lambda: world.app.state.services.runner._runtime.budgets.has_kept)


async def test_what_another_process_gives_back_counts_within_a_second(open_frontdesk: OpenWorld, postgres: str) -> None:
    """G481"""
    shared = {"database_url": sqlalchemy_url(new_database(postgres)), "assistant": ONE_RUN}
    here, there = [await open_frontdesk(**shared) for _ in range(2)]
    ann = here.person()
    await give(here, Budget(day=Amounts(runs=1)))
    await until(lambda: there.app.state.services.runner._runtime.budgets.has_kept)
    await use_up(ann)
    assert [await is_refused(at(there, ann)) for _ in range(4)] == [True] * 4
    await give(here, Budget(day=Amounts(runs=2)))
    given = asked = time.monotonic()
    while not await let_in(at(there, ann)):
        assert asked < given + used_up.FRESH_S, "whoever asks a second later has their room"
        asked = time.monotonic()


@pytest.mark.usefixtures("for_ever")
async def test_what_is_known_of_a_day_says_nothing_of_the_next(open_frontdesk: OpenWorld) -> None:
    """G481: by the database's clock, as it goes on since the look."""
    world = await open_frontdesk(assistant=ONE_RUN)
    ann, store = world.person(), store_of(world)
    await use_up(ann)
    assert [await is_refused(ann) for _ in range(2)] == [True] * 2
    lately = store.used_up.of("acme", "ann")
    assert lately is not None
    assert lately.seen is not None
    budgets = world.app.state.services.runner._runtime.budgets
    [equipped] = world.app.state.services.assistants
    asked = store, ANN, equipped.definition, "openai:scripted", "hi"
    today = lately.seen.clock.date()
    midnight = datetime.combine(today + timedelta(days=1), datetime.min.time(), tzinfo=lately.seen.clock.tzinfo)
    passed = timedelta(seconds=time.monotonic() - lately.seen.begun)
    lately.seen = lately.seen._replace(clock=midnight - passed - timedelta(seconds=30))
    with pytest.raises(QuotaExceededError):
        budgets.refuse_again(*asked)
    lately.seen = lately.seen._replace(clock=midnight - passed)
    budgets.refuse_again(*asked)


@pytest.mark.usefixtures("for_ever")
async def test_what_is_known_of_somebody_is_held_against_nobody_else(open_frontdesk: OpenWorld) -> None:
    """G482: a user of the same name of another tenant, a colleague, one with more by their token, another assistant."""
    world = await open_frontdesk(
        assistants={"default.yaml": ONE_RUN, "more.yaml": {"budgets": {"user": {"day": {"runs": 9}}}}},
        claim_budget=("budget",),
    )
    tight = world.person(budget={"day": {"runs": 0}})
    ann = world.person()
    assert [await is_refused(tight) for _ in range(3)] == [True] * 3
    assert await let_in(ann)
    assert [await is_refused(ann) for _ in range(3)] == [True] * 3
    assert await let_in(world.person(tenant="rival"))
    assert await let_in(world.person(user="ben"))
    assert await let_in(ann, assistant="more")
    assert await is_refused(ann)


def test_what_is_known_has_a_bound_and_those_go_who_were_refused_longest_ago() -> None:
    """G482"""
    known = used_up.UsedUp()
    for number in range(used_up.MOST_OF_TENANT + 10):
        known.note("acme", f"user-{number}")
    assert len(known) == used_up.MOST_OF_TENANT
    assert known.of("acme", "user-0") is None
    assert known.of("acme", "user-10") is not None
    for number in range(used_up.MOST):
        known.note(f"tenant-{number}", ALL)
        known.note("acme", "user-10")
    assert len(known) == used_up.MOST
    assert known.of("tenant-0", "ann") is None
    assert known.of("acme", "user-10") is not None
    assert known.of(EVE.tenant_id, "user-10") is None
    assert isinstance(known.of(f"tenant-{used_up.MOST - 1}", "ann"), used_up.Lately), "by what is their tenant's"

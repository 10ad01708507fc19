"""The work of `/admin`: the same as an operator's commands, on both kinds of database and where it keeps tenants apart."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from support.faults import store_of, until
from support.operating import ADMIN, operator
from support.postgres import as_application, new_database, sqlalchemy_url
from support.redis import RedisServer
from support.rows import BEN, DAY, EVE, MONTH, count_rows, finish, new_conversation, new_run
from support.traces import decide_for, leave_traces, places_of
from support.world import OpenWorld, Person, World

from agent.budget import ALL, Amount, Budget, Counter, Most
from agent.errors import OverloadedError
from agent.events.schema import Usage
from agent.principal import OPERATOR, Principal, RunKey
from agent.store.audit_tables import audit, audit_seals
from agent.store.budgets import EACH_USER, TENANT, Whose, set_budget
from agent.store.database import Store
from agent.store.runs import RunEnd
from agent.store.spending import count_run, reserve
from agent.store.transitions import end_run
from api.admin.access import in_time
from api.operator.sights import list_runs, sum_usage
from api.routes import admin_budgets

WORD, KEPT = "zebra", "walrus"
ANN = Principal("acme", "gazelle")
"""Somebody whose name stands nowhere by chance."""
PRICED = {"spec": "openai:scripted", "name": "demo", "price": {"input": 1.0, "output": 4.0, "currency": "EUR"}}
ERASE, BUDGETS = "/admin/erasures", "/admin/budgets"


@pytest.fixture(params=["sqlite", "postgresql", "postgresql with two roles"])
def database(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of an empty database of each kind."""
    if request.param == "sqlite":
        return {}
    owner = sqlalchemy_url(new_database(request.getfixturevalue("postgres")))
    if "two" in request.param:
        return {"database_url": as_application(owner), "database_upkeep_url": owner}
    return {"database_url": owner}


@pytest.fixture
async def world(open_frontdesk: OpenWorld, database: dict[str, Any]) -> World:
    """An installation with operators, whose own upkeep removes nothing in the middle of a test."""
    quiet = {"purge_every_s": 3600, "retention_every_s": 3600, "reap_every_s": 3600}
    return await open_frontdesk(**ADMIN, **database, **quiet, assistant={"models": [PRICED]})


@pytest.fixture
def olga(world: World) -> Person:
    return operator(world)


async def got(who: Person, path: str, **params: Any) -> Any:
    answer = await who.request("GET", path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def posted(who: Person, path: str, **body: Any) -> Any:
    answer = await who.request("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def deeds(world: World, tenant: str, *kinds: str) -> list[Any]:
    async with store_of(world).read(tenant) as connection:
        found = select(audit).where(audit.c.tenant_id == tenant, audit.c.kind.in_(kinds)).order_by(audit.c.at)
        return list((await connection.execute(found)).all())


async def told_rows(store: Store) -> dict[str, int]:
    """Return how many rows each table has, but those that upkeep writes and the record's."""
    return {name: n for name, n in (await count_rows(store)).items() if not name.startswith(("audit", "search"))}


async def is_sealed(world: World, tenant: str) -> bool:
    async with store_of(world).read(tenant) as connection:
        return bool(
            (await connection.execute(select(audit_seals.c.number).where(audit_seals.c.tenant_id == tenant))).all()
        )


async def test_runs_and_usage_are_what_the_commands_tell_tenant_by_tenant(world: World, olga: Person) -> None:
    """G365"""
    store = store_of(world)
    for tenant in ("acme", "beta", "rival"):
        who = Principal(tenant, "ann")
        await new_run(store, who)
        over, failed = await new_run(store, who), await new_run(store, who)
        await finish(store, over, who=who)
        ended = RunEnd("failed", "error", Usage(1_000_000, 5), "model_error")
        async with store.write(tenant) as connection:
            await end_run(connection, tenant, failed.id, attempt=1, end=ended)
    whole = await got(olga, "/admin/runs")
    assert whole["next_after"] is None
    expected = await list_runs(world.settings, None, failed_h=24, most=100)
    assert [one["run"] for one in whole["items"]] == [str(one.run) for one in expected]
    assert set(whole["items"][0]) == set(asdict(expected[0]))
    assert "how many" not in str(whole)
    pages: list[set[str]] = []
    after: str | None = ""
    while after is not None:
        page = await got(olga, "/admin/runs", limit=1, after=after)
        pages.append({one["tenant"] for one in page["items"]})
        after = page["next_after"]
    assert pages == [{"acme"}, {"beta"}, {"rival"}]
    assert {one["tenant"] for one in (await got(olga, "/admin/runs", tenant="beta"))["items"]} == {"beta"}

    summed = (await got(olga, "/admin/usage", by="tenant"))["items"]
    now = datetime.now(UTC)
    told = await sum_usage(world.settings, None, by=["tenant"], since=now - timedelta(days=2), until=now)
    assert summed == told
    assert summed[0]["cost"] == {"EUR": 1.000039}
    [one] = (await got(olga, "/admin/usage", by="model,day", tenant="beta"))["items"]
    assert (one["model"], one["day"], one["runs"]) == ("demo", f"{now:%Y-%m-%d}", 3)
    assert "user" not in one
    assert (await got(olga, "/admin/usage", **{"from": "2020-01-01", "to": "2020-01-31"}))["items"] == []


async def test_an_erasure_leaves_no_trace_but_who_did_what_and_the_record_holds(world: World, olga: Person) -> None:
    """G365 G366"""
    store = store_of(world)
    await leave_traces(store, BEN, word=KEPT)
    await leave_traces(store, EVE, word=KEPT)
    await leave_traces(store, ANN, word=WORD)
    await decide_for(store, BEN, ANN, word=WORD)
    before = await told_rows(store)
    dry = await posted(olga, ERASE, tenant="acme", user=ANN.user_id, dry_run=True)
    assert (dry["is_done"], dry["found"]["conversations"], dry["conversations"]) == (False, 1, 0)
    assert await told_rows(store) == before

    done = await posted(olga, ERASE, tenant="acme", user=ANN.user_id)

    assert (done["is_done"], done["problems"], done["conversations"]) == (True, [], 1)
    assert await places_of(store, WORD, ANN.user_id) == set(), "also not in what is recorded of the operator"
    assert await places_of(store, KEPT)
    [told] = await deeds(world, "acme", "user.erased")
    [*_, used] = await deeds(world, OPERATOR, "admin.used")
    assert (told.user_id, told.on_behalf_of, told.request_id) == (OPERATOR, ANN.user_id, used.request_id)
    assert (used.user_id, used.on_behalf_of, used.tool_name) == ("olga", ANN.user_id, "erase")
    for tenant in ("acme", OPERATOR):
        await until(lambda tenant=tenant: is_sealed(world, tenant))  # type: ignore[misc] # a text
        verified = await got(olga, "/admin/audit/verification", tenant=tenant)
        assert (verified["problems"], verified["sealed_rows"] > 0) == ([], True)
    kept = verified["newest"]
    assert (await got(olga, "/admin/audit/verification", tenant=OPERATOR, head=kept))["problems"] == []
    other = f"{kept.partition(':')[0]}:{'0' * 64}"
    assert (await got(olga, "/admin/audit/verification", tenant=OPERATOR, head=other))["problems"]
    assert (await posted(olga, ERASE, tenant="acme", user=None))["is_done"]
    assert (await count_rows(store))["conversations"] == 1, "the other tenant's"


async def test_an_erasure_that_takes_longer_than_a_request_goes_on_with_the_next_one(
    world: World, olga: Person
) -> None:
    """G366"""
    store = store_of(world)
    for _ in range(12):
        await new_conversation(store, ANN)
    world.settings.__dict__["admin_timeout_s"] = 0.02  # frozen, and read at each request
    asked = 0
    done: dict[str, Any] = {"is_done": False}
    async with asyncio.timeout(100):
        while not done["is_done"]:
            done = await posted(olga, ERASE, tenant="acme", user=ANN.user_id)
            assert done["is_done"] or done["problems"]
            asked += 1
            world.settings.__dict__["admin_timeout_s"] *= 2
    assert asked > 1
    assert (await count_rows(store))["conversations"] == 0
    assert await deeds(world, "acme", "user.erased")


async def test_a_conversation_is_read_for_a_reason_that_its_tenant_can_see(world: World, olga: Person) -> None:
    """G367"""
    store = store_of(world)
    run = await leave_traces(store, ANN, word=WORD)
    asked = {"tenant": "acme", "conversation": str(run.conversation_id), "reason": " ticket 42 "}
    read = await posted(olga, "/admin/readings", **asked)
    assert (read["user"], read["title"], read["next_cursor"]) == (ANN.user_id, f"{WORD} title", None)
    assert [one["role"] for one in read["items"]] == ["user", "assistant", "summary"]
    [told] = await deeds(world, "acme", "conversation.read")
    assert (told.user_id, told.on_behalf_of, told.words) == (OPERATOR, ANN.user_id, '{"reason":"ticket 42"}')
    [used] = await deeds(world, OPERATOR, "admin.used")
    assert (used.user_id, used.request_id) == ("olga", told.request_id)
    assert "ticket" not in used.words
    await posted(olga, ERASE, tenant="acme", user=ANN.user_id)
    for tenant, conversation in (("acme", run.conversation_id), ("rival", run.conversation_id)):
        answer = await olga.request(
            "POST", "/admin/readings", json={**asked, "tenant": tenant, "conversation": str(conversation)}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len(await deeds(world, "acme", "conversation.read")) == 1


async def test_the_record_shows_operators_who_did_what_and_none_of_the_words(world: World, olga: Person) -> None:
    """G367: what tools answered and users decided takes the right to read conversations."""
    store = store_of(world)
    run = await leave_traces(store, ANN, word=WORD)
    await posted(olga, "/admin/readings", tenant="acme", conversation=str(run.conversation_id), reason="ticket 42")
    auditor = operator(world, "desk-audit", name="otto")
    page = await got(auditor, "/admin/audit", tenant="acme")
    assert WORD not in str(page)
    reasons = [one["words"] for one in page["items"] if one["kind"] == "conversation.read"]
    assert reasons == [{"reason": "ticket 42"}]
    assert "call.proposed" in {one["kind"] for one in page["items"]}
    assert [one.user_id for one in await deeds(world, "acme", "audit.read")] == [ANN.user_id, OPERATOR]
    seen, cursor = [], None
    while True:
        part = await got(auditor, "/admin/audit", tenant=OPERATOR, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += part["items"]
        cursor = part["next_cursor"]
        if cursor is None:
            break
    assert {one["user"] for one in seen} == {"olga", "otto"}
    assert all(one["words"]["asked"]["tenant"] for one in seen)


async def test_the_role_that_serves_sees_one_tenant_at_a_time_also_with_operators(
    open_frontdesk: OpenWorld, postgres: str
) -> None:
    """G365"""
    owner = sqlalchemy_url(new_database(postgres))
    world = await open_frontdesk(**ADMIN, database_url=as_application(owner), database_upkeep_url=owner)
    store = store_of(world)
    for who in (ANN, EVE):
        await new_run(store, who)
    assert {one["tenant"] for one in (await got(operator(world), "/admin/runs"))["items"]} == {"acme", "rival"}
    async with store.read("acme") as connection:
        names = (await connection.execute(text("SELECT DISTINCT tenant_id FROM runs"))).scalars().all()
    assert names == ["acme"]


async def test_where_redis_is_away_an_erasure_says_so_and_may_be_asked_again(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer
) -> None:
    """G366"""
    shared = {"database_url": sqlalchemy_url(new_database(postgres)), "redis_prefix": "away"}
    world = await open_frontdesk(**ADMIN, **shared, redis_url="redis://127.0.0.1:1", redis_timeout_s=0.2)
    await leave_traces(store_of(world), ANN, word=WORD)
    answer = await operator(world).request("POST", ERASE, json={"tenant": "acme", "user": None})
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    again = await open_frontdesk(**ADMIN, **shared, redis_url=redis_server.url)
    assert (await posted(operator(again), ERASE, tenant="acme", user=None))["is_done"]
    assert await places_of(store_of(again), WORD) == set()


async def test_what_takes_longer_than_a_request_may_is_broken_off(open_frontdesk: OpenWorld) -> None:
    """G364"""
    world = await open_frontdesk(**ADMIN)
    world.settings.__dict__["admin_timeout_s"] = 0.01
    with pytest.raises(OverloadedError, match="longer than"):
        async with in_time(world.app.state.services):
            await asyncio.Event().wait()


async def test_budgets_are_set_read_and_cleared_and_the_record_says_to_what(world: World, olga: Person) -> None:
    """G389"""

    async def put(tenant: str, whose: str, budget: dict[str, Any], user: str | None = None) -> dict[str, Any]:
        body = {"tenant": tenant, "whose": whose, "user": user, "budget": budget}
        answer = await olga.request("PUT", BUDGETS, json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def kept(**params: Any) -> list[tuple[str, str | None]]:
        page = await got(olga, BUDGETS, **params)
        assert page["next_cursor"] is None
        return [(one["whose"], one["user"]) for one in page["items"]]

    assert (await put("acme", "user", {"day": {"runs": 0}}, "ann"))["unpriced_models"] == []
    await put("acme", "user", {"day": {"runs": 9}}, "ann")
    await put("acme", "users", {"month": {"tokens": 500_000}})
    assert (await put("acme", "tenant", {"month": {"cost": 2.5}}))["unpriced_models"] == ["demo"]
    await put("rival", "user", {"day": {"runs": 1}}, "eve")
    assert await kept(tenant="acme") == [("tenant", None), ("user", "ann"), ("users", None)]
    assert await kept(tenant="acme", user="ben") == [("tenant", None), ("users", None)]
    assert await kept(tenant="rival") == [("user", "eve")]
    [_, of_ann, _] = (await got(olga, BUDGETS, tenant="acme"))["items"]
    assert of_ann["budget"]["day"]["runs"] == 9
    [*_, used] = await deeds(world, OPERATOR, "admin.used")
    assert used.tool_name == "budgets"
    set_last = [one for one in await deeds(world, OPERATOR, "admin.used") if one.on_behalf_of == "eve"]
    assert [json.loads(one.words)["asked"] for one in set_last] == [
        {"tenant": "rival", "whose": "user", "budget": '{"day":{"runs":1}}'}
    ]

    async with store_of(world).write("acme") as connection:
        counters = [Counter(ALL, MONTH, Most(cost=9_000_000)), Counter("ann", DAY, Most(runs=9))]
        assert await count_run(connection, "acme", counters, needs=Amount()) is None
        key = RunKey("acme", uuid4())
        await reserve(connection, key, counters, user_id="ann", attempt=1, amount=Amount(7, 1_500_000), length_s=60)
    [of_tenant] = (await got(olga, f"{BUDGETS}/used", tenant="acme"))["items"]
    assert of_tenant == {
        "period": MONTH,
        "runs": 1,
        "tokens": 0,
        "cost": 0.0,
        "held_tokens": 7,
        "held_cost": 1.5,
    }
    assert [one["period"] for one in (await got(olga, f"{BUDGETS}/used", tenant="acme", user="ann"))["items"]] == [DAY]
    assert (await got(olga, f"{BUDGETS}/used", tenant="rival"))["items"] == []

    for _ in range(2):
        asked = {"tenant": "acme", "whose": "users"}
        assert (await olga.request("DELETE", BUDGETS, params=asked)).status_code == 204
    assert await kept(tenant="acme") == [("tenant", None), ("user", "ann")]
    await posted(olga, ERASE, tenant="acme", user="ann")
    assert await kept(tenant="acme") == [("tenant", None)]
    assert (await got(olga, f"{BUDGETS}/used", tenant="acme", user="ann"))["items"] == []
    [left] = (await got(olga, f"{BUDGETS}/used", tenant="acme"))["items"]
    assert (left["runs"], left["held_tokens"]) == (1, 0), "what the erased user held is given back"


async def test_what_is_recorded_is_what_is_done_however_it_is_written(world: World, olga: Person) -> None:
    """G363: in any encoding that a route reads; and what no database takes is recorded in signs that each does."""

    async def recorded(method: str, path: str, **asked: Any) -> tuple[int, str, dict[str, Any]]:
        answer = await olga.request(method, path, **asked)
        [*_, used] = await deeds(world, OPERATOR, "admin.used")
        return answer.status_code, used.on_behalf_of, json.loads(used.words)["asked"]

    name = "ü" * 256
    body = json.dumps({"tenant": "acme", "user": name, "dry_run": True}, ensure_ascii=False)
    as_json = {"Content-Type": "application/json"}
    for encoding in ("utf-8", "utf-16", "utf-32"):
        told = await recorded("POST", ERASE, content=body.encode(encoding), headers=as_json)
        assert told == (200, name, {"tenant": "acme", "dry_run": "True"}), encoding
    odd = {"tenant": "acme", "whose": "user", "budget": {"day": {"runs": 10**40}}}
    for user in ("a\x00b", "a\ud800b", "a\r\nb"):
        content = json.dumps({**odd, "user": user}).encode()
        assert (await recorded("PUT", BUDGETS, content=content, headers=as_json))[:2] == (422, repr(user))
    assert (await recorded("GET", BUDGETS, params={"tenant": "acme", "user": "a\x00b"}))[:2] == (422, repr("a\x00b"))


async def test_a_tenants_budgets_come_page_by_page(world: World, olga: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """G389"""
    monkeypatch.setattr(admin_budgets, "BUDGETS_AT_ONCE", 2)
    async with store_of(world).write("acme") as connection:
        for whose in (TENANT, EACH_USER, *(Whose("user", f"u-{n}") for n in range(3))):
            await set_budget(connection, "acme", Budget(), whose=whose)
    seen, cursor = [], None
    while True:
        page = await got(olga, BUDGETS, tenant="acme", **({"cursor": cursor} if cursor else {}))
        seen.append([one["user"] or one["whose"] for one in page["items"]])
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [["tenant", "u-0"], ["u-1", "u-2"], ["users"]]

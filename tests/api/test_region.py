"""The time zone and the locale of a request: checked at the door, kept with the run, told to models and backends."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from support.faults import HEIR, ZOMBIE, reaches, rows, until
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.prompt.words import facts_of
from agent.store.tables import runs

TOKYO: dict[str, Any] = {"time_zone": "Asia/Tokyo", "locale": "ja-JP"}


def told(world: World) -> list[tuple[object, object]]:
    """Return the zone and the locale that the model was told of with the newest message, in each call."""
    users = [[m for m in request["messages"] if m["role"] == "user"][-1] for request in world.provider.requests]
    return [(facts.get("time_zone"), facts.get("locale")) for facts in (facts_of(one["content"]) for one in users)]


def say(world: World, count: int) -> None:
    for _ in range(count):
        world.provider.say("Hello.")


WRONG: list[tuple[str, object]] = [
    *(("time_zone", name) for name in ("Nowhere/At_All", "", "../UTC", "+01:00", "E" * 9999, "UTC\x00")),
    *(("locale", tag) for tag in ("de_AT", "", "*", "a" * 9999, "de\x00", "de-DE-1996-1996")),
    *((field, value) for field in ("time_zone", "locale") for value in (1, ["UTC"], {"a": 1}, True)),
]


@pytest.mark.parametrize(("field", "wrong"), WRONG)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_what_is_none_is_refused_by_name_and_leaves_nothing(
    world: World, ann: Person, field: str, wrong: object, accept: str
) -> None:
    before, body = world.rows(), dict[str, Any]({field: wrong})
    answer = await ann.ask("hello", headers={"Accept": accept}, **body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in problem["detail"]
    assert world.rows() == before


async def test_every_door_takes_them_and_a_new_version_keeps_what_it_leaves_out(world: World, ann: Person) -> None:
    say(world, 4)
    first = (await ann.ask("hello", **TOKYO)).json()
    where = f"/conversations/{first['conversation_id']}"
    second = (await ann.ask(None, path=f"{where}/regenerate", message_id=first["message_id"])).json()
    third = await ann.stream("hi", path=f"{where}/edit", message_id=second["message_id"], locale="de-at")
    assert third.is_done
    await ann.ask("more", conversation_id=first["conversation_id"])
    assert told(world) == [("Asia/Tokyo", "ja-JP")] * 2 + [("Asia/Tokyo", "de-AT"), (None, None)]


async def test_visitors_have_their_own_too(world: World) -> None:
    say(world, 1)
    async with httpx2.AsyncClient(base_url=world.url) as visitor:
        assert (await visitor.post("/chat/public", json={"message": "hi", **TOKYO})).status_code == 200
        assert (await visitor.post("/chat/public", json={"message": "hi", "locale": "_"})).status_code == 422
    assert told(world) == [("Asia/Tokyo", "ja-JP")]


async def test_where_a_request_says_nothing_its_tenants_default_counts(open_frontdesk: OpenWorld) -> None:
    acme = {"time_zone": "Europe/Vienna"}
    world = await open_frontdesk(assistant={"time_zone": "UTC", "locale": "en-IE", "tenants": {"acme": acme}})
    say(world, 3)
    await world.person("acme").ask("hello")
    await world.person("other").ask("hello")
    await world.person("acme").ask("hello", time_zone=None, locale="de")
    assert told(world) == [("Europe/Vienna", "en-IE"), ("UTC", "en-IE"), ("Europe/Vienna", "de")]


async def test_a_message_that_is_posted_again_gets_its_run(world: World, ann: Person) -> None:
    """G8: whatever the letters of its tag; in another zone it is another request."""
    say(world, 1)
    headers = {"Idempotency-Key": uuid4().hex}
    first = await ann.ask("hello", headers=headers, **TOKYO)
    again = await ann.ask("hello", headers=headers, time_zone="Asia/Tokyo", locale="JA-jp")
    stream = await ann.stream("hello", headers=headers, **TOKYO)
    other = await ann.ask("hello", headers=headers, time_zone="Asia/Seoul", locale="ja-JP")
    assert again.json() == first.json()
    assert stream.first("run_id") == first.json()["run_id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_backend_is_told_them_in_headers(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"orders": 3})
    for _ in range(2):
        world.provider.call(Call("count_orders", {}))
        world.provider.say("3.")
    await ann.ask("how many?", **TOKYO)
    await ann.ask("how many?")
    sent = [(one.headers.get("x-time-zone"), one.headers.get("accept-language")) for one in world.backend.requests]
    assert sent == [("Asia/Tokyo", "ja-JP"), (None, None)]


async def test_a_run_that_is_taken_over_keeps_its_own(open_frontdesk: OpenWorld, database_url: str) -> None:
    """G90: whatever the tenant's default is by then."""
    zombie = await open_frontdesk(database_url=database_url, **ZOMBIE)
    ann, gate = zombie.person(), asyncio.Event()
    zombie.provider.wait_for(gate, "too late")
    async with ann.open_stream("hello", **TOKYO) as live:
        run_id = await live.until("run_id")
        await until(lambda: len(zombie.provider.requests) == 1)
        zombie.provider.say("Hello.")
        heir = await open_frontdesk(assistant={"time_zone": "UTC", "locale": "de"}, database_url=database_url, **HEIR)
        await reaches(Person(heir, ann.token, ann.tenant), run_id, "completed")
        gate.set()
        await live.rest()
    assert told(zombie) == [("Asia/Tokyo", "ja-JP")] * 2
    [run] = await rows(heir, runs)
    assert (run["time_zone"], run["locale"]) == ("Asia/Tokyo", "ja-JP")

"""The HTTP surface on PostgreSQL: what it is stricter about than SQLite, and that it may go away."""

from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from support.faults import until
from support.provider import Call
from support.searching import until_indexed
from support.world import OpenWorld, Person, World


@pytest.fixture(scope="module")
def house(postgres: str) -> dict[str, Any]:
    """On a database of its own."""
    return {"database_url": new_database(postgres)}


def new_database(server: str) -> str:
    """Make a migrated database and return its URL."""
    name = f"api_{uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name} TEMPLATE template_frontdesk")
    return server.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")


def run_sql(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_a_conversation_goes_its_whole_way(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Wait."])
    world.provider.say("Ärger mit **42**.")

    stream = await ann.stream("how many?", headers={"Idempotency-Key": "k"}, branch_id="north", context={"a": [1]})
    again = (await ann.ask("how many?", headers={"Idempotency-Key": "k"}, branch_id="north", context={"a": [1]})).json()

    path = f"/conversations/{again['conversation_id']}"
    assert stream.text == again["response"] == "Wait.\n\nÄrger mit **42**."
    assert len((await ann.request("GET", f"{path}/messages")).json()["items"]) == 5
    await until_indexed(world.app.state.services.store)
    assert len((await ann.request("GET", "/conversations", params={"q": "ärger", "limit": 1})).json()["items"]) == 1
    assert (await ann.request("PATCH", path, json={"title": "Neu"})).json()["title"] == "Neu"
    rated = await ann.request("POST", f"/messages/{again['message_id']}/feedback", json={"rating": "up"})
    assert rated.status_code == 200
    assert (await ann.request("DELETE", path)).status_code == 200
    assert (await ann.request("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/conversations?q=a%00b", None),
        ("GET", "/conversations?cursor=W3RydWUsZmFsc2Vd", None),
        ("POST", "/chat", b'{"message": "a", "context": {"a": NaN}}'),
        ("POST", "/chat", b'{"message": "a\\u0000"}'),
        ("POST", "/chat", b'{"message": "a", "branch_id": 9223372036854775808}'),
    ],
)
async def test_what_the_database_could_not_hold_is_refused_before(
    world: World, method: str, path: str, body: bytes | None
) -> None:
    answer = await world.person().request(method, path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


async def test_what_only_looks_as_if_it_could_not_be_held_is_stored(world: World) -> None:
    world.provider.say("Hello.")

    answer = await world.person().ask("hello", context={"a": "\x00", "b": 2**63 - 1, "c": "\u2028"}, branch_id=-(2**63))

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["x" * 300, "a\\ud800b", "a\\u0000b"])
async def test_a_tool_name_that_is_no_name_is_an_unknown_tool(world: World, name: str) -> None:
    call = f'[{{"index":0,"id":"c","type":"function","function":{{"name":"{name}","arguments":"{{}}"}}}}]'
    world.provider.raw(
        f'data: {{"choices":[{{"index":0,"delta":{{"tool_calls":{call}}}}}]}}\n\n'
        'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n'.encode()
    )
    world.provider.say("I cannot do that.")

    stream = await world.person().stream("hello")

    assert stream.first("status") == "completed"
    assert stream.text == "I cannot do that."
    assert [event["tool_call"]["status"] for event in stream.events if "tool_call" in event] == ["running", "error"]


BAD_ARGUMENTS = ['{"a": "\\u0000"}', '{"a": 1e400}', '{"a": NaN}', '{"a": ' + "9" * 40 + "}", "[" * 2000]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS)
async def test_arguments_that_cannot_be_held_are_an_error_result(world: World, arguments: str) -> None:
    world.provider.call(Call("find_order", arguments))
    world.provider.say("I cannot do that.")

    assert (await world.person().stream("hello")).text == "I cannot do that."


async def test_what_a_backend_returns_is_stored_without_what_the_database_cannot_hold(world: World) -> None:
    world.backend.answer("GET /orders/count", {"count": "a\x00b\u2028"})
    world.provider.call(Call("count_orders"), text=["a\x00b"])
    world.provider.say("Done\x00.")
    ann = world.person()

    answer = (await ann.ask("how many?")).json()

    assert answer["response"] == "ab\n\nDone."
    path = f"/conversations/{answer['conversation_id']}/messages"
    said = [one["text"] for one in (await ann.request("GET", path)).json()["items"]]
    assert said[1::2] == ["ab", "Done."]


async def test_a_server_whose_database_is_gone_is_alive_and_not_ready(open_frontdesk: OpenWorld, postgres: str) -> None:
    url = new_database(postgres)
    name = url.partition("?")[0].rpartition("/")[2]
    world = await open_frontdesk(database_url=url)
    ready_before = await get(world, "/readyz")
    run_sql(postgres, f"DROP DATABASE {name} WITH (FORCE)")

    async def is_red() -> bool:
        return (await get(world, "/readyz")).status_code == 503

    await until(is_red)
    ready, alive = await get(world, "/readyz"), await get(world, "/livez")
    asked = await world.person().ask("hello")

    assert [ready_before.status_code, ready.status_code, alive.status_code] == [200, 503, 200]
    assert ready.json()["code"] == "overloaded"
    assert int(ready.headers["retry-after"]) > 0
    assert asked.status_code == 503
    assert asked.headers["content-type"] == "application/problem+json"
    assert name not in asked.text


async def get(world: World, path: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        return await client.get(path)

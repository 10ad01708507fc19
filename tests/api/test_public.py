"""Public chat: no token, no tools, limited per address."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from fastapi import Request
from support.faults import until
from support.provider import Call
from support.world import OpenWorld, Person, World, open_world, parse_stream

from agent.assistant import Assistant
from api.routes.public import address


@pytest.fixture(scope="module")
async def house(house: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The installation that the tests of this file share: three messages a minute and address."""
    folder = tmp_path_factory.mktemp("public")
    async with open_world(folder, house.provider, house.backend, public_limit="3/minute") as world:
        yield world


addresses = (f"10.0.{number // 250}.{number % 250}" for number in count())
"""Each test has visitors who were never here."""


def visiting(world: World, address: str) -> httpx2.AsyncClient:
    """Return the client of somebody without a token, who comes from this address by a proxy on the server's machine."""
    headers = {"X-Forwarded-For": address}
    return httpx2.AsyncClient(base_url=world.url, headers=headers, verify=False, timeout=30)


@pytest.fixture
async def visitor(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody without a token."""
    async with visiting(world, next(addresses)) as client:
        yield client


async def ask(visitor: httpx2.AsyncClient, message: str, **body: Any) -> httpx2.Response:
    return await visitor.post("/chat/public", json={"message": message, **body})


async def test_a_visitor_gets_an_answer_without_a_token(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.say("We are open from 9 to 5.")

    answer = await ask(visitor, "when are you open?")

    assert answer.status_code == 200
    assert answer.json()["response"] == "We are open from 9 to 5."
    assert answer.json()["success"] is True
    assert "location" not in answer.headers


async def test_a_visitor_can_have_a_stream(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.say("We are ", "open.")

    answer = await visitor.post("/chat/public", json={"message": "open?"}, headers={"Accept": "text/event-stream"})

    frames = parse_stream(answer.content)
    assert answer.content.startswith(b"retry: 2000\nid: 1-1\n")
    assert "".join(frame.data["token"] for frame in frames if "token" in frame.data) == "We are open."
    assert frames[-1].data == "[DONE]"
    assert "location" not in answer.headers


async def test_the_model_is_offered_no_tools_for_a_visitor(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.say("Hello.")
    world.provider.say("Hello.")

    await ask(visitor, "hello")
    await world.person().ask("hello")

    assert "tools" not in world.provider.requests[0]
    assert len(world.provider.requests[1]["tools"]) == 7


async def test_a_tool_that_the_model_asks_for_anyway_is_not_called(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"))
    world.provider.say("I cannot do that.")

    answer = await ask(visitor, "how many orders?")

    assert answer.json()["response"] == "I cannot do that."
    assert (answer.json()["tools_used"], answer.json()["actions"]) == ([], [])
    assert world.backend.requests == []


async def test_a_token_gives_a_visitor_nothing(world: World, ann: Person, visitor: httpx2.AsyncClient) -> None:
    world.provider.call(Call("count_orders"))
    world.provider.say("I cannot do that.")

    answer = await visitor.post(
        "/chat/public", json={"message": "how many orders?"}, headers={"Authorization": f"Bearer {ann.token}"}
    )

    assert answer.json()["tools_used"] == []
    assert world.backend.requests == []
    assert (await ann.request("GET", "/conversations")).json()["items"] == []


async def test_a_visitor_goes_on_with_their_conversation(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.say("Hello.")
    world.provider.say("You said hello.")
    conversation_id = (await ask(visitor, "hello")).json()["conversation_id"]

    answer = await ask(visitor, "what did I say?", conversation_id=conversation_id)

    assert answer.json()["conversation_id"] == conversation_id
    assert [one["role"] for one in world.provider.requests[1]["messages"]] == ["system", "user", "assistant", "user"]


async def test_beyond_the_limit_a_visitor_is_told_when_to_come_back(world: World, visitor: httpx2.AsyncClient) -> None:
    for _ in range(3):
        world.provider.say("Hello.")
        assert (await ask(visitor, "hello")).status_code == 200
    before = world.rows()

    refused = await ask(visitor, "hello")

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["content-type"] == "application/problem+json"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert world.rows() == before
    assert len(world.provider.requests) == 3


async def test_people_with_a_token_are_not_counted_against_their_address(
    world: World, visitor: httpx2.AsyncClient
) -> None:
    for _ in range(5):
        world.provider.say("Hello.")
        assert (await world.person().ask("hello")).status_code == 200
    world.provider.say("Hello.")

    assert (await ask(visitor, "hello")).status_code == 200


async def test_the_limit_holds_for_posts_at_once(world: World, visitor: httpx2.AsyncClient) -> None:
    for _ in range(3):
        world.provider.say("Hello.")

    answers = await asyncio.gather(*[ask(visitor, "hello") for _ in range(12)])

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9


async def test_each_address_has_a_limit_of_its_own(world: World, visitor: httpx2.AsyncClient) -> None:
    for _ in range(4):
        world.provider.say("Hello.")
    for _ in range(3):
        await ask(visitor, "hello")

    async with visiting(world, next(addresses)) as other:
        answer = await ask(other, "hello")

    assert answer.status_code == 200
    assert (await ask(visitor, "hello")).status_code == 429


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 200), ("192.0.2.1", 429)])
async def test_a_header_makes_another_address_only_where_the_proxy_is_trusted(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch, trusted: str, status: int
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)  # uvicorn reads it
    world = await open_frontdesk(public_limit="1/minute")
    for number in range(2):
        if number == 0 or status == 200:
            world.provider.say("Hello.")
        async with visiting(world, next(addresses)) as client:
            answer = await ask(client, "hello")

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.4", "10.1.2.4"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself(host: str, expected: str) -> None:
    assert address(cast("Request", SimpleNamespace(client=SimpleNamespace(host=host)))) == expected


async def test_a_public_conversation_can_be_deleted_once(world: World, visitor: httpx2.AsyncClient) -> None:
    world.provider.say("Hello.")
    before = world.rows()
    conversation_id = (await ask(visitor, "hello")).json()["conversation_id"]

    deleted = await visitor.delete(f"/chat/public/{conversation_id}")
    again = await visitor.delete(f"/chat/public/{conversation_id}")

    assert (deleted.status_code, deleted.json()["success"]) == (200, True)
    assert isinstance(deleted.json()["message"], str)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    await until(lambda: world.rows() == before)


async def test_deletions_count_against_the_limit_too(world: World, visitor: httpx2.AsyncClient) -> None:
    """Or somebody could try ids without end."""
    path = "/chat/public/00000000-0000-0000-0000-000000000000"

    statuses = [(await visitor.delete(path)).status_code for _ in range(4)]

    assert statuses == [404, 404, 404, 429]


async def test_an_idempotency_key_of_a_visitor_is_not_shared_with_others(
    world: World, visitor: httpx2.AsyncClient
) -> None:
    """All visitors are one user to the store, so a key of one of them must not find another's run."""
    key = {"Idempotency-Key": "guessable"}
    world.provider.say("For the first.")
    world.provider.say("For the second.")

    answers = [await visitor.post("/chat/public", json={"message": "hello"}, headers=key) for _ in range(2)]

    assert [answer.json()["response"] for answer in answers] == ["For the first.", "For the second."]


async def test_visitors_have_the_assistants_own_persona(open_frontdesk: OpenWorld) -> None:
    assistant: dict[str, Any] = {"tenants": {"public": {"persona": "Not for visitors."}}}
    world = await open_frontdesk(assistant=assistant)
    world.provider.say("Hello.")
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as visitor:
        await ask(visitor, "hello")

    assert world.provider.requests[0]["messages"][0]["content"].startswith("You help the staff of a shop.")
    assert isinstance(world.app.state.installation.assistant, Assistant)

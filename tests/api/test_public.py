"""Public chat: no token, no tools, open only where the assistant says so, limited per address and in all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from fastapi import Request
from support.each import each
from support.faults import until
from support.provider import Call
from support.world import OpenWorld, Person, World, parse_stream

from agent.errors import ConfigurationError
from api.visitors import address_of

BEHIND_A_PROXY: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",)}
OPEN = {"models": ["openai:scripted"]}


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """Three messages a minute and address."""
    return {"public_limit": "3/minute", **BEHIND_A_PROXY}


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


@pytest.mark.parametrize(
    ("trusted", "told", "is_told"),
    [
        ((), "10.9.0.{}", False),
        (("192.0.2.1",), "10.9.0.{}", False),
        (("127.0.0.1",), "10.9.0.{}", True),
        (("127.0.0.0/8",), "10.9.0.{}", True),
        (("127.0.0.1",), "10.9.0.{}, 10.9.9.9", False),
        (("127.0.0.1", "10.9.9.0/24"), "10.1.1.1, 10.9.0.{}, 10.9.9.9", True),
        (("127.0.0.1",), "visitor-{}", False),
        (("127.0.0.1",), "10.9.9.9, visitor-{}", False),
        (("127.0.0.1",), "", False),
        (("127.0.0.1",), "2001:db8:1:2::{}", False),
        (("127.0.0.1",), "2001:db8:1:{}::1", True),
    ],
)
async def test_an_address_is_believed_from_a_named_proxy_only(
    open_frontdesk: OpenWorld,
    monkeypatch: pytest.MonkeyPatch,
    trusted: tuple[str, ...],
    told: str,
    is_told: bool,
) -> None:
    """G41: the right-most one that no proxy has; words that are no address are one visitor, whatever they are."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's own; it widens nothing
    world = await open_frontdesk(public_limit="1/minute", trusted_proxies=trusted)
    world.provider.say("Hello.")
    if is_told:
        world.provider.say("Hello.")
    statuses = []
    for number in (1, 2):
        async with visiting(world, told.format(number)) as client:
            statuses.append((await ask(client, "hello")).status_code)

    assert statuses == ([200, 200] if is_told else [200, 429])


@pytest.mark.parametrize("proxy", ["*", "proxy.example.com", "10.0.0.1/8", "10.0.0.0/33", ""])
async def test_a_proxy_that_is_no_address_stops_the_start(open_frontdesk: OpenWorld, proxy: str) -> None:
    """G41: not everybody is a proxy."""
    with pytest.raises(ConfigurationError, match="FRONTDESK_TRUSTED_PROXIES"):
        await open_frontdesk(trusted_proxies=(proxy,))


ROUTES = [("POST", "/chat/public"), ("DELETE", "/chat/public/00000000-0000-0000-0000-000000000000")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("content", [b'{"message": "hi"}', b"{", b"", b'{"message": 5}'])
async def test_without_a_word_of_the_assistant_there_is_no_public_chat(
    open_frontdesk: OpenWorld, method: str, path: str, content: bytes
) -> None:
    """G41: a 404 whatever is sent, with a token as without."""
    world = await open_frontdesk(assistant={"public": None})
    before = world.rows()
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as visitor:
        for headers in ({}, {"Authorization": f"Bearer {world.person().token}"}):
            typed = {"Content-Type": "application/json", **headers}
            answer = await visitor.request(method, path, content=content, headers=typed)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert world.rows() == before


async def test_visitors_get_the_models_and_the_length_that_the_assistant_names(open_frontdesk: OpenWorld) -> None:
    """G41: not the dearest one, and not the longest."""
    models = {"models": ["openai:dear", "openai:cheap"]}
    public = {"models": ["openai:cheap"], "message_characters": 20, "limit": "100/minute"}
    world = await open_frontdesk(assistant={**models, "public": public})
    world.provider.say("Hello.")
    world.provider.say("Hello.")
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as visitor:
        for refused in (
            {"message": "hello", "model": "openai:dear"},
            {"message": "hello", "model": "demo"},
            {"message": "x" * 21},
            {"message": "hello", "context": {"route": "/orders/1234"}},
        ):
            answer = await visitor.post("/chat/public", json=refused)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), refused
            assert "dear" not in answer.text
        for taken in ({"message": "x" * 20}, {"message": "hello", "model": "openai:cheap"}):
            assert (await visitor.post("/chat/public", json=taken)).status_code == 200
    assert [request["model"] for request in world.provider.requests] == ["cheap", "cheap"]


async def test_all_visitors_together_have_a_limit_too(open_frontdesk: OpenWorld) -> None:
    """G41: however many addresses somebody has."""
    public = {**OPEN, "installation_limit": "3/minute"}
    world = await open_frontdesk(assistant={"public": public}, **BEHIND_A_PROXY)
    statuses = []
    for number in range(4):
        if number < 3:
            world.provider.say("Hello.")
        async with visiting(world, next(addresses)) as one:
            answer = await ask(one, "hello")
            statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 429]
    assert (answer.json()["code"], int(answer.headers["retry-after"]) > 0) == ("rate_limited", True)


@pytest.mark.parametrize(
    ("public", "said"),
    [
        ({}, "public.models"),
        ({"models": []}, "public.models"),
        ({"models": ["openai:other"]}, "public.models"),
        ({**OPEN, "limit": "now and then"}, "public.limit"),
        ({**OPEN, "installation_limit": "never"}, "public.installation_limit"),
        ({**OPEN, "message_characters": 0}, "public.message_characters"),
        ({**OPEN, "enabled": True}, "public.enabled"),
    ],
)
async def test_a_public_part_that_is_wrong_stops_the_start(
    open_frontdesk: OpenWorld, public: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await open_frontdesk(assistant={"public": public})
    assert said in str(refused.value)


async def test_a_visitor_can_wait_for_so_many_answers_at_once(open_frontdesk: OpenWorld) -> None:
    """G40: by address."""
    world = await open_frontdesk(max_streams_per_user=2, **BEHIND_A_PROXY)
    for _ in range(3):
        world.provider.hang("Hello")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(visiting(world, next(addresses)))
        other = await stack.enter_async_context(visiting(world, next(addresses)))
        for visitor in (one, one, other):
            opened = visitor.stream(
                "POST", "/chat/public", json={"message": "hi"}, headers={"Accept": "text/event-stream"}
            )
            assert (await stack.enter_async_context(opened)).status_code == 200
        assert (await ask(one, "hello")).status_code == 429


@each(
    ("host", "expected"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.4", "10.1.2.4"),
        ("testclient", "unknown"),
        ("", "unknown"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1%anything", "fe80::/64"),
    ],
)
def test_an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself(host: str, expected: str) -> None:
    assert address_of(cast("Request", SimpleNamespace(client=SimpleNamespace(host=host)))) == expected


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

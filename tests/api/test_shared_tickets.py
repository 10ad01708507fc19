"""Tickets at any process: whichever made one, another opens it, once; and nobody who reads Redis, or a log of URLs, gets a token out of it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.faults import until
from support.operating import ADMIN, operator
from support.pairs import KEY, open_pair
from support.redis import RedisServer, open_redis
from support.world import OpenWorld, Person, World, parse_stream

from agent.errors import RateLimitedError, UnauthorizedError
from agent.principal import Credential, Principal
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.tickets import TicketShelf
from agent.runs.letters import LetterKeys, LetterRefusedError
from api.operator.erase import erase
from api.settings import Settings
from api.shared_tickets import SharedTickets
from api.tickets import Tickets

EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def pair(open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer, tmp_path: Any) -> list[World]:
    return await open_pair(open_frontdesk, postgres, redis_server, redis_prefix=f"fd-{tmp_path.name}"[:60])


async def ticket(person: Person, **body: str) -> str:
    answer = await person.request("POST", "/tickets", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket"])


async def get(
    world: World, path: str = "/chat", headers: dict[str, str] | None = None, **query: str
) -> httpx2.Response:
    """Open a URL without a token, as a browser does."""
    async with httpx2.AsyncClient(base_url=world.url, verify=False, timeout=60) as client:
        return await client.get(path, params=query, headers={**EVENTS, **(headers or {})})


def text(answer: httpx2.Response) -> str:
    frames = parse_stream(answer.content)
    return "".join(frame.data.get("token", "") for frame in frames if frame.data != "[DONE]")


async def test_a_ticket_opens_at_another_process_once_and_reads_on_at_any(pair: list[World]) -> None:
    """G350: of ten who come at once to both processes one begins the run, and all read it."""
    first, second = pair
    gate = asyncio.Event()
    first.provider.wait_for(gate, "Hello.")
    opens = await ticket(first.person())
    asked = [asyncio.create_task(get(pair[n % 2], message=f"hello {n}", ticket=opens)) for n in range(10)]
    await until(lambda: len(first.provider.requests) > 0)
    gate.set()
    answers = await asyncio.gather(*asked)
    assert {answer.headers["x-run-id"] for answer in answers} == {answers[0].headers["x-run-id"]}
    assert {text(answer) for answer in answers} == {"Hello."}
    assert len(first.provider.requests) == 1
    last_id = [frame.id for frame in parse_stream(answers[0].content) if frame.id][-1]
    assert (await get(second, message="hello", ticket=opens, headers={"Last-Event-ID": last_id})).status_code == 204

    async def is_void() -> bool:
        return (await get(first, message="hello", ticket=opens)).status_code == 401

    await until(is_void)


async def test_a_ticket_opens_nothing_else_anywhere_and_what_opens_no_stream_opens_once(pair: list[World]) -> None:
    """G350: a wrong path costs it nothing."""
    first, second = pair
    ann = first.person()
    opens = await ticket(ann, path="/conversations")
    for wrong in ("/chat", "/conversations/x/stream", "/tickets"):
        assert (await get(second, wrong, message="x", ticket=opens)).status_code in (401, 405)
    assert (
        await get(second, "/conversations", ticket=opens[:-1] + ("A" if opens[-1] != "A" else "B"))
    ).status_code == 401
    assert (await get(second, "/conversations", ticket=opens)).status_code == 200
    for world in pair:
        assert (await get(world, "/conversations", ticket=opens)).status_code == 401


async def test_a_first_use_that_fails_leaves_nothing_to_wait_for(pair: list[World]) -> None:
    """G350"""
    first, second = pair
    opens = await ticket(first.person())
    assert (await get(first, ticket=opens)).status_code == 422

    async def is_void() -> bool:
        return (await get(second, message="hello", ticket=opens)).status_code == 401

    await until(is_void)
    assert not first.provider.requests


async def test_no_token_is_opened_with_what_redis_has_nor_with_the_ticket_alone(
    pair: list[World], redis_server: RedisServer
) -> None:
    """G351: it takes both, and the installation's key; and all of it goes by itself."""
    ann = pair[0].person()
    opens = await ticket(ann)
    with redis_server.client() as client:
        client.connection_pool.connection_kwargs["decode_responses"] = False
        keys = [key for key in client.keys("*:tickets*") if pair[0].settings.redis_prefix.encode() in key]
        owners = [key for key in keys if client.type(key) == b"zset"]  # who may have some, while a token is good
        assert (len(keys), len(owners)) == (3, 1)
        assert all(0 < client.pttl(key) <= (3_700_000 if key in owners else 60_000) for key in keys)
        [sealed] = [client.get(key) for key in keys if client.type(key) == b"string"]
        [kept] = [client.hgetall(key) for key in keys if client.type(key) == b"hash"]
        everything = b"".join([*keys, sealed, *kept, *kept.values(), *client.zrange(owners[0], 0, -1)])
    for word in (ann.token, *ann.token.split("."), "ann", "acme", opens, opens[12:]):
        assert word.encode() not in everything
    for keys_of in (LetterKeys(["other" * 10]), LetterKeys([KEY])):
        with pytest.raises(LetterRefusedError):
            keys_of.open_under(bytes(32), sealed, bound=f"{opens[:12]} GET /chat".encode())


@pytest.mark.parametrize("by", ["a command", "an operator"])
async def test_tickets_of_who_is_erased_are_gone_at_once_everywhere(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer, tmp_path: Path, by: str
) -> None:
    """G513: in Redis and in the memory of each process, used or not, of a user and of a tenant; others' stay."""
    prefix = f"fd-{tmp_path.name}"[:60]
    pair = first, second = await open_pair(open_frontdesk, postgres, redis_server, redis_prefix=prefix, **ADMIN)
    ann, ben, eve = first.person(), first.person(user="ben"), first.person(tenant="rival")

    async def leave() -> list[tuple[World, str]]:
        """Leave a ticket that reads on in a run, one that nobody used, and one that each process has by itself."""
        first.provider.say("Hello.")
        used, unused = await ticket(ann), await ticket(ann, path="/conversations")
        assert (await get(second, message="hi", ticket=used)).status_code == 200
        principal = Principal("acme", "ann", credential=Credential(ann.token))
        own = [
            await one.app.state.services.tickets._own.make(principal, method="GET", path="/conversations")
            for one in pair
        ]
        return [(second, used), (second, unused), *zip(pair, own, strict=True)]

    def kept() -> set[str]:
        with redis_server.client() as client:
            return {str(key) for key in client.keys(f"{prefix}:*:tickets*") if not str(key).endswith(":owners")}

    async def erased(user: str | None) -> None:
        if by == "a command":
            await erase(first.settings, "acme", user)
        else:
            asked = {"tenant": "acme", "user": user}
            assert (await operator(first).request("POST", "/admin/erasures", json=asked)).status_code == 200

    async def are_void(tickets: list[tuple[World, str]]) -> bool:
        own = [len(one.app.state.services.tickets._own._tickets) for one in pair]
        answers = [await get(at, "/conversations", ticket=one) for at, one in tickets]
        return own == [0, 0] and {one.status_code for one in answers} == {401}

    others = [await ticket(who, path="/conversations") for who in (ben, eve)]
    theirs = kept()
    for user in ("ann", None):
        tickets = await leave()
        assert len(kept() - theirs) > 2
        await erased(user)
        if user is None:
            [gone, stays] = others
            assert (await get(second, "/conversations", ticket=gone)).status_code == 401
            assert (await get(second, "/conversations", ticket=stays)).status_code == 200
            assert kept() == set()
        else:
            assert kept() == theirs
        await until(lambda: are_void(tickets))  # noqa: B023 (in this turn of the loop)


async def test_without_redis_tickets_are_made_that_open_where_they_were_made(
    open_frontdesk: OpenWorld, postgres: str
) -> None:
    """G350: those that Redis has cannot be used meanwhile, which is said; so it is where there is no key."""
    with open_redis() as server:
        [first, second] = await open_pair(open_frontdesk, postgres, server)
        kept = await ticket(first.person(), path="/conversations")
        server.kill()
        own = await ticket(first.person(), path="/conversations")
        assert (await get(first, "/conversations", ticket=kept)).status_code == 503
        assert (await get(second, "/conversations", ticket=own)).status_code == 401
        assert (await get(first, "/conversations", ticket=own)).status_code == 200


def shared(server: RedisServer, client: RedisClient, **settings: Any) -> SharedTickets:
    made = Settings(_env_file=None, **settings)
    return SharedTickets(Tickets(made), TicketShelf(client), LetterKeys([KEY]), made)


async def test_times_and_numbers_hold_and_a_key_takes_anothers_place(redis_server: RedisServer) -> None:
    """G350: as for tickets of one process; and odd names are told apart."""
    client = RedisClient(parse_address(redis_server.url), prefix="fd-tickets-times", timeout_s=20.0)
    tickets = shared(redis_server, client, max_tickets_per_user=2, ticket_s=30)
    what: dict[str, Any] = {"method": "GET", "path": "/chat"}

    def person(user: str, tenant: str = "acme") -> Principal:
        return Principal(tenant, user, credential=Credential(f"token of {user}"), expires_at=2**40)

    made = [await tickets.issue(person("ann"), **what) for _ in range(2)]
    with pytest.raises(RateLimitedError):
        await tickets.issue(person("ann"), **what)
    assert (await tickets.redeem(made[0], **what)).authorization == "Bearer token of ann"
    await tickets.issue(person("ann"), **what)  # the used one makes room
    with pytest.raises(UnauthorizedError):
        await tickets.redeem(made[0], **what)
    for name in ("a{b}", "x" * 1000, "\u2028 ü", "ann:", " "):
        opens = await tickets.issue(person(name, tenant=name), **what)
        assert (await tickets.redeem(opens, **what)).authorization == f"Bearer token of {name}"
    brief = shared(redis_server, client, ticket_s=0.05)
    late = await brief.issue(person("ben"), **what)

    async def is_late() -> bool:
        with redis_server.client() as asked:
            seconds, micros = asked.time()
        return bool(seconds + micros / 1e6 > begun + 0.1)

    with redis_server.client() as asked:
        seconds, micros = asked.time()
    begun = seconds + micros / 1e6
    await until(is_late)
    with pytest.raises(UnauthorizedError):
        await brief.redeem(late, **what)
    changed = Settings(_env_file=None)
    newer = SharedTickets(Tickets(changed), TicketShelf(client), LetterKeys(["n" * 32, KEY]), changed)
    assert (await newer.redeem(made[1], **what)).is_first
    await client.close()

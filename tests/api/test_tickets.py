"""Tickets, and `GET /chat` by them: what stands in a URL opens one thing, once, for one user, and is written nowhere."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx2
import pytest
from support.faults import until
from support.provider import Call
from support.searching import until_indexed
from support.world import LiveStream, OpenWorld, Person, World, parse_stream, sign

from agent.errors import ConfigurationError, UnauthorizedError
from agent.principal import Credential, Principal
from api.settings import Settings
from api.tickets import FIRST_USE_S, Tickets

EVENTS = {"Accept": "text/event-stream"}


async def ticket(person: Person, **body: str) -> str:
    answer = await person.request("POST", "/tickets", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket"])


async def get(
    world: World, path: str = "/chat", /, *, headers: dict[str, str] | None = None, **query: str
) -> httpx2.Response:
    """Open a URL without a token, as a browser does."""
    async with httpx2.AsyncClient(base_url=world.url, verify=False, timeout=60) as client:
        return await client.get(path, params=query, headers={**EVENTS, **(headers or {})})


@asynccontextmanager
async def opened(
    world: World, path: str = "/chat", /, headers: dict[str, str] | None = None, **query: str
) -> AsyncIterator[LiveStream]:
    async with (
        httpx2.AsyncClient(
            base_url=world.url, verify=False, timeout=60, headers={**EVENTS, **(headers or {})}
        ) as client,
        client.stream("GET", path, params=query) as response,
    ):
        yield LiveStream(response, response.aiter_bytes())


def text(raw: bytes) -> str:
    return "".join(frame.data.get("token", "") for frame in parse_stream(raw) if frame.data != "[DONE]")


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 401 and answer.json()["code"] == "unauthorized"


def test_the_limits_have_defaults() -> None:
    settings = Settings(_env_file=None)
    assert (settings.ticket_s, settings.max_tickets_per_user, settings.ticket_limit) == (30.0, 40, "120/minute")


async def test_a_ticket_says_what_it_opens_and_no_cache_keeps_it(ann: Person) -> None:
    answer = await ann.request("POST", "/tickets")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "ticket": answer.json()["ticket"],
        "method": "GET",
        "path": "/chat",
        "expires_in_s": 30.0,
    }
    assert len(answer.json()["ticket"]) >= 43


async def test_a_message_in_a_url_is_answered_as_a_posted_one_is(world: World, ann: Person) -> None:
    """G130: by a ticket."""
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"))
    world.provider.say("You have ", "42 orders.")

    answer = await get(world, message="how many orders?", ticket=await ticket(ann))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert text(answer.content) == "You have 42 orders."
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert world.backend.requests[0].headers["authorization"] == f"Bearer {ann.token}"


async def test_a_url_takes_all_that_a_body_takes(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    asked: dict[str, Any] = {
        "client_key": "desk",
        "branch_id": "2",
        "context": '{"route": "/clients"}',
        "locale": "de-AT",
    }

    first = await get(world, message=" hello ", ticket=await ticket(ann), **asked)

    assert "/clients" in str(world.provider.requests[0])
    world.provider.say("Again.")
    conversation_id = first.headers["x-conversation-id"]
    again = await get(world, message="more", conversation_id=conversation_id, ticket=await ticket(ann))
    assert again.headers["x-conversation-id"] == conversation_id


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"message": "  "},
        {"message": "hello", "context": "[1"},
        {"message": "hello", "context": "[1]"},
        {"message": "hello", "conversation_id": "1"},
        {"message": "hello", "when_active": "never"},
        {"message": "hello", "client_key": "x", "conversation_id": "01890000-0000-7000-8000-000000000000"},
        {"message": ["hello", "bye"]},
        {"message": "hello", "model": "nobody:knows"},
        {"message": "hello", "format": "delta", "stream_request_id": "01890000-0000-7000-8000-000000000000"},
    ],
)
async def test_what_a_body_may_not_hold_a_url_may_not_either(world: World, ann: Person, query: dict[str, Any]) -> None:
    before = world.rows()
    opens = await ticket(ann)

    answer = await get(world, **query, ticket=opens)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert refused(await get(world, message="hello", ticket=opens)), "it was used"
    assert world.rows() == before


async def test_a_ticket_is_used_once_however_many_come_with_it_at_once(world: World, ann: Person) -> None:
    """G130: one run; the others read it."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Hello.")
    opens = await ticket(ann)

    asked = [asyncio.create_task(get(world, message=f"hello {n}", ticket=opens)) for n in range(10)]
    await until(lambda: len(world.provider.requests) > 0)
    gate.set()
    answers = await asyncio.gather(*asked)

    assert {answer.headers["x-run-id"] for answer in answers} == {answers[0].headers["x-run-id"]}
    assert {text(answer.content) for answer in answers} == {"Hello."}
    assert world.provider.requests
    assert len((await ann.request("GET", "/conversations")).json()["items"]) == 1


async def test_a_browser_that_is_cut_comes_back_with_its_ticket_and_gets_the_rest(world: World, ann: Person) -> None:
    """G130: while the run goes on, to its very end, and then it is told not to come back."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, " and the rest.", before=["The beginning"])
    opens = await ticket(ann)
    async with opened(world, message="hello", ticket=opens) as live:
        await live.until("token")
        seen = live.so_far
    async with opened(world, headers={"Last-Event-ID": str(seen.frames[-1].id)}, message="hello", ticket=opens) as live:
        gate.set()
        rest = await live.rest()

    assert seen.text + rest.text == "The beginning and the rest."
    assert rest.is_done
    last = next(frame.id for frame in reversed(rest.frames) if frame.id)
    missed = await get(world, message="hello", ticket=opens, headers={"Last-Event-ID": str(seen.frames[-1].id)})
    assert text(missed.content) == " and the rest."
    done = await get(world, message="hello", ticket=opens, headers={"Last-Event-ID": last})
    assert (done.status_code, done.content) == (204, b"")
    assert refused(await get(world, message="hello", ticket=opens))
    assert len(world.provider.requests) == 1


async def test_a_used_ticket_opens_nothing_when_its_run_has_been_over_for_a_while(world: World, ann: Person) -> None:
    """G130: whoever finds the URL later reads nothing by it."""
    world.provider.say("Hello.")
    opens = await ticket(ann)
    await get(world, message="hello", ticket=opens)
    await until_indexed(world.app.state.services.store)  # whoever waits for the lock here stops the loop
    with closing(sqlite3.connect(world.settings.data / "frontdesk.db")) as connection, connection:
        connection.execute("UPDATE runs SET ended_at = datetime(ended_at, '-61 seconds')")

    assert refused(await get(world, message="hello", ticket=opens))
    assert refused(await get(world, message="hello", ticket=opens, headers={"Last-Event-ID": "1-1"}))


@pytest.mark.parametrize(
    "query", [{"message": "hello", "format": "none"}, {"message": "hello", "after": "1" * 65}, {"message": " "}]
)
async def test_a_ticket_whose_first_use_is_refused_is_void_at_once(
    world: World, ann: Person, query: dict[str, str]
) -> None:
    """G130: whatever refuses it; nobody who comes with it again waits for a run, in a seat."""
    opens = await ticket(ann)
    assert (await get(world, headers=None, ticket=opens, **query)).status_code == 422
    async with asyncio.timeout(FIRST_USE_S - 5):
        assert refused(await get(world, ticket=opens, message="hello"))


async def test_a_ticket_whose_first_use_finds_no_run_is_void(world: World, ann: Person) -> None:
    path = "/runs/00000000-0000-0000-0000-000000000000/events"
    opens = await ticket(ann, path=path)
    assert (await get(world, path, ticket=opens)).status_code == 404
    assert refused(await get(world, path, ticket=opens))


async def test_a_ticket_opens_only_what_it_was_made_for(world: World, ann: Person) -> None:
    """G130: its method and its path; used or not, it is read-only beyond its first use."""
    world.provider.say("Hello.")
    said = (await ann.ask("hello")).json()
    conversation, run = f"/conversations/{said['conversation_id']}", f"/runs/{said['run_id']}"
    of_chat, of_export = await ticket(ann), await ticket(ann, path=f"{conversation}/export")
    before, deeds = world.rows(), world.deeds()

    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        for method, path in (
            ("POST", "/chat"),
            ("GET", "/conversations"),
            ("GET", conversation),
            ("GET", f"{run}/events"),
            ("POST", f"{run}/cancel"),
            ("DELETE", f"/chat/{said['conversation_id']}"),
            ("GET", f"{conversation}/export"),
            ("POST", "/tickets"),
        ):
            answer = await client.request(method, path, params={"ticket": of_chat}, json={"message": "hello"})
            assert refused(answer), (method, path, answer.text)
        exported = await client.get(f"{conversation}/export", params={"ticket": of_export})
        assert exported.json()["conversation"]["id"] == said["conversation_id"]
        assert refused(await client.get(f"{conversation}/export", params={"ticket": of_export}))
    assert (world.rows(), world.deeds()) == (before, deeds + 1), "that it was exported once is on record"


async def test_a_ticket_of_a_runs_stream_opens_it_again_and_no_other(world: World, ann: Person) -> None:
    world.provider.hang("Hello")
    async with ann.open_stream("hello") as live:
        run_id = await live.until("run_id")
    opens = await ticket(ann, path=f"/runs/{run_id}/events")
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        for _ in range(2):
            async with client.stream("GET", f"/runs/{run_id}/events", params={"ticket": opens}) as response:
                again = LiveStream(response, response.aiter_bytes())
                assert await again.until("token") == "Hello"
    await ann.request("POST", f"/runs/{run_id}/cancel")
    conversation_id = live.so_far.first("conversation_id")
    idle = await ticket(ann, path=f"/conversations/{conversation_id}/stream")
    assert (await get(world, f"/conversations/{conversation_id}/stream", ticket=idle)).status_code == 204
    assert refused(await get(world, f"/conversations/{conversation_id}/stream", ticket=idle))


async def test_who_was_cut_from_a_conversations_stream_gets_the_rest_of_that_run_whatever_runs_now(
    world: World, ann: Person
) -> None:
    """G130: its run has ended meanwhile, and another one runs."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "two.", before=["One, "])
    async with ann.open_stream("hello") as live:
        await live.until("token")
        conversation_id = live.so_far.first("conversation_id")
        path = f"/conversations/{conversation_id}/stream"
        opens = await ticket(ann, path=path)
        async with opened(world, path, ticket=opens) as cut:
            await cut.until("token")
            seen = {"Last-Event-ID": str(cut.so_far.frames[-1].id)}
        gate.set()
        await live.rest()

    rest = await get(world, path, ticket=opens, headers=seen)
    world.provider.hang("Another one")
    async with ann.open_stream("go on", conversation_id=conversation_id) as other:
        await other.until("token")
        again = await get(world, path, ticket=opens, headers=seen)
        await ann.request("POST", f"/runs/{other.so_far.first('run_id')}/cancel")

    assert (rest.status_code, text(rest.content)) == (200, "two.")
    assert again.content == rest.content
    last = {"Last-Event-ID": str([frame.id for frame in parse_stream(rest.content) if frame.id][-1])}
    assert (await get(world, path, ticket=opens, headers=last)).status_code == 204


async def test_nothing_happens_by_a_url_without_a_ticket_or_a_token(world: World, ann: Person) -> None:
    """G130: no cookie, no HEAD, no half a ticket; nothing is stored."""
    before, deeds = world.rows(), world.deeds()
    opens = await ticket(ann)
    bearer = {"Authorization": f"Bearer {ann.token}"}
    async with httpx2.AsyncClient(base_url=world.url, verify=False, headers=EVENTS) as client:
        for headers, query in (
            ({}, {}),
            ({"Cookie": f"ticket={opens}; token={ann.token}"}, {}),
            ({}, {"ticket": ""}),
            ({}, {"ticket": opens[:-1]}),
            ({}, {"ticket": "x" * 10_000}),
            ({}, {"token": ann.token}),
            ({}, {"access_token": ann.token}),
            ({"Authorization": "Basic YW5uOmFubg=="}, {}),
        ):
            assert refused(await client.get("/chat", params={"message": "hello", **query}, headers=headers)), query
        for url in (f"/chat?message=x&ticket={opens}&ticket={opens}", f"/chat?message=x&ticket={opens}"):
            both = await client.get(url, headers=bearer)
            assert (both.status_code, both.json()["code"]) == (422, "invalid_request")
        head = await client.head(f"/chat?message=hello&ticket={opens}")
        assert head.status_code == 405
        assert (await client.head("/chat?message=hello", headers=bearer)).status_code == 405
    assert (world.rows(), world.deeds()) == (before, deeds)
    world.provider.say("Hello.")
    answer = await get(world, message="hello", ticket=opens, headers={"Authorization": "Basic YW5uOmFubg=="})
    assert text(answer.content) == "Hello.", "a page behind a password of its own"


async def test_a_token_in_the_header_asks_by_a_url_and_reads_on_with_its_key(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " there.", before=["Hello"])
    bearer = {"Authorization": f"Bearer {ann.token}"}
    async with opened(world, headers=bearer, message="hello", idempotency_key="one") as live:
        await live.until("token")
        seen = live.so_far
    comes_back = {**bearer, "Last-Event-ID": str(seen.frames[-1].id)}
    doubled = await get(world, message="hello", headers=comes_back)
    assert (doubled.status_code, doubled.json()["code"]) == (422, "invalid_request")
    gate.set()

    rest = await get(world, message="hello", headers={**comes_back, "Idempotency-Key": "one"})

    assert seen.text + text(rest.content) == "Hello there."
    world.provider.say("As JSON.")
    whole = await get(world, message="hello", headers={**bearer, "Accept": "application/json"})
    assert whole.json()["response"] == "As JSON."
    assert len(world.provider.requests) == 2


async def test_a_ticket_is_worth_no_more_than_its_token(world: World) -> None:
    """G130: when that has expired, it opens nothing."""
    leeway_s = world.settings.jwt_leeway_s
    ann = Person(world, sign({"tenant_id": "acme", "sub": "ann"}, ttl_s=6 - leeway_s))
    opens = await ticket(ann)

    async def has_expired() -> bool:
        return (await ann.request("GET", "/conversations")).status_code == 401

    async with asyncio.timeout(60):
        while not await has_expired():
            pass
    assert refused(await get(world, message="hello", ticket=opens))


async def test_a_ticket_is_void_after_its_time() -> None:
    """G130: 30 seconds, by a clock that nobody sets."""
    now = 0.0
    tickets = Tickets(Settings(_env_file=None), clock=lambda: now)
    ann = Principal("acme", "ann", credential=Credential("token"), expires_at=2**40)
    first, second = [await tickets.issue(ann, method="GET", path="/chat") for _ in range(2)]
    now = 29.0
    assert (await tickets.redeem(first, method="GET", path="/chat")).is_first
    now = 31.0
    with pytest.raises(UnauthorizedError):
        await tickets.redeem(second, method="GET", path="/chat")


async def test_nobody_has_more_tickets_than_the_limit_and_what_is_void_is_forgotten() -> None:
    now = 0.0
    tickets = Tickets(Settings(_env_file=None, max_tickets_per_user=2), clock=lambda: now)
    ann = Principal("acme", "ann", credential=Credential("token"), expires_at=2**40)
    made = [await tickets.issue(ann, method="GET", path="/chat") for _ in range(2)]
    with pytest.raises(Exception, match="At most 2 tickets"):
        await tickets.issue(ann, method="GET", path="/chat")
    await tickets.redeem(made[0], method="GET", path="/chat")
    await tickets.issue(ann, method="GET", path="/chat")  # the used one makes room
    for other in (Principal("acme", "ben"), Principal("rival", "ann")):
        principal = Principal(other.tenant_id, other.user_id, credential=Credential("token"), expires_at=2**40)
        await tickets.issue(principal, method="GET", path="/chat")
    now = 100.0
    await tickets.issue(ann, method="GET", path="/chat")
    assert len(tickets._tickets) == 1


async def test_a_tenant_with_many_tickets_takes_no_room_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """G130: what is too much for all is too much of the one who has most."""
    monkeypatch.setattr("api.tickets.MAX_TICKETS", 5)
    tickets = Tickets(Settings(_env_file=None))
    people = [
        Principal("acme", f"ann-{number}", credential=Credential("token"), expires_at=2**40) for number in range(9)
    ]
    eve = Principal("rival", "eve", credential=Credential("token"), expires_at=2**40)
    eves = await tickets.issue(eve, method="GET", path="/chat")
    made = [await tickets.issue(one, method="GET", path="/chat") for one in people]

    assert len(tickets._tickets) == 5
    assert (await tickets.redeem(eves, method="GET", path="/chat")).is_first
    assert (await tickets.redeem(made[-1], method="GET", path="/chat")).is_first


async def test_too_many_tickets_are_a_429_that_says_when_to_come_back(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(ticket_limit="2/hour")
    ann, ben = world.person(), world.person(user="ben")
    for _ in range(2):
        await ticket(ann)

    answer = await ann.request("POST", "/tickets")

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 0
    await ticket(ben)


def test_a_limit_that_cannot_be_read_is_told_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="FRONTDESK_TICKET_LIMIT"):
        Tickets(Settings(_env_file=None, ticket_limit="often"))


@pytest.mark.parametrize(
    "body",
    [
        {"path": "chat"},
        {"path": "/chat?message=hello"},
        {"path": "/chat#x"},
        {"path": "/ chat"},
        {"path": "/" + "x" * 512},
        {"path": ""},
        {"path": None},
        {"method": "CONNECT"},
        {"method": "GET\r\n"},
        {"method": 7},
        ["GET"],
    ],
)
async def test_a_ticket_for_what_is_no_path_or_method_is_refused(ann: Person, body: Any) -> None:
    answer = await ann.request("POST", "/tickets", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_ticket_makes_no_tickets(world: World, ann: Person) -> None:
    opens = await ticket(ann, method="post", path="/tickets")
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        answer = await client.post("/tickets", params={"ticket": opens})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

"""Work goes from the process that takes a message to one that has a place for it, with its user's token, and leaves no trace."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio
from msgspec.structs import replace
from sqlalchemy import update
from support.faults import HEIR, cancel, dump, execute, open_events, reaches, rows, until
from support.http import Connection, Request
from support.postgres import new_database, sqlalchemy_url
from support.provider import Call
from support.redis import RedisServer, open_redis
from support.world import MARKER, LiveStream, OpenWorld, Person, World

from agent.principal import RunKey
from agent.runs import offers
from agent.runs.letters import LetterKeys, read_head
from agent.store.clock import database_now
from agent.store.tables import messages, runs, workers

KEY, OTHER = "handover-key-" * 3, "another-key-" * 3
ASSISTANT: dict[str, Any] = {
    "limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300},
    "toolsets": [
        {"python": "support.shop_tools", "tools": {"create_order": {"confirm": True, "ask": "Order {item}?"}}}
    ],
}
LASTING = {"renew_every_s": 1, "lease_s": 60, "lease_lost_after_s": 50}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give whoever is offered a run as long for its answer as a busy machine takes."""
    monkeypatch.setattr(offers, "ANSWER_S", 60.0)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of one test's own."""
    with open_redis() as server:
        yield server


@pytest.fixture
def shared(postgres: str, server: RedisServer) -> dict[str, Any]:
    """The settings of all processes of an installation."""
    return {
        "database_url": sqlalchemy_url(new_database(postgres)),
        "redis_url": server.url,
        "redis_timeout_s": 10,
        "handover_key": KEY,
        "assistant": ASSISTANT,
        **LASTING,
    }


@pytest.fixture
async def front(shared: dict[str, Any], open_frontdesk: OpenWorld) -> World:
    """A process that takes messages and works on none."""
    return await open_frontdesk(**shared, execute=False)


@pytest.fixture
async def worker(shared: dict[str, Any], open_frontdesk: OpenWorld) -> World:
    """A process that works."""
    return await open_frontdesk(**shared)


def at(world: World, person: Person) -> Person:
    """Return the same person, with the same token, at another process."""
    return Person(world, person.token, person.tenant)


def has(world: World) -> int:
    """Return how many runs a process holds."""
    return len(world.app.state.services.runner._roster)


async def lose(worker: World, at: World) -> None:
    """Let a process be as good as dead: its lease is over."""
    dead = worker.app.state.services.runner
    for task in dead._upkeep:
        task.cancel()
    await execute(
        at, update(workers).where(workers.c.id == dead._leases._worker_id).values(lease_until=database_now() - 1)
    )


@asynccontextmanager
async def overheard(server: RedisServer) -> AsyncIterator[list[bytes]]:
    """Hear every command that Redis gets, as it gets it."""
    heard: list[bytes] = []
    client = redis.asyncio.Redis(port=server.port)
    async with client.monitor() as monitor:

        async def listen() -> None:
            while True:
                heard.append(await monitor.connection.read_response(disable_decoding=True))

        listening = asyncio.create_task(listen())
        yield heard
        listening.cancel()
        await asyncio.wait([listening])
    await client.aclose()


@asynccontextmanager
async def letters(server: RedisServer) -> AsyncIterator[tuple[list[bytes], "redis.asyncio.Redis"]]:
    """Hear the letters of an installation; a client comes along that can send them again."""
    heard: list[bytes] = []
    client = redis.asyncio.Redis(port=server.port)
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("frontdesk:letters")
        assert await pubsub.get_message(timeout=30)

        async def listen() -> None:
            async for message in pubsub.listen():
                heard.extend([message["data"]] if read_head(message["data"]) is not None else [])

        listening = asyncio.create_task(listen())
        yield heard, client
        listening.cancel()
        await asyncio.wait([listening])
    await client.aclose()


async def test_a_run_is_worked_on_elsewhere_with_its_users_token_and_read_where_it_was_asked_for(
    front: World, worker: World, server: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """G310 G311: and the token stands in no command, key, row, file or line, nor does anything of its claims."""
    front.backend.answer("GET /orders/count", 3)
    ann, gate = front.person(), asyncio.Event()
    front.provider.call(Call("count_orders"))
    front.provider.wait_for(gate, "three.", before=["There are "])
    async with overheard(server) as commands, ann.open_stream("how many?") as live:
        await live.until("token")
        await until(lambda: (has(front), has(worker)) == (0, 1))
        with server.client() as client:
            client.connection_pool.connection_kwargs["decode_responses"] = False
            kept = [client.dump(key) for key in client.keys("*")] + client.keys("*")
        gate.set()
        stream = await live.rest()
    assert (stream.text, stream.first("status")) == ("There are three.", "completed")
    assert "snapshot" not in stream.keys
    assert [key for key in stream.keys if key == "conversation_id"] == ["conversation_id"]
    assert [one.headers["authorization"] for one in front.backend.requests] == [f"Bearer {ann.token}"]
    assert [(row["state"], row["attempt"], row["begun_attempts"]) for row in await rows(front, runs)] == [
        ("completed", 2, 1)
    ]
    written = "".join(capfd.readouterr())
    assert "run_accepted" in written
    sent = b"".join(commands)
    assert b"frontdesk:letters" in sent, "no letter was heard: the test would prove nothing"
    assert len(kept) > 4
    for secret in (MARKER, *ann.token.split(".")):
        for text in (sent, repr(kept).encode(), await dump(front), written.encode()):
            assert secret.encode() not in text


async def test_nothing_is_lost_where_nobody_works(front: World) -> None:
    """G311: after two seconds whoever took the message works on it."""
    front.provider.say("Myself.")
    assert (await front.person().stream("anybody?")).text == "Myself."


async def test_who_has_another_key_or_none_is_not_offered_anything(
    shared: dict[str, Any], open_frontdesk: OpenWorld, front: World
) -> None:
    """G310 G311: and keys change without a gap: a process may have both."""
    stranger = await open_frontdesk(**(shared | {"handover_key": OTHER}))
    front.provider.say("Myself.")
    assert (await front.person().stream("anybody?")).text == "Myself."
    both = await open_frontdesk(**(shared | {"handover_key": OTHER, "handover_other_key": KEY}))
    gate = asyncio.Event()
    front.provider.wait_for(gate, "Both.")
    async with front.person().open_stream("anybody?") as live:
        await until(lambda: (has(both), has(front), has(stranger)) == (1, 0, 0))
        gate.set()
        assert (await live.rest()).text == "Both."


async def test_a_worker_that_stops_refuses_and_the_other_works_at_once(front: World, worker: World) -> None:
    """G311: it is not waited for."""
    worker.app.state.services.runner._leases.stop_taking_over()
    front.provider.say("Myself.")
    assert (await front.person().stream("anybody?")).text == "Myself."
    assert [(row["state"], row["attempt"]) for row in await rows(front, runs)] == [("completed", 2)]


async def test_without_redis_a_message_is_answered_at_once(front: World, worker: World, server: RedisServer) -> None:
    """G311 G315: where it was sent."""
    server.kill()
    front.provider.say("Myself.")
    assert (await front.person().stream("anybody?")).text == "Myself."
    assert [row["attempt"] for row in await rows(front, runs)] == [1]


async def test_a_letter_that_comes_again_does_nothing(front: World, worker: World, server: RedisServer) -> None:
    """G310: while the run is at work and after it; nor does one that was changed, or is none."""
    ann, gate = front.person(), asyncio.Event()
    front.provider.wait_for(gate, "Once.")
    async with letters(server) as (heard, client):
        async with ann.open_stream("tell me") as live:
            await live.until("run_id")
            await until(lambda: bool(heard))
            for letter in (
                heard[0],
                b"answer x",
                b"answer \xff y z",
                b"{",
                heard[0].replace(b"ann", b"ben"),
                heard[0][:-1],
            ):
                await client.publish("frontdesk:letters", letter)
            await until(lambda: (has(front), has(worker)) == (0, 1))
            gate.set()
            assert (await live.rest()).text == "Once."
        await client.publish("frontdesk:letters", heard[0])
        front.provider.say("Again.")
        assert (await ann.stream("and now?")).text == "Again."
    assert [(row["attempt"], row["begun_attempts"]) for row in await rows(front, runs)] == [(2, 1), (2, 1)]
    assert len(front.provider.requests) == 2


async def test_a_letter_with_more_rights_than_the_run_was_begun_with_is_refused(
    front: World, worker: World, server: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """G310: even of a process that has the key."""
    ann, gate = front.person(role="clerk"), asyncio.Event()
    worker.app.state.services.runner._leases.stop_taking_over()
    front.provider.wait_for(gate, "Done.")
    async with letters(server) as (heard, client), ann.open_stream("tell me") as live:
        await live.until("run_id")
        await until(lambda: has(front) == 1 and bool(heard))
        worker.app.state.services.runner._leases.takes_over = True
        [row] = await rows(front, runs)
        head = read_head(heard[0])
        assert head is not None
        authenticator = front.app.state.services.authenticator
        owner = await authenticator.authenticate(f"Bearer {front.person(role='owner').token}")
        await client.publish("frontdesk:letters", LetterKeys([KEY]).seal(replace(head, attempt=row["attempt"]), owner))

        written = ""
        async with asyncio.timeout(60):
            while "ForbiddenError" not in written:
                written += "".join(capfd.readouterr())
                assert (await ann.request("GET", "/conversations")).status_code == 200
        assert "letter_refused" in written
        gate.set()
        assert (await live.rest()).text == "Done."
    assert [one["attempt"] for one in await rows(front, runs)] == [row["attempt"]]


async def test_a_run_that_waits_for_a_place_gets_one_elsewhere_and_its_reader_stays(
    shared: dict[str, Any], open_frontdesk: OpenWorld
) -> None:
    """G312: the reader is told anew, and is not cut."""
    first, second = [await open_frontdesk(**shared, max_runs=1) for _ in range(2)]
    gates = [asyncio.Event(), asyncio.Event()]
    for gate in gates:
        first.provider.wait_for(gate, "Long.")
    ann, ben = first.person(), first.person(user="ben")
    async with ann.open_stream("first") as one, ben.open_stream("second") as other:
        await until(lambda: (has(first), has(second)) == (1, 1))
        async with first.person(user="cleo").open_stream("third") as waiting:
            await waiting.until("run_id")
            assert has(first) == 2
            first.provider.say("Here you are.")
            gates[1].set()
            assert (await other.rest()).text == "Long."
            stream = await waiting.rest()
            assert (has(first), stream.is_done) == (1, True)
        gates[0].set()
        assert (await one.rest()).text == "Long."
    assert stream.text == "Here you are."
    ids = [tuple(map(int, frame.id.split("-"))) for frame in stream.frames if frame.id]
    assert ids == sorted(ids)
    assert [attempt for attempt, _ in ids][:: len(ids) - 1] == [1, 2]


async def test_what_a_person_decides_at_a_process_that_does_not_work_goes_on_at_one_that_does(
    front: World, worker: World
) -> None:
    """G312"""
    front.backend.answer("POST /orders", 8)
    ann, gate = front.person(), asyncio.Event()
    front.provider.call(Call("create_order", {"item": "tea"}))
    asked = await ann.stream("order tea")
    run_id, approval = asked.first("run_id"), asked.first("approval")
    front.provider.wait_for(gate, "Ordered.")
    body = {"tool_call_id": approval["tool_call_id"], "approve": True}
    assert (await ann.request("POST", f"/runs/{run_id}/decisions", json=body)).status_code == 200
    await until(lambda: (has(front), has(worker)) == (0, 1))
    gate.set()
    await reaches(ann, run_id, "completed")
    assert [one.headers["authorization"] for one in front.backend.requests] == [f"Bearer {ann.token}"]


async def test_a_stop_reaches_a_run_that_was_handed_over(front: World, worker: World) -> None:
    """G312: wherever it is asked for."""
    ann = front.person()
    front.provider.hang("Half of ")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half of ")
        assert (await cancel(ann, run_id))["state"] == "cancelled"
        assert (await live.rest()).first("status") == "cancelled"
    assert [(row["text"], row["status"]) for row in await rows(front, messages, role="assistant")] == [
        ("Half of ", "partial")
    ]


def refuse_but(world: World, fresh: Person) -> None:
    """Let the backend accept one person's token only."""

    async def serve(request: Request, connection: Connection) -> None:
        is_fresh = request.headers["authorization"] == f"Bearer {fresh.token}"
        await connection.respond(200 if is_fresh else 401, b"42")

    world.backend.routes["GET /orders/count"] = serve


@pytest.mark.parametrize("way", ["post", "read"])
async def test_a_fresh_token_at_another_process_reaches_the_run_that_waits_for_it(
    front: World, worker: World, way: str, server: RedisServer
) -> None:
    """G316 G21: posted, or brought by a reader; a stranger's and an older one do not."""
    ann, fresh, older = (front.person(iat=iat) for iat in (2_000, 3_000, 1_000))
    refuse_but(front, fresh)
    front.provider.call(Call("count_orders"))
    front.provider.say("42.")
    async with overheard(server) as commands, ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until("auth_required")
        path = f"/runs/{run_id}/credential"
        assert (await older.request("POST", path)).status_code == 403
        assert (await front.person(role="owner").request("POST", path)).status_code == 403
        assert (await front.person(user="ben").request("POST", path)).status_code == 404
        assert (await ann.request("POST", path)).status_code == 200, "the same one again changes nothing"
        if way == "post":
            assert (await fresh.request("POST", path)).status_code == 200
        else:
            async with open_events(fresh, run_id) as reading:
                await reading.rest()
        assert (await live.rest()).text == "42."
    assert [one.headers["authorization"] for one in front.backend.requests] == [
        f"Bearer {one.token}" for one in (ann, fresh)
    ]
    assert not any(fresh.token.split(".")[1].encode() in one for one in commands)


@asynccontextmanager
async def half_told(front: World, ann: Person) -> AsyncIterator[LiveStream]:
    """Let somebody have read half of an answer; the next attempt at it calls a tool, for which it needs a token."""
    front.backend.answer("GET /orders/count", 3)
    front.provider.hang("Half of ")
    async with ann.open_stream("how many?") as live:
        await live.until_bytes(b"Half of ")
        front.provider.call(Call("count_orders"))
        front.provider.say("Three.")
        yield live


async def test_the_reader_of_a_run_that_was_taken_over_elsewhere_need_not_be_asked_again(
    shared: dict[str, Any], open_frontdesk: OpenWorld, front: World, worker: World
) -> None:
    """G316: whoever took it over says that it waits, and the reader's process has the token that they came with."""
    ann = front.person()
    async with half_told(front, ann) as live:
        run_id = live.so_far.first("run_id")
        await lose(worker, front)
        heir = await open_frontdesk(**{**shared, **HEIR})
        async with open_events(ann, run_id) as reading:
            assert (await reading.rest()).first("status") == "completed"
        await until(lambda: has(heir) == 0)
    assert [one.headers["authorization"] for one in front.backend.requests] == [f"Bearer {ann.token}"]


async def test_a_token_is_asked_for_again_where_nobody_heard_it_the_first_time(
    shared: dict[str, Any], open_frontdesk: OpenWorld, worker: World, server: RedisServer
) -> None:
    """G316: Redis is away when a run is taken over, whose reader is at another process."""
    front = await open_frontdesk(**shared, execute=False, reap_every_s=600)
    ann = front.person()
    async with half_told(front, ann) as live:
        run_id = live.so_far.first("run_id")
        server.kill()
        await lose(worker, front)
        heir = await open_frontdesk(**{**shared, **HEIR})
        key = RunKey("acme", UUID(run_id))

        def waits() -> bool:
            held = heir.app.state.services.runner._roster.find(key)
            return held is not None and held.principal._renewed is not None

        await until(waits)
        server.start()
        async with open_events(ann, run_id) as reading:
            assert (await reading.rest()).first("status") == "completed"
        await until(lambda: has(heir) == 0)
    assert [one.headers["authorization"] for one in front.backend.requests] == [f"Bearer {ann.token}"]


async def test_a_run_that_its_readers_process_takes_over_has_the_readers_token(
    shared: dict[str, Any], open_frontdesk: OpenWorld, worker: World, server: RedisServer
) -> None:
    """G316: however long they have read by then."""
    front = await open_frontdesk(**{**shared, **HEIR}, execute=False)
    ann = front.person()
    async with half_told(front, ann) as live:
        server.kill()
        await lose(worker, front)
        assert (await live.rest()).first("status") == "completed"
    assert [one.headers["authorization"] for one in front.backend.requests] == [f"Bearer {ann.token}"]


async def test_a_token_for_a_run_that_nobody_can_reach_is_not_taken_for_brought(
    shared: dict[str, Any], open_frontdesk: OpenWorld, worker: World, server: RedisServer
) -> None:
    """G316: its user is told to come again."""
    other = await open_frontdesk(**shared, recovery_wait_s=0.1)
    ann, gate = worker.person(), asyncio.Event()
    worker.provider.wait_for(gate, "Yes.")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        server.kill()
        response = await at(other, ann).request("POST", f"/runs/{run_id}/credential")
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        gate.set()
        assert (await live.rest()).text == "Yes."

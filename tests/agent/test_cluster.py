"""Several processes on one PostgreSQL and one Redis: whoever is asked reads and stops what any of them works on."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import httpx2
import pytest
from support.faults import Hanging, cancel, open_events, rows, until
from support.http import Connection, Request
from support.postgres import new_database, sqlalchemy_url
from support.provider import Call
from support.redis import RedisServer, open_redis
from support.shown import Shown
from support.world import MARKER, OpenWorld, Person, Stream, World

from agent.runs import gaps
from agent.store.tables import messages

PATIENT: dict[str, Any] = {
    "limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300},
    "page_tools": {"read_filter": {"description": "Read the filter.", "risk": "read"}},
}
SLOW = {"renew_every_s": 5, "lease_s": 60, "lease_lost_after_s": 50}
"""Processes that look at their rows too rarely for a test: whatever is quick here was said by a signal."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of one test's own."""
    with open_redis() as server:
        yield server


@pytest.fixture
async def pair(
    open_frontdesk: OpenWorld, postgres: str, server: RedisServer, request: pytest.FixtureRequest
) -> tuple[World, World]:
    """Two living processes on one PostgreSQL and one Redis, with the settings that the test names."""
    shared = {
        "database_url": sqlalchemy_url(new_database(postgres)),
        "redis_url": server.url,
        "redis_timeout_s": 3,
        "assistant": PATIENT,
        **SLOW,
        **getattr(request, "param", {}),
    }
    return await open_frontdesk(**shared), await open_frontdesk(**shared)


def at(world: World, person: Person) -> Person:
    """Return the same person, with the same token, at another process."""
    return Person(world, person.token, person.tenant)


def told(stream: Stream) -> list[tuple[str | None, Any]]:
    """Return the ids and the data of a stream's frames."""
    return [(frame.id, frame.data) for frame in stream.frames]


async def readiness(world: World) -> str:
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        response = await client.get("/readyz")
    assert response.status_code == 200
    return str(response.json()["status"])


async def test_a_run_is_read_live_at_another_process_under_the_same_ids(pair: tuple[World, World]) -> None:
    """G280 G282: and from any place on, there and where it is worked on."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, " and more.", before=["Word by ", "word"])
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"word")
        async with open_events(at(second, ann), run_id) as there:
            await there.until_bytes(b"word")
            gate.set()
            elsewhere = await there.rest()
        here = await live.rest()
    assert elsewhere.is_done
    assert here.is_done
    whole = await ann.events(run_id)
    assert told(await at(second, ann).events(run_id)) == told(whole)
    for index, frame in enumerate(whole.frames[:-1]):
        if frame.id is not None:
            rest = await at(second, ann).events(run_id, headers={"Last-Event-ID": frame.id})
            behind = [one for one in told(whole)[index + 1 :] if one[0] != frame.id]
            assert [one for one in told(rest) if one[0] is not None] == [one for one in behind if one[0] is not None]


async def test_who_comes_to_a_run_that_has_waited_is_not_asked_again_at_another_process(
    pair: tuple[World, World],
) -> None:
    """G280 G300 G301: it goes on at the process that got the answer."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.call(Call("read_filter", {}), text=["One moment."])
    waiting = await ann.stream("What do I see?")
    run_id, call_id = waiting.first("run_id"), waiting.first("client_tool")["tool_call_id"]
    first.provider.wait_for(gate, " The active ones.", before=["I see."])
    said = {"tool_call_id": call_id, "result": {"filter": "active"}}
    assert (await at(second, ann).request("POST", f"/runs/{run_id}/results", json=said)).status_code == 200
    async with open_events(ann, run_id) as there:
        await there.until_bytes(b"I see.")
        gate.set()
        read = await there.rest()
    assert read.text.endswith("I see. The active ones.")
    assert not [one for one in read.events if "client_tool" in one or one.get("status") == "awaiting_input"]
    assert read.is_done


@pytest.mark.parametrize("pair", [{"renew_every_s": 40}], indirect=True, ids=["seldom polls"])
async def test_a_stop_at_another_process_takes_no_poll(pair: tuple[World, World]) -> None:
    """G286: its median is far below what a look at the rows every so often could do."""
    first, second = pair
    ann, took = first.person(), []
    for _ in range(5):
        first.provider.hang("Half of ")
        async with ann.open_stream("tell me") as live:
            run_id = await live.until("run_id")
            await live.until_bytes(b"Half of ")
            began = time.monotonic()
            assert (await cancel(at(second, ann), run_id))["state"] == "cancelled"
            took.append(time.monotonic() - began)
            assert (await live.rest()).first("status") == "cancelled"
    assert median(took) < 8.0
    stored = await rows(first, messages, role="assistant")
    assert {(row["text"], row["status"]) for row in stored} == {("Half of ", "partial")}


async def test_a_stop_without_signals_costs_a_poll_and_no_more(pair: tuple[World, World], server: RedisServer) -> None:
    """G286: the row is the truth."""
    first, second = pair
    ann = first.person()
    first.provider.hang("Half of ")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half of ")
        server.kill()
        assert (await cancel(at(second, ann), run_id))["state"] == "cancelled"
        assert (await live.rest()).first("status") == "cancelled"


async def test_a_message_behind_a_run_of_another_process_begins_when_that_ends(pair: tuple[World, World]) -> None:
    """G286 G7"""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, "One.")
    async with ann.open_stream("first") as live:
        conversation_id = await live.until("conversation_id")
        first.provider.say("Two.")
        behind = asyncio.create_task(at(second, ann).stream("second", conversation_id=conversation_id))
        await until(lambda: len(second.app.state.services.runner._roster) == 1)
        gate.set()
        assert (await live.rest()).text == "One."
    assert (await behind).text == "Two."


async def test_while_redis_is_away_runs_go_on_and_the_process_says_so(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G282: the reader where the run is misses nothing; another one gets the rest when it is back."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, " middle", before=["Begin"])
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Begin")
        async with open_events(at(second, ann), run_id) as there:
            await there.until_bytes(b"Begin")
            server.kill()

            async def is_degraded() -> bool:
                return [await readiness(world) for world in pair] == ["degraded"] * 2

            gate.set()
            here = await live.rest()
            assert here.is_done
            await until(is_degraded)
            elsewhere = await there.rest()
            assert elsewhere.is_done
            assert "Begin middle" in str(elsewhere.events)
    first.provider.say("Also without.")
    assert (await ann.stream("again")).text == "Also without."
    server.start()

    async def is_healthy() -> bool:
        return [await readiness(world) for world in pair] == ["healthy"] * 2

    await until(is_healthy)
    first.provider.say("With.")
    assert (await ann.stream("and now")).text == "With."


@pytest.mark.parametrize(
    "pair", [{"assistant": {**PATIENT, "suggestions": {"enabled": True}}}], indirect=True, ids=["with questions"]
)
async def test_who_has_the_end_of_a_run_is_not_told_it_again_by_the_database(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G282: its log is away while follow-up questions are made."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.say("All of it.")

    async def makes_questions(_request: Request, connection: Connection) -> None:
        await gate.wait()
        await connection.respond(500, b"")

    first.provider.aside = makes_questions
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        async with open_events(at(second, ann), run_id) as there:
            await there.until("status")
            server.kill()
            elsewhere = await there.rest()
        gate.set()
        await live.rest()
    assert [event["status"] for event in elsewhere.events if "status" in event] == ["completed"]
    assert (elsewhere.text, elsewhere.is_done) == ("All of it.", True)


@pytest.mark.parametrize(
    "pair", [{"assistant": {**PATIENT, "suggestions": {"enabled": True}}}], indirect=True, ids=["with questions"]
)
async def test_questions_that_come_behind_the_end_are_told_by_the_database_too(
    pair: tuple[World, World], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282: a stream that is told to its end misses nothing that follows it."""
    monkeypatch.setattr(gaps, "QUESTIONS_S", 60.0)
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.say("All of it.")

    async def makes_questions(request: Request, connection: Connection) -> None:
        await gate.wait()
        first.provider.aside, first.provider.suggestions = None, "What else?"
        await first.provider.handle(request, connection)

    first.provider.aside = makes_questions
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until("status")
        server.kill()
        async with open_events(at(second, ann), run_id) as there:
            await there.until("status")
            gate.set()
            elsewhere = await there.rest()
        await live.rest()
    assert elsewhere.first("suggested_questions") == ["What else?"]
    assert elsewhere.is_done
    assert len({frame.id for frame in elsewhere.frames}) == len(elsewhere.frames)


async def test_who_comes_back_to_what_the_database_told_is_told_what_it_knows_since(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G282: an id never stands for two texts."""
    first, second = pair
    ann, counting = first.person(), Hanging(first, "GET /orders/count", b"3")
    first.provider.call(Call("count_orders", id="a"), text=["I count."])
    first.provider.call(Call("count_orders", id="b"), text=["Once more."])
    first.provider.say("It is three.")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await until(lambda: counting.arrived == 1)
        server.kill()
        async with open_events(at(second, ann), run_id) as early:
            assert (await early.until("snapshot"))["text"] == "I count."
        counting.go_on.set()
        counting.go_on.clear()
        await until(lambda: counting.arrived == 2)
        last = str(early.so_far.frames[-1].id)
        async with open_events(at(second, ann), run_id, **{"Last-Event-ID": last}) as late:
            assert (await late.until("snapshot"))["text"] == "I count.\n\nOnce more."
        counting.go_on.set()
        await live.rest()


@pytest.mark.parametrize("pair", [{"redis_silence_s": 300}], indirect=True, ids=["long silence"])
async def test_a_run_that_is_over_is_told_at_once_when_redis_forgot_it(
    pair: tuple[World, World], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282: nobody waits for a log that says nothing more."""
    monkeypatch.setattr(gaps, "SOON_S", 600)
    first, second = pair
    ann = first.person()
    first.provider.say("All of it.")
    run_id = (await ann.stream("tell me")).first("run_id")
    first.provider.say("And this.")
    await ann.stream("go on")  # by then everybody has heard that the first one is over
    server.flush()
    assert (await at(second, ann).events(run_id)).first("snapshot")["text"] == "All of it."


async def test_a_reader_elsewhere_goes_on_where_it_was_when_redis_forgot_all(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G282: each event once, with its id."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, " the end.", before=["From the start"])
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"start")
        async with open_events(at(second, ann), run_id) as there:
            await there.until_bytes(b"start")
            server.flush()
            gate.set()
            elsewhere = await there.rest()
        assert (await live.rest()).is_done
    ids = [frame.id for frame in elsewhere.frames if frame.id]
    assert len(ids) == len(set(ids))
    assert "snapshot" not in elsewhere.keys
    assert elsewhere.text == "From the start the end."


@pytest.mark.parametrize("pair", [{"redis_max_events": 100}], indirect=True, ids=["100 events"])
async def test_a_run_with_more_events_than_redis_keeps_is_read_in_whole_messages_by_who_comes_late(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G323: and by everybody else event by event, where it is worked on also by who comes late."""
    first, second = pair
    ann, pieces = first.person(), [f"{n} " for n in range(800)]
    first.provider.slowly(*pieces, pause_s=0.004)
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await until(lambda: _first_entry(server) is not None)
        begun = _first_entry(server)
        await until(lambda: _first_entry(server) != begun)
        async with open_events(at(second, ann), run_id) as late, open_events(ann, run_id) as late_here:
            elsewhere, beside, whole = await late.rest(), await late_here.rest(), await live.rest()
        again = await at(second, ann).events(run_id)
    for stream in (elsewhere, again, beside, whole):
        shown = Shown()
        for event in stream.events:
            shown = shown.after(event)
        assert (shown.text, shown.status, stream.is_done) == ("".join(pieces), "completed", True)
    assert "snapshot" in elsewhere.keys
    assert "snapshot" not in {*whole.keys, *beside.keys}


def _first_entry(server: RedisServer) -> Any:
    """Return the id of the first entry of the one log that there is; None before there is one."""
    with server.client() as client:
        logs = client.scan_iter(_type="stream")
        return next((entries[0][0] for key in logs if (entries := client.xrange(key, count=1))), None)


async def test_no_token_and_nothing_of_another_tenant_is_in_redis_or_comes_from_it(
    pair: tuple[World, World], server: RedisServer
) -> None:
    """G283: every key begins with the tenant, but for those of places."""
    first, second = pair
    for tenant in ("acme", "rival"):
        first.provider.say(f"secret of {tenant}")
        stream = await first.person(tenant).stream("tell me")
        run_id = stream.first("run_id")
        stranger = second.person("rival" if tenant == "acme" else "acme")
        assert (await stranger.request("GET", f"/runs/{run_id}/events")).status_code == 404
    with server.client() as client:
        places = set(client.keys("frontdesk:{places}*"))
        assert MARKER not in str([client.hgetall(key) for key in places if client.type(key) == "hash"])
        keys = sorted(set(client.keys("*")) - places)
        assert [key.split(":")[1] for key in keys] == ["{acme", "{rival"]
        kept = {key: str(client.xrange(key)) for key in keys}
    for key, text in kept.items():
        tenant = key.split(":")[1][1:]
        assert f"secret of {tenant}" in text.replace('"}],', "")
        assert MARKER not in text
        assert ("rival" if tenant == "acme" else "acme") not in text

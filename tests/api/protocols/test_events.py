"""`format=events`: what each version of it said once is said for ever, when it happened, and to readers who want less of it."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec
import orjson
import pytest
from support.dialects import blocks, read_events
from support.logs import RUN
from support.provider import Call
from support.raw import raw_request
from support.world import OpenWorld, Person, World

from agent.events.schema import EventId, LoggedEvent, RunStarted, TextDelta
from agent.log.memory import MemoryLog
from api.pacing import paced
from api.protocols.events import VERSIONS
from api.protocols.events.encoder import LAGGING_S, EventsEncoder
from api.protocols.events.union import ToldEvent
from scripts.generate import told_tables

RECORDED = Path(__file__).parents[2] / "recorded"
NAMES = {str(kind.__struct_config__.tag) for kind in get_args(ToldEvent)}
Shown = dict[str, Any]


def recorded_log(version: str) -> list[LoggedEvent]:
    """Return a log with everything that may happen, as it stood when this version was new."""
    return msgspec.json.decode((RECORDED / f"events-v{version}.log.json").read_bytes(), type=list[LoggedEvent])


def shown(raw: bytes) -> list[tuple[str, str | None, Shown]]:
    return [(name, event_id, orjson.loads(data)) for name, data, event_id in blocks(raw)]


def adds(new: object, old: object) -> bool:
    """Return whether `new` says all that `old` says, and perhaps more."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and adds(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(adds, new, old))
    return new == old and type(new) is type(old)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_said_is_said_by_every_later_server(version: str) -> None:
    """G141"""
    old = shown((RECORDED / f"events-v{version}.sse").read_bytes())
    encoder = EventsEncoder(clock=lambda: 0.0)
    new = shown(b"".join(encoder.encode([logged]) for logged in recorded_log(version)))
    known = {name for name, _, _ in old}
    told = [one for one in new if one[0] in known]

    assert len(told) == len(old)
    for (name, event_id, now), (old_name, old_id, then) in zip(told, old, strict=True):
        assert (name, event_id) == (old_name, old_id)
        assert adds(now, then), (now, then)


def test_what_begins_and_ends_has_its_own_time_also_where_pieces_are_joined() -> None:
    """G141"""
    log = recorded_log(VERSIONS[-1])
    one_by_one, at_once = EventsEncoder(clock=lambda: 0.0), EventsEncoder(clock=lambda: 0.0)

    live = shown(b"".join(one_by_one.encode([logged]) for logged in log))
    replayed = shown(at_once.encode(log))

    beside_pieces = [[one for one in told if not one[0].endswith(".delta")] for told in (live, replayed)]
    assert beside_pieces[0] == beside_pieces[1]
    assert len(replayed) < len(live)


def test_the_newest_recording_has_every_event_that_there_is() -> None:
    recorded = {name for name, _, _ in shown((RECORDED / f"events-v{VERSIONS[-1]}.sse").read_bytes())}
    assert recorded | {"lagging"} == NAMES


def test_every_event_stands_on_the_page() -> None:
    page = told_tables()
    assert all(f"### `{name}`" in page for name in NAMES)


async def test_times_are_those_of_the_log_live_and_replayed(world: World, ann: Person) -> None:
    """G141"""
    world.backend.answer("GET /orders/count", {"count": 42})
    gate = asyncio.Event()
    world.provider.call(Call("count_orders"), text=["Let me look."])
    world.provider.wait_for(gate, "There are ", "42.")
    async with ann.client() as client:
        asked = client.stream("POST", "/chat?format=events&v=1", json={"message": "hello"})
        async with asked as response:
            raw = b""
            async for piece in response.aiter_bytes():
                raw += piece
                if b"tool_call.end" in raw:
                    gate.set()
        assert response.headers["x-events-version"] == "1"
        again = (await client.get(response.headers["location"])).content

    live, replayed = shown(raw), shown(again)
    times = {event_id: data["at"] for _, event_id, data in live if event_id}
    assert {event_id: data["at"] for _, event_id, data in replayed if event_id}.items() <= times.items()
    ats = [data["at"] for _, _, data in live]
    assert ats == sorted(ats)
    assert all(data["v"] == 1 for _, _, data in live)
    assert {data["model"] for _, _, data in live if "model" in data} == {"openai:scripted"}
    assert read_events(raw) == read_events(again)


async def test_steps_have_their_usage_and_tools_their_input_and_output(world: World, ann: Person) -> None:
    world.backend.answer("GET /orders/7", {"number": 7})
    world.provider.call(Call("find_order", {"number": 7}))
    world.provider.say("Tea.")

    events = shown((await ann.request("POST", "/chat?format=events", json={"message": "hello"})).content)

    told = {name: data for name, _, data in events}
    steps = [data for name, _, data in events if name == "step.end"]
    assert [(one["step"], one["finish_reason"]) for one in steps] == [(1, "tool_calls"), (2, "stop")]
    assert all(one["usage"] == {"input_tokens": 10, "output_tokens": 5} for one in steps)
    written = "".join(data["text"] for name, _, data in events if name == "tool_input.delta")
    assert orjson.loads(written) == told["tool_call.start"]["arguments"] == {"number": 7}
    assert told["tool_call.end"]["status"] == "ok"
    assert orjson.loads(told["tool_call.end"]["output"]) == {"number": 7}
    assert told["run.end"]["usage"] == {"input_tokens": 20, "output_tokens": 10}


def test_a_reader_that_is_behind_is_told_so_and_who_reads_the_past_is_not() -> None:
    now = 100.0
    encoder = EventsEncoder(clock=lambda: now)

    def say(n: int, at_s: float, text: str = "a") -> bytes:
        event = TextDelta(text, 1) if n > 1 else RunStarted("c", "r", "m")
        return encoder.encode([LoggedEvent(EventId(1, n), event, int(at_s * 1000))])

    assert b"lagging" not in say(1, 0) + say(2, 50)  # it was said long ago, and read at once
    now = 150.0
    assert b"lagging" not in say(3, 100) + say(4, 100 - LAGGING_S / 2)
    now += LAGGING_S
    [(name, event_id, data), *_] = shown(say(5, 100))
    assert (name, event_id, data["behind_ms"]) == ("lagging", None, int(LAGGING_S * 1000))
    assert b"lagging" not in say(6, 100 + LAGGING_S)


async def test_a_reader_that_stops_for_a_while_is_told_how_far_it_is_behind(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.protocols.events.encoder.LAGGING_S", 0.05)
    world = await open_frontdesk(assistant={"limits": {"answer_characters": 3_000_100}})
    gate = asyncio.Event()
    world.provider.wait_for(gate, *["ä" * 5000] * 600, before=["Tea. "])
    ann = world.person()
    path, body = "/chat?format=events", {"message": "hello"}
    async with raw_request(world.url, "POST", path, token=ann.token, body=body, receive_bytes=4096) as reader:
        await reader.begin()
        await reader.until(b"Tea. ")
        gate.set()
        async with ann.open_events(f"/runs/{reader.headers['x-run-id']}/events") as beside:
            await beside.rest()  # the run is over, and this reader has all of it
        raw = await reader.rest()

    told = shown(raw.replace(b": ping\n\n", b""))
    behind = [data["behind_ms"] for name, _, data in told if name == "lagging"]
    assert behind
    assert min(behind) >= 50
    assert read_events(raw.replace(b": ping\n\n", b"")).text == "Tea. " + "ä" * 3_000_000


async def batches(count: int) -> AsyncGenerator[list[LoggedEvent]]:
    for n in range(1, count + 1):
        yield [LoggedEvent(EventId(1, 2 * n - 1), TextDelta("a", 1)), LoggedEvent(EventId(1, 2 * n), TextDelta("b", 1))]


async def test_at_most_so_many_events_come_in_a_second() -> None:
    loop = asyncio.get_running_loop()
    times = []
    async for batch in paced(batches(5), max_rate=20.0):
        times.append(loop.time())
        assert [one.event for one in batch] == [TextDelta("ab", 1)]
    assert len(times) == 5
    assert all(later - earlier > 0.045 for earlier, later in pairwise(times))


async def test_a_reader_that_wants_fewer_events_gets_all_of_the_text_in_them(world: World, ann: Person) -> None:
    pieces = [f"{n} " for n in range(300)]
    world.provider.say(*pieces)

    answer = await ann.request("POST", "/chat?format=events&max_rate=5", json={"message": "hello"})

    deltas = [data["text"] for name, _, data in shown(answer.content) if name == "text.delta"]
    assert "".join(deltas) == "".join(pieces)
    assert len(deltas) < 100


async def test_a_log_that_goes_on_after_another_clock_never_goes_back() -> None:
    now = 1000.0
    log = MemoryLog(keep_s=60, clock=lambda: now)
    log.open(RUN, 1, age_s=3.0).append(TextDelta("a"))
    now += 1
    heir = log.open(RUN, 2, age_s=0.5)
    heir.append(TextDelta("b"))
    now += 1
    heir.append(TextDelta("c"))
    assert [one.at_ms for one in await log.read(RUN)] == [3000, 3000, 4000]

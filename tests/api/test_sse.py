"""The stream on the wire: exact bytes, pings while nothing happens, and readers who go."""

import asyncio

import pytest
from support.http import Connection, Request
from support.provider import Call
from support.world import Person, World


async def test_frames_are_separated_by_newlines_only_and_numbered(world: World, ann: Person) -> None:
    world.provider.say("a", "b")

    stream = await ann.stream("hello")

    *frames, end = stream.raw.split(b"\n\n")
    assert end == b""
    assert b"\r" not in stream.raw
    assert frames[0].startswith(b"retry: 2000\nid: 1-1\ndata: {")
    assert frames[-1] == b"data: [DONE]"
    for frame in frames[1:-1]:
        id_line, data_line = frame.split(b"\n")
        assert id_line.startswith(b"id: 1-")
        assert data_line.startswith(b"data: {")
    assert stream.raw.count(b"retry:") == 1


async def test_ids_grow_as_pairs_of_integers(world: World, ann: Person) -> None:
    world.provider.say(*["x"] * 30)

    stream = await ann.stream("hello")

    ids = [tuple(map(int, frame.id.split("-"))) for frame in stream.frames if frame.id]
    assert ids == sorted(set(ids))
    assert ids[0] == (1, 1)


async def test_line_and_paragraph_separators_never_stand_raw(world: World, ann: Person) -> None:
    world.provider.call(Call("change_theme", {"value": "a\u2028b\u2029c"}), text=["d\u2028", "\u2029e"])
    world.provider.say("f\u2028\u2029g")

    stream = await ann.stream("x\u2028y")

    assert "\u2028".encode() not in stream.raw
    assert "\u2029".encode() not in stream.raw
    assert stream.text == "d\u2028\u2029e\n\nf\u2028\u2029g"
    running = next(event["tool_call"] for event in stream.events if "tool_call" in event)
    assert running["arguments"] == {"value": "a\u2028b\u2029c"}


async def test_lone_surrogates_are_replaced_and_pairs_are_joined(world: World, ann: Person) -> None:
    world.provider.raw(chunks(r"lone \ud800", r" pair \ud83d", r"\ude00 low \udc00 end"))

    stream = await ann.stream("hello")

    assert stream.text == "lone \ufffd pair 😀 low \ufffd end"


async def test_multi_byte_characters_survive_any_cut_on_the_way(world: World, ann: Person) -> None:
    world.provider.raw(chunks("Grüße ", "你好 ", "👩‍👩‍👧"), split=1)

    assert (await ann.stream("hello")).text == "Grüße 你好 👩‍👩‍👧"


async def test_a_silent_model_is_filled_with_pings(world: World, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sse.PING_S", 0.05)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Hello.")

    async with ann.open_stream("hello") as live:
        await live.until_bytes(b": ping\n\n: ping\n\n: ping\n\n")
        gate.set()
        stream = await live.rest()

    assert stream.text == "Hello."
    assert stream.is_done
    assert b"\r" not in stream.raw


async def test_a_silent_tool_is_filled_with_pings(world: World, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sse.PING_S", 0.05)
    gate = asyncio.Event()

    async def slow(_request: Request, connection: Connection) -> None:
        await gate.wait()
        await connection.respond(200, b'{"count": 42}')

    world.backend.routes["GET /orders/count"] = slow
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")

    async with ann.open_stream("how many?") as live:
        await live.until("tool_call")
        await live.until_bytes(b": ping\n\n: ping\n\n")
        gate.set()
        stream = await live.rest()

    assert stream.text == "42."
    assert stream.is_done


async def test_a_reader_of_a_waiting_run_gets_its_first_frame_and_pings(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sse.PING_S", 0.05)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "One.")
    world.provider.say("Two.")
    async with ann.open_stream("one") as first:
        conversation_id = await first.until("conversation_id")
        async with ann.open_stream("two", conversation_id=conversation_id) as second:
            assert await second.until("conversation_id") == conversation_id
            await second.until_bytes(b": ping\n\n")
            gate.set()
            assert (await second.rest()).text == "Two."
        assert (await first.rest()).text == "One."


def chunks(*escaped: str) -> bytes:
    """Return a provider's stream with these texts, which are JSON already and go out as they stand."""
    pieces = [f'{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}' for text in escaped]
    pieces.append('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
    return "".join(f"data: {piece}\n\n" for piece in [*pieces, "[DONE]"]).encode()

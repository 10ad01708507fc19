"""Runs: their state, their events from any place on, and stopping them."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from support.faults import until
from support.provider import Call
from support.world import OpenWorld, Person, World

SNAPSHOT_KEYS = ["conversation_id", "snapshot", "status"]


async def test_a_run_tells_its_state_times_and_usage(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    answer = (await ann.ask("hello")).json()

    run = (await ann.request("GET", f"/runs/{answer['run_id']}")).json()

    created, started, ended = (
        datetime.fromisoformat(run.pop(f"{what}_at")) for what in ("created", "started", "ended")
    )
    assert created <= started <= ended
    assert created.utcoffset() is not None
    assert run == {
        "id": answer["run_id"],
        "conversation_id": answer["conversation_id"],
        "message_id": answer["message_id"],
        "state": "completed",
        "model": "openai:scripted",
        "attempt": 1,
        "finish_reason": "stop",
        "error": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


async def test_a_run_that_goes_on_says_so(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Hello.")
    async with ann.open_stream("hello") as live:
        run = await read(ann, await live.until("run_id"))
        gate.set()
        await live.rest()

    assert (run["state"], run["ended_at"], run["finish_reason"]) == ("running", None, None)


async def test_any_number_of_readers_read_the_same(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with ann.open_stream("hello") as live:
        await live.until("token")
        run_id = live.so_far.first("run_id")
        readers = [asyncio.create_task(ann.events(run_id)) for _ in range(5)]
        gate.set()
        streams = [await live.rest(), *[await reader for reader in readers], await ann.events(run_id)]

    assert {stream.text for stream in streams} == {"Hello world"}
    assert all(stream.is_done for stream in streams)
    assert len({str([event for event in stream.events if "token" not in event]) for stream in streams}) == 1


async def test_the_stream_of_a_run_has_the_headers_of_a_stream(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    asked = await ann.stream("hello")
    run_id = asked.first("run_id")

    stream = await ann.events(run_id)

    for name in ("x-conversation-id", "location"):
        assert stream.headers[name] == asked.headers[name]

    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-run-id"] == run_id


async def test_the_header_wins_over_the_query(world: World, ann: Person) -> None:
    world.provider.say("Hello.")
    run_id = (await ann.ask("hello")).json()["run_id"]

    rest = await ann.events(run_id, headers={"Last-Event-ID": "1-2"}, after="1-1")

    assert rest.keys == ["status"]


@pytest.mark.parametrize(
    "last_id", ["1-99", "2-1", "9-9", "garbage", "1", "-", "1-", "-1", "1-x", "1.5-2", "ü-1", "٣-١", "1-2-3", " 1-1"]
)
async def test_an_id_that_the_log_does_not_have_gets_a_snapshot_and_never_silence(
    world: World, ann: Person, last_id: str
) -> None:
    world.provider.say("Hello.")
    run_id = (await ann.ask("hello")).json()["run_id"]

    by_query = await ann.events(run_id, after=last_id)

    assert by_query.keys == SNAPSHOT_KEYS
    assert by_query.first("snapshot")["text"] == "Hello."
    assert by_query.is_done
    if last_id.isascii() and last_id == last_id.strip():
        assert (await ann.events(run_id, headers={"Last-Event-ID": last_id})).raw == by_query.raw


@pytest.mark.parametrize("last_id", ["x" * 65, "1-" + "9" * 63])
async def test_an_id_that_is_too_long_is_refused(world: World, ann: Person, last_id: str) -> None:
    world.provider.say("Hello.")
    run_id = (await ann.ask("hello")).json()["run_id"]

    by_header = await ann.request("GET", f"/runs/{run_id}/events", headers={"Last-Event-ID": last_id})
    by_query = await ann.request("GET", f"/runs/{run_id}/events", params={"after": last_id})

    assert [by_header.status_code, by_query.status_code] == [422, 422]
    assert "last-event-id" in by_header.json()["detail"].lower()
    assert "after" in by_query.json()["detail"]


async def test_a_snapshot_of_a_run_that_goes_on_is_followed_by_the_rest(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with ann.open_stream("hello") as live:
        await live.until("token")
        async with ann.open_events(f"/runs/{live.so_far.first('run_id')}/events", after="1-99") as late:
            snapshot = await late.until("snapshot")
            gate.set()
            stream = await late.rest()
        await live.rest()

    assert (snapshot["text"], stream.text) == ("Hello", " world")
    assert stream.keys == ["conversation_id", "snapshot", "token", "status"]


async def test_when_the_log_is_gone_the_run_is_told_from_the_transcript(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(log_keep_s=0.01, assistant={"suggestions": {"static": ["More?"], "from_model": False}})
    ann = world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Wait."])
    world.provider.say("42.")
    live = await ann.stream("how many?")
    world.provider.say("A new log makes room.")
    await ann.ask("and now?")

    told = await ann.events(live.first("run_id"))

    assert told.keys == ["conversation_id", "snapshot", "status", "suggested_questions"]
    assert told.first("snapshot") == {
        "message_id": live.first("message_id"),
        "text": live.text,
        "tools_used": ["count_orders"],
        "actions": [live.first("action")],
    }
    assert told.first("usage") == live.first("usage")
    assert told.is_done
    assert (await ann.events(live.first("run_id"))).raw == told.raw


async def test_the_conversations_stream_is_that_of_its_active_run(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, " world", before=["Hello"])
    async with ann.open_stream("hello") as live:
        await live.until("token")
        conversation_id = live.so_far.first("conversation_id")
        path = f"/conversations/{conversation_id}/stream"
        async with ann.open_events(path) as second:
            await second.until("token")
            gate.set()
            same = await second.rest()
        stream = await live.rest()

    assert same.headers["x-run-id"] == stream.first("run_id")
    assert same.headers["x-conversation-id"] == conversation_id
    assert same.headers["location"] == f"/runs/{stream.first('run_id')}/events"
    assert same.text == stream.text == "Hello world"
    assert same.is_done
    idle = await ann.request("GET", path)
    assert (idle.status_code, idle.content) == (204, b"")


async def test_cancelling_keeps_what_was_said_as_partial(world: World, ann: Person) -> None:
    world.provider.hang("Half of", " it")
    async with ann.open_stream("tell me") as live:
        await live.until_bytes(b"it")
        run_id = live.so_far.first("run_id")
        cancelled = await ann.request("POST", f"/runs/{run_id}/cancel")
        stream = await live.rest()

    assert cancelled.status_code == 200
    assert cancelled.json()["state"] == "cancelled"
    assert stream.first("status") == "cancelled"
    assert stream.first("finish_reason") == "cancelled"
    assert stream.is_done
    assert "error" not in stream.keys
    _, answer = await messages(ann, stream.first("conversation_id"))
    assert (answer["text"], answer["status"], answer["id"]) == ("Half of it", "partial", stream.first("message_id"))
    await until(lambda: world.provider.cancelled == 1)


async def test_cancelling_over_json_answers_the_waiting_client(world: World, ann: Person) -> None:
    world.provider.hang("Half of it")
    key = {"Idempotency-Key": "cancel-me"}
    async with ann.open_stream("tell me", headers=key) as live:
        await live.until("token")
        waiting = asyncio.create_task(ann.ask("tell me", headers=key))
        await ann.request("POST", f"/runs/{live.so_far.first('run_id')}/cancel")
        answer = await waiting

    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert (answer.json()["status"], answer.json()["response"]) == ("cancelled", "Half of it")


async def test_cancelling_twice_or_after_the_end_changes_nothing(world: World, ann: Person) -> None:
    world.provider.hang("Half of it")
    world.provider.say("Whole.")
    async with ann.open_stream("tell me") as live:
        await live.until("token")
        path = f"/runs/{live.so_far.first('run_id')}/cancel"
        first, second = await asyncio.gather(ann.request("POST", path), ann.request("POST", path))
        before = (await live.rest()).raw
    third = await ann.request("POST", path)
    whole = (await ann.ask("again")).json()
    fourth = await ann.request("POST", f"/runs/{whole['run_id']}/cancel")

    assert first.json() == second.json() == third.json()
    assert fourth.json()["state"] == "completed"
    assert (await ann.events(live.so_far.first("run_id"))).keys == ["conversation_id", "token", "status"]
    assert before.count(b'"status"') == 1


async def test_cancelling_stops_a_tool_that_is_out(world: World, ann: Person) -> None:
    arrived = world.backend.hang("GET /orders/count")
    world.provider.call(Call("count_orders"), text=["Let me look."])
    async with ann.open_stream("how many?") as live:
        async with asyncio.timeout(60):
            await arrived.wait()
        await live.until("tool_call")
        run_id = live.so_far.first("run_id")
        run = (await ann.request("POST", f"/runs/{run_id}/cancel")).json()
        stream = await live.rest()

    assert run["state"] == stream.first("status") == "cancelled"
    assert stream.text == "Let me look."


async def test_after_a_cancel_the_conversation_goes_on_and_the_model_is_told(world: World, ann: Person) -> None:
    world.backend.hang("GET /orders/count")
    world.provider.call(Call("count_orders"))
    async with ann.open_stream("how many?") as live:
        await live.until("tool_call")
        await ann.request("POST", f"/runs/{live.so_far.first('run_id')}/cancel")
        conversation_id = (await live.rest()).first("conversation_id")
    world.provider.hang("There ")
    async with ann.open_stream("again", conversation_id=conversation_id) as live:
        await live.until("token")
        await ann.request("POST", f"/runs/{live.so_far.first('run_id')}/cancel")
        await live.rest()
    world.provider.say("Hello.")

    answer = await ann.ask("hello?", conversation_id=conversation_id)

    assert answer.json()["response"] == "Hello."
    said = world.provider.requests[-1]["messages"]
    assert [one["role"] for one in said] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert "stopped" in said[6]["content"]


async def test_the_second_message_waits_its_turn_and_both_complete_in_order(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "One.")
    world.provider.say("Two.")
    world.provider.say("Three.")
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        async with (
            ann.open_stream("second", conversation_id=conversation_id) as second,
            ann.open_stream("third", conversation_id=conversation_id) as third,
        ):
            waiting = await second.until("run_id")
            await third.until("run_id")
            assert (await read(ann, waiting))["state"] == "queued"
            gate.set()
            streams = [await first.rest(), await second.rest(), await third.rest()]

    assert [stream.text for stream in streams] == ["One.", "Two.", "Three."]
    told = [(one["role"], one["text"]) for one in await messages(ann, conversation_id)]
    assert told == [
        *[("user", "first"), ("assistant", "One.")],
        *[("user", "second"), ("assistant", "Two.")],
        *[("user", "third"), ("assistant", "Three.")],
    ]
    assert [len(request["messages"]) for request in world.provider.requests] == [2, 4, 6]


async def test_a_waiting_run_can_be_cancelled_and_the_next_one_follows(world: World, ann: Person) -> None:
    gate = asyncio.Event()
    world.provider.wait_for(gate, "One.")
    world.provider.say("Three.")
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        async with (
            ann.open_stream("second", conversation_id=conversation_id) as second,
            ann.open_stream("third", conversation_id=conversation_id) as third,
        ):
            waiting = await second.until("run_id")
            await third.until("run_id")
            cancelled = await ann.request("POST", f"/runs/{waiting}/cancel")
            stopped = await second.rest()
            gate.set()
            assert (await first.rest()).text == "One."
            assert (await third.rest()).text == "Three."

    assert cancelled.json()["state"] == "cancelled"
    assert stopped.keys == ["conversation_id", "status"]
    assert stopped.first("status") == "cancelled"


async def test_a_failed_run_lets_the_waiting_one_begin(world: World, ann: Person) -> None:
    arrived = world.backend.hang("GET /reports/slow")
    world.provider.call(Call("slow_report"))
    world.provider.fail(401)
    world.provider.say("Two.")
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            await second.until("run_id")
            assert (await first.rest()).first("status") == "failed"
            assert (await second.rest()).text == "Two."

    assert arrived.is_set()


@pytest.mark.parametrize("policy_from", ["request", "assistant"])
async def test_a_second_message_can_be_refused_while_one_is_answered(
    open_frontdesk: OpenWorld, policy_from: str
) -> None:
    by_request = policy_from == "request"
    world = await open_frontdesk(assistant={} if by_request else {"when_active": "reject"})
    ann, gate = world.person(), asyncio.Event()
    world.provider.wait_for(gate, "One.")
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        before = world.rows()
        policy = "reject" if by_request else None
        refused = await ann.ask("second", conversation_id=conversation_id, when_active=policy)
        assert world.rows() == before
        gate.set()
        await first.rest()

    assert (refused.status_code, refused.json()["code"]) == (409, "run_active")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["run_id"] == first.so_far.first("run_id")


async def test_a_second_message_can_interrupt_the_first(world: World, ann: Person) -> None:
    world.provider.hang("One")
    world.provider.say("Two.")
    async with ann.open_stream("first") as first:
        await first.until("token")
        conversation_id = first.so_far.first("conversation_id")
        second = await ann.ask("second", conversation_id=conversation_id, when_active="interrupt")
        stopped = await first.rest()

    assert stopped.first("status") == "cancelled"
    assert second.json()["response"] == "Two."


async def read(ann: Person, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = (await ann.request("GET", f"/runs/{run_id}")).json()
    return run


async def messages(ann: Person, conversation_id: str) -> list[dict[str, Any]]:
    page = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()
    found: list[dict[str, Any]] = page["items"]
    return found

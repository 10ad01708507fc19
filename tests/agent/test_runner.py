"""Stopping a run, by its user or because nobody reads it: cut at once, kept what was said, told to the next model."""

import asyncio

import anyio
import pytest
from support.faults import Hanging, cancel, database_that_hangs, open_events, reaches, rows, state, texts, until
from support.provider import Call
from support.world import LiveStream, OpenWorld, World

from agent.attempt.stop import StoppedError, Stopper
from agent.principal import Principal
from agent.prompt.history import LOST_RESULT, STOPPED_NOTE, UNANSWERED_NOTE
from agent.store.conversations import create_conversation, list_conversations
from agent.store.database import Store
from agent.store.tables import messages, runs, tool_calls


async def id_of(live: LiveStream) -> str:
    return str(await live.until("run_id"))


async def test_a_stop_ends_the_answer_and_closes_the_request_to_the_model(world: World) -> None:
    """G3: stopped from another connection; the stream says so and ends."""
    world.provider.hang("Half an ", "answer")
    ann = world.person()
    async with ann.open_stream("tell me everything") as live:
        run_id = await id_of(live)
        await live.until_bytes(b"answer")
        stopped = await cancel(ann, run_id)
        stream = await live.rest()
    assert (stopped["state"], stopped["finish_reason"]) == ("cancelled", "cancelled")
    assert stream.keys == ["conversation_id", "token", "status"]
    assert stream.first("status") == "cancelled"
    assert stream.is_done
    await until(lambda: world.provider.cancelled == 1)


async def test_what_was_said_is_kept_as_partial_and_the_next_model_is_told_that_it_was_stopped(world: World) -> None:
    """G4: the words, the mark, and the note that keeps the model from going on with them."""
    world.provider.hang("Half an ", "answer")
    ann = world.person()
    async with ann.open_stream("tell me everything") as live:
        conversation_id = await live.until("conversation_id")
        await live.until_bytes(b"answer")
        await cancel(ann, await id_of(live))
    page = (await ann.request("GET", f"/conversations/{conversation_id}/messages")).json()
    assert [(one["role"], one["text"], one["status"]) for one in page["items"]] == [
        ("user", "tell me everything", "complete"),
        ("assistant", "Half an answer", "partial"),
    ]

    world.provider.say("Something else.")
    await ann.ask("and now?", conversation_id=conversation_id)
    assert texts(world.provider.requests[-1]) == [
        ("user", "tell me everything"),
        ("assistant", f"Half an answer\n\n{STOPPED_NOTE}"),
        ("user", "and now?"),
    ]


async def test_stopping_again_and_at_the_same_time_changes_nothing(world: World) -> None:
    """G3: idempotent. G12: one end."""
    world.provider.hang("Half")
    ann = world.person()
    async with ann.open_stream("tell me") as live:
        run_id = await id_of(live)
        await live.until_bytes(b"Half")
        first = await asyncio.gather(*(cancel(ann, run_id) for _ in range(5)))
        again = await cancel(ann, run_id)
        stream = await live.rest()
    assert [one["state"] for one in first] == ["cancelled"] * 5
    assert all(one == again for one in first)
    assert sum("status" in event for event in stream.events) == 1
    assert len(await rows(world, messages, role="assistant")) == 1


async def test_stopping_what_is_over_leaves_it_as_it_is(world: World) -> None:
    """G3: an answer that is whole stays whole."""
    world.provider.say("All of it.")
    ann = world.person()
    run_id = (await ann.ask("tell me")).json()["run_id"]
    assert (await cancel(ann, run_id))["state"] == "completed"
    assert [row["status"] for row in await rows(world, messages, role="assistant")] == ["complete"]


async def test_a_stop_before_the_first_word_stores_no_answer(world: World) -> None:
    """G4: the next transcript is valid all the same."""
    world.provider.hang()
    ann = world.person()
    async with ann.open_stream("tell me") as live:
        conversation_id = await live.until("conversation_id")
        await until(lambda: len(world.provider.requests) == 1)
        await cancel(ann, await id_of(live))
    await until(lambda: world.provider.cancelled == 1)
    world.provider.say("Yes.")
    await ann.ask("and now?", conversation_id=conversation_id)
    assert texts(world.provider.requests[-1])[:2] == [("user", "tell me"), ("assistant", UNANSWERED_NOTE)]


async def test_a_queued_run_can_be_stopped_and_is_never_asked_of_the_model(world: World) -> None:
    """G3: also where it only waits."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    ann = world.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            assert (await cancel(ann, await id_of(second)))["state"] == "cancelled"
            stream = await second.rest()
        gate.set()
        assert (await first.rest()).text == "one"
    assert (stream.keys, stream.first("status")) == (["conversation_id", "status"], "cancelled")
    world.provider.say("three")
    await ann.ask("third", conversation_id=conversation_id)
    assert texts(world.provider.requests[-1]) == [
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second"),
        ("assistant", UNANSWERED_NOTE),
        ("user", "third"),
    ]


async def test_a_stop_closes_the_requests_of_tools_and_keeps_the_results_that_are_there(world: World) -> None:
    """G3: the tool's request is closed too. G4: what a finished call returned is not forgotten."""
    counting = Hanging(world, "GET /orders/count")
    world.backend.answer("GET /orders/7", {"item": "tea"})
    world.provider.call(Call("count_orders", id="a"), Call("find_order", {"number": 7}, id="b"))
    ann = world.person()
    async with ann.open_stream("what and how many?") as live:
        conversation_id = await live.until("conversation_id")
        await live.until_bytes(b'"status":"ok"')
        await until(lambda: counting.arrived == 1)
        await cancel(ann, await id_of(live))
        await live.rest()
    await until(lambda: counting.closed == 1)

    world.provider.say("Tea.")
    await ann.ask("and?", conversation_id=conversation_id)
    assert texts(world.provider.requests[-1])[1:-1] == [
        ("assistant", ""),
        ("tool", LOST_RESULT),
        ("tool", '{"item":"tea"}'),
        ("assistant", UNANSWERED_NOTE),
    ]


async def test_a_write_that_was_out_when_the_run_was_stopped_is_told_as_unknown_and_not_made_again(
    world: World,
) -> None:
    """G10: also after a stop."""
    creating = Hanging(world, "POST /orders")
    world.provider.call(Call("create_order", {"item": "tea"}))
    ann = world.person()
    async with ann.open_stream("order tea") as live:
        conversation_id = await live.until("conversation_id")
        await until(lambda: creating.arrived == 1)
        await cancel(ann, await id_of(live))
    await until(lambda: creating.closed == 1)
    [call] = await rows(world, tool_calls)
    assert call["state"] == "unknown"
    world.provider.say("I do not know.")
    await ann.ask("is it ordered?", conversation_id=conversation_id)
    assert ("tool", LOST_RESULT) in texts(world.provider.requests[-1])
    assert world.backend.effects == {call["id"]: 1}


async def test_a_stop_never_interrupts_a_commit(store: Store) -> None:
    """G5: a transaction that has begun is decided before the stop is felt."""
    ann, stopper = Principal("acme", "ann"), Stopper()

    async def write() -> None:
        async with store.write("acme") as connection:
            await create_conversation(connection, ann, title="before")
            stopper.stop("cancelled")
            await create_conversation(connection, ann, title="after")

    with pytest.raises(StoppedError), stopper.stoppable():
        async with anyio.create_task_group() as group:
            group.start_soon(write)
    async with store.read("acme") as connection:
        found = await list_conversations(connection, ann, limit=9, after=None)
    assert {one.title for one in found} == {"before", "after"}


async def test_the_end_is_told_only_when_it_is_committed(open_frontdesk: OpenWorld, database_url: str) -> None:
    """G12: what a reader hears is so."""
    world = await open_frontdesk(database_url=database_url, lease_s=60, lease_lost_after_s=50)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "second", before=["first "])
    async with world.person().open_stream("tell me") as live:
        await live.until_bytes(b"first ")
        async with database_that_hangs(database_url):
            gate.set()
            await live.until_bytes(b"second")
            ending = asyncio.create_task(live.until("status"))
            await asyncio.wait([ending], timeout=0.5)
            assert not ending.done()
        assert await ending == "completed"


async def test_nobody_else_can_stop_a_run(world: World) -> None:
    """G3: a foreign id is a missing id."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "mine")
    ann = world.person()
    async with ann.open_stream("tell me") as live:
        run_id = await id_of(live)
        for stranger in (world.person(user="ben"), world.person(tenant="rival")):
            assert (await stranger.request("POST", f"/runs/{run_id}/cancel")).status_code == 404
        gate.set()
        assert (await live.rest()).text == "mine"


async def test_a_run_goes_on_without_a_reader(world: World) -> None:
    """G6: the default."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "answer")
    ann = world.person()
    async with ann.open_stream("tell me") as live:
        run_id = await id_of(live)
    gate.set()
    await reaches(ann, run_id, "completed")
    assert (await ann.events(run_id)).text == "answer"


async def test_a_run_that_nobody_reads_is_stopped_after_the_time_that_the_assistant_gives(
    open_frontdesk: OpenWorld,
) -> None:
    """G6: and what it said is kept."""
    world = await open_frontdesk(assistant={"on_disconnect": {"cancel_after_s": 0.1}})
    world.provider.hang("Half")
    ann = world.person()
    async with ann.open_stream("tell me") as live:
        run_id = await id_of(live)
        await live.until_bytes(b"Half")
    await reaches(ann, run_id, "cancelled")
    await until(lambda: world.provider.cancelled == 1)
    assert [row["status"] for row in await rows(world, messages, role="assistant")] == ["partial"]


async def test_a_client_of_json_that_goes_away_is_no_reader_any_more(open_frontdesk: OpenWorld) -> None:
    """G6: it waited for the whole answer, so nothing was ever sent to it that could have failed."""
    world = await open_frontdesk(assistant={"on_disconnect": {"cancel_after_s": 0.1}})
    world.provider.hang("Half")
    ann, runner = world.person(), world.app.state.services.runner
    asking = asyncio.create_task(ann.ask("tell me"))
    await until(lambda: runner.reader_count == 1 and len(world.provider.requests) == 1)
    asking.cancel()
    await asyncio.wait([asking])
    await until(lambda: runner.reader_count == 0)
    [run] = await rows(world, runs)
    await reaches(ann, str(run["id"]), "cancelled")
    await until(lambda: world.provider.cancelled == 1)


async def test_a_run_whose_client_of_json_went_away_is_read_by_posting_again(world: World) -> None:
    """G6 G8: it went on meanwhile."""
    gate, key = asyncio.Event(), {"Idempotency-Key": "key"}
    world.provider.wait_for(gate, "answer")
    ann, runner = world.person(), world.app.state.services.runner
    asking = asyncio.create_task(ann.ask("tell me", headers=key))
    await until(lambda: runner.reader_count == 1)
    asking.cancel()
    await until(lambda: runner.reader_count == 0)
    gate.set()
    assert (await ann.ask("tell me", headers=key)).json()["response"] == "answer"


async def test_a_reader_that_comes_back_in_time_prevents_the_stop(open_frontdesk: OpenWorld) -> None:
    """G6: the run is stopped only where nobody reads."""
    world = await open_frontdesk(assistant={"on_disconnect": {"cancel_after_s": 4}})
    gate = asyncio.Event()
    world.provider.wait_for(gate, "read ", before=["To be "])
    world.provider.hang("Unread")
    ann = world.person()
    async with ann.open_stream("first") as live:
        kept = await id_of(live)
        await live.until_bytes(b"To be ")
    async with open_events(ann, kept) as back:
        await back.until("run_id")
        async with ann.open_stream("second") as live:
            left = await id_of(live)
        await reaches(ann, left, "cancelled")  # it was left later
        assert await state(ann, kept) == "running"
        gate.set()
        assert (await back.rest()).text == "To be read "


async def test_the_time_without_a_reader_counts_from_the_last_one(open_frontdesk: OpenWorld) -> None:
    """G6: leaving, coming back and leaving again begins it anew."""
    world = await open_frontdesk(assistant={"on_disconnect": {"cancel_after_s": 3}})
    world.provider.hang("one")
    world.provider.hang("two")
    ann = world.person()
    async with ann.open_stream("first") as live:
        twice = await id_of(live)
        await live.until_bytes(b"one")
    async with open_events(ann, twice) as back:
        await back.until("run_id")
        async with ann.open_stream("second") as live:
            once = await id_of(live)
            await live.until_bytes(b"two")
        installation = world.app.state.services
        await until(lambda: installation.runner.reader_count == 1)
    await reaches(ann, once, "cancelled")
    await reaches(ann, twice, "cancelled")
    ended = {str(row["id"]): row["ended_at"] for row in await rows(world, runs)}
    assert ended[once] < ended[twice]

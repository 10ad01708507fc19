"""A second message while the first is being answered, and equal posts: what becomes of each, under any race."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from support.faults import cancel, execute, open_events, reaches, rows, state, texts, until
from support.world import OpenWorld, Person, World

from agent.principal import Principal
from agent.prompt.history import STOPPED_NOTE, UNANSWERED_NOTE
from agent.store.conversations import create_conversation
from agent.store.database import Store
from agent.store.messages import NewMessage, append_messages
from agent.store.runs import NewRun, insert_run
from agent.store.tables import conversations, messages, runs


@pytest.fixture
async def both(open_frontdesk: OpenWorld, database_url: str) -> World:
    """An installation on each kind of database."""
    return await open_frontdesk(database_url=database_url)


async def begun(person: Person, world: World) -> str:
    """Return a conversation that has a turn already."""
    world.provider.say("Hello.")
    return str((await person.ask("hi")).json()["conversation_id"])


async def test_a_second_message_waits_for_the_first_and_its_stream_pings_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G7: enqueue is the default."""
    monkeypatch.setattr("api.sse.PING_S", 1)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    world.provider.say("two")
    ann = world.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            waiting = await second.until("run_id")
            assert await state(ann, waiting) == "queued"
            await second.until_bytes(b": ping")
            assert len(world.provider.requests) == 1
            gate.set()
            assert (await second.rest()).text == "two"
        assert (await first.rest()).text == "one"
    assert texts(world.provider.requests[1]) == [("user", "first"), ("assistant", "one"), ("user", "second")]


async def test_three_queued_messages_keep_their_order(both: World) -> None:
    """G7: each is answered with those before it in sight."""
    gate = asyncio.Event()
    both.provider.wait_for(gate, "0")
    ann = both.person()
    for n in "123":
        both.provider.say(n)
    async with ann.open_stream("message 0") as first:
        conversation_id = await first.until("conversation_id")
        run_ids = []
        for n in "123":
            async with ann.open_stream(f"message {n}", conversation_id=conversation_id) as queued:
                run_ids.append(await queued.until("run_id"))
        gate.set()
        await reaches(ann, run_ids[-1], "completed")
    assert texts(both.provider.requests[-1]) == [
        *(pair for n in "012" for pair in (("user", f"message {n}"), ("assistant", n))),
        ("user", "message 3"),
    ]
    assert [(await ann.events(run_id)).text for run_id in run_ids] == ["1", "2", "3"]


async def test_a_message_can_be_refused_while_the_last_one_is_answered(open_frontdesk: OpenWorld) -> None:
    """G7: the refusal names the run; nothing is stored."""
    world = await open_frontdesk(assistant={"when_active": "reject"})
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    ann = world.person()
    async with ann.open_stream("first") as first:
        run_id = await first.until("run_id")
        conversation_id = await first.until("conversation_id")
        refused = await ann.ask("second", conversation_id=conversation_id)
        gate.set()
        await first.rest()
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["code"], problem["run_id"]) == ("run_active", run_id)
    assert [row["text"] for row in await rows(world, messages)] == ["first", "one"]


@pytest.mark.each_engine
async def test_of_messages_that_arrive_at_once_a_refusing_conversation_takes_one(both: World) -> None:
    """G7: also under a race, on both databases."""
    ann = both.person()
    conversation_id = await begun(ann, both)
    gate = asyncio.Event()
    both.provider.wait_for(gate, "the one")

    async def post(n: int) -> httpx2.Response:
        return await ann.ask(f"message {n}", conversation_id=conversation_id, when_active="reject")

    posts = [asyncio.create_task(post(n)) for n in range(8)]
    await until(lambda: sum(post.done() for post in posts) == 7)
    gate.set()
    statuses = sorted([(await post).status_code for post in posts])
    assert statuses == [200] + [409] * 7
    assert len(await rows(both, runs)) == 2


async def test_a_message_can_interrupt_the_answer_before_it(both: World) -> None:
    """G7: the old answer is kept as far as it came, and marked."""
    both.provider.hang("Old ")
    both.provider.say("New.")
    ann = both.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        await first.until_bytes(b"Old ")
        second = await ann.stream("no, this", conversation_id=conversation_id, when_active="interrupt")
        stopped = await first.rest()
    assert stopped.first("status") == "cancelled"
    assert second.text == "New."
    await until(lambda: both.provider.cancelled == 1)
    assert texts(both.provider.requests[-1]) == [
        ("user", "first"),
        ("assistant", f"Old \n\n{STOPPED_NOTE}"),
        ("user", "no, this"),
    ]


async def test_an_interrupting_message_stops_the_queued_ones_too(world: World) -> None:
    """G7: all that came before it."""
    world.provider.hang("Old")
    world.provider.say("New.")
    ann = world.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        await first.until_bytes(b"Old")
        async with ann.open_stream("second", conversation_id=conversation_id) as second:
            await second.until("run_id")
            third = await ann.stream("third", conversation_id=conversation_id, when_active="interrupt")
            assert [(await one.rest()).first("status") for one in (first, second)] == ["cancelled"] * 2
    assert third.text == "New."
    assert texts(world.provider.requests[-1])[-3:] == [
        ("user", "second"),
        ("assistant", UNANSWERED_NOTE),
        ("user", "third"),
    ]


async def test_the_assistant_says_what_is_done_and_a_request_can_say_otherwise(open_frontdesk: OpenWorld) -> None:
    """G7: by assistant and by request."""
    world = await open_frontdesk(assistant={"when_active": "interrupt"})
    world.provider.hang("Old")
    world.provider.say("New.")
    ann = world.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        await first.until_bytes(b"Old")
        refused = await ann.ask("second", conversation_id=conversation_id, when_active="reject")
        assert refused.status_code == 409
        assert (await ann.stream("third", conversation_id=conversation_id)).text == "New."
        assert (await first.rest()).first("status") == "cancelled"


async def test_a_message_to_a_conversation_of_somebody_else_is_a_404_whatever_the_policy(world: World) -> None:
    """G7: and says nothing of what runs there."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "one")
    ann = world.person()
    async with ann.open_stream("first") as first:
        conversation_id = await first.until("conversation_id")
        for stranger in (world.person(user="ben"), world.person(tenant="rival")):
            for policy in ("enqueue", "reject", "interrupt"):
                refused = await stranger.ask("hello", conversation_id=conversation_id, when_active=policy)
                assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        gate.set()
        assert (await first.rest()).text == "one"


async def test_fifty_equal_posts_at_once_make_one_message_one_run_and_one_model_call(both: World) -> None:
    """G8: streams and JSON mixed, on both databases."""
    both.provider.say("The ", "answer.")
    ann = both.person()

    async with ann.client() as client:

        async def post(n: int) -> httpx2.Response:
            accept = "text/event-stream" if n % 2 else "application/json"
            headers = {"Idempotency-Key": "key", "Accept": accept}
            return await client.post("/chat", json={"message": "once"}, headers=headers)

        responses = await asyncio.gather(*(post(n) for n in range(50)))

    assert {response.status_code for response in responses} == {200}
    assert len({response.headers["x-run-id"] for response in responses}) == 1
    answers = {response.content for response in responses[::2]}
    assert len(answers) == 1
    assert all(b'"status":"completed"' in response.content for response in responses)
    assert [(row["role"], row["text"]) for row in await rows(both, messages)] == [
        ("user", "once"),
        ("assistant", "The answer."),
    ]
    assert len(await rows(both, runs)) == 1
    assert len(await rows(both, conversations)) == 1
    assert len(both.provider.requests) == 1


async def test_fifty_equal_posts_to_one_conversation_make_one_turn(both: World) -> None:
    """G8: where they race for the conversation's next turn too."""
    ann = both.person()
    conversation_id = await begun(ann, both)
    both.provider.say("Again.")

    async def post() -> str:
        body: dict[str, Any] = {"conversation_id": conversation_id}
        return str((await ann.ask("once", headers={"Idempotency-Key": "key"}, **body)).json()["run_id"])

    assert len(set(await asyncio.gather(*(post() for _ in range(50))))) == 1
    assert len(await rows(both, runs)) == 2


async def test_a_key_with_another_body_is_refused(world: World) -> None:
    """G9: and the first run is not touched."""
    world.provider.say("One.")
    ann = world.person()
    key = {"Idempotency-Key": "key"}
    first = await ann.ask("once", headers=key)
    other = await ann.ask("something else", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert (await ann.ask("once", headers=key)).content == first.content
    assert len(await rows(world, messages)) == 2


async def test_a_key_belongs_to_one_user_of_one_tenant(world: World) -> None:
    """G9: the same key of others is another key."""
    people = [world.person(), world.person(user="ben"), world.person(tenant="rival")]
    run_ids = set()
    for person in people:
        world.provider.say("Yes.")
        run_ids.add((await person.ask("once", headers={"Idempotency-Key": "key"})).json()["run_id"])
    assert len(run_ids) == 3


async def test_a_key_is_free_again_after_its_time(both: World) -> None:
    """G9: `idempotency_keep_s` after the run was made."""
    both.provider.say("One.")
    both.provider.say("Two.")
    ann = both.person()
    key = {"Idempotency-Key": "key"}
    first = (await ann.ask("once", headers=key)).json()
    past = datetime.now(UTC) - timedelta(seconds=both.settings.idempotency_keep_s + 1)
    await execute(both, update(runs).values(created_at=past))
    second = (await ann.ask("once", headers=key)).json()
    assert (first["response"], second["response"]) == ("One.", "Two.")
    assert first["run_id"] != second["run_id"]
    assert (await ann.ask("once", headers=key)).json()["run_id"] == second["run_id"]


async def test_the_database_itself_lets_one_run_of_a_conversation_work(store: Store) -> None:
    """G7: whatever the code believes."""
    ann = Principal("acme", "ann")
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, ann, title="one")
        for _ in range(2):
            await insert_run(connection, ann, NewRun(conversation_id, "m", "worker"))
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await connection.execute(update(runs).values(state="running"))


async def test_the_database_itself_keeps_one_answer_of_a_step(store: Store) -> None:
    """G13: of two workers that both finish it, one is refused."""
    ann = Principal("acme", "ann")
    answer = NewMessage("assistant", "yes", step=1)
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, ann, title="one")
        run = await insert_run(connection, ann, NewRun(conversation_id, "m", "worker"))
        await append_messages(connection, ann, conversation_id, run_id=run.id, turn=1, new=[answer])
    with pytest.raises(IntegrityError):
        async with store.write("acme") as connection:
            await append_messages(connection, ann, conversation_id, run_id=run.id, turn=1, new=[answer])


async def test_an_equal_post_to_a_stopped_or_queued_run_gets_that_run(world: World) -> None:
    """G8: whatever became of it."""
    world.provider.hang("Half")
    ann = world.person()
    key = {"Idempotency-Key": "key"}
    async with ann.open_stream("once", headers=key) as live:
        run_id = await live.until("run_id")
        conversation_id = await live.until("conversation_id")
        await live.until_bytes(b"Half")
        other = {"Idempotency-Key": "other"}
        async with ann.open_stream("next", headers=other, conversation_id=conversation_id) as queued:
            waiting = await queued.until("run_id")
            async with ann.open_stream("next", headers=other, conversation_id=conversation_id) as again:
                assert await again.until("run_id") == waiting
        await cancel(ann, waiting)
        await cancel(ann, run_id)
    again_stream = await ann.stream("once", headers=key)
    assert (again_stream.first("run_id"), again_stream.first("status")) == (run_id, "cancelled")
    async with open_events(ann, waiting) as ended:
        assert (await ended.rest()).first("status") == "cancelled"

"""Messages: numbered without gaps by any number of writers, ordered by turn, kept whole."""

import pytest
from sqlalchemy.exc import IntegrityError
from support.rows import ANN, BEN, at_once, finish, new_conversation, new_run, say

from agent.errors import NotFoundError
from agent.events.schema import Usage
from agent.store.database import Store
from agent.store.messages import (
    NewMessage,
    StoredMessage,
    ToolCall,
    append_messages,
    list_messages,
    recent_messages,
    run_messages,
)
from agent.store.runs import Run

WRITERS = 20


def result(call_id: str, text: str = "{}", step: int = 1) -> NewMessage:
    return NewMessage("tool", text, step, tool_call_id=call_id, tool_name="find_order")


async def whole(store: Store, run: Run) -> list[StoredMessage]:
    async with store.read("acme") as connection:
        return await list_messages(connection, ANN, run.conversation_id, limit=1000, after=None)


async def test_positions_have_no_gaps_under_many_writers(store: Store) -> None:
    run = await new_run(store)
    batches = [[result(f"{writer}-{n}") for n in range(writer % 3 + 1)] for writer in range(WRITERS)]
    assert not [
        error
        for error in await at_once(say(store, run, *batch) for batch in batches)
        if isinstance(error, BaseException)
    ]
    messages = await whole(store, run)
    assert [message.position for message in messages] == list(range(1, sum(map(len, batches)) + 2))
    for batch in batches:
        places = [
            message.position for message in messages if message.tool_call_id in {new.tool_call_id for new in batch}
        ]
        assert places == list(range(places[0], places[0] + len(batch))), "one writer's messages stay together"


async def test_a_transaction_that_fails_leaves_no_gap(store: Store) -> None:
    run = await new_run(store)
    with pytest.raises(IntegrityError):
        await say(store, run, result("a"), result("a"))
    await say(store, run, result("b"))
    assert [message.position for message in await whole(store, run)] == [1, 2]


async def test_what_is_added_is_returned_as_it_is_read_back(store: Store) -> None:
    run = await new_run(store)
    calls = (ToolCall("c1", "find_order", {"n": 1}),)
    asked = NewMessage("assistant", "One moment.", 1, tool_calls=calls, model="demo", usage=Usage(3, 4))
    async with store.write("acme") as connection:
        added = await append_messages(
            connection, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[asked, result("c1")]
        )
    assert added == (await whole(store, run))[1:]


async def test_a_message_comes_back_as_it_was_written(store: Store) -> None:
    run = await new_run(store)
    text = "Grüße 世界 😀 \u2028 'quotes' \\ %s {} \r\n\t"
    calls = (ToolCall("c1", "find_order", {"n": 1, "t": text, "nul": "\x00", "deep": [{"a": None, "b": 1.5}]}),)
    new = NewMessage("assistant", text, 1, tool_calls=calls, model="demo", usage=Usage(3, 4), status="partial")
    message_id = (await say(store, run, new))[0]
    await say(store, run, NewMessage("tool", text, 1, tool_call_id="c1", tool_name="find_order", is_error=True))
    asked, answered = (await whole(store, run))[1:]
    assert (asked.id, asked.run_id, asked.turn, asked.step, asked.role) == (message_id, run.id, 1, 1, "assistant")
    assert (asked.text, asked.tool_calls, asked.model, asked.usage, asked.status) == (
        text,
        calls,
        "demo",
        Usage(3, 4),
        "partial",
    )
    assert (answered.role, answered.text, answered.tool_call_id, answered.tool_name) == (
        "tool",
        text,
        "c1",
        "find_order",
    )
    assert (answered.is_error, answered.usage, answered.tool_calls) == (True, None, ())


async def test_a_large_message_is_kept_whole(store: Store) -> None:
    run = await new_run(store)
    text = "世" * 200_000
    await say(store, run, NewMessage("assistant", text, 1))
    assert (await whole(store, run))[-1].text == text


async def test_times_are_aware_and_utc(store: Store) -> None:
    offset = (await whole(store, await new_run(store)))[0].created_at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0


async def test_a_message_that_waited_in_the_queue_belongs_behind_the_turn_before_it(store: Store) -> None:
    first = await new_run(store)
    second = await new_run(store, conversation_id=first.conversation_id)
    await say(store, first, NewMessage("assistant", "the first answer", 1))
    await finish(store, first)
    await say(store, second, NewMessage("assistant", "the second answer", 1))
    messages = await whole(store, first)
    assert [(message.turn, message.position) for message in messages] == [(1, 1), (1, 3), (2, 2), (2, 4)]
    async with store.read("acme") as connection:
        recent = await recent_messages(connection, ANN, first.conversation_id, before_turn=2, limit=10)
    assert [message.text for message in recent] == ["how many?", "the first answer"]


async def test_pages_joined_are_the_whole(store: Store) -> None:
    run = await new_run(store)
    await say(store, run, *(result(f"c{n}") for n in range(10)))
    pages: list[StoredMessage] = []
    async with store.read("acme") as connection:
        for _ in range(5):  # the last one is empty
            after = (pages[-1].turn, pages[-1].position) if pages else None
            page = await list_messages(connection, ANN, run.conversation_id, limit=3, after=after)
            assert len(page) <= 3
            pages += page
    assert pages == await whole(store, run)
    assert len(pages) == 11


async def test_the_recent_messages_are_the_last_ones_oldest_first(store: Store) -> None:
    run = await new_run(store)
    await say(store, run, *(result(f"c{n}") for n in range(10)))
    async with store.read("acme") as connection:
        recent = await recent_messages(connection, ANN, run.conversation_id, before_turn=2, limit=3)
        none = await recent_messages(connection, ANN, run.conversation_id, before_turn=1, limit=3)
    assert [message.tool_call_id for message in recent] == ["c7", "c8", "c9"]
    assert none == []


async def test_a_runs_messages_are_its_own(store: Store) -> None:
    first = await new_run(store)
    second = await new_run(store, conversation_id=first.conversation_id)
    async with store.read("acme") as connection:
        assert [message.run_id for message in await run_messages(connection, ANN, second)] == [second.id]


async def test_a_step_is_answered_once(store: Store) -> None:
    run = await new_run(store)
    await say(store, run, NewMessage("assistant", "mine", 1))
    with pytest.raises(IntegrityError):
        await say(store, run, NewMessage("assistant", "the zombie's", 1))
    await say(store, run, NewMessage("assistant", "the next", 2))


async def test_a_call_has_one_result(store: Store) -> None:
    run = await new_run(store)
    await say(store, run, result("a"))
    with pytest.raises(IntegrityError):
        await say(store, run, result("a", "the zombie's"))


@pytest.mark.parametrize(
    "odd",
    [
        NewMessage("tool", "a result of nothing", 1),
        NewMessage("assistant", "an answer to a call", 1, tool_call_id="a"),
        NewMessage("system", "a role that nobody has", 1),  # type: ignore[arg-type]
        NewMessage("user", "half", 1, status="half"),  # type: ignore[arg-type]
    ],
    ids=lambda message: message.text,
)
async def test_what_is_no_message_is_refused_by_the_database(store: Store, odd: NewMessage) -> None:
    run = await new_run(store)
    with pytest.raises(IntegrityError):
        await say(store, run, odd)


async def test_nobody_writes_into_a_colleagues_conversation(store: Store) -> None:
    run = await new_run(store)
    with pytest.raises(NotFoundError):
        await say(store, run, result("a"), who=BEN)
    assert len(await whole(store, run)) == 1


async def test_an_empty_conversation_has_no_messages(store: Store) -> None:
    conversation_id = await new_conversation(store)
    async with store.read("acme") as connection:
        assert await list_messages(connection, ANN, conversation_id, limit=5, after=None) == []

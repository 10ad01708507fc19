"""Versions: a turn takes the place of another one; what it supersedes is kept as it was, and counts no more."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from support.rows import ANN, BEN, EVE, WORKER, at_once, finish, in_one, new_conversation, new_run, say
from support.searching import index_all, search

from agent.errors import NotFoundError, SupersededError
from agent.principal import Principal
from agent.store.database import Store, new_id
from agent.store.feedback import Feedback, rate_message
from agent.store.messages import (
    NewMessage,
    StoredMessage,
    ToolCall,
    TranscriptMessage,
    append_messages,
    list_messages,
    recent_messages,
)
from agent.store.runs import KeyTakenError, NewRun, Run, active_run, insert_run, unfinished_runs
from agent.store.tables import feedback
from agent.store.tool_calls import propose_calls, settle_call, start_call
from agent.store.versions import DoneWrite, find_turn, supersede, superseded_writes

Place = tuple[int, int, str, int | None]


async def answered(store: Store, conversation_id: UUID | None = None, text: str = "42") -> Run:
    """Add a turn with its answer."""
    run = await new_run(store, conversation_id=conversation_id)
    await say(store, run, NewMessage("assistant", text, 1, id=run.message_id))
    await finish(store, run)
    return run


async def replace(store: Store, replaced: Run, *, text: str | None = None, who: Principal = ANN) -> Run:
    """Let a new turn take the place of one: with a message of its own where there is a text, else with the same."""
    async with store.write("acme") as connection:
        found = await find_turn(connection, who, replaced.conversation_id, message_id=replaced.message_id)
        new = NewRun(replaced.conversation_id, "demo", WORKER, replaces=found.turn)
        run = await insert_run(connection, who, new)
        await supersede(connection, who, found, by=run, keeps_message=text is None)
        if text is not None:
            said = NewMessage("user", text, step=0)
            await append_messages(connection, who, run.conversation_id, run_id=run.id, turn=run.turn, new=[said])
        return run


async def everything(store: Store, run: Run, **more: Any) -> list[StoredMessage]:
    async with store.read("acme") as connection:
        return await list_messages(connection, ANN, run.conversation_id, limit=1000, after=None, **more)


async def counting(store: Store, run: Run) -> list[tuple[int, str]]:
    """Return the turns and texts of what counts, which is what a list and a model's window show."""
    listed = await everything(store, run)
    async with store.read("acme") as connection:
        window = await recent_messages(connection, ANN, run.conversation_id, before_turn=1000, limit=1000)
    assert window == [
        TranscriptMessage(**{name: getattr(message, name) for name in TranscriptMessage.__slots__})
        for message in listed
    ]
    return [(message.turn, message.text) for message in listed]


async def places(store: Store, run: Run) -> list[Place]:
    return [
        (message.turn, message.position, message.text, message.superseded_by)
        for message in await everything(store, run, with_superseded=True)
    ]


async def test_a_message_that_is_answered_again_goes_over_to_the_new_turn(store: Store) -> None:
    first = await answered(store)
    before = await everything(store, first)
    second = await replace(store, first)
    await say(store, second, NewMessage("assistant", "43", 1))
    assert await counting(store, second) == [(2, "how many?"), (2, "43")]
    assert await places(store, first) == [(1, 2, "42", 2), (2, 1, "how many?", None), (2, 3, "43", None)]
    [question, *_] = await everything(store, second)
    assert (question.id, question.created_at, question.run_id) == (before[0].id, before[0].created_at, second.id)


async def test_an_edited_message_stays_with_its_answer_and_a_new_one_counts(store: Store) -> None:
    first = await answered(store)
    await replace(store, first, text="how many today?")
    assert await counting(store, first) == [(2, "how many today?")]
    assert await places(store, first) == [(1, 1, "how many?", 2), (1, 2, "42", 2), (2, 3, "how many today?", None)]


async def test_what_came_after_is_superseded_and_what_came_before_stays(store: Store) -> None:
    runs = [await answered(store)]
    for n in range(3):
        runs.append(await answered(store, runs[0].conversation_id, f"answer {n}"))
    await replace(store, runs[1], text="another")
    assert await counting(store, runs[0]) == [(1, "how many?"), (1, "42"), (5, "another")]
    marks = {message.turn: message.superseded_by for message in await everything(store, runs[0], with_superseded=True)}
    assert marks == {1: None, 2: 5, 3: 5, 4: 5, 5: None}


async def test_each_version_says_which_one_took_its_place(store: Store) -> None:
    first = await answered(store)
    second = await replace(store, first)
    third = await replace(store, second, text="another")
    await replace(store, third)
    assert [place[::3] for place in await places(store, first)] == [(1, 2), (2, 3), (4, None)]


async def test_positions_stay_one_line_without_gaps(store: Store) -> None:
    first = await answered(store)
    second = await replace(store, first)
    await say(store, second, NewMessage("assistant", "43", 1))
    third = await replace(store, second, text="another")
    await say(store, third, NewMessage("assistant", "44", 1))
    positions = [message.position for message in await everything(store, first, with_superseded=True)]
    assert sorted(positions) == [1, 2, 3, 4, 5]


async def test_what_a_superseded_run_still_writes_is_superseded_too(store: Store) -> None:
    first = await new_run(store)
    waiting = await new_run(store, conversation_id=first.conversation_id)
    second = await replace(store, first)
    third = await replace(store, second, text="another")
    for run in (first, waiting, second, third):
        await say(store, run, NewMessage("assistant", f"late {run.turn}", 1))
    assert await counting(store, first) == [(4, "another"), (4, "late 4")]
    late = [place for place in await places(store, first) if place[2].startswith("late")]
    assert [(turn, by) for turn, _, _, by in late] == [(1, 3), (2, 3), (3, 4), (4, None)]


async def test_superseded_messages_are_not_found_by_search(store: Store) -> None:
    first = await answered(store, text="forty-two")
    await index_all(store)
    assert len(await search(store, ANN, "forty-two")) == 1
    await replace(store, first, text="how many today?")
    assert [len(await search(store, ANN, question)) for question in ("forty-two", "many", "today")] == [0, 0, 0]
    await index_all(store)
    assert [len(await search(store, ANN, question)) for question in ("forty-two", "many", "today")] == [0, 1, 1]


async def test_feedback_on_a_superseded_answer_stands_and_can_be_given(store: Store) -> None:
    rated, other = await answered(store), await answered(store)
    await in_one(store, rate_message, ANN, Feedback(rated.message_id, "up", None))
    for run in (rated, other):
        await replace(store, run)
    await in_one(store, rate_message, ANN, Feedback(other.message_id, "down", "wrong"))
    async with store.read("acme") as connection:
        rows = (await connection.execute(select(feedback.c.message_id, feedback.c.rating))).all()
    assert set(map(tuple, rows)) == {(rated.message_id, "up"), (other.message_id, "down")}


async def test_any_message_of_a_turn_names_it_and_so_does_an_answer_that_was_never_given(store: Store) -> None:
    run = await new_run(store)
    other = await new_run(store, conversation_id=run.conversation_id)
    call = ToolCall("c1", "find_order", {})
    asked = await say(store, run, NewMessage("assistant", "", 1, tool_calls=(call,)))
    result = await say(store, run, NewMessage("tool", "{}", 1, tool_call_id="c1", tool_name="find_order"))
    question = (await everything(store, run))[0].id
    for message_id in (question, *asked, *result, run.message_id):
        found = await in_one(store, find_turn, ANN, run.conversation_id, message_id=message_id)
        assert found.id == run.id
    assert (await in_one(store, find_turn, ANN, run.conversation_id, message_id=other.message_id)).turn == 2


async def test_a_message_of_an_earlier_version_cannot_be_replaced(store: Store) -> None:
    first = await answered(store)
    after = await answered(store, first.conversation_id)
    await replace(store, first)
    for gone in (first, after):
        with pytest.raises(SupersededError):
            await in_one(store, find_turn, ANN, first.conversation_id, message_id=gone.message_id)


async def test_foreign_and_missing_conversations_and_messages_are_not_found(store: Store) -> None:
    own, others = await answered(store), await answered(store)
    bens = await new_run(store, BEN)
    said: dict[str, set[str]] = {"conversation": set(), "message": set()}
    for who, conversation_id in ((ANN, new_id()), (ANN, bens.conversation_id), (EVE, own.conversation_id)):
        with pytest.raises(NotFoundError) as refused:
            await in_one(store, find_turn, who, conversation_id, message_id=own.message_id)
        said["conversation"].add(str(refused.value))
    for message_id in (new_id(), others.message_id, bens.message_id):
        with pytest.raises(NotFoundError) as refused:
            await in_one(store, find_turn, ANN, own.conversation_id, message_id=message_id)
        said["message"].add(str(refused.value))
    assert all(len(words) == 1 for words in said.values())


async def test_of_versions_that_are_asked_for_at_once_one_takes_the_place(store: Store) -> None:
    first = await answered(store)
    ends = await at_once(replace(store, first, text=f"version {n}") for n in range(8))
    assert sum(isinstance(end, Run) for end in ends) == 1
    assert sum(isinstance(end, SupersededError) for end in ends) == 7
    assert len(await counting(store, first)) == 1


async def test_the_database_itself_lets_one_turn_take_a_place(store: Store) -> None:
    first = await answered(store)
    await in_one(store, insert_run, ANN, NewRun(first.conversation_id, "demo", WORKER, replaces=1))
    with pytest.raises(KeyTakenError) as refused:
        await in_one(store, insert_run, ANN, NewRun(first.conversation_id, "demo", WORKER, replaces=1))
    assert isinstance(refused.value.__cause__, IntegrityError)


async def test_the_active_run_is_the_one_that_counts(store: Store) -> None:
    first = await new_run(store)
    second = await replace(store, first)
    async with store.read("acme") as connection:
        active = await active_run(connection, ANN, first.conversation_id)
        unfinished = await unfinished_runs(connection, ANN, first.conversation_id)
        later = await unfinished_runs(connection, ANN, first.conversation_id, from_turn=2)
    assert active is not None
    assert active.id == second.id
    assert (unfinished, later) == ([first.id, second.id], [second.id])


async def test_the_writes_of_superseded_turns_are_known_with_what_came_of_them(store: Store) -> None:
    conversation_id = await new_conversation(store)
    runs = []
    for n in range(1, 4):
        run = await new_run(store, conversation_id=conversation_id)
        calls = [ToolCall(f"{kind}-{n}", f"{kind}_order", {"n": n}) for kind in ("find", "lose", "make", "plan")]
        await say(store, run, NewMessage("assistant", "", 1, tool_calls=tuple(calls)))
        risks = ("read", "write", "write", "write")
        proposed = [(call, "data", risk) for call, risk in zip(calls, risks, strict=True)]
        await in_one(store, propose_calls, ANN, run.id, step=1, calls=proposed)
        for call in calls[:3]:
            await in_one(store, start_call, ANN, call.id)
        for call in (calls[0], calls[2]):
            await say(store, run, NewMessage("tool", f"done {n}", 1, tool_call_id=call.id, tool_name=call.name))
            await in_one(store, settle_call, ANN, call.id)
        await finish(store, run)
        runs.append(run)
    await replace(store, runs[1])

    async def known(from_turn: int = 1, limit: int = 10, who: Principal = ANN) -> list[DoneWrite]:
        async with store.read("acme") as connection:
            return await superseded_writes(connection, who, conversation_id, from_turn=from_turn, limit=limit)

    lost, made = [
        [DoneWrite("lose_order", {"n": n}, None), DoneWrite("make_order", {"n": n}, f"done {n}")] for n in (2, 3)
    ]
    assert await known() == [*lost, *made]
    assert await known(from_turn=3) == made
    assert await known(limit=3) == [lost[1], *made]
    with pytest.raises(NotFoundError):
        await known(who=BEN)


async def test_nobody_supersedes_a_colleagues_turn(store: Store) -> None:
    run = await answered(store)
    await in_one(store, supersede, BEN, run, by=await answered(store), keeps_message=True)
    assert await counting(store, run) == [(1, "how many?"), (1, "42")]

"""Feedback: one rating per user and message; the last one counts."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from support.rows import ANN, BEN, EVE, at_once, count_rows, in_one, new_run, say

from agent.errors import NotFoundError
from agent.store.database import Store, new_id
from agent.store.feedback import Feedback, rate_message
from agent.store.messages import NewMessage
from agent.store.tables import feedback


async def answered(store: Store) -> Feedback:
    run = await new_run(store)
    return Feedback((await say(store, run, NewMessage("assistant", "42.", 1)))[0], "up", "good")


async def test_the_last_rating_counts(store: Store) -> None:
    given = await answered(store)
    await in_one(store, rate_message, ANN, given)
    await in_one(store, rate_message, ANN, Feedback(given.message_id, "down", None))
    async with store.read("acme") as connection:
        rows = (await connection.execute(select(feedback.c.rating, feedback.c.comment, feedback.c.user_id))).all()
    assert [tuple(row) for row in rows] == [("down", None, "ann")]


async def test_ratings_that_come_at_once_leave_one_and_break_nothing(store: Store) -> None:
    given = await answered(store)
    outcomes = await at_once(in_one(store, rate_message, ANN, given) for _ in range(10))
    assert outcomes == [None] * 10
    assert (await count_rows(store))["feedback"] == 1


async def test_only_answers_of_ones_own_can_be_rated(store: Store) -> None:
    given = await answered(store)
    for who in (BEN, EVE):
        with pytest.raises(NotFoundError):
            await in_one(store, rate_message, who, given)
    with pytest.raises(NotFoundError):
        await in_one(store, rate_message, ANN, Feedback(new_id(), "up", None))
    assert (await count_rows(store))["feedback"] == 0


async def test_a_question_or_a_result_cannot_be_rated(store: Store) -> None:
    run = await new_run(store)
    ids = await say(
        store,
        run,
        NewMessage("user", "q", 0),
        NewMessage("tool", "{}", 1, tool_call_id="c", tool_name="t"),
    )
    for message_id in ids:
        with pytest.raises(NotFoundError):
            await in_one(store, rate_message, ANN, Feedback(message_id, "up", None))


async def test_a_rating_that_is_none_is_refused_by_the_database(store: Store) -> None:
    given = await answered(store)
    with pytest.raises(IntegrityError):
        await in_one(store, rate_message, ANN, Feedback(given.message_id, "great", None))  # type: ignore[arg-type]

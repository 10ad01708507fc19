"""Names that clients give, on both databases: found by their user alone, made once, and free again with what they named."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from support.rows import ANN, BEN, EVE, at_once, finish, in_one, new_conversation, new_run

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.conversations import NameTakenError, create_conversation
from agent.store.database import Store
from agent.store.deletion import hide_conversation
from agent.store.naming import (
    Place,
    find_by_history,
    find_conversation,
    find_named_turn,
    find_turn_behind,
    hash_next,
    hash_said,
)
from agent.store.runs import Run, RunEnd
from agent.store.transitions import end_run
from agent.store.versions import supersede


async def named(store: Store, key: str, who: Principal = ANN) -> UUID:
    return await in_one(store, create_conversation, who, title="Orders", client_key=key)


async def found(store: Store, key: str, who: Principal = ANN) -> UUID | None:
    return await in_one(store, find_conversation, who, key)


async def turn(store: Store, conversation_id: UUID, **more: Any) -> Run:
    """Add a turn that is over."""
    run = await new_run(store, conversation_id=conversation_id, **more)
    await finish(store, run)
    return run


async def test_a_name_finds_its_users_conversation_and_nobody_elses(store: Store) -> None:
    """G101"""
    anns = await named(store, "chat-1")
    bens = await named(store, "chat-1", BEN)
    eves = await named(store, "chat-1", EVE)

    assert [await found(store, "chat-1", who) for who in (ANN, BEN, EVE)] == [anns, bens, eves]
    assert await found(store, "chat-2") is None


async def test_an_id_of_the_users_own_is_a_name_too(store: Store) -> None:
    """G101"""
    anns = await new_conversation(store)

    assert await found(store, str(anns)) == anns
    assert await found(store, str(anns).upper()) == anns
    assert [await found(store, str(anns), who) for who in (BEN, EVE)] == [None, None]
    assert await found(store, anns.hex) is None
    assert await found(store, f"{{{anns}}}") is None


async def test_a_name_comes_before_an_id(store: Store) -> None:
    other = await new_conversation(store)
    anns = await named(store, str(other))

    assert await found(store, str(other)) == anns


async def test_of_those_who_give_one_name_at_once_one_makes_the_conversation(store: Store) -> None:
    made = await at_once(named(store, "chat-1") for _ in range(5))

    conversations = [one for one in made if isinstance(one, UUID)]
    assert len(conversations) == 1
    assert all(isinstance(one, UUID | NameTakenError) for one in made)
    assert await found(store, "chat-1") == conversations[0]


async def test_the_name_of_what_was_deleted_is_free(store: Store) -> None:
    first = await named(store, "chat-1")
    await in_one(store, hide_conversation, ANN, first)

    assert await found(store, "chat-1") is None
    assert await found(store, str(first)) is None
    second = await named(store, "chat-1")
    assert await found(store, "chat-1") == second != first


async def test_conversations_without_a_name_are_as_many_as_one_likes(store: Store) -> None:
    assert len({await new_conversation(store) for _ in range(3)}) == 3


async def test_a_turn_is_found_by_what_its_client_calls_its_message(store: Store) -> None:
    conversation_id = await new_conversation(store)
    first = await turn(store, conversation_id, client_message_id="u1")
    second = await turn(store, conversation_id, client_message_id="u2")

    async def find(name: str, said_before: int | None = None) -> Run | None:
        return await in_one(store, find_named_turn, ANN, conversation_id, name, said_before=said_before)

    assert [(run.id if (run := await find(name)) else None) for name in ("u1", "u2")] == [first.id, second.id]
    assert (run := await find(str(first.message_id))) is not None
    assert run.id == first.id
    assert await find("u3", 2) is None
    for said_before in (None, 0, 1):
        with pytest.raises(NotFoundError):
            await find("u3", said_before)
    with pytest.raises(NotFoundError):
        await find(str(uuid4()))
    for who in (BEN, EVE):
        with pytest.raises(NotFoundError):
            await in_one(store, find_named_turn, who, conversation_id, "u1", said_before=9)


async def test_a_message_that_was_edited_is_found_where_it_counts(store: Store) -> None:
    conversation_id = await new_conversation(store)
    first = await turn(store, conversation_id, client_message_id="u1")
    again = await turn(store, conversation_id, client_message_id="u1", replaces=first.turn)
    await in_one(store, supersede, ANN, first, by=again, keeps_message=False)

    run = await in_one(store, find_named_turn, ANN, conversation_id, "u1", said_before=None)

    assert run is not None
    assert run.id == again.id


async def test_a_conversation_is_found_by_all_that_was_said_in_it_and_by_its_user_alone(store: Store) -> None:
    """G101"""
    conversation_id = await new_conversation(store)
    run = await new_run(store, conversation_id=conversation_id, history_hash=hash_said(ANN, ("how many?",)))
    said = hash_said(ANN, ("how many?", "42."))
    await in_one(
        store, end_run, "acme", run.id, attempt=1, end=RunEnd("completed", "stop", run.usage), history_hash=said
    )

    assert await in_one(store, find_by_history, ANN, said) == Place(conversation_id, 1)
    assert await in_one(store, find_by_history, ANN, hash_said(ANN, ("how many?",))) is None
    for who in (BEN, EVE):
        assert hash_said(who, ("how many?", "42.")) != said
        assert await in_one(store, find_by_history, who, said) is None
    await in_one(store, hide_conversation, ANN, conversation_id)
    assert await in_one(store, find_by_history, ANN, said) is None


async def test_of_conversations_in_which_the_same_was_said_the_newest_is_found(store: Store) -> None:
    said = hash_said(ANN, ("hi", "Hello."))
    places = [await turn(store, await new_conversation(store), history_hash=said) for _ in range(3)]

    assert await in_one(store, find_by_history, ANN, said) == Place(places[-1].conversation_id, 1)


async def test_what_stands_behind_a_place_is_its_next_turn_that_counts(store: Store) -> None:
    conversation_id = await new_conversation(store)
    first = await turn(store, conversation_id)
    second = await turn(store, conversation_id)
    third = await turn(store, conversation_id, replaces=second.turn)
    await in_one(store, supersede, ANN, second, by=third, keeps_message=False)

    async def behind(place: int) -> UUID | None:
        run = await in_one(store, find_turn_behind, ANN, Place(conversation_id, place))
        return run.id if run is not None else None

    assert [await behind(place) for place in (0, 1, 3)] == [first.id, third.id, None]
    with pytest.raises(NotFoundError):
        await in_one(store, find_turn_behind, EVE, Place(conversation_id, 0))


def test_the_hash_of_what_was_said_knows_order_and_borders_and_no_space() -> None:
    assert hash_said(ANN, ("a", "b")) == hash_next(hash_said(ANN, ("a",)), "b")
    assert hash_said(ANN, (" a \n", "b  c")) == hash_said(ANN, ("a", "b c"))
    different = [("a", "b"), ("b", "a"), ("a b",), ("ab",), ("a", "b", ""), ()]
    assert len({hash_said(ANN, texts) for texts in different}) == len(different)


async def test_many_names_at_once_do_not_meet(store: Store) -> None:
    async with asyncio.timeout(60):
        made = await asyncio.gather(*(named(store, f"chat-{number}", who) for number in range(5) for who in (ANN, EVE)))
    assert len(set(made)) == 10

"""Facts in the store: once each, no more than may be, found by their owner alone, and gone without a trace."""

import sqlite3
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from support.rows import ANN, BEN, EVE, at_once, finish, ignore, in_one, new_run

from agent.errors import InvalidRequestError, NotFoundError
from agent.principal import Principal
from agent.store.database import Store
from agent.store.deletion import purge_deleted
from agent.store.memories import (
    TENANT,
    Memory,
    change_memory,
    delete_memories,
    erase_memories,
    find_memories,
    find_memory,
    hold_running,
    keep_memory,
    list_memories,
    read_memories,
)


async def keep(store: Store, fact: str, who: Principal = ANN, *, owner: str | None = None, most: int = 200) -> str:
    return await in_one(store, keep_memory, who, fact, owner=who.user_id if owner is None else owner, most=most)


async def kept(
    store: Store, who: Principal = ANN, *, with_tenant: bool = False, after: UUID | None = None
) -> list[Memory]:
    return await in_one(store, list_memories, who, with_tenant=with_tenant, limit=100, after=after)


async def found(store: Store, *beginnings: str, who: Principal = ANN, with_tenant: bool = False) -> list[str]:
    facts = await in_one(store, find_memories, who, beginnings, with_tenant=with_tenant)
    return [one.text for one in facts]


async def test_a_fact_is_there_once_however_its_letters_are_written(store: Store) -> None:
    """G503"""
    assert await keep(store, "I drink Café au lait.") == "new"
    assert await keep(store, "i drink  CAFE au lait.") == "known"
    assert await keep(store, "I drink Café au lait.", BEN) == "new"
    outcomes = await at_once(keep(store, "I ride a bike.") for _ in range(8))
    assert sorted(map(str, outcomes)) == [*["known"] * 7, "new"]
    assert [one.text for one in await kept(store)] == ["I ride a bike.", "I drink Café au lait."]


async def test_nobody_has_more_than_may_be_whoever_writes_at_the_same_time(store: Store) -> None:
    """G506"""
    outcomes = await at_once(keep(store, f"Fact {number}.", most=5) for number in range(12))
    assert sorted(map(str, outcomes)) == [*["full"] * 7, *["new"] * 5]
    assert await keep(store, "Of all.", owner=TENANT, most=1) == "new"
    assert await keep(store, "Of all, too.", BEN, owner=TENANT, most=1) == "full"
    assert len(await kept(store, with_tenant=True)) == 6


async def test_facts_are_found_by_beginnings_of_their_words_and_by_their_owner_alone(store: Store) -> None:
    """G500"""
    await keep(store, "My dog is called Rocky.")
    await keep(store, "The dog of the house barks.", owner=TENANT)
    await keep(store, "My dog is old.", BEN)
    await keep(store, "My dog is young.", EVE)
    assert await found(store, "do", "zebra") == ["My dog is called Rocky."]
    assert await found(store, "dog", with_tenant=True) == ["The dog of the house barks.", "My dog is called Rocky."]
    assert await found(store, "dog", who=BEN) == ["My dog is old."]
    assert await found(store, "dog", who=EVE, with_tenant=True) == ["My dog is young."]
    assert await found(store, "og") == []
    every = [one.id for who in (ANN, BEN, EVE) for one in await kept(store, who, with_tenant=True)]
    for with_tenant, texts in (
        (True, {"My dog is called Rocky.", "The dog of the house barks."}),
        (False, {"My dog is called Rocky."}),
    ):
        read = await in_one(store, read_memories, ANN, every, with_tenant=with_tenant)
        assert {one.text for one in read} == texts


async def test_a_changed_fact_is_found_by_its_new_words_only(store: Store) -> None:
    await keep(store, "I like tea.")
    await keep(store, "I like cake.")
    [cake, tea] = await kept(store)
    with pytest.raises(InvalidRequestError):
        await in_one(store, change_memory, ANN, tea, "i like CAKE.")
    changed = await in_one(store, change_memory, ANN, tea, "I like coffee.")
    assert (changed.id, changed.created_at) == (tea.id, tea.created_at)
    assert changed.updated_at > tea.updated_at
    assert (await found(store, "tea"), await found(store, "coffee")) == ([], ["I like coffee."])
    assert await in_one(store, delete_memories, BEN, [cake]) == 0
    assert await in_one(store, delete_memories, ANN, [cake]) == 1
    with pytest.raises(NotFoundError):
        await in_one(store, change_memory, ANN, cake, "I like pie.")
    assert await in_one(store, find_memory, ANN, "I LIKE coffee.", owners=["ann", TENANT]) == changed


async def test_a_run_that_is_over_or_anothers_remembers_nothing(store: Store) -> None:
    """G505"""
    run = await new_run(store)
    await in_one(store, hold_running, ANN, run.id)
    with pytest.raises(NotFoundError):
        await in_one(store, hold_running, BEN, run.id)
    await finish(store, run)
    with pytest.raises(NotFoundError):
        await in_one(store, hold_running, ANN, run.id)


async def test_an_erased_users_facts_go_and_a_tenants_with_the_tenant(store: Store) -> None:
    """G507"""
    for number in range(5):
        await keep(store, f"Fact {number}.")
    await keep(store, "Of all.", owner=TENANT)
    await keep(store, "Ben's.", BEN)
    await keep(store, "Eve's.", EVE)
    assert await in_one(store, erase_memories, "acme", user_id="ann", most_rows=3) == 3
    assert await in_one(store, erase_memories, "acme", user_id="ann", most_rows=3) == 2
    assert [one.text for one in await kept(store, BEN, with_tenant=True)] == ["Ben's.", "Of all."]
    await in_one(store, erase_memories, "acme", user_id=None, most_rows=9)
    assert await kept(store, BEN, with_tenant=True) == []
    assert [one.text for one in await kept(store, EVE)] == ["Eve's."]


async def test_the_words_of_a_removed_fact_leave_the_file(store: Store) -> None:
    """G507: SQLite's index only marks what it has lost, until upkeep merges it."""
    if store.path is None:
        return
    await keep(store, "The zebra is striped.")
    await in_one(store, delete_memories, ANN, await kept(store))
    store.has_forgotten = True
    await purge_deleted(store, most_rows=9, gone=ignore)
    with closing(sqlite3.connect(store.path)) as looking:
        rows: list[Any] = looking.execute("SELECT block FROM memory_index_data").fetchall()
    assert not any(b"zebra" in bytes(block) for (block,) in rows)

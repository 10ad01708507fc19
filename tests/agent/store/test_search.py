"""Search in the store: what is said is found by what it begins with, by its own user only, and indexed beside the turns."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select, text
from support.faults import until
from support.rows import ANN, BEN, EVE, at_once, ignore, in_one, new_conversation, new_run, say
from support.searching import index_all, search

from agent.errors import DatabaseError
from agent.store import search as searching
from agent.store import search_index
from agent.store.conversations import ConversationCursor, rename_conversation
from agent.store.database import Store
from agent.store.deletion import hide_conversation, purge_deleted
from agent.store.limits import Limits
from agent.store.messages import NewMessage
from agent.store.search_index import BATCH_ROWS, CHUNK, index_batch
from agent.store.tables import search_entries
from agent.store.words import MAX_ASKED, scope_of

LONG = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000000) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}
ANN_S_FIRST_PART = (ANN.tenant_id, ANN.user_id, 0)


def answer(words: str, step: int = 1) -> NewMessage:
    return NewMessage("assistant", words, step)


async def entries(store: Store) -> int:
    async with store.read("acme") as connection:
        count: int = (await connection.execute(select(func.count()).select_from(search_entries))).scalar_one()
        return count


async def test_titles_and_what_both_sides_said_are_found_and_what_tools_returned_is_not(store: Store) -> None:
    """G33"""
    run = await new_run(store)  # "Orders", "how many?"
    await say(store, run, answer("Ärger mit ÖLFARBEN"))
    await say(store, run, NewMessage("tool", "internal-figure", 1, tool_call_id="c", tool_name="t"))
    await say(store, run, NewMessage("assistant", "half an ans", 2, status="partial"))
    await new_conversation(store, title="Something else")
    await index_all(store)
    for question in ("orders", "ORD", "how many", "many h", "ölf", "arger", "half ans"):
        assert [one.id for one in await search(store, ANN, question)] == [run.conversation_id], question
    for question in ("internal-figure", "internal", "rders", "milk", "how milk"):
        assert await search(store, ANN, question) == [], question


async def test_all_words_must_be_in_the_title_or_in_one_message(store: Store) -> None:
    """G33"""
    run = await new_run(store)
    await say(store, run, answer("tea and coffee"))
    await index_all(store)
    assert len(await search(store, ANN, "coffee te")) == 1
    assert await search(store, ANN, "how coffee") == []
    assert await search(store, ANN, "orders tea") == []


async def test_nobody_finds_what_others_said(store: Store) -> None:
    """G33"""
    await new_run(store)
    await index_all(store)
    assert len(await search(store, ANN, "how many")) == 1
    for who in (BEN, EVE):
        assert await search(store, who, "how many") == []


async def test_the_rows_are_checked_even_where_the_index_names_anothers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G33 Names in the index are hashes: two users could share one."""
    for module in (searching, search_index):
        monkeypatch.setattr(module, "scope_of", lambda *_: "abcdefghijklm")
    runs = {who: await new_run(store, who) for who in (ANN, BEN, EVE)}
    await index_all(store)
    for who, run in runs.items():
        assert [one.id for one in await search(store, who, "how")] == [run.conversation_id]


HOSTILE = [
    *("", " ", '"', "'", "''", '"how" OR "many"', "how*", "*", "how:*", ":*", "-how", "!how", "how | zzz", "how & zzz"),
    *("words:how", "{words} : how", "NEAR(how many)", "^how", "how AND zzz", "how OR zzz", "how NOT zzz", "(", "how)("),
    *("<->", "how <-> zzz", "\\", "\\'", "how\\", "'); DROP TABLE runs; --", "\x00", "how\x00zzz", "\ud800", "%", "_"),
    *("=", "=z", "$1", ":question", "?", "a" * 5000, "'" * 5000, "a b " * 3000, "é\u0301" * 300, "\u202e", "漢" * 500),
]


async def test_no_question_is_read_as_a_query_language(store: Store) -> None:
    """G33"""
    run = await new_run(store)
    await say(store, run, answer("or and not near"))
    await index_all(store)
    for question in HOSTILE:
        found = await search(store, ANN, question)
        assert found == [] or ("how" in question and "zzz" not in question), question
        assert await search(store, BEN, question) == []


async def test_conversations_are_found_newest_first_and_in_pages(store: Store) -> None:
    runs = [await new_run(store) for _ in range(7)]
    await say(store, runs[2], answer("late"))
    await index_all(store)
    newest_first = [runs[n].conversation_id for n in (2, 6, 5, 4, 3, 1, 0)]
    pages: list[Any] = []
    for _ in range(4):
        after = ConversationCursor(pages[-1].updated_at, pages[-1].id) if pages else None
        pages += await search(store, ANN, "how", limit=2, after=after)
    assert [one.id for one in pages] == newest_first
    assert [one.id for one in await search(store, ANN, "how")] == newest_first


async def test_all_parts_of_a_large_index_are_searched_until_there_is_enough(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G33"""
    for module in (searching, search_index):
        monkeypatch.setattr(module, "PART_SIZE", 50)
    monkeypatch.setattr(searching, "ENOUGH_HITS", 10)
    first = await new_run(store)
    await say(store, first, answer("needle"))
    runs = [await new_run(store) for _ in range(30)]
    await index_all(store)
    assert [one.id for one in await search(store, ANN, "needle")] == [first.conversation_id]
    found = [one.id for one in await search(store, ANN, "how")]
    assert 10 <= len(found) < 31
    assert found[:10] == [run.conversation_id for run in reversed(runs)][:10]


async def test_a_new_title_takes_the_place_of_the_old_one(store: Store) -> None:
    """G33"""
    conversation_id = await new_conversation(store, title="Breakfast")
    await index_all(store)
    for title in ("Lunch", "Dinner"):
        await in_one(store, rename_conversation, ANN, conversation_id, title=title)
    await index_all(store)
    assert [len(await search(store, ANN, word)) for word in ("breakfast", "lunch", "dinner")] == [0, 0, 1]
    assert await entries(store) == 1


async def test_what_was_deleted_is_found_no_more_and_is_not_in_the_index(store: Store) -> None:
    """G33"""
    kept, deleted = await new_run(store), await new_run(store)
    await index_all(store)
    await in_one(store, hide_conversation, ANN, deleted.conversation_id)
    assert [one.id for one in await search(store, ANN, "how")] == [kept.conversation_id]
    await index_all(store)
    await purge_deleted(store, most_rows=500, gone=ignore)
    assert [one.id for one in await search(store, ANN, "how")] == [kept.conversation_id]
    assert await entries(store) == 2
    if store.engine.dialect.name == "sqlite":
        async with store.read("acme") as connection:
            asked = {"words": f'"{scope_of(*ANN_S_FIRST_PART)}" *'}
            found = await connection.execute(
                text("SELECT rowid FROM search_index WHERE search_index MATCH :words"), asked
            )
            assert len(found.all()) == 2


async def test_a_conversation_that_goes_on_is_indexed_once_from_where_it_was(store: Store) -> None:
    run = await new_run(store)
    assert await index_all(store) > 0
    assert await index_batch(store) == 0
    for step in range(1, 4):
        await say(store, run, answer(f"answer{step}", step))
        await index_all(store)
        assert len(await search(store, ANN, f"answer{step}")) == 1
    assert await entries(store) == 5


async def test_a_batch_is_small_however_much_there_is(store: Store) -> None:
    run = await new_run(store)
    await say(store, run, *(answer(f"number{step}", step) for step in range(1, BATCH_ROWS + 300)))
    batches = []
    while batch := await index_batch(store):
        batches.append(batch)
    assert len(batches) > 1
    assert max(batches) <= BATCH_ROWS + CHUNK
    assert await entries(store) == BATCH_ROWS + 301
    assert len(await search(store, ANN, f"number{BATCH_ROWS + 299}")) == 1


async def test_several_processes_index_at_once_without_harm(store: Store, database_url: str) -> None:
    """G33"""
    other = Store(database_url, pool_size=2)
    runs = [await new_run(store) for _ in range(10)]

    async def index(one: Store) -> None:
        while await entries(store) < 30:
            await index_batch(one)

    async def go_on() -> None:
        for run in runs:
            await say(store, run, answer("more"))

    ends = await at_once([index(store), index(other), index(store), index(other), go_on()])
    assert ends == [None] * 5
    await index_all(store)
    assert await entries(store) == 30
    assert len(await search(store, ANN, "more")) == len(await search(store, ANN, "how")) == 10
    await other.close()


async def test_a_batch_that_dies_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """G33"""
    await new_run(store)
    write = search_index._write

    async def die(*args: Any) -> int:
        await write(*args)
        raise ConnectionError

    monkeypatch.setattr(search_index, "_write", die)
    with pytest.raises(ConnectionError):
        await index_batch(store)
    monkeypatch.undo()
    assert await search(store, ANN, "how") == []
    await index_all(store)
    assert len(await search(store, ANN, "how")) == 1


async def test_what_changes_between_reading_and_writing_is_not_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G33"""
    run = await new_run(store)
    due = search_index._due

    async def read_then_change(connection: Any) -> Any:
        found = await due(connection)
        monkeypatch.undo()
        changes.append(asyncio.create_task(change()))
        return found

    async def change() -> None:
        await in_one(store, rename_conversation, ANN, run.conversation_id, title="Lunch")
        await say(store, run, answer("afterwards"))

    changes: list[asyncio.Task[None]] = []
    monkeypatch.setattr(search_index, "_due", read_then_change)
    await index_batch(store)
    await asyncio.gather(*changes)
    await index_all(store)
    assert [len(await search(store, ANN, word)) for word in ("lunch", "afterwards", "how", "orders")] == [1, 1, 1, 0]


async def test_a_search_that_nobody_waits_for_is_stopped_in_the_database(database_url: str) -> None:
    """G33"""
    store = Store(database_url, pool_size=1, search_connections=1, limits=Limits(search_s=600, statement_s=600))
    long = LONG[store.engine.dialect.name]
    began = asyncio.Event()

    async def look() -> None:
        async with store.search("acme") as connection:
            began.set()
            await connection.execute(text(long))

    async with asyncio.timeout(60):
        for _ in range(3):
            began.clear()
            looking = asyncio.create_task(look())
            await began.wait()
            await asyncio.wait([looking], timeout=0.1)
            looking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await looking
            assert await search(store, ANN, "how") == []
        await store.close()


async def test_a_statement_of_a_search_has_a_time_limit_in_the_database(database_url: str) -> None:
    store = Store(database_url, pool_size=1, search_connections=1, limits=Limits(search_s=0.2))
    for _ in range(2):
        with pytest.raises(DatabaseError):
            async with store.search("acme") as connection:
                await connection.execute(text(LONG[store.engine.dialect.name]))

    async def is_answered() -> bool:
        with suppress(DatabaseError):  # a busy machine may take as long for one that is quick
            return await search(store, ANN, "how") == []
        return False

    await until(is_answered)
    await store.close()


async def test_a_question_of_many_words_is_answered(store: Store) -> None:
    run = await new_run(store)
    said = " ".join(f"word{number}" for number in range(3 * MAX_ASKED))
    await say(store, run, answer(said))
    await index_all(store)
    assert len(await search(store, ANN, said)) == 1

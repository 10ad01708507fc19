"""Transactions that were certainly undone are done again, and what may have been committed never is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url, select, text, update
from support.postgres import new_database, sqlalchemy_url
from support.rows import ANN, in_one, new_conversation
from support.silence import SilentProxy, silent_proxy

from agent.errors import DatabaseError
from agent.store.conversations import create_conversation
from agent.store.database import Store
from agent.store.limits import Limits
from agent.store.repeating import PAUSES_S, repeated
from agent.store.tables import conversations
from agent.store.transaction import Transaction

MOST_TRIES = 1 + len(PAUSES_S)


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[SilentProxy]:
    async with silent_proxy(sqlalchemy_url(new_database(postgres))) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: SilentProxy) -> AsyncIterator[Store]:
    store = Store(proxy.url, pool_size=5, limits=Limits(statement_s=30, transaction_s=60))
    yield store
    await store.close()


async def add_one(connection: Transaction, conversation_id: UUID) -> None:
    """Add one to a conversation's counter."""
    changed = update(conversations).where(conversations.c.id == conversation_id)
    await connection.execute(changed.values(last_turn=conversations.c.last_turn + 1))


async def counted(store: Store) -> dict[UUID, int]:
    """Return all counters, by conversation."""
    async with store.read("acme") as connection:
        found = await connection.execute(select(conversations.c.id, conversations.c.last_turn))
        return {row.id: row.last_turn for row in found}


def meeting(store: Store, *, others: int) -> Callable[[Callable[[Transaction, int], Awaitable[None]]], Awaitable[int]]:
    """Return what does work in a transaction in which it meets others once it has begun; it returns how often it was tried.

    The work is called with 0 before the meeting and with 1 behind it.
    """
    together = asyncio.Barrier(others)

    async def do(work: Callable[[Transaction, int], Awaitable[None]]) -> int:
        tries = 0

        @repeated
        async def transaction() -> None:
            nonlocal tries
            tries += 1
            async with store.write("acme") as connection:
                await work(connection, 0)
                if tries == 1:
                    await together.wait()
                await work(connection, 1)

        await transaction()
        return tries

    return do


async def test_of_two_that_wait_for_each_other_the_one_that_is_given_up_is_done_again(store: Store) -> None:
    """G321: a deadlock costs its victim a moment, and nothing is lost and nothing done twice."""
    pair = [await new_conversation(store) for _ in range(2)]
    do = meeting(store, others=2)

    async def work(order: list[UUID]) -> int:
        return await do(lambda connection, step: add_one(connection, order[step]))

    async with asyncio.timeout(60):
        tries = await asyncio.gather(work(pair), work(pair[::-1]))
    assert sum(tries) >= 3
    assert await counted(store) == dict.fromkeys(pair, 2)


async def test_what_cannot_be_serialised_is_done_again_on_what_is_there_by_then(
    store: Store, proxy: SilentProxy
) -> None:
    """G321: both read the same counter, and each adds one to it."""
    plain = proxy.url_behind.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        strict = "ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'"
        connection.execute(SQL(strict).format(Identifier(connection.info.dbname)))
    conversation_id = await new_conversation(store)
    do = meeting(store, others=2)

    async def work(connection: Transaction, step: int) -> None:
        if step == 0:
            await connection.execute(select(conversations.c.last_turn))
        else:
            await add_one(connection, conversation_id)

    async with asyncio.timeout(60):
        assert sum(await asyncio.gather(do(work), do(work))) >= 3
    assert await counted(store) == {conversation_id: 2}


class Title:
    """A transaction that makes a conversation, and how often it was tried."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tries = 0

    @repeated
    async def make(self) -> None:
        self.tries += 1
        await in_one(self.store, create_conversation, ANN, title="Orders")


@pytest.mark.parametrize("word", [b"BEGIN", b"INSERT INTO conv"], ids=["at its begin", "in the middle"])
async def test_what_is_cut_off_before_its_commit_is_done_again_once(
    store: Store, proxy: SilentProxy, word: bytes
) -> None:
    """G321"""
    async with store.read("acme") as other:  # it has the first connection, which commits something of its driver's own
        await other.execute(select(conversations.c.id))
        title, proxy.cut_once = Title(store), word
        await title.make()
    assert title.tries == 2
    assert len(await counted(store)) == 1


async def test_what_the_server_ends_before_its_commit_is_done_again(store: Store, proxy: SilentProxy) -> None:
    """G321: as at a restart (57P01)."""
    tries = 0

    @repeated
    async def make() -> None:
        nonlocal tries
        tries += 1
        async with store.write("acme") as connection:
            await create_conversation(connection, ANN, title="Orders")
            if tries == 1:
                await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await make()
    assert tries == 2
    assert len(await counted(store)) == 1


@pytest.mark.parametrize("is_committed", [False, True], ids=["before the server has it", "before its answer comes"])
async def test_what_is_cut_off_at_its_commit_is_not_known_and_never_done_again(
    store: Store, proxy: SilentProxy, is_committed: bool
) -> None:
    """G321"""
    title = Title(store)
    await counted(store)  # a new connection commits something of its driver's own
    if is_committed:
        proxy.cut_behind = b"COMMIT"
    else:
        proxy.cut_at = b"COMMIT"
    with pytest.raises(DatabaseError) as failed:
        await title.make()
    assert (title.tries, failed.value.is_undone) == (1, False)
    proxy.cut_at = proxy.cut_behind = None
    assert len(await counted(store)) == is_committed


async def test_what_is_cut_off_each_time_is_told_after_a_bounded_number_of_tries(
    store: Store, proxy: SilentProxy
) -> None:
    """G321"""
    title, proxy.cut_at = Title(store), b"INSERT INTO conv"
    with pytest.raises(DatabaseError):
        await title.make()
    assert title.tries == MOST_TRIES
    proxy.cut_at = None
    assert await counted(store) == {}


AWAY: dict[str, dict[str, Any]] = {
    "nothing listens": {"port": 1},
    "no such database": {"database": "nowhere"},
    "no such user": {"username": "nobody"},
}


@pytest.mark.parametrize("why", AWAY)
async def test_a_database_that_lets_nobody_in_is_told_at_once(proxy: SilentProxy, why: str) -> None:
    """G386"""
    elsewhere = make_url(proxy.url).set(**AWAY[why]).render_as_string(hide_password=False)
    store = Store(elsewhere, pool_size=1)
    title = Title(store)
    with pytest.raises(DatabaseError) as failed:
        await title.make()
    assert (title.tries, failed.value.is_away) == (1, True)
    await store.close()


async def test_what_was_cut_off_is_tried_again_while_the_server_comes_back(store: Store, proxy: SilentProxy) -> None:
    """G386: a restart costs no attempt."""
    await counted(store)
    title, proxy.cut_once, proxy.refuses = Title(store), b"INSERT INTO conv", 1
    await title.make()
    assert (title.tries, proxy.refuses) == (3, 0)
    assert len(await counted(store)) == 1


@pytest.mark.parametrize("error", [DatabaseError("DeadlineMissed"), ValueError("of the code")])
async def test_what_missed_its_time_and_what_the_code_does_wrong_is_not_done_again(error: Exception) -> None:
    """G321"""
    tries = 0

    @repeated
    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise error

    with pytest.raises(type(error)):
        await fail()
    assert tries == 1

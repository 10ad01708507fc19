"""Data that is kept no longer goes by itself: by tenant and kind, in small batches, and nothing in which somebody is at work."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select, update
from support.asking import Asking
from support.faults import store_of, until
from support.kept_files import keep_file
from support.rows import ANN, BEN, EVE, WORKER, at_once, count_rows, finish, ignore, in_one, new_run, say
from support.world import ASSISTANT, OpenWorld

from agent.assistant.definition import Assistant
from agent.assistant.source import Assistants, only
from agent.principal import Principal
from agent.runs import retention
from agent.runs.retention import RetentionCursor, expire, kept_days
from agent.settings import Keep, RuntimeSettings
from agent.store.attachment_tables import files
from agent.store.attachments import get_file, take_files
from agent.store.audit_tables import audit
from agent.store.database import EVERY_TENANT, Store, new_id
from agent.store.deletion import purge_deleted
from agent.store.feedback import Feedback, rate_message
from agent.store.memories import keep_memory, list_memories
from agent.store.messages import NewMessage
from agent.store.retention import expire_conversations, kinds_due
from agent.store.runs import Run
from agent.store.tables import conversations, feedback, memories
from agent.store.transitions import pause_run
from agent.store.verifying import verify_tenant

OLD = timedelta(days=40)
MONTH = {"*": {"conversations": 30, "feedback": 30}}


@pytest.fixture(scope="module")
def assistants() -> Assistants:
    return only(Assistant.model_validate({**ASSISTANT, "toolsets": []}))


def keeping(retention: dict[str, Any], **more: Any) -> RuntimeSettings:
    return RuntimeSettings(_env_file=None, retention=retention, **more)


def old_id() -> UUID:
    """Return an id that was given long ago."""
    return UUID(int=new_id().int - (round(OLD.total_seconds() * 1000) << 80))


async def old_conversation(store: Store, who: Principal = ANN) -> UUID:
    """Add a conversation in which nobody has said anything for long."""
    then = datetime.now(UTC) - OLD
    row = {"tenant_id": who.tenant_id, "id": old_id(), "user_id": who.user_id, "title": "Old"}
    row |= {"last_position": 0, "last_turn": 0, "created_at": then, "updated_at": then}
    async with store.write(who.tenant_id) as connection:
        await connection.execute(insert(conversations), row)
    return row["id"]  # type: ignore[return-value] # it is one


async def grown_old(store: Store, run: Run, who: Principal = ANN) -> None:
    """Let what was said in a run's conversation be said long ago."""
    async with store.write(who.tenant_id) as connection:
        of_run = update(conversations).where(conversations.c.id == run.conversation_id)
        await connection.execute(of_run.values(updated_at=datetime.now(UTC) - OLD))


async def kept(store: Store) -> set[UUID]:
    """Return the conversations that are there for their users."""
    async with store.read("acme") as connection:
        there = select(conversations.c.id).where(conversations.c.deleted_at.is_(None))
        return set((await connection.execute(there)).scalars())


async def test_conversations_go_when_their_tenants_time_is_over_and_the_record_says_so(
    store: Store, assistants: Assistants
) -> None:
    """G339"""
    gone, hers, bens = await old_conversation(store), await old_conversation(store, EVE), await old_conversation(store)
    run = await new_run(store, conversation_id=gone)
    await finish(store, run)
    await grown_old(store, run)
    lately = await new_run(store, BEN)
    talked_in = await old_conversation(store)
    await finish(store, await new_run(store, conversation_id=talked_in))
    await finish(store, lately, who=BEN)
    await expire(store, assistants, keeping({**MONTH, EVE.tenant_id: {"conversations": None}}))
    assert await kept(store) == {hers, lately.conversation_id, talked_in}
    await purge_deleted(store, most_rows=500, gone=ignore)
    assert (await count_rows(store))["conversations"] == 3
    async with store.read("acme") as connection:
        told = select(audit.c.user_id, audit.c.on_behalf_of, audit.c.conversation_id)
        deeds = await connection.execute(told.where(audit.c.kind == "conversation.expired"))
        assert sorted(map(tuple, deeds), key=str) == sorted([(None, "ann", gone), (None, "ann", bens)], key=str)
    assert (await verify_tenant(store, "acme")).problems == []


WORK: dict[str, Callable[[Store, Run], Awaitable[object]]] = {
    "works": lambda _store, _run: asyncio.sleep(0),
    "waits for a person": lambda store, run: in_one(
        store, pause_run, "acme", run.id, attempt=1, until=datetime.now(UTC) + OLD
    ),
}


@pytest.mark.parametrize("state", [*WORK, "waits for its turn"])
async def test_no_conversation_goes_in_which_a_run_works_or_waits(
    store: Store, assistants: Assistants, state: str
) -> None:
    """G339"""
    busy = await old_conversation(store)
    run = await new_run(store, conversation_id=busy, claim=state in WORK)
    if state in WORK:
        await WORK[state](store, run)
    await grown_old(store, run)
    await expire(store, assistants, keeping(MONTH))
    assert await kept(store) == {busy}
    await finish(store, run)
    await expire(store, assistants, keeping(MONTH))
    assert await kept(store) == set()


async def test_many_go_in_small_batches_and_each_once_however_many_processes_do_it(
    store: Store, assistants: Assistants
) -> None:
    """G339"""
    busy = await new_run(store, conversation_id=await old_conversation(store))
    await grown_old(store, busy)
    for _ in range(25):
        await old_conversation(store)
    first = await in_one(store, expire_conversations, "acme", keep_days=30, most_rows=10)
    assert first.gone <= 10
    assert 26 - first.gone == len(await kept(store))
    other = Store(store.url.render_as_string(hide_password=False), pool_size=2)
    done = await at_once(expire(one, assistants, keeping(MONTH, purge_rows=4)) for one in (store, other, store))
    await other.close()
    assert done == [None, None, None]
    await expire(store, assistants, keeping(MONTH))
    assert await kept(store) == {busy.conversation_id}
    async with store.read("acme") as connection:
        deeds = (await connection.execute(select(audit.c.conversation_id))).scalars().all()
    assert len(deeds) == len(set(deeds)) == 25


async def test_ratings_go_when_their_time_is_over(store: Store, assistants: Assistants) -> None:
    """G339"""
    run = await new_run(store)
    for age, step in ((OLD, 1), (timedelta(0), 2)):
        said = NewMessage("assistant", "42", step, id=old_id())
        [message_id] = await say(store, run, said)
        await in_one(store, rate_message, ANN, Feedback(message_id, "up", "zebra"))
        async with store.write("acme") as connection:
            own = update(feedback).where(feedback.c.message_id == message_id)
            await connection.execute(own.values(created_at=datetime.now(UTC) - age))
    await expire(store, assistants, keeping({"acme": {"feedback": 30}}))
    async with store.read("acme") as connection:
        assert list((await connection.execute(select(feedback.c.message_id))).scalars()) == [message_id]
        told = select(audit.c.outcome).where(audit.c.kind == "feedback.expired")
        assert list((await connection.execute(told)).scalars()) == ["1"]
    assert await kept(store) == {run.conversation_id}


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        ({}, 365),
        ({"*": {"audit": 90}}, 90),
        ({"*": {"conversations": 9}}, 365),
        ({"acme": {"audit": 7}, "*": {"audit": 90}}, 7),
        ({"acme": {"feedback": 7}, "*": {"audit": 90}}, 90),
        ({"acme": {"audit": None}, "*": {"audit": 90}}, None),
        ({"rival": {"audit": 7}}, 365),
    ],
)
def test_a_tenants_own_word_counts_then_that_for_everybody_then_the_definitions(
    retention: dict[str, Any], expected: int | None
) -> None:
    said = {name: Keep.model_validate(one) for name, one in retention.items()}
    assert kept_days(said, "acme", "audit", usual=365) == expected


@pytest.mark.parametrize("days", [{"conversations": 0}, {"audit": -1}, {"feedback": "long"}, {"pictures": 3}, 30])
def test_a_time_that_is_none_stops_the_start(days: object) -> None:
    with pytest.raises(ValidationError):
        keeping({"acme": days})


async def test_a_server_lets_go_of_what_is_kept_no_longer_by_itself(open_frontdesk: OpenWorld) -> None:
    """G339"""
    world = await open_frontdesk(retention={"acme": {"conversations": 30}}, retention_every_s=0.1)
    store = store_of(world)
    young = await new_run(store, worker_id=WORKER)
    await old_conversation(store)

    async def has_gone() -> bool:
        return (await count_rows(store))["conversations"] == 1

    await until(has_gone)
    assert await kept(store) == {young.conversation_id}


async def test_files_go_when_their_time_is_over_also_those_that_messages_have(
    store: Store, assistants: Assistants
) -> None:
    """G629"""
    run = await new_run(store)
    kept_by_message, loose, young, others = [await keep_file(store, who) for who in (ANN, BEN, ANN, EVE)]
    await in_one(store, take_files, ANN, [kept_by_message.id], run.conversation_id)
    for old in (kept_by_message, loose, others):
        async with store.write(EVERY_TENANT) as connection:
            aged = update(files).where(files.c.id == old.id)
            await connection.execute(aged.values(id=old_id(), created_at=datetime.now(UTC) - OLD))
    await expire(store, assistants, keeping({"acme": {"files": 30}, "rival": {"files": 50}}, purge_rows=1))
    async with store.read(EVERY_TENANT) as connection:
        there = select(files.c.id).where(files.c.deleted_at.is_(None), files.c.tenant_id == "acme")
        assert list((await connection.execute(there)).scalars()) == [young.id]
        assert len((await connection.execute(select(files).where(files.c.tenant_id == "rival"))).all()) == 1
        gone = select(files.c.name, files.c.conversation_id).where(files.c.deleted_at.is_not(None))
        assert set(map(tuple, await connection.execute(gone))) == {("", None)}
        told = select(audit.c.tenant_id, audit.c.outcome).where(audit.c.kind == "file.expired")
        assert list(map(tuple, await connection.execute(told))) == [("acme", "1"), ("acme", "1")]
        assert await get_file(connection, ANN, young.id)
    assert await kept(store) == {run.conversation_id}


async def test_a_look_is_at_so_many_tenants_and_the_next_one_goes_on_behind_them(
    store: Store, assistants: Assistants, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G617: and where nothing is due it only reads."""
    monkeypatch.setattr(retention, "TENANTS_AT_ONCE", 2)
    for number in range(5):
        await old_conversation(store, Principal(f"t{number}", "ann"))
    place, left = RetentionCursor(), [5]
    for _ in range(4):
        await expire(store, assistants, keeping(MONTH), place)
        left.append(len(await kept(store)))
    assert left == [5, 3, 1, 0, 0]
    async with store.read(EVERY_TENANT) as connection:
        asking = Asking(connection)
        assert await kinds_due(asking, "t1", {"conversations": 30, "feedback": 30, "memories": 30, "files": 30}) == []
    assert {one.split()[0] for one, _ in asking.asked} == {"SELECT"}


async def test_facts_go_when_nobody_has_changed_them_for_so_long(store: Store, assistants: Assistants) -> None:
    """G507: also of a tenant that has no conversations, and of others not."""
    for who in (ANN, BEN, EVE):
        for number in range(3):
            await in_one(store, keep_memory, who, f"Fact {number}.", owner=who.user_id, most=9)
    async with store.write("acme") as connection:
        old = update(memories).where(memories.c.text != "Fact 2.")
        await connection.execute(old.values(updated_at=datetime.now(UTC) - OLD))
    await expire(store, assistants, keeping({"acme": {"memories": 30}, "rival": {"memories": 50}}, purge_rows=1))
    async with store.read("acme") as connection:
        for who in (ANN, BEN):
            left = await list_memories(connection, who, with_tenant=True, limit=9)
            assert [one.text for one in left] == ["Fact 2."]
        assert len(await list_memories(connection, EVE, with_tenant=True, limit=9)) == 3
        rows = await connection.execute(select(audit.c.outcome).where(audit.c.kind == "memory.expired"))
        assert [row.outcome for row in rows] == ["1"] * 4
    assert store.has_forgotten

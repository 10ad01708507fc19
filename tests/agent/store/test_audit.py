"""The record: what is sealed cannot be changed without showing, and words can go without breaking a seal."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, update
from support.rows import ANN, EVE, WORKER, at_once, ignore, in_one, let_ask, new_conversation, new_run

from agent.attempt.unheld import decide
from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.approvals import Decision
from agent.store.audit import AuditCursor, AuditFilter, Deed, list_audit, record
from agent.store.audit_tables import audit, audit_seals
from agent.store.database import Store, new_id
from agent.store.deletion import hide_conversation, purge_deleted
from agent.store.expiry import expire_audit
from agent.store.sealing import SEALED_AT_ONCE, seal_all, seal_batch
from agent.store.transitions import pause_run
from agent.store.verifying import Verified, has_seal, verify_tenant

FIRST = 1_000_000
"""The second of the first row."""
NOWADAYS = 1_000_000_000


async def sealed(store: Store, seconds: int = 3, *, conversation_id: UUID | None = None) -> list[UUID]:
    """Record two deeds in each of several seconds that are over, and seal them; return the rows in order."""
    for second in range(seconds):
        deeds = [
            Deed(
                "call.proposed",
                "ann",
                "ann",
                conversation_id,
                tool_name=f"tool-{second}",
                words={"arguments": {"n": n}},
            )
            for n in range(2)
        ]
        await in_one(store, record, ANN, deeds)
        await placed(store, FIRST + second)
    await seal_all(store)
    async with store.read("acme") as connection:
        return list((await connection.execute(select(audit.c.id).order_by(audit.c.at, audit.c.id))).scalars())


async def placed(store: Store, second: int) -> None:
    """Let the rows that were recorded just now be of one second."""
    async with store.write("acme") as connection:
        await connection.execute(update(audit).where(audit.c.at > NOWADAYS).values(at=second + 0.5))


async def verified(store: Store, who: Principal = ANN) -> Verified:
    return await verify_tenant(store, who.tenant_id)


async def problems(store: Store) -> str:
    return "\n".join(one.text for one in (await verified(store)).problems)


async def test_what_nobody_touched_is_as_it_was_sealed(store: Store) -> None:
    """G262"""
    await sealed(store)
    found = await verified(store)
    assert (found.rows, found.problems) == (6, [])
    assert found.head is not None
    assert found.head.number == 3
    assert await in_one(store, has_seal, "acme", number=3, digest=found.head.digest)
    assert not await in_one(store, has_seal, "rival", number=3, digest=found.head.digest)


CHANGES: dict[str, tuple[Callable[[list[UUID]], Any], str]] = {
    "a removed row": (lambda ids: delete(audit).where(audit.c.id == ids[2]), "is over 2 rows, and 1 are there"),
    "removed rows of a second": (lambda ids: delete(audit).where(audit.c.seal == 2), "is over 2 rows, and 0 are there"),
    "another user": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(user_id="ben"), "was changed"),
    "another outcome": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(outcome="ok"), "was changed"),
    "other words": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(words="{}"), "its words were changed"),
    "words that went": (
        lambda ids: update(audit).where(audit.c.id == ids[2]).values(words=None, salt=None),
        "are gone, and nobody deleted it",
    ),
    "words without their digest": (
        lambda ids: update(audit).where(audit.c.id == ids[2]).values(words=None, salt=None, words_digest=None),
        "was changed",
    ),
    "another time": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(at=FIRST + 0.7), "was changed"),
    "another order": (lambda ids: update(audit).where(audit.c.id == ids[0]).values(seal=2), "is over 2 rows, and 3"),
    "a row in another's place": (
        lambda ids: update(audit).where(audit.c.id == ids[0]).values(id=new_id()),
        "was changed",
    ),
    "a digest": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(digest="7" * 64), "was changed"),
    "a row unsealed": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(seal=None), "older than what is"),
    "a seal that is not there": (lambda ids: update(audit).where(audit.c.id == ids[2]).values(seal=9), "name a seal"),
    "a removed seal": (lambda ids: delete(audit_seals).where(audit_seals.c.number == 2), "seals 2 to 2 are missing"),
    "the first seals removed": (lambda ids: delete(audit_seals).where(audit_seals.c.number < 3), "no expiry says so"),
    "a changed seal": (
        lambda ids: update(audit_seals).where(audit_seals.c.number == 2).values(second=5),
        "is not over these rows",
    ),
    "a seal of another chain": (
        lambda ids: update(audit_seals).where(audit_seals.c.number == 2).values(previous="7" * 64),
        "does not follow",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_of_what_is_sealed_shows(store: Store, name: str) -> None:
    """G262"""
    change, told = CHANGES[name]
    ids = await sealed(store)
    async with store.write("acme") as connection:
        await connection.execute(change(ids))
    assert told in await problems(store)


@pytest.mark.parametrize("seal", [1, 2, None])
async def test_a_row_that_came_in_by_another_door_shows(store: Store, seal: int | None) -> None:
    """G262"""
    await sealed(store)
    async with store.write("acme") as connection:
        row = dict((await connection.execute(select(audit).limit(1))).mappings().one())
        await connection.execute(insert(audit).values({**row, "id": new_id(), "seal": seal, "at": FIRST + 1.5}))
    assert await problems(store)
    await seal_all(store)
    assert await problems(store)


async def test_a_row_that_is_committed_late_gets_a_later_seal_and_breaks_none(store: Store) -> None:
    """G262"""
    await sealed(store)
    await in_one(store, record, ANN, [Deed("call.settled", "ann")])
    async with store.write("acme") as connection:
        await connection.execute(update(audit).where(audit.c.at > NOWADAYS).values(at=audit.c.at - 60))
    await seal_all(store)
    found = await verified(store)
    assert (found.rows, found.problems) == (7, [])


async def test_rows_of_a_second_that_is_not_over_wait_for_their_seal(store: Store) -> None:
    async with store.write("acme") as connection:
        await record(connection, ANN, [Deed("call.settled", "ann")])
    async with store.write("acme") as connection:
        await connection.execute(update(audit).values(at=audit.c.at + 60))
    assert await seal_batch(store) == 0


async def test_many_that_seal_at_once_seal_each_row_once(store: Store) -> None:
    """G262"""
    await in_one(store, record, ANN, [Deed("call.settled", "ann", outcome=str(n)) for n in range(2 * SEALED_AT_ONCE)])
    await in_one(store, record, EVE, [Deed("call.settled", "ann")])
    await placed(store, FIRST)
    await at_once([seal_all(store) for _ in range(5)])
    await seal_all(store)
    found, other = await verified(store), await verified(store, EVE)
    assert (found.rows, found.problems) == (2 * SEALED_AT_ONCE, [])
    assert (other.rows, other.problems) == (1, [])


async def test_words_go_with_their_conversation_and_the_seals_hold(store: Store) -> None:
    """G263"""
    conversation_id = await new_conversation(store)
    other = await new_conversation(store)
    await sealed(store, 1, conversation_id=conversation_id)
    await in_one(store, record, ANN, [Deed("call.settled", "ann", conversation_id=other, words={"result": "kept"})])
    async with store.write("acme") as connection:
        await hide_conversation(connection, ANN, conversation_id)
        await record(connection, ANN, [Deed("conversation.deleted", "ann", conversation_id=conversation_id)])
    shown = await in_one(store, list_audit, "acme", wanted=AuditFilter(), limit=9, after=None)
    assert [one.deed.words for one in shown if one.deed.words] == [{"result": "kept"}], "they show after the deletion"
    await purge_deleted(store, most_rows=1, gone=ignore)
    async with store.read("acme") as connection:
        rows = (await connection.execute(select(audit).where(audit.c.tool_name == "tool-0"))).all()
    assert [(row.words, row.salt) for row in rows] == [(None, None)] * 2
    assert all(row.words_digest for row in rows)
    assert await problems(store) == ""


def times_in(path: Path, word: bytes) -> int:
    return path.read_bytes().count(word)


async def test_words_go_from_the_file_as_well_whenever_they_were_sealed(tmp_path: Path, sqlite_template: Path) -> None:
    """G263"""
    path = Path(shutil.copy(sqlite_template, tmp_path / "one.db"))
    store = Store(f"sqlite+aiosqlite:///{path}", pool_size=1)
    gone = [await new_conversation(store) for _ in range(4)]
    every = [*gone, await new_conversation(store)]
    for second in range(24):
        said = [(every[(second * n) % 5], "zebra " * (1 + (n * second) % 90)) for n in range(1, 20)]
        deeds = [Deed("call.settled", "ann", conversation_id=one, words={"result": text}) for one, text in said]
        await in_one(store, record, ANN, deeds)
        await placed(store, FIRST + second)
        await seal_all(store)
        if second % 6 == 5:
            await in_one(store, hide_conversation, ANN, gone[second // 6])
            await purge_deleted(store, most_rows=50, gone=ignore)
    async with store.write("acme") as connection:
        shown = (await connection.execute(select(audit.c.words))).scalars().all()
    await store.checkpoint(most_bytes=2**40)
    await store.close()
    said_still = sum((words or "").count("zebra") for words in shown)
    assert said_still
    assert times_in(path, b"zebra") == said_still


async def test_a_decision_that_comes_while_its_conversation_is_deleted_is_neither_taken_nor_recorded(
    store: Store,
) -> None:
    """G263: its words would come when those of the conversation are gone already."""
    run = await new_run(store)
    await let_ask(store, run)
    await in_one(store, pause_run, "acme", run.id, attempt=1, until=datetime.now(UTC))
    await in_one(store, hide_conversation, ANN, run.conversation_id)
    yes = [Decision("call-1", is_approved=True)]
    with pytest.raises(NotFoundError):
        await decide(store, ANN, run, yes, worker_id=WORKER, user_id="ann", resume_s=60, edited={})
    assert await in_one(store, list_audit, "acme", wanted=AuditFilter(), limit=9, after=None) == []


async def test_what_is_kept_no_longer_goes_from_the_oldest_on_and_the_record_says_so(store: Store) -> None:
    """G264"""
    await sealed(store, 4)
    assert await in_one(store, expire_audit, "acme", keep_days=1, most_rows=4) == 4
    assert await problems(store) == ""
    assert await in_one(store, expire_audit, "acme", keep_days=1, most_rows=4) == 2
    assert await in_one(store, expire_audit, "acme", keep_days=1, most_rows=4) == 0, "the newest seal stays"
    found = await verified(store)
    assert (found.rows, found.problems) == (2, [])
    shown = await in_one(store, list_audit, "acme", wanted=AuditFilter(kind="audit.expired"), limit=9, after=None)
    assert len(shown) == 2
    assert await in_one(store, expire_audit, "acme", keep_days=36_500, most_rows=4) == 0


async def test_pages_of_the_record_are_whole_and_in_order(store: Store) -> None:
    await sealed(store, 3)
    after, seen = None, []
    while page := await in_one(store, list_audit, "acme", wanted=AuditFilter(), limit=2, after=after):
        seen += [one.id for one in page]
        after = AuditCursor(page[-1].at, page[-1].id)
    async with store.read("acme") as connection:
        order = select(audit.c.id).order_by(audit.c.at.desc(), audit.c.id.desc())
        assert seen == list((await connection.execute(order)).scalars())
    only = await in_one(store, list_audit, "acme", wanted=AuditFilter(tool_name="tool-1"), limit=9, after=None)
    assert {one.deed.tool_name for one in only} == {"tool-1"}

"""Memories: facts of a user, or of a tenant, that outlive the conversations in which they were said.

The invariant: nobody has a fact twice, and nobody has more than may be, whoever writes at the same time. A tenant's own facts
have no user (`TENANT`); whether somebody may see or change those is asked before, and said with `with_tenant`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, TextClause, bindparam, cast, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from agent.errors import InvalidRequestError, NotFoundError
from agent.principal import Principal
from agent.store.advisory import MEMORIES, lock_owner
from agent.store.conversations import lock_conversation
from agent.store.database import new_id
from agent.store.memory_tables import memories
from agent.store.runs import get_run
from agent.store.transaction import Transaction
from agent.store.words import fold, scope_of, terms_of

TENANT = ""
"""In place of a user: of the tenant as a whole."""
MOST_FOUND = 100
"""Facts that have a word of the question, the newest ones, of which the best are looked for."""

Kept = Literal["new", "known", "full"]
"""The fate of a fact that was to be kept."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A fact. `user_id` is `TENANT` where it is everybody's whom the definition lets see it."""

    id: UUID
    user_id: str
    text: str
    created_at: datetime
    updated_at: datetime


async def keep_memory(connection: Transaction, principal: Principal, fact: str, *, owner: str, most: int) -> Kept:
    """Keep a fact of the principal, or with `TENANT` of the tenant, unless it is there or `most` are. The caller commits."""
    await lock_owner(connection, principal.tenant_id, owner, kind=MEMORIES)
    c = memories.c
    own = c.tenant_id == principal.tenant_id, c.user_id == owner
    known = select(c.id).where(*own, c.digest == digest_of(fact))
    if (await connection.execute(known)).first() is not None:
        return "known"
    if (await connection.execute(select(func.count()).select_from(memories).where(*own))).scalar_one() >= most:
        return "full"
    now = datetime.now(UTC)
    await _insert(connection, principal.tenant_id, Memory(new_id(), owner, fact, now, now))
    return "new"


async def hold_running(connection: Transaction, principal: Principal, run_id: UUID) -> UUID:
    """Keep the principal's run from ending and from being deleted until the caller commits; return its conversation.

    Raises:
        NotFoundError: it is over, or gone.
    """
    run = await get_run(connection, principal, run_id)
    await lock_conversation(connection, principal.tenant_id, run.conversation_id)
    if (await get_run(connection, principal, run_id)).state != "running":
        raise NotFoundError("The run is over.")
    return run.conversation_id


async def list_memories(
    connection: Transaction, principal: Principal, *, with_tenant: bool, limit: int, after: UUID | None = None
) -> list[Memory]:
    """Return up to `limit` facts, the newest first, behind `after`."""
    behind = [memories.c.id < after] if after is not None else []
    owners = owners_of(principal, with_tenant=with_tenant)
    return _newest([await _newest_of(connection, principal, one, *behind, most=limit) for one in owners], most=limit)


async def find_memories(
    connection: Transaction, principal: Principal, beginnings: Sequence[str], *, with_tenant: bool, whole: bool = False
) -> list[Memory]:
    """Return the facts that have a word with one of these beginnings, or as it is a `whole` one; the newest `MOST_FOUND`."""
    found = []
    for owner in owners_of(principal, with_tenant=with_tenant):
        if connection.dialect.name == "postgresql":
            has_one = text("memories.words @@ CAST(:question AS tsquery)")
            question = "|".join(f"'{beginning}'{'' if whole else ':*'}" for beginning in beginnings)
        else:
            has_one = text("memories.number IN (SELECT rowid FROM memory_index WHERE memory_index MATCH :question)")
            scope = _scope(principal.tenant_id, owner)
            question = " OR ".join(f'"{scope}{beginning}"{"" if whole else " *"}' for beginning in beginnings)
        asked = has_one.bindparams(question=question)
        found.append(await _newest_of(connection, principal, owner, asked, most=MOST_FOUND))
    return _newest(found, most=MOST_FOUND)


async def read_memories(
    connection: Transaction, principal: Principal, ids: Sequence[UUID], *, with_tenant: bool
) -> list[Memory]:
    """Return facts by their ids, in this order, as far as they are there."""
    found = select(memories).where(*_of(principal, with_tenant=with_tenant), memories.c.id.in_(ids))
    rows = {row.id: _memory(row) for row in await connection.execute(found)}
    return [rows[one] for one in ids if one in rows]


async def get_memory(connection: Transaction, principal: Principal, memory_id: UUID, *, with_tenant: bool) -> Memory:
    """Return a fact.

    Raises:
        NotFoundError: the principal has no such fact.
    """
    found = await read_memories(connection, principal, [memory_id], with_tenant=with_tenant)
    if not found:
        raise NotFoundError("No such memory.")
    return found[0]


async def change_memory(connection: Transaction, principal: Principal, memory: Memory, fact: str) -> Memory:
    """Give a fact that the principal has another text. The caller commits.

    Raises:
        InvalidRequestError: another fact of the same owner says that already.
        NotFoundError: it is gone.
    """
    await lock_owner(connection, principal.tenant_id, memory.user_id, kind=MEMORIES)
    c = memories.c
    same = c.tenant_id == principal.tenant_id, c.user_id == memory.user_id, c.digest == digest_of(fact)
    if (await connection.execute(select(c.id).where(*same, c.id != memory.id))).first() is not None:
        raise InvalidRequestError("text: another memory says that already")
    # A row that became shorter would leave its end in SQLite's file: one that goes is wiped.
    if not await delete_memories(connection, principal, [memory]):
        raise NotFoundError("No such memory.")
    changed = Memory(memory.id, memory.user_id, fact, memory.created_at, datetime.now(UTC))
    await _insert(connection, principal.tenant_id, changed)
    return changed


async def find_memory(
    connection: Transaction, principal: Principal, fact: str, *, owners: Sequence[str]
) -> Memory | None:
    """Return the fact that says this, however its letters are written; of several owners the first one's."""
    c = memories.c
    found = select(memories).where(c.tenant_id == principal.tenant_id, c.user_id.in_(owners))
    rows = {row.user_id: _memory(row) for row in await connection.execute(found.where(c.digest == digest_of(fact)))}
    return next((rows[owner] for owner in owners if owner in rows), None)


async def delete_memories(connection: Transaction, principal: Principal, gone: Sequence[Memory]) -> int:
    """Remove facts that the principal has; return how many were still there. The caller commits."""
    named = delete(memories).where(*_of(principal, with_tenant=True), memories.c.id.in_([one.id for one in gone]))
    return (await connection.execute(named)).rowcount


async def delete_own_memories(connection: Transaction, principal: Principal) -> int:
    """Remove all facts of the principal, none of the tenant's; return how many. The caller commits."""
    c = memories.c
    own = delete(memories).where(c.tenant_id == principal.tenant_id, c.user_id == principal.user_id)
    return (await connection.execute(own)).rowcount


async def erase_memories(connection: Transaction, tenant_id: str, *, user_id: str | None, most_rows: int) -> int:
    """Remove facts of a user, or with None all of a tenant, at most so many; return how many. The caller commits."""
    c = memories.c
    own = (c.tenant_id == tenant_id,) if user_id is None else (c.tenant_id == tenant_id, c.user_id == user_id)
    some = list((await connection.execute(select(c.id).where(*own).limit(most_rows))).scalars())
    if some:
        await connection.execute(delete(memories).where(c.tenant_id == tenant_id, c.id.in_(some)))
    return len(some)


class Vector(NamedTuple):
    """A fact's vector: what its text means, as a model's row; `text` is what it was made of."""

    id: UUID
    text: str
    packed: bytes


async def read_vectors(
    connection: Transaction, tenant_id: str, owner: str, *, model: str
) -> list[tuple[UUID, bytes | None]]:
    """Return an owner's facts with the vectors that a model made of them; None where there is none yet."""
    c = memories.c
    found = select(c.id, c.vector, c.vector_model).where(c.tenant_id == tenant_id, c.user_id == owner).order_by(c.id)
    return [(row.id, row.vector if row.vector_model == model else None) for row in await connection.execute(found)]


async def missing_vectors(
    connection: Transaction, tenant_id: str, owner: str, *, model: str, limit: int
) -> list[Memory]:
    """Return facts of an owner that a model made no vector of, the newest first."""
    c = memories.c
    is_missing = or_(c.vector_model.is_(None), c.vector_model != model)
    found = select(memories).where(c.tenant_id == tenant_id, c.user_id == owner, is_missing)
    return [_memory(row) for row in await connection.execute(found.order_by(c.id.desc()).limit(limit))]


async def write_vectors(connection: Transaction, tenant_id: str, made: Sequence[Vector], *, model: str) -> int:
    """Store vectors beside their facts, where these still say the same; return how many. The caller commits."""
    c = memories.c
    stored = 0
    for one in made:
        same = c.tenant_id == tenant_id, c.id == one.id, c.text == one.text
        stored += (
            await connection.execute(update(memories).where(*same).values(vector=one.packed, vector_model=model))
        ).rowcount
    return stored


def digest_of(fact: str) -> str:
    """Return what two texts have in common that say the same in other letters: case, accents, space."""
    return hashlib.sha256(" ".join(fold(fact).split()).encode()).hexdigest()


async def _insert(connection: Transaction, tenant_id: str, memory: Memory) -> None:
    terms = terms_of(memory.text)
    row: dict[str, Any] = {
        "tenant_id": tenant_id,
        "id": memory.id,
        "user_id": memory.user_id,
        "text": memory.text,
        "digest": digest_of(memory.text),
        "number": memory.id.int & (2**63 - 1),
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
    }
    if connection.dialect.name == "postgresql":
        words = func.array_to_tsvector(cast(bindparam("terms"), ARRAY(Text)))
        await connection.execute(insert(memories).values(**row, words=words), {"terms": terms})
    else:
        scope = _scope(tenant_id, memory.user_id)
        words_of_owner = " ".join(f"{scope}{term}" for term in terms)
        await connection.execute(insert(memories).values(**row, words=words_of_owner))


def _scope(tenant_id: str, owner: str) -> str:
    return scope_of(tenant_id, owner, 0)


def owners_of(principal: Principal, *, with_tenant: bool) -> list[str]:
    """Return whose facts a principal may be told."""
    return [principal.user_id, TENANT] if with_tenant else [principal.user_id]


async def _newest_of(
    connection: Transaction, principal: Principal, owner: str, *which: ColumnElement[bool] | TextClause, most: int
) -> list[Memory]:
    """Return facts of one owner. Of several at once databases read all that the tenant has, in the order of their ids."""
    c = memories.c
    found = select(memories).where(c.tenant_id == principal.tenant_id, c.user_id == owner, *which)
    return [_memory(row) for row in await connection.execute(found.order_by(c.id.desc()).limit(most))]


def _newest(found: Sequence[Sequence[Memory]], *, most: int) -> list[Memory]:
    return sorted((one for facts in found for one in facts), key=lambda one: one.id, reverse=True)[:most]


def _of(principal: Principal, *, with_tenant: bool) -> list[ColumnElement[bool]]:
    c = memories.c
    return [c.tenant_id == principal.tenant_id, c.user_id.in_(owners_of(principal, with_tenant=with_tenant))]


def _memory(row: Any) -> Memory:
    return Memory(row.id, row.user_id, row.text, row.created_at, row.updated_at)

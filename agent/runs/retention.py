"""Retention: for how long conversations, ratings, memories, files and the record are kept, and the upkeep that lets go of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from agent.assistant.source import Assistants
from agent.runs.record import keep_days
from agent.settings import Keep, RuntimeSettings
from agent.store.database import EVERY_TENANT, Store
from agent.store.expiry import expire_audit
from agent.store.retention import (
    BEGINNING,
    Kind,
    expire_conversations,
    expire_feedback,
    expire_files,
    expire_memories,
    kinds_due,
    next_keeping,
)
from agent.store.spending import expire_counters
from agent.store.transaction import Transaction

EVERYBODY = "*"
"""In place of a tenant's name: of all for whom nothing else is said."""
TENANTS_AT_ONCE = 100


def kept_days(retention: Mapping[str, Keep], tenant_id: str, kind: str, *, usual: int | None = None) -> int | None:
    """Return for how many days a tenant's things of a kind are kept; None is for ever.

    Its own word counts, then that for everybody, then what is `usual`.
    """
    for name in (tenant_id, EVERYBODY):
        said = retention.get(name)
        if said is not None and kind in said.model_fields_set:
            days: int | None = getattr(said, kind)
            return days
    return usual


@dataclass(slots=True)
class RetentionCursor:
    """The place of a look in the order of tenants: the next one begins behind this tenant."""

    tenant_id: str = ""


async def expire(
    store: Store, assistants: Assistants, settings: RuntimeSettings, cursor: RetentionCursor | None = None
) -> None:
    """Let go of all that is kept no longer, counters of budgets among it, in batches.

    Between two batches others have the database for as long as one took. A look is at `TENANTS_AT_ONCE` tenants at most, from
    `cursor` on: what it costs does not grow with their number.
    """
    cursor = cursor or RetentionCursor()
    await _in_batches(store, partial(expire_counters, most_rows=settings.purge_rows))
    usual: dict[Kind, int] = {"audit": keep_days(assistants)}
    for _ in range(TENANTS_AT_ONCE):
        async with store.read(EVERY_TENANT) as connection:
            tenant_id = await next_keeping(connection, after=cursor.tenant_id)
            cursor.tenant_id = tenant_id or ""
            if tenant_id is None:
                return
            kept = ((kind, kept_days(settings.retention, tenant_id, kind, usual=usual.get(kind))) for kind in EXPIRE)
            days: dict[Kind, int] = {kind: most for kind, most in kept if most is not None}
            due = await kinds_due(connection, tenant_id, days)
        for kind in due:
            await EXPIRE[kind](store, tenant_id, days[kind], settings.purge_rows)


async def _expire_conversations(store: Store, tenant_id: str, days: int, most_rows: int) -> None:
    place = BEGINNING

    async def batch(connection: Transaction) -> int:
        nonlocal place
        done = await expire_conversations(connection, tenant_id, keep_days=days, most_rows=most_rows, after=place)
        place = done.last or place
        return int(done.last is not None)

    await _in_batches(store, batch)


async def _expire_memories(store: Store, tenant_id: str, days: int, most_rows: int) -> None:
    async def batch(connection: Transaction) -> int:
        gone = await expire_memories(connection, tenant_id, keep_days=days, most_rows=most_rows)
        store.has_forgotten |= bool(gone)
        return gone

    await _in_batches(store, batch)


class _Batch(Protocol):
    async def __call__(self, connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int) -> int: ...


def _in_turn(batch: _Batch) -> "Expire":
    async def all_of(store: Store, tenant_id: str, days: int, most_rows: int) -> None:
        await _in_batches(store, partial(batch, tenant_id=tenant_id, keep_days=days, most_rows=most_rows))

    return all_of


Expire = Callable[[Store, str, int, int], Awaitable[None]]
EXPIRE: dict[Kind, Expire] = {
    "audit": _in_turn(expire_audit),
    "conversations": _expire_conversations,
    "feedback": _in_turn(expire_feedback),
    "memories": _expire_memories,
    "files": _in_turn(expire_files),
}


async def _in_batches(store: Store, work: Callable[[Transaction], Awaitable[int]]) -> None:
    """Do work, a transaction each time, until there is no more."""
    is_more = True
    while is_more:
        begun = time.monotonic()
        async with store.write(EVERY_TENANT, is_long=True) as connection:
            is_more = bool(await work(connection))
        store.note_deletion()
        await asyncio.sleep(time.monotonic() - begun)

"""Retention: for how long conversations, ratings, memories and the record are kept, and the upkeep that lets go of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from agent.assistant.source import Assistants
from agent.runs.record import keep_days
from agent.settings import Keep, RuntimeSettings
from agent.store.database import EVERY_TENANT, Store
from agent.store.expiry import expire_audit, expired_tenants
from agent.store.retention import (
    BEGINNING,
    expire_conversations,
    expire_feedback,
    expire_memories,
    next_remembering,
    next_tenant,
)
from agent.store.transaction import Transaction

EVERYBODY = "*"
"""In place of a tenant's name: of all for whom nothing else is said."""


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


async def expire(store: Store, assistants: Assistants, settings: RuntimeSettings) -> None:
    """Let go of all that is kept no longer, in batches; between two of them others have the database for as long."""
    await _expire_record(store, assistants, settings)
    if any(said.conversations or said.feedback for said in settings.retention.values()):
        async for tenant_id in _tenants(store, next_tenant):
            await _expire_conversations(store, tenant_id, settings)
            await _expire_feedback(store, tenant_id, settings)
    if any(said.memories for said in settings.retention.values()):
        async for tenant_id in _tenants(store, next_remembering):
            await _expire_memories(store, tenant_id, settings)


async def _expire_record(store: Store, assistants: Assistants, settings: RuntimeSettings) -> None:
    usual = keep_days(assistants)
    least = min([usual, *(said.audit for said in settings.retention.values() if said.audit is not None)])
    async with store.read(EVERY_TENANT) as connection:
        tenants = await expired_tenants(connection, least_days=least)
    for tenant_id in tenants:
        days = kept_days(settings.retention, tenant_id, "audit", usual=usual)
        if days is not None:
            batch = partial(expire_audit, tenant_id=tenant_id, keep_days=days, most_rows=settings.purge_rows)
            await _in_batches(store, batch)


async def _expire_conversations(store: Store, tenant_id: str, settings: RuntimeSettings) -> None:
    days = kept_days(settings.retention, tenant_id, "conversations")
    place = BEGINNING

    async def batch(connection: Transaction) -> int:
        nonlocal place
        done = await expire_conversations(
            connection, tenant_id, keep_days=days or 0, most_rows=settings.purge_rows, after=place
        )
        place = done.last or place
        return int(done.last is not None)

    if days is not None:
        await _in_batches(store, batch)


async def _expire_feedback(store: Store, tenant_id: str, settings: RuntimeSettings) -> None:
    days = kept_days(settings.retention, tenant_id, "feedback")
    if days is not None:
        batch = partial(expire_feedback, tenant_id=tenant_id, keep_days=days, most_rows=settings.purge_rows)
        await _in_batches(store, batch)


async def _expire_memories(store: Store, tenant_id: str, settings: RuntimeSettings) -> None:
    days = kept_days(settings.retention, tenant_id, "memories")

    async def batch(connection: Transaction) -> int:
        gone = await expire_memories(connection, tenant_id, keep_days=days or 0, most_rows=settings.purge_rows)
        store.has_forgotten |= bool(gone)
        return gone

    if days is not None:
        await _in_batches(store, batch)


async def _in_batches(store: Store, work: Callable[[Transaction], Awaitable[int]]) -> None:
    """Do work, a transaction each time, until there is no more."""
    is_more = True
    while is_more:
        begun = time.monotonic()
        async with store.write(EVERY_TENANT, is_long=True) as connection:
            is_more = bool(await work(connection))
        store.note_deletion()
        await asyncio.sleep(time.monotonic() - begun)


class _Next(Protocol):
    async def __call__(self, connection: Transaction, *, after: str) -> str | None: ...


async def _tenants(store: Store, next_of: _Next) -> AsyncIterator[str]:
    name: str | None = ""
    while name is not None:
        async with store.read(EVERY_TENANT) as connection:
            name = await next_of(connection, after=name)
        if name is not None:
            yield name

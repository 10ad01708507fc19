"""The seals of the record: each is over the digests of a second's rows and over the seal before it.

The invariants: what is sealed cannot be changed, removed, added to or put elsewhere without showing, as long as somebody
knows the newest seal; a row whose words were erased keeps its seal. Where a row is committed late, a later seal has it.
"""

import hashlib
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import structlog
from sqlalchemy import bindparam, select, text, update

from agent.store.advisory import SEALING, is_our_turn
from agent.store.audit_tables import LOOSE, NO_DIGEST, audit, audit_seals
from agent.store.clock import database_now
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.database import EVERY_TENANT, Store
from agent.store.statements import Hot
from agent.store.transaction import Transaction

logger = structlog.get_logger()

SEALED_AT_ONCE = 150
"""Rows of a transaction: a turn that writes waits for one of these at most, a few milliseconds."""
NO_SEAL = NO_DIGEST
_STAYS = (
    *("tenant_id", "at", "kind", "user_id", "on_behalf_of", "conversation_id", "run_id", "tool_call_id"),
    *("tool_name", "risk", "outcome", "address", "request_id", "words_digest"),
)
_UNSEALED = text(f"audit.{LOOSE}")
_IS_LOOSE = Hot(select(audit.c.id).where(_UNSEALED).limit(1))
"""Asked before all else: mostly nothing is."""
_SEALED_OF = select(audit.c.id, *(audit.c[name] for name in _STAYS)).where(_UNSEALED)
_SEAL = (
    update(audit)
    .where(audit.c.tenant_id == OF_TENANT, audit.c.id == ROW_ID, _UNSEALED)
    .values(seal=bindparam("by"), digest=bindparam("as"))
)


class Head(NamedTuple):
    """A tenant's newest seal: whoever keeps it elsewhere can tell whether anything before it was changed."""

    number: int
    digest: str


async def seal_batch(store: Store) -> int:
    """Seal rows of whole seconds, of each tenant the oldest first; return how many.

    Zero where there are none, or another process does it.
    """
    async with store.read(EVERY_TENANT) as connection:
        if await connection.row(_IS_LOOSE, {}) is None:
            return 0
        if not await _unsealed(connection, await _whole_second(connection), most=1):
            return 0
    async with store.write(EVERY_TENANT, is_long=True) as connection:
        if not await is_our_turn(connection, SEALING):
            return 0
        now = await _whole_second(connection)
        rows = await _unsealed(connection, now, most=SEALED_AT_ONCE)
        is_cut = rows[-1].tenant_id if len(rows) == SEALED_AT_ONCE else None
        for tenant_id, own in groupby(sorted(rows, key=lambda row: (row.tenant_id, row.at, str(row.id))), _tenant):
            await _seal(connection, tenant_id, list(own), until=rows[-1].at if tenant_id == is_cut else now)
    return len(rows)


async def seal_all(store: Store) -> None:
    """Seal all rows of whole seconds that are there."""
    while await seal_batch(store) == SEALED_AT_ONCE:
        pass


def digest_of(row: Any) -> str:
    """Return the digest of a row's facts and of what stays of its words."""
    facts = [str(row.id), *(_plain(getattr(row, name)) for name in _STAYS)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def digest_of_seal(seal: Any, rows: Sequence[str]) -> str:
    """Return the digest of a seal over rows with these digests."""
    facts = [seal.tenant_id, seal.number, seal.second, seal.rows, float(seal.until), seal.previous, *rows]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class _Seal(NamedTuple):
    tenant_id: str
    number: int
    second: int
    rows: int
    until: float
    previous: str


async def _whole_second(connection: Transaction) -> float:
    """Return the second that is not over yet, by the database's clock."""
    return float(int((await connection.execute(select(database_now()))).scalar_one()))


async def _unsealed(connection: Transaction, before: float, *, most: int) -> Sequence[Any]:
    """Return rows of seconds that are over, tenant by tenant, the oldest first."""
    whole = _SEALED_OF.where(audit.c.at < before).order_by(audit.c.tenant_id, audit.c.at, audit.c.id)
    rows: Sequence[Any] = (await connection.execute(whole.limit(most))).all()
    return rows


async def _seal(connection: Transaction, tenant_id: str, rows: list[Any], *, until: float) -> None:
    s = audit_seals.c
    last = select(s.number, s.digest, s.until).where(s.tenant_id == tenant_id).order_by(s.number.desc()).limit(1)
    before = (await connection.execute(last)).one_or_none()
    number, previous = (before.number, before.digest) if before else (0, NO_SEAL)
    until = max(until, before.until if before else until)
    for second, of_second in groupby(rows, key=lambda row: int(row.at)):
        own = list(of_second)
        number += 1
        digests = [digest_of(row) for row in own]
        ends = until if own[-1] is rows[-1] else max(own[-1].at, before.until if before else 0.0)
        seal = _Seal(tenant_id, number, second, len(own), ends, previous)
        previous = digest_of_seal(seal, digests)
        await connection.execute(audit_seals.insert(), {**seal._asdict(), "digest": previous})
        named = [{"of_id": row.id, "by": number, "as": one} for row, one in zip(own, digests, strict=True)]
        await connection.execute(_SEAL, [{"of_tenant": tenant_id, **one} for one in named])
    logger.info("audit_sealed", tenant=tenant_id, number=number, digest=previous)


def _tenant(row: Any) -> str:
    tenant_id: str = row.tenant_id
    return tenant_id


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | float | int) else str(value)

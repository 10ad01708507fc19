"""How much room files take: of a user, with those that no message has, and of a tenant. Those that are going count no more."""

from typing import NamedTuple

from sqlalchemy import case, func, select

from agent.principal import Principal
from agent.store.advisory import FILES, lock_owner
from agent.store.attachment_tables import files
from agent.store.transaction import Transaction

FILE_BYTES = 8192
"""Of a disk that each file takes beside its content, at least: so a million of no content are bounded, too."""


class HeldBytes(NamedTuple):
    """How much a user's files take: `loose` the content of those that no message has, `kept` all of them, with their texts."""

    loose: int
    kept: int


async def held_by(connection: Transaction, principal: Principal, *, locks: bool = False) -> HeldBytes:
    """Return how much room the principal's files take; with `locks` nobody else adds one meanwhile."""
    if locks:
        await lock_owner(connection, principal.tenant_id, principal.user_id, kind=FILES)
    c = files.c
    loose = func.coalesce(func.sum(case((c.conversation_id.is_(None), c.bytes), else_=0)), 0)
    own = c.tenant_id == principal.tenant_id, c.user_id == principal.user_id, c.deleted_at.is_(None)
    row = (await connection.execute(select(loose, _KEPT).where(*own))).one()
    return HeldBytes(int(row[0]), int(row[1]))


async def held_by_tenant(connection: Transaction, tenant_id: str) -> int:
    """Return how much room all files of a tenant take."""
    kept = select(_KEPT).where(files.c.tenant_id == tenant_id, files.c.deleted_at.is_(None))
    return int((await connection.execute(kept)).scalar_one())


_KEPT = (
    func.coalesce(func.sum(files.c.bytes), 0)
    + func.coalesce(func.sum(files.c.text_bytes), 0)
    + FILE_BYTES * func.count()
)

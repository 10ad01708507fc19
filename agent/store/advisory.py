"""Advisory locks of PostgreSQL: by them one process at a time does what would be done twice, and no row has to stand for it.

SQLite needs none: it has one server, and one writer at a time. The invariant: every number of such a lock stands here, so no
two kinds of work share one.
"""

from typing import Final

from sqlalchemy import func, select, text

from agent.store.transaction import Transaction

MIGRATING: Final = 7045217
INDEXING: Final = 7045218
SEALING: Final = 7045219
RETAINING: Final = 7045220
MEMORIES: Final = 7045221
"""With an owner: whoever writes that owner's facts."""
FILES: Final = 7045222
"""With an owner: whoever adds one to that owner's files."""
STALL_S = 10
"""A process that stands still within the transaction loses it after this time: the others wait for its lock."""


async def is_our_turn(connection: Transaction, work: int) -> bool:
    """Return whether nobody else does this work until the transaction ends; on SQLite that is so anyway."""
    if connection.dialect.name != "postgresql":
        return True
    await connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{STALL_S}s'"))
    got: bool = (await connection.execute(select(func.pg_try_advisory_xact_lock(work)))).scalar_one()
    return got


async def lock_owner(connection: Transaction, tenant_id: str, owner: str, *, kind: int) -> None:
    """Make others who take this lock for the same owner wait until the transaction ends; on SQLite they do so anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:owner))")
        await connection.execute(lock, {"kind": kind, "owner": f"{len(tenant_id)}:{tenant_id}{owner}"})

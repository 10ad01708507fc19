"""How old rows leave the record: whole seals, the oldest first, in batches; the record says that they went."""

from sqlalchemy import delete, func, select, text

from agent.principal import Principal
from agent.store.audit import Deed, record
from agent.store.audit_tables import SEALED, audit, audit_seals
from agent.store.clock import database_now
from agent.store.transaction import Transaction

SEALS_AT_ONCE = 50
DAY_S = 86_400


async def has_expired(connection: Transaction, tenant_id: str, *, keep_days: int) -> bool:
    """Return whether the time of a tenant's oldest seal is over, and another one follows it."""
    s = audit_seals.c
    first = select(s.second, database_now().label("now")).where(s.tenant_id == tenant_id).order_by(s.number).limit(2)
    rows = (await connection.execute(first)).all()
    return len(rows) > 1 and bool(rows[0].second < rows[0].now - keep_days * DAY_S)


async def expire_audit(connection: Transaction, tenant_id: str, *, keep_days: int, most_rows: int) -> int:
    """Remove the oldest seals whose time is over, with their rows, and record that; return how many rows. The caller commits.

    At least one seal, and at most `most_rows` rows beyond it. The newest stays: the next one follows it.
    """
    s = audit_seals.c
    newest = select(func.max(s.number)).where(s.tenant_id == tenant_id).scalar_subquery()
    older = select(s.number, s.second, s.rows, s.digest).where(s.tenant_id == tenant_id, s.number < newest)
    before = (await connection.execute(select(database_now()))).scalar_one() - keep_days * DAY_S
    rows, last = 0, None
    for seal in (await connection.execute(older.order_by(s.number).limit(SEALS_AT_ONCE))).all():
        if seal.second >= before or (last is not None and rows + seal.rows > most_rows):
            break
        rows, last = rows + seal.rows, seal
    if last is None:
        return 0
    sealed = audit.c.tenant_id == tenant_id, text(f"audit.{SEALED}"), audit.c.seal <= last.number
    await connection.execute(delete(audit).where(*sealed))
    await connection.execute(delete(audit_seals).where(s.tenant_id == tenant_id, s.number <= last.number))
    told = Deed("audit.expired", outcome=f"{last.number}:{last.digest}")
    await record(connection, Principal(tenant_id, ""), [told])
    return max(rows, 1)

"""Questions that were asked by a clock which was ahead: they get their time anew, counted from now.

On SQLite the database's clock is the process's, and the next process may have another: a question that was asked an hour
ahead of it would stay open for an hour longer than anybody was told.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from agent.store.clock import database_now, read_clock
from agent.store.database import EVERY_TENANT, Store
from agent.store.statements import Hot
from agent.store.tables import approvals, page_calls
from agent.store.transaction import Transaction

CLOCK_SLACK_S = 60.0
"""How far ahead a question may be: a clock that is put right by less than this changes none."""
AT_ONCE = 1000
"""Questions to people that one transaction puts right."""
_AHEAD_OF_PAGES = (page_calls.c.state == "open", page_calls.c.created_at > database_now() + CLOCK_SLACK_S)
_ANY_OF_PAGES = Hot(select(page_calls.c.tool_call_id).where(*_AHEAD_OF_PAGES).limit(1))
_BACK_OF_PAGES = (
    update(page_calls)
    .where(*_AHEAD_OF_PAGES)
    .values(expires_at=page_calls.c.expires_at - page_calls.c.created_at + database_now(), created_at=database_now())
)
_OF_PEOPLE = Hot(
    select(*(approvals.c[name] for name in ("tenant_id", "tool_call_id", "created_at", "expires_at")))
    .where(approvals.c.state == "open", approvals.c.created_at > bindparam("latest"))
    .limit(AT_ONCE)
)
_BACK_OF_PEOPLE = update(approvals).where(
    approvals.c.tenant_id == bindparam("of_tenant"),
    approvals.c.tool_call_id == bindparam("of_call"),
    approvals.c.state == "open",
)


async def put_right(store: Store) -> None:
    """Give the open questions of any tenant that lie ahead of the database's clock their whole time from now.

    All that pages were asked, and of what people were asked `AT_ONCE`: the next look has the rest.
    """
    async with store.read(EVERY_TENANT) as connection:
        is_ahead = await _of_people(connection) or await connection.row(_ANY_OF_PAGES, {}) is not None
    if not is_ahead:
        return
    async with store.write(EVERY_TENANT) as connection:
        now = await read_clock(connection)
        await connection.execute(_BACK_OF_PAGES)
        for row in await _of_people(connection):
            times = {"created_at": now, "expires_at": now + (row.expires_at - row.created_at)}
            where = {"of_tenant": row.tenant_id, "of_call": row.tool_call_id}
            await connection.execute(_BACK_OF_PEOPLE.values(times), where)


async def _of_people(connection: Transaction) -> list[Any]:
    latest = await read_clock(connection) + timedelta(seconds=CLOCK_SLACK_S)
    return await connection.rows(_OF_PEOPLE, {"latest": latest})

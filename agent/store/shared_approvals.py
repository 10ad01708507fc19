"""Approvals that others are asked for in a user's place, and the yeses that a user gave to all calls of a tool."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Text, and_, bindparam, cast, or_, select, text, update

from agent.errors import NotFoundError
from agent.principal import Principal, RunKey
from agent.store.clock import read_clock
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID
from agent.store.conversations import of
from agent.store.runs import IS_GONE, OWNED_RUN, Run
from agent.store.tables import approvals, runs
from agent.store.transaction import Transaction

LOOKED_AT = 500
"""Questions of others that one look reads at most, to find those that are for the one who looks."""

_OF_RUN = and_(runs.c.tenant_id == approvals.c.tenant_id, runs.c.id == approvals.c.run_id)
_USER = select(runs.c.user_id).where(runs.c.tenant_id == OF_TENANT, runs.c.id == ROW_ID, ~IS_GONE)
_SHARED = (
    select(approvals, runs.c.user_id, runs.c.branch_id, runs.c.token_branches)
    .select_from(approvals.join(runs, _OF_RUN))
    .where(
        approvals.c.tenant_id == OF_TENANT,
        text("approvals.state = 'open' AND approvals.approvers IS NOT NULL"),
        approvals.c.expires_at > bindparam("now"),
        runs.c.user_id != OF_USER,
        runs.c.waits_until.is_not(None),
        ~IS_GONE,
    )
    .order_by(approvals.c.created_at, approvals.c.tool_call_id)
    .limit(LOOKED_AT)
)
_SHARED_AFTER = _SHARED.where(
    or_(
        approvals.c.created_at > bindparam("asked_at"),
        and_(approvals.c.created_at == bindparam("asked_at"), approvals.c.tool_call_id > bindparam("of_call")),
    )
)
_RIGHTS = ("role", "token_branches", "branch_id", "assistant")
_STANDS = and_(approvals.c.is_always, approvals.c.state == "approved")
_OF_CONVERSATION = runs.c.conversation_id == bindparam("of_conversation")
_OF_THESE = approvals.c.run_id.in_(select(runs.c.id).where(OWNED_RUN, _OF_CONVERSATION))
"""Said beside the join, so that SQLite does not begin with all questions of the tenant."""
_STANDING = (
    select(approvals.c.name, approvals.c.decided_at, *(runs.c[name] for name in _RIGHTS))
    .select_from(approvals.join(runs, _OF_RUN))
    .where(OWNED_RUN, _OF_CONVERSATION, _OF_THESE, approvals.c.tenant_id == OF_TENANT, _STANDS)
    .order_by(approvals.c.decided_at)
)
_END = (
    update(approvals)
    .where(
        approvals.c.tenant_id == OF_TENANT,
        _OF_THESE,
        _STANDS,
    )
    .values(is_always=False)
)
_END_ONE = _END.where(approvals.c.name == bindparam("of_tool"))


class SharedCursor(NamedTuple):
    """The place of a question in the list: what comes after it was asked later."""

    asked_at: datetime
    tool_call_id: str


@dataclass(frozen=True, slots=True)
class SharedApproval:
    """A question to other people than the user who asked: all of it that they are shown."""

    run_id: UUID
    tool_call_id: str
    name: str
    title: str
    arguments: dict[str, Any]
    expires_at: datetime
    hash: str
    asked_by: str
    asked_at: datetime
    branch_id: int | str | None


class Standing(NamedTuple):
    """A yes to all calls of a tool in a conversation."""

    name: str
    since: datetime


async def user_of(connection: Transaction, run: RunKey) -> str:
    """Return whose a run is: for those who answer what it asks.

    Raises:
        NotFoundError: the tenant has no such run.
    """
    found = await connection.execute(_USER, {"of_tenant": run.tenant_id, "of_id": run.run_id})
    if (row := found.one_or_none()) is None:
        raise NotFoundError("No such run.")
    return str(row.user_id)


async def list_shared(
    connection: Transaction, principal: Principal, *, limit: int, after: SharedCursor | None = None
) -> tuple[list[SharedApproval], SharedCursor | None]:
    """Return the open questions that the principal may answer for others of their tenant, the oldest first.

    Up to `limit` of them, which may be none, and where to go on; None where that is all.
    """
    given: dict[str, object] = {**of(principal), "now": await read_clock(connection)}
    if after is not None:
        given |= {"asked_at": after.asked_at, "of_call": after.tool_call_id}
    asked = _SHARED if after is None else _SHARED_AFTER
    named = cast(approvals.c.approvers, Text).contains(json.dumps(principal.role), autoescape=True)
    rows = (await connection.execute(asked.where(named), given)).all()
    own = [row for row in rows if _is_for(row, principal)]
    if len(own) > limit:
        last = own[limit - 1]
    elif len(rows) == LOOKED_AT:
        last = rows[-1]
    else:
        return [_shared(row) for row in own], None
    return [_shared(row) for row in own[:limit]], SharedCursor(last.created_at, last.tool_call_id)


async def list_standing(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, run: Run | None = None
) -> list[Standing]:
    """Return the yeses that stand in the principal's conversation, by the tools' names.

    With a `run` those that count for it: given to the same assistant, in the same role and about the same branches.
    """
    found = await connection.execute(_STANDING, {**of(principal), "of_conversation": conversation_id})
    given = [row for row in found if run is None or _rights(row) == _rights(run)]
    oldest = {row.name: row.decided_at for row in reversed(given)}
    return [Standing(name, oldest[name]) for name in sorted(oldest)]


def _rights(of_run: Any) -> tuple[object, ...]:
    branches = frozenset(map(str, of_run.token_branches or ()))
    return of_run.role, of_run.assistant, branches, None if of_run.branch_id is None else str(of_run.branch_id)


async def end_standing(
    connection: Transaction, principal: Principal, conversation_id: UUID, *, name: str | None = None
) -> int:
    """End the yeses that stand in the principal's conversation, or that of one tool; return how many. The caller commits."""
    given = {**of(principal), "of_conversation": conversation_id}
    ended = _END if name is None else _END_ONE
    return (await connection.execute(ended, given if name is None else {**given, "of_tool": name})).rowcount


def _is_for(row: Any, principal: Principal) -> bool:
    return principal.role in row.approvers and principal.covers(row.branch_id, tuple(row.token_branches or ()))


def _shared(row: Any) -> SharedApproval:
    return SharedApproval(
        row.run_id,
        row.tool_call_id,
        row.name,
        row.title,
        row.arguments,
        row.expires_at,
        row.hash,
        row.user_id,
        row.created_at,
        row.branch_id,
    )

"""Approvals: calls that wait for a person, and what was decided. Each is decided once, by a compare-and-set in its row.

When one is over is said and compared by the database's clock, so that all processes agree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, select, text, update

from agent.principal import Principal, RunKey
from agent.store.clock import read_clock
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.statements import Hot
from agent.store.tables import approvals, page_calls, runs, tool_calls
from agent.store.transaction import Transaction

ApprovalState = Literal["open", "approved", "denied", "expired", "withdrawn"]
"""`expired`: nobody decided in time, or its user did not come back for it; `withdrawn`: the user said something else, or
stopped the run. Both are a no."""
No = Literal["expired", "withdrawn"]

_INSERT = Hot(
    approvals.insert(),
    *("tenant_id", "tool_call_id", "run_id", "name", "title", "arguments", "hash", "state", "expires_at", "created_at"),
    *("approvers", "may_always"),
)
_CALL = and_(tool_calls.c.tenant_id == approvals.c.tenant_id, tool_calls.c.id == approvals.c.tool_call_id)
_AT_PAGE = and_(page_calls.c.tenant_id == approvals.c.tenant_id, page_calls.c.tool_call_id == approvals.c.tool_call_id)
_OF_RUN = Hot(
    select(approvals, tool_calls.c.state.label("call_state"), page_calls.c.state.label("page_state"))
    .select_from(approvals.outerjoin(tool_calls, _CALL).outerjoin(page_calls, _AT_PAGE))
    .where(approvals.c.tenant_id == OF_TENANT, approvals.c.run_id == ROW_ID)
    .order_by(approvals.c.created_at, approvals.c.tool_call_id)
)
_OPEN = approvals.c.state == "open"
_DECIDE = Hot(
    update(approvals).where(
        approvals.c.tenant_id == OF_TENANT,
        approvals.c.run_id == ROW_ID,
        approvals.c.tool_call_id == bindparam("of_call"),
        _OPEN,
    ),
    *("state", "decided_at", "decided_by", "reason", "edited", "is_always"),
)
_IS_UNUSED = and_(
    approvals.c.state == "approved",
    exists().where(_CALL, tool_calls.c.state == "proposed"),
    ~exists().where(_AT_PAGE),
)
"""Whether somebody said yes to a call that was not made yet. A call that its page was asked for is none of these: the page may have made it."""
_OF_THE_RUN = and_(approvals.c.tenant_id == OF_TENANT, approvals.c.run_id == ROW_ID)
_CLOSE = Hot(
    update(approvals).where(_OF_THE_RUN, _OPEN).values(state=bindparam("closed"), decided_at=bindparam("now")),
)
_CLOSE_UNUSED = update(approvals).where(_OF_THE_RUN, _IS_UNUSED).values(state=bindparam("closed"))
_EXPIRED = Hot(
    select(approvals.c.tenant_id, approvals.c.run_id)
    .where(_OPEN, approvals.c.expires_at <= bindparam("now"))
    .order_by(approvals.c.expires_at)
    .limit(bindparam("most"))
)
_OVERDUE = Hot(
    select(runs.c.tenant_id, runs.c.id.label("run_id"))
    .where(
        text("runs.state = 'queued' AND runs.waits_until IS NOT NULL"),
        runs.c.waits_until <= bindparam("now"),
        ~exists().where(approvals.c.tenant_id == runs.c.tenant_id, approvals.c.run_id == runs.c.id, _OPEN),
        ~exists().where(
            page_calls.c.tenant_id == runs.c.tenant_id, page_calls.c.run_id == runs.c.id, page_calls.c.state == "open"
        ),
    )
    .order_by(runs.c.waits_until)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class NewApproval:
    """A question, as it is shown to whoever may answer it."""

    tool_call_id: str
    name: str
    title: str
    arguments: dict[str, Any]
    hash: str
    expires_at: datetime
    approvers: tuple[str, ...] = ()
    """The roles of other people who answer; none: the user does."""
    may_always: bool = False
    """Whether the user may say yes to all later calls of the tool, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(NewApproval):
    """A question, and what became of it."""

    state: ApprovalState
    asked_at: datetime
    decided_by: str | None = None
    reason: str | None = None
    edited: dict[str, Any] | None = None
    is_unused: bool = False
    """Whether somebody said yes, and the call was not made yet."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's answer to a question. `arguments` take the place of the model's; `is_always`: so for all later calls."""

    tool_call_id: str
    is_approved: bool
    reason: str | None = None
    arguments: dict[str, Any] | None = None
    hash: str | None = None
    """Of what was asked; arguments count only with it."""
    is_always: bool = False


async def ask(connection: Transaction, key: RunKey, questions: Sequence[NewApproval]) -> None:
    """Enter questions of a run. The caller commits them with the run's wait."""
    if not questions:
        return
    now = await read_clock(connection)
    scope = {"tenant_id": key.tenant_id, "run_id": key.run_id, "state": "open", "created_at": now}
    for one in questions:
        await connection.change(_INSERT, {**scope, **asdict(one), "approvers": list(one.approvers) or None})


async def list_approvals(connection: Transaction, tenant_id: str, run_id: UUID) -> list[Approval]:
    """Return the questions of a run, in the order that they were asked in."""
    return [_approval(row) for row in await connection.rows(_OF_RUN, {"of_tenant": tenant_id, "of_id": run_id})]


async def decide(connection: Transaction, principal: Principal, run_id: UUID, *, decision: Decision) -> bool:
    """Answer a question of a run in the principal's tenant; False where it is answered already. The caller commits."""
    decided = {
        "of_tenant": principal.tenant_id,
        "of_id": run_id,
        "of_call": decision.tool_call_id,
        "state": "approved" if decision.is_approved else "denied",
        "decided_at": datetime.now(UTC),
        "decided_by": principal.user_id,
        "reason": decision.reason,
        "edited": decision.arguments,
        "is_always": decision.is_always,
    }
    return await connection.change(_DECIDE, decided) == 1


async def close_open(connection: Transaction, key: RunKey, state: No) -> int:
    """Answer all that is still open of a run with a no; return how many. The caller commits."""
    closed = {"of_tenant": key.tenant_id, "of_id": key.run_id, "closed": state, "now": datetime.now(UTC)}
    return await connection.change(_CLOSE, closed)


async def close_unused(connection: Transaction, key: RunKey, state: No) -> int:
    """Take back each yes of a run whose call was not made, and will not be; return how many. The caller commits."""
    closed = {"of_tenant": key.tenant_id, "of_id": key.run_id, "closed": state}
    return (await connection.execute(_CLOSE_UNUSED, closed)).rowcount


async def expired_runs(connection: Transaction, *, most: int) -> list[RunKey]:
    """Return waiting runs of any tenant whose time is over: of a question, or of its user to come back. Names only."""
    given = {"now": await read_clock(connection), "most": most}
    found = [*await connection.rows(_EXPIRED, given), *await connection.rows(_OVERDUE, given)]
    return list(dict.fromkeys(RunKey(row.tenant_id, row.run_id) for row in found))


def _approval(row: Any) -> Approval:
    return Approval(
        row.tool_call_id,
        row.name,
        row.title,
        row.arguments,
        row.hash,
        row.expires_at,
        tuple(row.approvers or ()),
        row.may_always,
        state=row.state,
        asked_at=row.created_at,
        decided_by=row.decided_by,
        reason=row.reason,
        edited=row.edited,
        is_unused=row.state == "approved" and row.call_state == "proposed" and row.page_state is None,
    )

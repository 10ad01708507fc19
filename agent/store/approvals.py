"""Approvals: calls that wait for a person, and what was decided. Each is decided once, by a compare-and-set in its row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, select, update

from agent.principal import Principal, RunKey
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.statements import Hot
from agent.store.tables import approvals
from agent.store.transaction import Transaction

ApprovalState = Literal["open", "approved", "denied", "expired", "withdrawn"]
"""`expired`: nobody decided in time; `withdrawn`: the user said something else, or stopped the run. Both are a no."""

_INSERT = Hot(
    approvals.insert(),
    *("tenant_id", "tool_call_id", "run_id", "name", "title", "arguments", "hash", "state", "expires_at", "created_at"),
)
_OF_RUN = Hot(
    select(approvals)
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
    *("state", "decided_at", "decided_by", "reason", "edited"),
)
_CLOSE = Hot(
    update(approvals)
    .where(approvals.c.tenant_id == OF_TENANT, approvals.c.run_id == ROW_ID, _OPEN)
    .values(state=bindparam("closed"), decided_at=bindparam("now")),
)
_EXPIRED = (
    select(approvals.c.tenant_id, approvals.c.run_id)
    .where(_OPEN, approvals.c.expires_at <= bindparam("now"))
    .order_by(approvals.c.expires_at)
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


@dataclass(frozen=True, slots=True)
class Approval(NewApproval):
    """A question, and what became of it."""

    state: ApprovalState
    asked_at: datetime
    decided_by: str | None = None
    reason: str | None = None
    edited: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's answer to a question. `arguments` take the place of the model's."""

    tool_call_id: str
    is_approved: bool
    reason: str | None = None
    arguments: dict[str, Any] | None = None
    hash: str | None = None
    """Of what was asked; arguments count only with it."""


async def ask(connection: Transaction, key: RunKey, questions: Sequence[NewApproval]) -> None:
    """Enter questions of a run. The caller commits them with the run's wait."""
    scope = {"tenant_id": key.tenant_id, "run_id": key.run_id, "state": "open", "created_at": datetime.now(UTC)}
    for one in questions:
        await connection.change(_INSERT, {**scope, **asdict(one)})


async def list_approvals(connection: Transaction, tenant_id: str, run_id: UUID) -> list[Approval]:
    """Return the questions of a run, in the order that they were asked in."""
    return [_approval(row) for row in await connection.rows(_OF_RUN, {"of_tenant": tenant_id, "of_id": run_id})]


async def decide(connection: Transaction, principal: Principal, run_id: UUID, *, decision: Decision) -> bool:
    """Answer a question of the principal's run; False where it is answered already. The caller commits."""
    decided = {
        "of_tenant": principal.tenant_id,
        "of_id": run_id,
        "of_call": decision.tool_call_id,
        "state": "approved" if decision.is_approved else "denied",
        "decided_at": datetime.now(UTC),
        "decided_by": principal.user_id,
        "reason": decision.reason,
        "edited": decision.arguments,
    }
    return await connection.change(_DECIDE, decided) == 1


async def close_open(connection: Transaction, key: RunKey, state: Literal["expired", "withdrawn"]) -> int:
    """Answer all that is still open of a run with a no; return how many. The caller commits."""
    closed = {"of_tenant": key.tenant_id, "of_id": key.run_id, "closed": state, "now": datetime.now(UTC)}
    return await connection.change(_CLOSE, closed)


async def expired_runs(connection: Transaction, *, most: int) -> list[RunKey]:
    """Return runs of any tenant with a question whose time is over: names only."""
    found = await connection.execute(_EXPIRED, {"now": datetime.now(UTC), "most": most})
    return list(dict.fromkeys(RunKey(row.tenant_id, row.run_id) for row in found))


def _approval(row: Any) -> Approval:
    return Approval(
        row.tool_call_id,
        row.name,
        row.title,
        row.arguments,
        row.hash,
        row.expires_at,
        row.state,
        row.created_at,
        row.decided_by,
        row.reason,
        row.edited,
    )

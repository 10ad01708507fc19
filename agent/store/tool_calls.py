"""The ledger: one row per tool call, `proposed -> started -> settled | unknown`.

The invariant: `started` is committed before a call with side effects leaves the process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, update

from agent.principal import Principal
from agent.store.columns import OF_TENANT, ROW_ID, as_known
from agent.store.messages import ToolCall
from agent.store.statements import Hot
from agent.store.tables import tool_calls
from agent.store.transaction import Transaction
from agent.toolkit import Action, Kind, Risk

ToolCallState = Literal["proposed", "started", "settled", "unknown"]

_INSERT = Hot(
    tool_calls.insert(), *("tenant_id", "id", "run_id", "step", "name", "kind", "risk", "state", "created_at")
)
_UPDATE = update(tool_calls).where(tool_calls.c.tenant_id == OF_TENANT, tool_calls.c.id == ROW_ID)
_START = Hot(_UPDATE.values(state="started"), "started_at")
_SETTLE = Hot(_UPDATE, "state", "settled_at", "action")
_OF_RUN = Hot(
    select(tool_calls)
    .where(tool_calls.c.tenant_id == OF_TENANT, tool_calls.c.run_id == ROW_ID)
    .order_by(tool_calls.c.step, tool_calls.c.id)
)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    id: str
    step: int
    name: str
    kind: Kind
    risk: Risk
    state: ToolCallState
    action: Action | None


async def propose_calls(
    connection: Transaction,
    principal: Principal,
    run_id: UUID,
    *,
    step: int,
    calls: Sequence[tuple[ToolCall, Kind, Risk]],
) -> None:
    """Enter what the model asked for. The caller commits."""
    now = datetime.now(UTC)
    scope = {"tenant_id": principal.tenant_id, "run_id": run_id, "step": step, "state": "proposed", "created_at": now}
    for call, kind, risk in calls:
        await connection.change(_INSERT, {**scope, "id": call.id, "name": call.name, "kind": kind, "risk": risk})


async def start_call(connection: Transaction, principal: Principal, tool_call_id: str) -> None:
    """Note that a call leaves the process. The caller commits before it does."""
    call = {"of_tenant": principal.tenant_id, "of_id": tool_call_id}
    await connection.change(_START, {**call, "started_at": datetime.now(UTC)})


async def settle_call(
    connection: Transaction,
    principal: Principal,
    tool_call_id: str,
    *,
    action: Action | None = None,
    is_known: bool = True,
) -> None:
    """Note that a call has a result, and what it asked of the page. The caller commits it with the result.

    `is_known` False: the process died while the call was out, so nobody knows what it did.
    """
    outcome = {
        "of_tenant": principal.tenant_id,
        "of_id": tool_call_id,
        "state": "settled" if is_known else "unknown",
        "settled_at": datetime.now(UTC),
        "action": _stored(action) if action else None,
    }
    await connection.change(_SETTLE, outcome)


async def list_calls(connection: Transaction, principal: Principal, run_id: UUID) -> list[LedgerEntry]:
    """Return the ledger of a run of the principal's tenant, in order of steps."""
    run = {"of_tenant": principal.tenant_id, "of_id": run_id}
    return [_entry(row) for row in await connection.rows(_OF_RUN, run)]


def _stored(action: Action) -> dict[str, Any]:
    expects = {"expects_result": True} if action.expects_result else {}
    return {"type": action.type, "value": action.value, **expects}


def _entry(row: Any) -> LedgerEntry:
    action = as_known(Action, row.action) if row.action else None
    return LedgerEntry(row.id, row.step, row.name, row.kind, row.risk, row.state, action)

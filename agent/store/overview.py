"""What an operator sees of runs: those that are not over or failed lately, and what they have used. No words of anybody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, func, select, type_coerce

from agent.store.retention import first_id
from agent.store.runs import is_unfinished
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.workers import NOBODYS

Standing = Literal["works", "waits", "queued", "failed"]
_SEEN = (
    *("tenant_id", "id", "conversation_id", "user_id", "assistant", "model", "state", "attempt", "created_at"),
    *("started_at", "waits_until", "ended_at", "error_code"),
)


@dataclass(frozen=True, slots=True)
class SeenRun:
    """A run, without what was said in it. `is_abandoned`: no living process has it, though it does not wait for anybody."""

    tenant: str
    user: str
    run: UUID
    conversation: UUID
    assistant: str | None
    model: str
    standing: Standing
    is_abandoned: bool
    attempt: int
    created_at: datetime
    started_at: datetime | None
    waits_until: datetime | None
    ended_at: datetime | None
    error_code: str | None


@dataclass(frozen=True, slots=True)
class Used:
    """What runs of a user, an assistant, a model and a day have used; days are UTC's, of when they were asked for."""

    user: str
    assistant: str | None
    model: str
    day: str
    runs: int
    input_tokens: int
    output_tokens: int


async def unfinished_of(connection: Transaction, tenant_id: str, *, most: int) -> list[SeenRun]:
    """Return a tenant's runs that are not over, the oldest first."""
    own = _seen(runs.c.tenant_id == tenant_id, is_unfinished(runs)).order_by(runs.c.created_at, runs.c.id)
    return [_run(row) for row in await connection.execute(own.limit(most))]


async def failed_of(connection: Transaction, tenant_id: str, *, since: datetime, most: int) -> list[SeenRun]:
    """Return a tenant's runs that failed since then, the newest first; none that began more than a day before."""
    lately = and_(runs.c.id >= first_id(since, slack=-1), runs.c.state == "failed", runs.c.ended_at >= since)
    own = _seen(runs.c.tenant_id == tenant_id, lately).order_by(runs.c.ended_at.desc(), runs.c.id)
    return [_run(row) for row in await connection.execute(own.limit(most))]


async def usage_of(connection: Transaction, tenant_id: str, *, since: datetime, until: datetime) -> list[Used]:
    """Return what a tenant's runs have used that were asked for from `since` on and before `until`."""
    c = runs.c
    by = (c.user_id, c.assistant, c.model, _day(connection.dialect.name).label("day"))
    summed = select(*by, func.count().label("runs"), func.sum(c.input_tokens).label("input"))
    summed = summed.add_columns(func.sum(c.output_tokens).label("output")).where(
        c.tenant_id == tenant_id,
        c.id >= first_id(since, slack=-1),
        c.id < first_id(until, slack=1),
        c.created_at >= since,
        c.created_at < until,
    )
    rows = await connection.execute(summed.group_by(*by[:3], by[3]))
    return [
        Used(row.user_id, row.assistant, row.model, row.day, row.runs, int(row.input), int(row.output)) for row in rows
    ]


def _seen(*which: ColumnElement[bool]) -> Any:
    return select(*(runs.c[name] for name in _SEEN), NOBODYS.label("is_nobodys")).where(*which)


def _day(dialect: str) -> ColumnElement[str]:
    if dialect == "postgresql":
        return func.to_char(func.timezone("UTC", runs.c.created_at), "YYYY-MM-DD", type_=String)
    return func.substr(type_coerce(runs.c.created_at, String), 1, 10, type_=String)


def _run(row: Any) -> SeenRun:
    is_waiting = row.state == "queued" and row.waits_until is not None
    standings: dict[str, Standing] = {"running": "works", "queued": "waits" if is_waiting else "queued"}
    standing = standings.get(row.state, "failed")
    return SeenRun(
        row.tenant_id,
        row.user_id,
        row.id,
        row.conversation_id,
        row.assistant,
        row.model,
        standing,
        bool(row.is_nobodys) and standing in ("works", "queued"),
        row.attempt,
        row.created_at,
        row.started_at,
        row.waits_until,
        row.ended_at,
        row.error_code,
    )

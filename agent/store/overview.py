"""An operator's view of runs: those that are not over or failed lately, and what they have used. No words of anybody."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, func, select, type_coerce

from agent.events.schema import Usage
from agent.store.changed_models import models_before, own_of
from agent.store.retention import first_id
from agent.store.runs import UsedBefore, is_unfinished
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.workers import NOBODYS

CHANGED_AT_ONCE = 1_000
"""Runs of several models that are read at a time."""
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


class Use(NamedTuple):
    """Whose use of which model, through which assistant; days are UTC's, of when a run was asked for."""

    user: str
    assistant: str | None
    model: str
    day: str


@dataclass(slots=True)
class Used:
    """The use that runs have made of a model. Each run is one of the model's that ended it, and of those before `left_runs`."""

    runs: int = 0
    left_runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, usage: Usage) -> None:
        """Count some more tokens."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens


async def unfinished_of(connection: Transaction, tenant_id: str, *, most: int) -> list[SeenRun]:
    """Return a tenant's runs that are not over, the oldest first."""
    own = _seen(runs.c.tenant_id == tenant_id, is_unfinished(runs)).order_by(runs.c.created_at, runs.c.id)
    return [_run(row) for row in await connection.execute(own.limit(most))]


async def failed_of(connection: Transaction, tenant_id: str, *, since: datetime, most: int) -> list[SeenRun]:
    """Return a tenant's runs that failed since then, the newest first; none that began more than a day before."""
    lately = and_(runs.c.id >= first_id(since, slack=-1), runs.c.state == "failed", runs.c.ended_at >= since)
    own = _seen(runs.c.tenant_id == tenant_id, lately).order_by(runs.c.ended_at.desc(), runs.c.id)
    return [_run(row) for row in await connection.execute(own.limit(most))]


async def usage_of(connection: Transaction, tenant_id: str, *, since: datetime, until: datetime) -> dict[Use, Used]:
    """Return what a tenant's runs have used that were asked for from `since` on and before `until`.

    Tokens are of the model that used them, also where another one went on with the run.
    """
    c = runs.c
    by = (c.user_id, c.assistant, c.model, _day(connection.dialect.name).label("day"))
    asked = (
        c.tenant_id == tenant_id,
        c.id >= first_id(since, slack=-1),
        c.id < first_id(until, slack=1),
        c.created_at >= since,
        c.created_at < until,
    )
    sums = func.count(), func.sum(c.input_tokens), func.sum(c.output_tokens)
    used: defaultdict[Use, Used] = defaultdict(Used)
    for row in await connection.execute(select(*by, *sums).where(*asked).group_by(*by)):
        count, *tokens = row[4:]
        used[Use(*row[:4])] = Used(count, 0, *map(int, tokens))
    changed = select(*by, c.id, c.input_tokens, c.output_tokens, c.used_before).where(
        *asked, c.used_before.is_not(None)
    )
    after: Sequence[ColumnElement[bool]] = ()
    while rows := (await connection.execute(changed.where(*after).order_by(c.id).limit(CHANGED_AT_ONCE))).all():
        for row in rows:
            _count_before(used, Use(*row[:4]), Usage(row.input_tokens, row.output_tokens), row.used_before)
        after = (c.id > rows[-1].id,)
    return used


def _count_before(used: dict[Use, Used], last: Use, usage: Usage, kept: UsedBefore) -> None:
    """Take from a run's last model what others have used before it, and count it as theirs."""
    before = models_before(kept)
    others = {model: one for model, one in before.items() if model != last.model}
    own = own_of(usage, others.values())
    used[last].add(Usage(own.input_tokens - usage.input_tokens, own.output_tokens - usage.output_tokens))
    for model, one in others.items():
        theirs = used[last._replace(model=model)]
        theirs.left_runs += 1
        theirs.add(one)


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

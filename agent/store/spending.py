"""Amounts used and held, in counters: a row for each tenant, and each user of it, in each day and month with a limit.

The invariants: no counter passes its limit by what is held; what was held is either used or given back, once, by whoever
removes its reservation; counters are locked in the order that they are given in, behind all other locks of a transaction.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Double, Table, and_, bindparam, delete, exists, or_, select, update

from agent.budget import KINDS, Amount, Counter, Kind, Standing, Used
from agent.principal import RunKey
from agent.store.budget_tables import budgets, reservations, spendings
from agent.store.budgets import EVERY_KIND
from agent.store.clock import database_now, instant
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID, insert_into
from agent.store.database import new_id
from agent.store.statements import Hot
from agent.store.tables import runs
from agent.store.transaction import Transaction

KEPT = timedelta(days=62)
"""For how long counters stay whose period is over: nothing is compared with them any more, but people may look."""
AFTERWARDS = 0
"""In place of an attempt, of what comes after a run's end."""

_COLUMNS = ("runs", "tokens", "cost", "held_tokens", "held_cost")
_c = spendings.c
_ROW = and_(_c.tenant_id == OF_TENANT, _c.user_id == OF_USER, _c.period == bindparam("of_period"))
_TOKENS, _COST = bindparam("by_tokens", type_=BigInteger), bindparam("by_cost", type_=BigInteger)
_FITS = and_(
    _c.tokens + _c.held_tokens + _TOKENS <= bindparam("most_tokens", type_=BigInteger),
    _c.cost + _c.held_cost + _COST <= bindparam("most_cost", type_=BigInteger),
)
_COUNT = Hot(
    update(spendings).where(_ROW, _c.runs < bindparam("most_runs", type_=BigInteger), _FITS).values(runs=_c.runs + 1)
)
_HOLD = Hot(
    update(spendings).where(_ROW, _FITS).values(held_tokens=_c.held_tokens + _TOKENS, held_cost=_c.held_cost + _COST)
)
_SETTLE = Hot(
    update(spendings)
    .where(_ROW)
    .values(
        held_tokens=_c.held_tokens - bindparam("held_tokens_then", type_=BigInteger),
        held_cost=_c.held_cost - bindparam("held_cost_then", type_=BigInteger),
        tokens=_c.tokens + _TOKENS,
        cost=_c.cost + _COST,
    )
    .returning(_c.user_id, _c.period, _c.runs, _c.tokens, _c.cost)
)
SHOWN = _c.user_id, _c.period, *(_c[name] for name in _COLUMNS)
_READ = Hot(select(*SHOWN).where(_ROW))
_RESERVE = Hot(
    reservations.insert().values(until=database_now() + bindparam("length", type_=Double)),
    *("tenant_id", "run_id", "id", "user_id", "attempt", "tokens", "cost", "counters"),
)
_OF_RUN = and_(reservations.c.tenant_id == OF_TENANT, reservations.c.run_id == ROW_ID)
_SHOWN = tuple(reservations.c[name] for name in ("id", "tokens", "cost", "counters"))
_TAKE = Hot(delete(reservations).where(_OF_RUN, reservations.c.id == bindparam("reserved")).returning(*_SHOWN))
_TAKE_STEPS = Hot(delete(reservations).where(_OF_RUN, reservations.c.attempt != AFTERWARDS).returning(*_SHOWN))
_IS_OUT = exists().where(
    runs.c.tenant_id == reservations.c.tenant_id,
    runs.c.id == reservations.c.run_id,
    runs.c.attempt == reservations.c.attempt,
    runs.c.state == "running",
)
_STALE = or_(reservations.c.until < database_now(), and_(reservations.c.attempt != AFTERWARDS, ~_IS_OUT))
_LEFT = Hot(
    select(*(reservations.c[name] for name in ("tenant_id", "run_id", "id"))).where(_STALE).limit(bindparam("count"))
)


class Refused(NamedTuple):
    """The first counter that has no room, and what of it is used up."""

    counter: Counter
    kind: Kind


class Reserved(NamedTuple):
    """A reservation: what is held for a call of a model until it is settled."""

    id: UUID
    amount: Amount


class Spent(NamedTuple):
    """How far a counter has come, in the order of its columns; costs in millionths."""

    period: str
    runs: int
    tokens: int
    cost: int
    held_tokens: int
    held_cost: int


async def count_run(
    connection: Transaction, tenant_id: str, counters: Sequence[Counter], *, needs: Amount
) -> Refused | None:
    """Count a run that begins, where what its first step needs is left as well; that is not held yet. The caller commits.

    Where it is refused, the caller rolls back: some counters may have counted it.
    """
    for counter in counters:
        if (refused := await _change(connection, tenant_id, counter, _COUNT, needs)) is not None:
            return refused
    return None


async def reserve(
    connection: Transaction,
    run: RunKey,
    counters: Sequence[Counter],
    *,
    user_id: str,
    attempt: int,
    amount: Amount,
    length_s: float,
) -> Reserved | Refused:
    """Hold what a call of a model needs, for `length_s` at most, in all counters or in none. The caller commits."""
    held: list[Counter] = []
    for counter in counters:
        if (refused := await _change(connection, run.tenant_id, counter, _HOLD, amount)) is not None:
            await _settle(connection, run.tenant_id, [one.key for one in held], held=amount, used=Amount())
            return refused
        held.append(counter)
    reserved = Reserved(new_id(), amount)
    row = {"tenant_id": run.tenant_id, "run_id": run.run_id, "id": reserved.id, "user_id": user_id, "attempt": attempt}
    row |= {"tokens": amount.tokens, "cost": amount.cost, "counters": [one.key for one in counters], "length": length_s}
    await connection.change(_RESERVE, row)
    return reserved


async def settle_steps(
    connection: Transaction, run: RunKey, counters: Sequence[Counter], *, reserved: UUID | None, used: Amount
) -> list[Standing]:
    """Use what the step that has this reservation took; give back what earlier attempts of the run held. The caller commits.

    Return how far its counters have come. Where it has no reservation any more nothing is done: whoever removed it has.
    """
    standings: list[Standing] = []
    for row in await connection.rows(_TAKE_STEPS, {"of_tenant": run.tenant_id, "of_id": run.run_id}):
        is_own = row.id == reserved
        changed = await _settle_row(connection, run.tenant_id, row, used if is_own else Amount())
        if is_own:
            standings = _standings(counters, changed)
    return standings


async def settle_one(connection: Transaction, run: RunKey, *, reserved: UUID, used: Amount) -> None:
    """Use what something took that has a reservation, and give back the rest. The caller commits."""
    row = await connection.row(_TAKE, {"of_tenant": run.tenant_id, "of_id": run.run_id, "reserved": reserved})
    if row is not None:
        await _settle_row(connection, run.tenant_id, row, used)


async def read_counters(connection: Transaction, tenant_id: str, counters: Sequence[Counter]) -> list[Standing]:
    """Return how far counters have come; what is held is not used yet."""
    found = [row for one in counters for row in await connection.rows(_READ, _row(tenant_id, one.key))]
    return _standings(counters, found)


async def list_spending(connection: Transaction, tenant_id: str, *, user_id: str, most: int) -> list[Spent]:
    """Return the counters that there are of a user, or with ALL of their tenant as a whole, the newest periods first."""
    own = select(spendings).where(_c.tenant_id == tenant_id, _c.user_id == user_id).order_by(_c.period.desc())
    rows = await connection.execute(own.limit(most))
    return [Spent(row.period, *(getattr(row, name) for name in _COLUMNS)) for row in rows]


async def left_reservations(connection: Transaction, *, most: int) -> list[tuple[RunKey, UUID]]:
    """Return some reservations of all tenants that nobody settles any more: their time is over, or their attempt is."""
    rows = await connection.rows(_LEFT, {"count": most})
    return [(RunKey(row.tenant_id, row.run_id), row.id) for row in rows]


async def expire_counters(connection: Transaction, *, most_rows: int) -> int:
    """Remove counters of all tenants whose period has long been over, at most so many; return how many. The caller commits."""
    now = instant(float((await connection.execute(select(database_now()))).scalar_one()))
    before = date.isoformat(now.date() - KEPT)
    return await _remove(connection, spendings, [_c.period < before], most_rows)


async def erase_spending(connection: Transaction, tenant_id: str, *, user_id: str | None, most_rows: int) -> int:
    """Remove what is kept of a user's budgets and use, or with None of a whole tenant's, at most so many rows of each table.

    Return how many that were; the caller commits. What the user's runs hold of their tenant's budget is given back first.
    """
    r = reservations.c
    theirs = (r.tenant_id == tenant_id,) if user_id is None else (r.tenant_id == tenant_id, r.user_id == user_id)
    held = (await connection.execute(select(r.run_id, r.id).where(*theirs).limit(most_rows))).all()
    for row in held:
        await settle_one(connection, RunKey(tenant_id, row.run_id), reserved=row.id, used=Amount())
    connection.gives_room(tenant_id)
    gone = len(held)
    for table, beside in ((spendings, ()), (budgets, (EVERY_KIND,))):
        own = [table.c.user_id == user_id, *beside] if user_id is not None else []
        gone += await _remove(connection, table, [table.c.tenant_id == tenant_id, *own], most_rows)
    return gone


async def _remove(connection: Transaction, table: Table, which: Sequence[ColumnElement[bool]], most_rows: int) -> int:
    key = list(table.primary_key.columns)
    some = [tuple(row) for row in await connection.execute(select(*key).where(*which).limit(most_rows))]
    if some:  # each by its key: SQLite finds no list of keys by index
        named = [column == bindparam(f"key_{column.name}") for column in key]
        each = [{f"key_{column.name}": value for column, value in zip(key, row, strict=True)} for row in some]
        await connection.execute(delete(table).where(*named), each)
    return len(some)


async def _change(
    connection: Transaction, tenant_id: str, counter: Counter, statement: Hot, amount: Amount
) -> Refused | None:
    """Change a counter, which is made where it is not there yet; or return what of it is used up."""
    if 0 in counter.most:
        return closed(counter)
    values = {**_row(tenant_id, counter.key), "by_tokens": amount.tokens, "by_cost": amount.cost}
    values |= {f"most_{kind}": getattr(counter.most, kind) for kind in KINDS}
    while await connection.change(statement, values) != 1:
        row = await connection.row(_READ, values)
        if row is None:
            await _make(connection, tenant_id, counter)
        elif (kind := used_up(used_of(row), counter, amount, counts_run=statement is _COUNT)) is not None:
            return Refused(counter, kind)  # else somebody made it, or gave something back, in between
    return None


async def _make(connection: Transaction, tenant_id: str, counter: Counter) -> None:
    """Let a counter begin at nothing, unless somebody else has just made it."""
    row = {"tenant_id": tenant_id, "user_id": counter.user_id, "period": counter.period, **dict.fromkeys(_COLUMNS, 0)}
    await connection.execute(insert_into(spendings, connection.dialect).values(row).on_conflict_do_nothing())


def closed(counter: Counter) -> Refused:
    """Return the refusal of a counter of which one limit is 0."""
    return Refused(counter, KINDS[counter.most.index(0)])


def used_of(row: Any) -> Used:
    """Return how far the counter of a row of SHOWN has come."""
    return Used(row.runs, row.tokens + row.held_tokens, row.cost + row.held_cost)


def used_up(used: Used, counter: Counter, amount: Amount, *, counts_run: bool) -> Kind | None:
    """Return what of a counter has no room for an amount, and where it `counts_run` for one more run."""
    if counts_run and used.runs >= counter.most.runs:
        return "runs"
    if used.tokens + amount.tokens > counter.most.tokens:
        return "tokens"
    return "cost" if used.cost + amount.cost > counter.most.cost else None


async def _settle_row(connection: Transaction, tenant_id: str, row: Any, used: Amount) -> list[Any]:
    return await _settle(connection, tenant_id, row.counters, held=Amount(row.tokens, row.cost), used=used)


async def _settle(
    connection: Transaction, tenant_id: str, keys: Sequence[Sequence[str]], *, held: Amount, used: Amount
) -> list[Any]:
    connection.gives_room(tenant_id)
    values = {"by_tokens": used.tokens, "by_cost": used.cost}
    values |= {"held_tokens_then": held.tokens, "held_cost_then": held.cost}
    return [row for key in keys for row in await connection.rows(_SETTLE, {**_row(tenant_id, key), **values})]


def _standings(counters: Sequence[Counter], rows: Sequence[Any]) -> list[Standing]:
    found = {(row.user_id, row.period): row for row in rows}
    return [
        Standing(one, (row.runs, row.tokens, row.cost)) for one in counters if (row := found.get(one.key)) is not None
    ]


def _row(tenant_id: str, key: Sequence[str]) -> dict[str, object]:
    user_id, period = key
    return {"of_tenant": tenant_id, "of_user": user_id, "of_period": period}

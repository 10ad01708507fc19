"""Looks at counters before a message is taken: what would refuse it. They only read, so nobody waits for whoever looks."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select

from agent.budget import ALL, Amount, Counter, Used
from agent.store.budget_tables import spendings
from agent.store.budgets import kept_of
from agent.store.clock import read_clock
from agent.store.columns import OF_TENANT, OF_USER
from agent.store.spending import SHOWN, Refused, closed, used_of, used_up
from agent.store.statements import Hot
from agent.store.tables import runs
from agent.store.transaction import Transaction
from agent.store.used_up import Seen

_c = spendings.c
_PERIODS = tuple(f"period_{number}" for number in range(5))
_OF_ONE = Hot(
    select(*SHOWN).where(
        _c.tenant_id == OF_TENANT,
        or_(_c.user_id == ALL, _c.user_id == OF_USER),
        or_(*(_c.period == bindparam(name) for name in _PERIODS)),
    )
)


class Key(NamedTuple):
    """A user's idempotency key."""

    user_id: str
    key: str


async def see(connection: Transaction, tenant_id: str, users: Collection[str], *, asks_kept: bool) -> Seen:
    """Look at the counters of users and their tenant, and where it `asks_kept` at what the database keeps of their budgets."""
    begun = time.monotonic()
    clock = await read_clock(connection)
    kept = await kept_of(connection, tenant_id, users) if asks_kept else {}
    return Seen(begun, clock, frozenset((ALL, *users)), await _read(connection, tenant_id, users, at=clock), kept)


def find_used_up(
    used: Mapping[tuple[str, str], Used], counters: Sequence[Counter], *, needs: Amount, counts_run: bool = True
) -> Refused | None:
    """Return what would refuse a run that begins when counters stand so; without `counts_run`, a call of a model."""
    for counter in counters:
        if 0 in counter.most:
            return closed(counter)
        if (kind := used_up(used.get(counter.key, Used()), counter, needs, counts_run=counts_run)) is not None:
            return Refused(counter, kind)
    return None


async def stored_keys(connection: Transaction, tenant_id: str, keys: Collection[Key]) -> set[Key]:
    """Return which of these keys of its users a tenant's runs have."""
    users, named = ({one[number] for one in keys} for number in range(2))
    own = runs.c.tenant_id == tenant_id, runs.c.user_id.in_(users), runs.c.idempotency_key.in_(named)
    rows = await connection.execute(select(runs.c.user_id, runs.c.idempotency_key).where(*own))
    return {Key(row.user_id, row.idempotency_key) for row in rows}.intersection(keys)


async def _read(
    connection: Transaction, tenant_id: str, users: Collection[str], *, at: datetime
) -> dict[tuple[str, str], Used]:
    """Return how counters stand that count at a time, in whatever zone their days are."""
    days = [(at + timedelta(days=by)).date().isoformat() for by in (-1, 0, 1)]
    periods = *days, days[0][:7], days[2][:7]
    named = [one for one in users if one != ALL]
    rows: Iterable[Any]
    if len(named) == 1:
        one = {"of_tenant": tenant_id, "of_user": named[0], **dict(zip(_PERIODS, periods, strict=True))}
        rows = await connection.rows(_OF_ONE, one)
    else:
        own = _c.tenant_id == tenant_id, _c.user_id.in_([ALL, *named]), _c.period.in_(periods)
        rows = await connection.execute(select(*SHOWN).where(*own))
    return {(row.user_id, row.period): used_of(row) for row in rows}

"""Budgets that are kept in the database: an operator sets them, and what they name comes before the definition's.

They count for what is begun from their commit on; where an installation had none before, as soon as each process has looked,
which it does whenever it renews its lease.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, delete, exists, literal_column, select, tuple_

from agent.budget import Budget
from agent.store.budget_tables import budgets, reservations
from agent.store.columns import OF_TENANT, OF_USER, insert_into
from agent.store.statements import Hot
from agent.store.transaction import Transaction

Kind = Literal["tenant", "users", "user"]


class Whose(NamedTuple):
    """Whose budget is meant: the tenant's as a whole, that of each of its users, or of the one who is named."""

    kind: Kind
    user_id: str = ""


TENANT = Whose("tenant")
EACH_USER = Whose("users")

KEY = ("tenant_id", "whose", "user_id")
EVERY_KIND = budgets.c.whose.in_([literal_column(f"'{one}'") for one in get_args(Kind)])
"""All there are: said so that each budget is found by its key, and not all that a tenant's users have."""
_ROW = (budgets.c.tenant_id == OF_TENANT, EVERY_KIND, budgets.c.user_id.in_([literal_column("''"), OF_USER]))
_SHOWN = budgets.c.whose, budgets.c.user_id, budgets.c.budget
_OF = Hot(select(*_SHOWN).where(*_ROW))
_ARE_THERE = Hot(select(*(exists().select_from(table).label(table.name) for table in (budgets, reservations))))


class There(NamedTuple):
    """Whether there is anything of any tenant: a budget that is kept, a reservation that is out."""

    budgets: bool = False
    reservations: bool = False


class KeptBudgets(NamedTuple):
    """The budgets that the database has of a tenant, of all of its users, and of one of them."""

    tenant: Budget | None = None
    users: Budget | None = None
    user: Budget | None = None


async def set_budget(connection: Transaction, tenant_id: str, budget: Budget, *, whose: Whose = TENANT) -> None:
    """Keep a budget in the place of the one that there is, whatever that named. The caller commits."""
    row = {"tenant_id": tenant_id, "whose": whose.kind, "user_id": whose.user_id, "budget": budget.stored()}
    new = insert_into(budgets, connection.dialect).values(row)
    await connection.execute(new.on_conflict_do_update(index_elements=KEY, set_={"budget": new.excluded.budget}))
    connection.gives_room(tenant_id)


async def list_budgets(
    connection: Transaction, tenant_id: str, *, most: int, after: Whose | None = None
) -> list[tuple[Whose, Budget]]:
    """Return up to `most` of a tenant's kept budgets, ordered by whose they are and by name, from behind `after` on."""
    place = budgets.c.whose, budgets.c.user_id
    own = select(budgets).where(budgets.c.tenant_id == tenant_id).order_by(*place)
    if after is not None:
        own = own.where(tuple_(*place) > tuple_(after.kind, after.user_id))
    rows = await connection.execute(own.limit(most))
    return [(Whose(row.whose, row.user_id), Budget.model_validate(row.budget)) for row in rows]


async def clear_budget(connection: Transaction, tenant_id: str, *, whose: Whose = TENANT) -> bool:
    """Remove a kept budget, so that the definition's counts again; False where none was kept. The caller commits."""
    connection.gives_room(tenant_id)
    return (await connection.execute(delete(budgets).where(*_of(tenant_id, whose)))).rowcount == 1


async def kept_budgets(connection: Transaction, tenant_id: str, user_id: str) -> KeptBudgets:
    """Return what is kept of a tenant and for one of its users."""
    return for_one(await _kept_of_one(connection, tenant_id, user_id), user_id)


async def kept_of(connection: Transaction, tenant_id: str, users: Collection[str]) -> dict[Whose, Budget]:
    """Return what is kept of a tenant, and for these of its users, by whose it is."""
    named = [one for one in users if one]
    if len(named) == 1:
        return await _kept_of_one(connection, tenant_id, named[0])
    own = budgets.c.tenant_id == tenant_id, EVERY_KIND, budgets.c.user_id.in_(["", *named])
    return _by_whose(await connection.execute(select(*_SHOWN).where(*own)))


async def _kept_of_one(connection: Transaction, tenant_id: str, user_id: str) -> dict[Whose, Budget]:
    return _by_whose(await connection.rows(_OF, {"of_tenant": tenant_id, "of_user": user_id}))


def for_one(kept: Mapping[Whose, Budget], user_id: str) -> KeptBudgets:
    """Return what of many is for one user."""
    return KeptBudgets(kept.get(TENANT), kept.get(EACH_USER), kept.get(Whose("user", user_id)))


async def look_for_any(connection: Transaction) -> There:
    """Return whether there is anything to ask for. It is asked often, and reads a row of each at most."""
    row = await connection.row(_ARE_THERE, {})
    return There(bool(row.budgets), bool(row.reservations))


def _by_whose(rows: Iterable[Any]) -> dict[Whose, Budget]:
    return {Whose(row.whose, row.user_id): Budget.model_validate(row.budget) for row in rows}


def _of(tenant_id: str, whose: Whose) -> tuple[ColumnElement[bool], ...]:
    return (budgets.c.tenant_id == tenant_id, budgets.c.whose == whose.kind, budgets.c.user_id == whose.user_id)

"""Budgets of tenants and their users, for operators: what is kept in the database, and what is used of it."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response, Security
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.budget import ALL, MILLIONTHS, Budget
from agent.errors import InvalidRequestError
from agent.store.budgets import EACH_USER, TENANT, Whose, clear_budget, kept_budgets, list_budgets, set_budget
from agent.store.spending import list_spending
from api.admin.access import Door, Operator, in_time
from api.cursors import budget_place, pack
from api.dependencies import InstallationDep, Services
from api.errors import ADMIN_PROBLEMS
from api.requests import NO_NUL

router = APIRouter(prefix="/admin/budgets", tags=["admin"], responses=ADMIN_PROBLEMS)

BUDGETS_AT_ONCE = 200
MOST_PERIODS = 200
"""More than there are of anybody: counters go 62 days after their period."""

Kind = Literal["tenant", "users", "user"]
Tenant = Annotated[Annotated[str, NO_NUL], Query(min_length=1, max_length=128)]
User = Annotated[Annotated[str, NO_NUL] | None, Query(min_length=1, max_length=256)]


class KeptBudget(BaseModel):
    """Whose budget it is: the `tenant`'s as a whole, that of each of its `users`, or of the `user` who is named."""

    whose: Kind
    user: str | None
    budget: Budget


class KeptBudgets(BaseModel):
    """Budgets that were set here, which come before the definition's. `next_cursor` is null on the last page."""

    items: list[KeptBudget]
    next_cursor: str | None


class NewBudget(BaseModel):
    """A budget to be kept, in the place of the one that there is. What it leaves out is as the definition says it."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str, NO_NUL] = Field(min_length=1, max_length=128)
    whose: Kind
    user: Annotated[str, NO_NUL] | None = Field(
        default=None, min_length=1, max_length=256, description="who, where it is one user's"
    )
    budget: Budget

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        _whose(self.whose, self.user)
        return self


class SetBudget(KeptBudget):
    """The budget kept now. Runs of `unpriced_models` are refused to whoever it counts for: it limits a cost that nobody knows."""

    unpriced_models: list[str]


class Used(BaseModel):
    """Usage in a day (`2026-11-29`) or a month (`2026-11`) of the tenant's time zone; what is held is not used yet."""

    period: str
    runs: int
    tokens: int
    cost: float
    held_tokens: int
    held_cost: float


class UsedBudgets(BaseModel):
    """The newest periods first. There is one for each that had a limit when something counted in it."""

    items: list[Used]


@router.get("")
async def list_kept_budgets(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("budgets"))],
    tenant: Tenant,
    user: User = None,
    cursor: Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before")] = None,
) -> KeptBudgets:
    """List the budgets that are kept of a tenant; with a user only those that count for them."""
    after = budget_place(cursor)
    async with in_time(services), services.store.read(tenant) as connection:
        if user is not None:
            kept = await kept_budgets(connection, tenant, user)
            every = (TENANT, kept.tenant), (EACH_USER, kept.users), (Whose("user", user), kept.user)
            found = [(whose, budget) for whose, budget in every if budget is not None]
        else:
            found = await list_budgets(connection, tenant, most=BUDGETS_AT_ONCE + 1, after=after)
    items = [KeptBudget(whose=one.kind, user=one.user_id or None, budget=budget) for one, budget in found]
    is_more = len(items) > BUDGETS_AT_ONCE
    last, _ = found[BUDGETS_AT_ONCE - 1] if is_more else (None, None)
    return KeptBudgets(items=items[:BUDGETS_AT_ONCE], next_cursor=pack(list(last)) if last else None)


@router.get("/used")
async def list_used_budgets(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("budgets"))],
    tenant: Tenant,
    user: User = None,
) -> UsedBudgets:
    """List what a tenant as a whole, or one of its users, has used of its budgets."""
    async with in_time(services), services.store.read(tenant) as connection:
        found = await list_spending(connection, tenant, user_id=user or ALL, most=MOST_PERIODS)
    costs = ("cost", "held_cost")
    return UsedBudgets(
        items=[Used(**{**one._asdict(), **{name: getattr(one, name) / MILLIONTHS for name in costs}}) for one in found]
    )


@router.put("")
async def keep_budget(
    body: NewBudget, services: InstallationDep, _operator: Annotated[Operator, Security(Door("budgets"))]
) -> SetBudget:
    """Keep a budget of a tenant, of each of its users, or of one. It counts from now on, also for what goes on."""
    async with services.store.write(body.tenant) as connection:
        await set_budget(connection, body.tenant, body.budget, whose=_whose(body.whose, body.user))
    return SetBudget(
        whose=body.whose,
        user=body.user,
        budget=body.budget,
        unpriced_models=_unpriced(services) if body.budget.has_cost else [],
    )


@router.delete("", status_code=204, response_class=Response)
async def clear_kept_budget(
    services: InstallationDep,
    _operator: Annotated[Operator, Security(Door("budgets"))],
    tenant: Tenant,
    whose: Kind,
    user: User = None,
) -> None:
    """Let the definition's budget count again. It may be done twice."""
    try:
        which = _whose(whose, user)
    except ValueError as exc:
        raise InvalidRequestError(str(exc)) from None
    async with services.store.write(tenant) as connection:
        await clear_budget(connection, tenant, whose=which)


def _whose(kind: Kind, user: str | None) -> Whose:
    """Return whose budget is meant.

    Raises:
        ValueError: a user is named where none is meant, or the other way round.
    """
    if (kind == "user") != (user is not None):
        raise ValueError("user: name one where whose is `user`, and only there")
    return Whose(kind, user or "")


def _unpriced(services: Services) -> list[str]:
    versions = (version for one in services.assistants for version in one.definition.versions)
    every = (model for version in versions for model in version.models)
    return sorted({model.label for model in every if services.catalog.rates(model) is None})

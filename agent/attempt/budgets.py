"""The budgets of an installation: which count for somebody, and whether there is room for a run.

The invariant: where no budget is set no message and no run costs anything for this, no question to the database and no estimate.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from agent.assistant.budgets import Budgets as Said
from agent.assistant.definition import Assistant
from agent.assistant.models import ModelDefinition
from agent.attempt.run_budget import RunBudget, exceeded, expected_output
from agent.budget import Allowance, Amount, Budget, Counter, QuotaExceededError, Rates
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.prompt.history import CHARACTERS_PER_TOKEN
from agent.store.budgets import KeptBudgets, There, kept_budgets, look_for_any
from agent.store.clock import read_clock
from agent.store.database import EVERY_TENANT, Store
from agent.store.runs import Run
from agent.store.spending import (
    Refused,
    count_run,
    expire_counters,
    find_used_up,
    left_reservations,
    settle_one,
)
from agent.store.transaction import Transaction

logger = structlog.get_logger()

LOOKED_AT = 100
"""How many reservations one look gives back."""


class Counts(Protocol):
    """What looks for room in counters, and perhaps counts."""

    async def __call__(
        self, connection: Transaction, tenant_id: str, counters: Sequence[Counter], *, needs: Amount
    ) -> Refused | None: ...


class Budgets:
    """The budgets of this installation, as far as this process knows of them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._there = There()

    @property
    def has_kept(self) -> bool:
        """Whether the database has any: where not, it is not asked for a tenant's."""
        return self._there.budgets

    async def look(self, connection: Transaction) -> None:
        """Find out whether there are budgets in the database, and whether anything is held, whoever holds it."""
        self._there = await look_for_any(connection)

    async def give_back(self, store: Store) -> None:
        """Give back what is held for calls that nobody makes any more: of processes that died, and of runs that were ended."""
        if not self._there.reservations:
            return
        async with store.read(EVERY_TENANT, is_urgent=True) as connection:
            left = await left_reservations(connection, most=LOOKED_AT)
        for key, reserved in left:
            async with store.write(key.tenant_id) as connection:
                await settle_one(connection, key, reserved=reserved, used=Amount())

    async def expire(self, store: Store) -> None:
        """Let go of counters whose period has long been over."""
        async with store.write(EVERY_TENANT) as connection:
            await expire_counters(connection)

    def may_count(self, assistant: Assistant, claim: Budget | None) -> bool:
        """Return whether a budget may count for whoever has this claim: where not, the database is asked for none."""
        return assistant.budgets is not None or claim is not None or self.has_kept

    async def check(
        self, connection: Transaction, principal: Principal, assistant: Assistant, model: str, text: str | None
    ) -> None:
        """Refuse a run that has no room as it is now. It only reads: `count` decides.

        Raises:
            QuotaExceededError: there is no room for it, or for its first step.
        """
        at = await read_clock(connection)
        await self._ask(find_used_up, connection, principal, assistant, model, text, at=at)

    async def count(
        self, connection: Transaction, principal: Principal, run: Run, assistant: Assistant, text: str | None
    ) -> None:
        """Count a run that begins with this text, where a budget counts for it. The caller commits.

        Raises:
            QuotaExceededError: there is no room for it, or for its first step.
        """
        await self._ask(count_run, connection, principal, assistant, run.model, text, at=run.created_at)

    async def _ask(
        self,
        counts: "Counts",
        connection: Transaction,
        principal: Principal,
        assistant: Assistant,
        model_name: str,
        text: str | None,
        *,
        at: datetime,
    ) -> None:
        allowance = await self.allowance(connection, principal, assistant, principal.budget)
        if allowance is None or not (counters := allowance.counters(at)):
            return
        model = self._catalog.find(assistant, model_name)
        rates = self.rates(model, allowance)
        given = (len(assistant.persona) + len(text or "")) // CHARACTERS_PER_TOKEN
        needs = rates.amount(given, expected_output(assistant, model))
        refused = await counts(connection, principal.tenant_id, counters, needs=needs)
        if refused is not None:
            raise exceeded(refused, allowance)

    async def of_run(
        self, store: Store, owner: Principal, run: Run, assistant: Assistant, *, is_later: bool = False
    ) -> "RunBudget | None":
        """Return the budget of an attempt at a run; None where none counts for it.

        `is_later`: of what follows the run now, whenever that was, with the owner's token of now.
        """
        begun_with = None if run.budget is None else Budget.model_validate(run.budget)
        claim = owner.budget if is_later else begun_with
        if not self.may_count(assistant, claim):
            return None
        async with store.read(owner.tenant_id) as connection:
            allowance = await self.allowance(connection, owner, assistant, claim)
            at = await read_clock(connection) if is_later else run.created_at
        if allowance is None or not allowance.counters(at):
            return None
        model = self._catalog.find(assistant, run.model)
        rates_of = partial(self.rates, allowance=allowance)
        return RunBudget(store, owner, run, assistant, allowance, model, rates_of, at=at)

    async def allowance(
        self, connection: Transaction, principal: Principal, assistant: Assistant, claim: Budget | None
    ) -> Allowance | None:
        """Return what a user may use, as the definition says it, the database before that, and the token at most."""
        if not self.may_count(assistant, claim):
            return None
        said, kept = assistant.budgets or Said(), KeptBudgets()
        if self.has_kept:
            kept = await kept_budgets(connection, principal.tenant_id, principal.user_id)
        user = (kept.user or Budget()).over(kept.users).over(said.user).narrowed(claim)
        tenant = (kept.tenant or Budget()).over(said.tenant)
        return Allowance(principal.user_id, user, tenant, assistant.region.zone())

    def rates(self, model: ModelDefinition, allowance: Allowance) -> Rates:
        """Return what a model's tokens cost.

        Raises:
            QuotaExceededError: nobody knows, and a budget limits that.
        """
        rates = self._catalog.rates(model)
        if rates is None and allowance.has_cost:
            logger.error("budget_without_price", model=model.label)
            raise QuotaExceededError("The model has no price, so no budget allows it. Please tell the operator.")
        return rates or Rates()

"""The budgets of an installation: which count for somebody, and whether there is room for a run.

The invariant: where no budget is set no message and no run costs anything for this, no question to the database and no estimate.
"""

from collections.abc import Collection
from functools import partial

from agent.assistant.budgets import Budgets as Said
from agent.assistant.definition import Assistant
from agent.assistant.models import ModelDefinition
from agent.attempt.run_budget import RunBudget, exceeded, expected_output
from agent.attempt.unpriced import Unpriced
from agent.budget import OPEN, Allowance, Amount, Budget, QuotaExceededError, Rates
from agent.errors import DatabaseError
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.prompt.history import CHARACTERS_PER_TOKEN
from agent.store.budgets import KeptBudgets, There, for_one, kept_budgets, look_for_any
from agent.store.database import EVERY_TENANT, Store
from agent.store.looks import find_used_up, see
from agent.store.runs import Run
from agent.store.spending import count_run, left_reservations, settle_one
from agent.store.transaction import Transaction
from agent.store.used_up import Lately, Seen

LOOKED_AT = 100
"""How many reservations one look gives back."""


class Budgets:
    """The budgets of this installation, as far as this process knows of them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._there = There()
        self._unpriced = Unpriced()

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

    def may_count(self, assistant: Assistant, claim: Budget | None) -> bool:
        """Return whether a budget may count for whoever has this claim: where not, the database is asked for none."""
        return assistant.budgets is not None or claim is not None or self.has_kept

    def refuse_again(
        self, store: Store, principal: Principal, assistant: Assistant, model: str, text: str | None
    ) -> None:
        """Refuse a run of somebody who was refused lately, by what was seen of their counters within the last second. It asks nobody.

        Raises:
            QuotaExceededError: there was no room for it, or for its first step.
        """
        lately = store.used_up.of(principal.tenant_id, principal.user_id)
        if lately is not None and lately.seen is not None and lately.seen.is_fresh:
            self._refuse(store, lately.seen, principal, assistant, model, text)

    async def check(
        self, store: Store, principal: Principal, assistant: Assistant, model: str, text: str | None
    ) -> None:
        """Refuse a run that has no room as it is now. It only reads: `count` decides.

        Where somebody of a tenant was refused lately, its messages look one at a time: the one at the counters of all who were
        refused, and the others wait for what it sees.

        Raises:
            QuotaExceededError: there is no room for it, or for its first step.
            DatabaseError: nobody can look.
        """
        asked = principal, assistant, model, text
        lately = store.used_up.of(principal.tenant_id, principal.user_id)
        if lately is not None:
            seen = await self._look_for_all(store, principal, lately)
            self._refuse(store, seen, *asked)
            if principal.user_id in seen.users:
                return
        self._refuse(store, await self._look(store, principal, [principal.user_id]), *asked)

    async def _look_for_all(self, store: Store, principal: Principal, lately: Lately) -> Seen:
        """Return what was seen within the last second, or meanwhile, of those of a tenant who were refused; or look."""
        before = lately.seen
        async with lately.looking:
            if lately.has_failed:
                raise DatabaseError("LookFailed")
            if lately.seen is not None and (lately.seen is not before or lately.seen.is_fresh):
                return lately.seen
            try:
                lately.seen = seen = await self._look(store, principal, lately.users(principal.user_id))
            except DatabaseError:
                lately.has_failed = True
                store.used_up.forget([principal.tenant_id])  # who comes now has a try of their own
                raise
            return seen

    async def _look(self, store: Store, principal: Principal, users: Collection[str]) -> Seen:
        async with store.read(principal.tenant_id) as connection:
            return await see(connection, principal.tenant_id, users, asks_kept=self.has_kept)

    def _refuse(
        self, store: Store, seen: Seen, principal: Principal, assistant: Assistant, model: str, text: str | None
    ) -> None:
        """Refuse a run that had no room when somebody looked, in those counters that they looked at."""
        kept = for_one(seen.kept, principal.user_id)
        allowance = _allowance(principal, assistant, principal.budget, kept)
        counters = [one for one in allowance.counters(seen.now) if one.user_id in seen.users]
        if counters:
            needs = self._needs(allowance, assistant, model, text)
            if (refused := find_used_up(seen.used, counters, needs=needs)) is not None:
                store.used_up.note(principal.tenant_id, refused.counter.user_id)
                raise exceeded(refused, allowance)

    async def count(
        self, connection: Transaction, principal: Principal, run: Run, assistant: Assistant, text: str | None
    ) -> None:
        """Count a run that begins with this text, where a budget counts for it. The caller commits.

        Raises:
            QuotaExceededError: there is no room for it, or for its first step.
        """
        allowance = await self.allowance(connection, principal, assistant, principal.budget)
        if allowance is None or not (counters := allowance.counters(run.created_at)):
            return
        needs = self._needs(allowance, assistant, run.model, text)
        refused = await count_run(connection, principal.tenant_id, counters, needs=needs)
        if refused is not None:
            raise exceeded(refused, allowance)

    def _needs(self, allowance: Allowance, assistant: Assistant, model_name: str, text: str | None) -> Amount:
        """Return what the first step of a run needs that begins with this text."""
        model = self._catalog.find(assistant, model_name)
        given = (len(assistant.persona) + len(text or "")) // CHARACTERS_PER_TOKEN
        return self.rates(model, allowance).amount(given, expected_output(assistant, model))

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
            seen = None
            if is_later and allowance is not None:
                seen = await see(connection, owner.tenant_id, [owner.user_id], asks_kept=False)
        at = seen.clock if seen is not None else run.created_at
        if allowance is None or not allowance.counters(at):
            return None
        model = self._catalog.find(assistant, run.model)
        rates_of = partial(self.rates, allowance=allowance)
        used = seen.used if seen is not None else None
        return RunBudget(store, owner, run, assistant, allowance, model, rates_of, at=at, seen=used)

    async def allowance(
        self, connection: Transaction, principal: Principal, assistant: Assistant, claim: Budget | None
    ) -> Allowance | None:
        """Return what a user may use, as the definition says it, the database before that, and the token at most."""
        if not self.may_count(assistant, claim):
            return None
        kept = KeptBudgets()
        if self.has_kept:
            kept = await kept_budgets(connection, principal.tenant_id, principal.user_id)
        return _allowance(principal, assistant, claim, kept)

    def rates(self, model: ModelDefinition, allowance: Allowance) -> Rates:
        """Return what a model's tokens cost.

        Raises:
            QuotaExceededError: nobody knows, and a budget limits that.
        """
        rates = self._catalog.rates(model)
        if rates is None and allowance.has_cost:
            raise self.without_price(model.label)
        return rates or Rates()

    def without_price(self, name: str, what: str = "model") -> QuotaExceededError:
        """Tell the operator of a model whose cost nobody knows; return what its user is told."""
        self._unpriced.tell(name)
        return QuotaExceededError(f"The {what} has no price, so no budget allows it. Please tell the operator.")


def _allowance(principal: Principal, assistant: Assistant, claim: Budget | None, kept: KeptBudgets) -> Allowance:
    said = assistant.budgets or Said()
    user = (kept.user or OPEN).over(kept.users).over(said.user).narrowed(claim)
    tenant = (kept.tenant or OPEN).over(said.tenant)
    return Allowance(principal.user_id, user, tenant, assistant.region.zone())

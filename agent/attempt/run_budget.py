"""The budget of an attempt at a run: what its next step needs is held before it, and what it took is settled with what it said.

The invariant: a step is asked for when there was room for it in every counter, and what was held for it is settled in the
transaction that stores what it said, or given back.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Literal

import anyio
import structlog
from langchain_core.messages import BaseMessage

from agent.assistant.budgets import Budgets as Said
from agent.assistant.definition import Assistant
from agent.assistant.models import ModelDefinition
from agent.attempt.offer import Offer
from agent.budget import (
    ALL,
    KINDS,
    MILLIONTHS,
    NEAR,
    UNLIMITED,
    Allowance,
    Amount,
    QuotaExceededError,
    Rates,
    Standing,
    Used,
)
from agent.errors import DatabaseError
from agent.events.schema import BudgetUsed, Usage, UsageCounted
from agent.models.stream import Reply
from agent.principal import Principal, RunKey
from agent.prompt.history import CHARACTERS_PER_TOKEN, estimate_tokens
from agent.store.database import Store
from agent.store.looks import find_used_up
from agent.store.repeating import repeated
from agent.store.runs import Run
from agent.store.spending import AFTERWARDS, Refused, Reserved, read_counters, reserve, settle_one, settle_steps
from agent.store.transaction import Transaction

logger = structlog.get_logger()

GRACE_S = 60.0
"""How long a reservation may outlast the time that its call has."""


class RunBudget:
    """The budget that an attempt at a run may use. It holds what a step needs from before it until what it took is stored."""

    def __init__(
        self,
        store: Store,
        owner: Principal,
        run: Run,
        assistant: Assistant,
        allowance: Allowance,
        model: ModelDefinition,
        rates_of: Callable[[ModelDefinition], Rates],
        *,
        at: datetime,
        seen: Mapping[tuple[str, str], Used] | None = None,
    ) -> None:
        """`seen`: how the counters stood when somebody looked a moment ago; calls beside the run are refused by that."""
        self._store = store
        self._key = RunKey(owner.tenant_id, run.id)
        self._attempt = run.attempt
        self._allowance = allowance
        self._rates_of = rates_of
        self._rates = rates_of(model)
        self._counters = allowance.counters(at)
        self._assistant = assistant
        self._output = expected_output(assistant, model)
        self._length_s = assistant.limits.deadline_s + GRACE_S
        self._step = self._given = 0
        """How many tokens the step is estimated to be given."""
        self._has_told = False
        self._reserved: Reserved | None = None
        self._refused: Refused | None = None
        self._used: tuple[Usage, bool] = Usage(), False
        self._cached = 0
        self._standings: Sequence[Standing] = ()
        self._moved: Reserved | Refused | None = None
        self._seen = seen

    @property
    def reserves(self) -> bool:
        """Whether steps have to have room: not, where only runs are counted."""
        return any(least != UNLIMITED for one in self._counters for least in one.most[1:])

    @property
    def has_reserved(self) -> bool:
        """Whether the next step was asked for already."""
        return self._reserved is not None or self._refused is not None

    def expect(self, offer: Offer, messages: Sequence[BaseMessage]) -> None:
        """Estimate what the next step is given."""
        self._given = estimated(offer, messages)

    async def reserve(self, connection: Transaction) -> None:
        """Hold what the next step needs, or keep in mind that there is no room for it. The caller commits."""
        self._reserved = self._refused = None
        self._used, self._cached = (Usage(), False), 0
        await settle_steps(connection, self._key, self._counters, reserved=None, used=Amount())
        needs = self._rates.amount(self._given, self._output)
        got = await self._hold(connection, needs, attempt=self._attempt, length_s=self._length_s)
        self._reserved, self._refused = (None, got) if isinstance(got, Refused) else (got, None)

    async def move(self, connection: Transaction, model: ModelDefinition) -> bool:
        """Use what a model took that failed, and hold what another one needs for the same step; False where that has no room.

        It may be done again until the caller has committed, who then says so by `moved`.
        """
        if not self.reserves:
            return True
        await self.settle(connection)
        rates, output = self._rates_of(model), expected_output(self._assistant, model)
        needs = rates.amount(self._given, output)
        self._moved = await self._hold(connection, needs, attempt=self._attempt, length_s=self._length_s)
        return not isinstance(self._moved, Refused)

    def moved(self, model: ModelDefinition) -> None:
        """Count what is used by the rates of another model from now on.

        Raises:
            QuotaExceededError: it has no room.
        """
        got, self._moved = self._moved, None
        self._reserved, self._refused = (None, got) if isinstance(got, Refused) else (got, None)
        self._used, self._cached = (Usage(), False), 0
        self.begin()
        self._rates, self._output = self._rates_of(model), expected_output(self._assistant, model)

    def begin(self) -> None:
        """Let a step begin that has its room.

        Raises:
            QuotaExceededError: it has none.
        """
        if self._refused is not None:
            raise exceeded(self._refused, self._allowance)

    def took(self, reply: Reply, *, step: int) -> None:
        """Note what a step took, however it ended: what its provider says, or else an estimate of what was said."""
        self._step, self._used, self._cached = step, _used(reply, self._given), reply.cached_tokens

    async def settle(self, connection: Transaction, *, ends: bool = False) -> None:
        """Use what the step took, and give back the rest. It may be done again until the caller has committed."""
        if self.reserves:
            reserved = self._reserved.id if self._reserved else None
            used = self._amount(self._used[0], self._cached)
            self._standings = await settle_steps(connection, self._key, self._counters, reserved=reserved, used=used)
        elif ends:
            self._standings = await read_counters(connection, self._key.tenant_id, self._counters)

    def told(self) -> UsageCounted | None:
        """Return what readers are told of what was settled, once; None where that is nothing."""
        standings, self._standings = self._standings, ()
        self._reserved = None
        usage, is_estimated = self._used
        took = 1 - self._has_told, *self._amount(usage, self._cached)
        budgets = tuple(one for standing in standings for one in _told(standing, took, self._allowance))
        self._has_told = self._has_told or bool(budgets)
        return UsageCounted(self._step, usage, is_estimated, budgets) if budgets else None

    @asynccontextmanager
    async def aside(
        self, offer: Offer, messages: Sequence[BaseMessage], reply: Reply, *, timeout_s: float
    ) -> AsyncGenerator[None]:
        """Hold what a call beside the run needs while it goes on, and use what `reply` took.

        Raises:
            QuotaExceededError: there is no room for it.
        """
        if not self.reserves:
            yield
            return
        given = estimated(offer, messages)
        if self._seen is not None:  # before anything is written
            needs = self._rates.amount(given, self._output)
            refused = find_used_up(self._seen, self._counters, needs=needs, counts_run=False)
            if refused is not None:
                raise exceeded(refused, self._allowance)
        held = await self._hold_aside(given, length_s=timeout_s + GRACE_S)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle_one(held, self._amount(_used(reply, given)[0], reply.cached_tokens))

    async def leave(self) -> None:
        """Use what the step took of a run that is gone, or another's, where it is still held. It fails nobody.

        Else whoever deletes a conversation while it is answered would pay for nothing of that.
        """
        if self._reserved is not None:
            with suppress(DatabaseError):  # then upkeep gives it back
                await self._settle_one(self._reserved, self._amount(self._used[0], self._cached))

    @repeated
    async def _hold_aside(self, given: int, *, length_s: float) -> Reserved:
        async with self._store.write(self._key.tenant_id) as connection:
            needs = self._rates.amount(given, self._output)
            got = await self._hold(connection, needs, attempt=AFTERWARDS, length_s=length_s)
            if isinstance(got, Refused):
                raise exceeded(got, self._allowance)
        return got

    @repeated
    async def _settle_one(self, reserved: Reserved, used: Amount) -> None:
        async with self._store.write(self._key.tenant_id) as connection:
            await settle_one(connection, self._key, reserved=reserved.id, used=used)

    def _amount(self, usage: Usage, cached: int) -> Amount:
        return self._rates.amount(usage.input_tokens, usage.output_tokens, cached)

    async def _hold(
        self, connection: Transaction, needs: Amount, *, attempt: int, length_s: float
    ) -> Reserved | Refused:
        return await reserve(
            connection,
            self._key,
            self._counters,
            user_id=self._allowance.user_id,
            attempt=attempt,
            amount=needs,
            length_s=length_s,
        )


OUTPUT = ("max_completion_tokens", "max_tokens", "max_output_tokens", "num_predict")
"""How models' parameters say how much may be said."""


def estimated(offer: Offer, messages: Sequence[BaseMessage]) -> int:
    """Return how many tokens a model is given with these messages, roughly."""
    return sum(map(estimate_tokens, messages)) + offer.functions_size // CHARACTERS_PER_TOKEN


def expected_output(assistant: Assistant, model: ModelDefinition) -> int:
    """Return how many tokens a step is expected to say: as many as it may, where its model's parameters tell that."""
    told = (model.parameters.get(name) for name in OUTPUT)
    usual = (assistant.budgets or Said()).output_tokens
    return next((one for one in told if isinstance(one, int) and one > 0), usual)


def exceeded(refused: Refused, allowance: Allowance) -> QuotaExceededError:
    """Return the error of a budget that is used up."""
    resets_at = refused.counter.resets_at(allowance.zone).astimezone(UTC)
    whose = "your organisation" if refused.counter.user_id == ALL else "you"
    used_up = f"What {whose} may use in a {refused.counter.span} is used up ({refused.kind})."
    again = f"It begins anew at {resets_at:%Y-%m-%dT%H:%M:%SZ}."
    return QuotaExceededError(f"{used_up} {again}", resets_at=resets_at, at=datetime.now(UTC))


def _used(reply: Reply, given: int) -> tuple[Usage, bool]:
    """Return what a reply took, and whether that is estimated: what was never answered took nothing, what was thought did.

    A provider that says 0 of what it was given does not know it.
    """
    said = reply.usage
    if said.input_tokens or not (reply.characters or said.output_tokens):
        return said, False
    return Usage(given, said.output_tokens or max(1, reply.characters // CHARACTERS_PER_TOKEN)), True


def _told(standing: Standing, took: Sequence[int], allowance: Allowance) -> list[BudgetUsed]:
    """Return how far each limit of a counter is used up. Where a step has `took` it past four fifths, the operator is told."""
    counter, found = standing.counter, []
    for kind, limit, used, more in zip(KINDS, counter.most, standing.used, took, strict=True):
        if limit != UNLIMITED:
            share = round(used / limit, 4) if limit else 1.0
            scale = MILLIONTHS if kind == "cost" else 1
            numbers = () if counter.user_id == ALL else (used / scale, limit / scale)
            whose: Literal["user", "tenant"] = "user" if numbers else "tenant"
            resets_at = counter.resets_at(allowance.zone).astimezone(UTC).isoformat()
            found.append(BudgetUsed(whose, kind, counter.span, share, share >= NEAR, resets_at, *numbers))
            if used - more < NEAR * limit <= used:
                logger.warning("budget_near", whose=whose, kind=kind, period=counter.period)
    return found

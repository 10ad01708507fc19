"""Budgets: how much of what a tenant, and each of its users, may use in a day and in a month. Values only.

The invariant: None is no limit, and 0 lets nothing through. A run, with all that it takes, is of the day and the month in
which its message was asked for, whenever its last step is.
"""

import math
from collections.abc import Callable
from datetime import datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from agent.errors import RequestError, RunError

Kind = Literal["runs", "tokens", "cost"]
KINDS: tuple[Kind, ...] = ("runs", "tokens", "cost")
Span = Literal["day", "month"]
SPANS: tuple[Span, ...] = ("day", "month")
UNLIMITED = 2**62
"""In place of a limit where there is none: more than anybody uses, and a whole number to every database."""
MILLIONTHS = 1_000_000
"""Costs are counted in whole millionths of the currency, so that sums are exact."""
NEAR = 0.8
"""The share of a budget from which on it is nearly used up."""
ALL = ""
"""In place of a user, of the counters of a tenant as a whole."""

Count = Annotated[int, Field(ge=0, le=10**15)]
Money = Annotated[float, Field(ge=0, le=10**9)]


class Most(NamedTuple):
    """Up to which numbers may be counted; costs in millionths."""

    runs: int = UNLIMITED
    tokens: int = UNLIMITED
    cost: int = UNLIMITED


NO_LIMIT = Most()


class Amount(NamedTuple):
    """The amount that a call of a model takes, or is expected to take; the cost in millionths."""

    tokens: int = 0
    cost: int = 0


class Used(NamedTuple):
    """How far a counter has come for whoever comes next: what is held counts as used."""

    runs: int = 0
    tokens: int = 0
    cost: int = 0


class Amounts(BaseModel):
    """How much may be used. `cost` is in the currency of `FRONTDESK_BUDGET_CURRENCY`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    runs: Count | None = None
    tokens: Count | None = None
    cost: Money | None = None

    @cached_property
    def most(self) -> Most:
        """The same as numbers to count up to."""
        cost = None if self.cost is None else round(self.cost * MILLIONTHS)
        return Most(*(UNLIMITED if one is None else one for one in (self.runs, self.tokens, cost)))


class Budget(BaseModel):
    """How much may be used in a day, and how much in a month."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    day: Amounts = Amounts()
    month: Amounts = Amounts()

    @property
    def has_cost(self) -> bool:
        """Whether it limits what is paid for."""
        return self.day.cost is not None or self.month.cost is not None

    def over(self, other: "Budget | None") -> "Budget":
        """Return this one with what it leaves open taken from another."""
        return self if other is None else self._joined(other, _first)

    def narrowed(self, by: "Budget | None") -> "Budget":
        """Return the smaller amount of each that the two name."""
        return self if by is None else self._joined(by, _smaller)

    def stored(self) -> dict[str, dict[str, float]]:
        """Return it as JSON has it, without what it leaves open."""
        stored: dict[str, dict[str, float]] = self.model_dump(exclude_none=True)
        return stored

    def _joined(self, other: "Budget", choose: "Choose") -> "Budget":
        if OPEN in (self, other):
            return self if other == OPEN else other  # whichever is chosen, nothing limits nothing
        own, others = self.model_dump(), other.model_dump()
        return Budget.model_validate(
            {span: {kind: choose(own[span][kind], others[span][kind]) for kind in KINDS} for span in SPANS}
        )


OPEN = Budget()
"""The budget that limits nothing."""
Choose = Callable[[float | None, float | None], float | None]


def _first(own: float | None, others: float | None) -> float | None:
    return others if own is None else own


def _smaller(own: float | None, others: float | None) -> float | None:
    return min((one for one in (own, others) if one is not None), default=None)


class Counter(NamedTuple):
    """A counter that something counts in, and up to where: the user's, or with ALL their tenant's."""

    user_id: str
    period: str
    """`2026-11-29` or `2026-11`, in the tenant's time zone."""
    most: Most

    @property
    def key(self) -> tuple[str, str]:
        return self.user_id, self.period

    @property
    def span(self) -> Span:
        return "day" if len(self.period) == len("2026-11-29") else "month"

    def resets_at(self, zone: tzinfo) -> datetime:
        """Return when the next period begins."""
        year, month, *day = map(int, self.period.split("-"))
        first = datetime(year, month, day[0] if day else 1)  # noqa: DTZ001 (its zone comes last: a day has 23 hours at times)
        following = first + timedelta(days=1) if day else (first + timedelta(days=31)).replace(day=1)
        return datetime.combine(following.date(), time(), tzinfo=zone)


class Allowance(NamedTuple):
    """The allowance of somebody: what they may use, of what is their own and of what is their tenant's."""

    user_id: str
    user: Budget
    tenant: Budget
    zone: tzinfo

    @property
    def has_cost(self) -> bool:
        """Whether anything limits what is paid for."""
        return self.user.has_cost or self.tenant.has_cost

    def counters(self, at: datetime) -> list[Counter]:
        """Return what has a limit at a time: the tenant's counters first, which is the order in which all lock them."""
        today = at.astimezone(self.zone).date().isoformat()
        budgets = (ALL, self.tenant), (self.user_id, self.user)
        every = [
            Counter(user_id, period, getattr(budget, span).most)
            for user_id, budget in budgets
            for span, period in zip(SPANS, (today, today[:7]), strict=True)
        ]
        return [one for one in every if one.most != NO_LIMIT]


class Standing(NamedTuple):
    """How far a counter has come; `used` is of each kind, in their order."""

    counter: Counter
    used: tuple[int, int, int]


class QuotaExceededError(RequestError, RunError):
    """A budget is used up until `resets_at`: a message is not taken, or a run ends in whose next step it has no room.

    The text is public in both places. It names a kind and a period, never an amount.
    """

    code = "quota_exceeded"
    public = "What may be used is used up for now."
    resets_at: datetime | None = None
    retry_after_s: int | None = None

    def __init__(self, message: str, *, resets_at: datetime | None = None, at: datetime | None = None) -> None:
        super().__init__(message)
        self.public, self.resets_at = message, resets_at
        if resets_at is not None and at is not None:
            self.retry_after_s = max(1, math.ceil((resets_at - at).total_seconds()))


class Rates(NamedTuple):
    """The price of a token, in millionths of the currency: as much as a million tokens in the currency itself."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    """Of input that the provider had kept; None: as any input."""

    def amount(self, given: int, said: int, cached: int = 0) -> Amount:
        """Return what so many tokens come to, of which the provider had kept `cached` of those given."""
        for_cached = self.input if self.cached is None else self.cached
        cost = (given - cached) * self.input + cached * for_cached + said * self.output
        return Amount(given + said, math.ceil(cost))

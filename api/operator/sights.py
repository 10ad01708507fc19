"""`frontdesk runs` and `usage`: what is at work, what failed lately, and what all of it has used."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from agent.assistant.definition import Assistant
from agent.assistant.models import ModelPrice
from agent.assistant.source import load_definitions
from agent.store.database import EVERY_TENANT, Store
from agent.store.overview import SeenRun, Used, failed_of, unfinished_of, usage_of
from agent.store.retention import next_tenant
from api.operator.opened import opened
from api.settings import Settings

MILLION = 1_000_000
KEYS = ("tenant", "user", "model", "day")
"""By what usage can be summed up."""

TENANTS_AT_ONCE = 100
USUAL_DAYS = 30
OLDEST, NEWEST = date(2000, 1, 1), date(9000, 1, 1)
"""Days that may be asked for."""
MOST_HOURS = 24 * 366
"""How far back a run that failed may be asked for."""


class Span(NamedTuple):
    """A time: with its first moment, without its last one."""

    since: datetime
    until: datetime


class Tenants(NamedTuple):
    """Some tenants, and whether there are more behind them."""

    names: list[str]
    are_more: bool


Prices = dict[tuple[str | None, str], ModelPrice]
"""By assistant and model; with None for an assistant, of whichever has it first."""


@dataclass(slots=True)
class Sum:
    """The usage of some runs. `cost` is by currency, at the prices of now; `unpriced_runs` have a model without one.

    A run counts as one of the model that ended it, its tokens as those of the models that used them.
    """

    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    unpriced_runs: int = 0


async def list_runs(settings: Settings, tenant: str | None, *, failed_h: float, most: int) -> list[SeenRun]:
    """Return the runs that are not over and those that failed within so many hours, tenant by tenant.

    Of each tenant at most `most` of either kind.
    """
    async with opened(settings) as store:
        return [
            run async for name in tenants_of(store, tenant) for run in await runs_of(store, name, failed_h, most=most)
        ]


async def runs_of(store: Store, tenant: str, failed_h: float, *, most: int) -> list[SeenRun]:
    """Return a tenant's runs that are not over, and those that failed within so many hours; at most `most` of either kind."""
    since = datetime.now(UTC) - timedelta(hours=failed_h)
    async with store.read(tenant) as connection:
        unfinished = await unfinished_of(connection, tenant, most=most)
        return unfinished + await failed_of(connection, tenant, since=since, most=most)


async def sum_usage(
    settings: Settings, tenant: str | None, *, by: Sequence[str], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return what was used from `since` on and before `until`, summed up by some of `KEYS`, in their order."""
    sums = Sums(by, prices_of(load_definitions(settings.assistant)), Span(since, until))
    async with opened(settings) as store:
        async for one in tenants_of(store, tenant):
            await sums.add(store, one)
    return sums.told()


class Sums:
    """The usage of tenants from a moment on and before another one, summed up by some of `KEYS`, in their order."""

    def __init__(self, by: Sequence[str], prices: Prices, span: Span) -> None:
        self._by = by
        self._prices = prices
        self._span = span
        self._sums: dict[tuple[str, ...], Sum] = {}

    def __len__(self) -> int:
        return len(self._sums)

    async def add(self, store: Store, tenant: str) -> None:
        """Add what a tenant has used."""
        async with store.read(tenant) as connection:
            used = await usage_of(connection, tenant, since=self._span.since, until=self._span.until)
        for use, each in used.items():
            named = {"tenant": tenant, "user": use.user, "model": use.model, "day": use.day}
            price = self._prices.get((use.assistant, use.model)) or self._prices.get((None, use.model))
            _add(self._sums.setdefault(tuple(named[key] for key in self._by), Sum()), each, price)

    def told(self) -> list[dict[str, Any]]:
        """Return the sums, in the order of what they are by."""
        return [{**dict(zip(self._by, key, strict=True)), **asdict(one)} for key, one in sorted(self._sums.items())]


async def tenants_of(store: Store, tenant: str | None) -> AsyncIterator[str]:
    """Yield the tenant; with None all that have conversations, in the order of their names."""
    after, are_more = "", True
    while are_more:
        names, are_more = await tenants_after(store, tenant, after=after, most=TENANTS_AT_ONCE)
        for after in names:
            yield after


async def tenants_after(store: Store, tenant: str | None, *, after: str, most: int) -> Tenants:
    """Return the tenant; with None some that have conversations, in the order of their names, from behind one on."""
    if tenant is not None:
        return Tenants([tenant], are_more=False)
    names: list[str] = []
    async with store.read(EVERY_TENANT) as connection:
        while len(names) <= most and (name := await next_tenant(connection, after=after)) is not None:
            names.append(after := name)
    return Tenants(names[:most], are_more=len(names) > most)


def days_of(first: date | None, last: date | None) -> Span:
    """Return the time from one day to another one, both included, of UTC; usually the last 30 days."""
    today = datetime.now(UTC).date()
    begin, end = first or today - timedelta(days=USUAL_DAYS), last or today
    return Span(datetime.combine(begin, time(), UTC), datetime.combine(end, time(), UTC) + timedelta(days=1))


def prices_of(definitions: Mapping[str, Assistant]) -> Prices:
    """Return the prices that definitions have now."""
    prices: Prices = {}
    for assistant, definition in definitions.items():
        for model in definition.models:
            if model.price is not None:
                prices[assistant, model.label] = model.price
                prices.setdefault((None, model.label), model.price)
    return prices


def _add(total: Sum, used: Used, price: ModelPrice | None) -> None:
    total.runs += used.runs
    total.input_tokens += used.input_tokens
    total.output_tokens += used.output_tokens
    if price is None:
        total.unpriced_runs += used.runs + used.left_runs
        return
    cost = (used.input_tokens * price.input + used.output_tokens * price.output) / MILLION
    total.cost[price.currency] = round(total.cost.get(price.currency, 0.0) + cost, 6)


def print_runs(found: Sequence[SeenRun]) -> None:
    """Print runs, a line for each."""
    columns = ["standing", "tenant", "user", "run", "model", "created_at", "error_code"]
    rows = [{**asdict(one), "standing": "abandoned" if one.is_abandoned else one.standing} for one in found]
    print_table(columns, rows)


def print_usage(by: Sequence[str], sums: Sequence[dict[str, Any]]) -> None:
    """Print sums, a line for each."""
    rows = [
        {**one, "cost": " + ".join(f"{value:.4f} {currency}" for currency, value in one["cost"].items())}
        for one in sums
    ]
    print_table([*by, "runs", "input_tokens", "output_tokens", "cost"], rows)


def print_table(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Print rows under the names of columns. What is in them is shown on one line, whatever it is."""
    shown = [[_cell(row[name]) for name in columns] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(columns, *shown, strict=True)]
    for cells in (list(columns), *shown):
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = "-" if value is None or value == "" else str(value)
    return text if text.isprintable() else repr(text)

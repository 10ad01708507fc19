"""`frontdesk runs` and `usage`: what is at work, what failed lately, and what all of it has used."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.assistant.definition import ModelPrice
from agent.assistant.source import load_definitions
from agent.store.database import EVERY_TENANT, Store
from agent.store.overview import SeenRun, Used, failed_of, unfinished_of, usage_of
from agent.store.retention import next_tenant
from api.operator.opened import opened
from api.settings import Settings

MILLION = 1_000_000
KEYS = ("tenant", "user", "model", "day")
"""By what usage can be summed up."""

Prices = dict[tuple[str | None, str], ModelPrice]
"""By assistant and model; with None for an assistant, of whichever has it first."""


@dataclass(slots=True)
class Sum:
    """What some runs have used. `cost` is by currency, at the prices of now; runs whose model has none are `unpriced_runs`."""

    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: dict[str, float] = field(default_factory=dict)
    unpriced_runs: int = 0


async def list_runs(settings: Settings, tenant: str | None, *, failed_h: float, most: int) -> list[SeenRun]:
    """Return the runs that are not over and those that failed within so many hours, tenant by tenant.

    Of each tenant at most `most` of either kind.
    """
    since = datetime.now(UTC) - timedelta(hours=failed_h)
    found: list[SeenRun] = []
    async with opened(settings) as store:
        async for one in _tenants(store, tenant):
            async with store.read(one) as connection:
                found += await unfinished_of(connection, one, most=most)
                found += await failed_of(connection, one, since=since, most=most)
    return found


async def sum_usage(
    settings: Settings, tenant: str | None, *, by: Sequence[str], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return what was used from `since` on and before `until`, summed up by some of `KEYS`, in their order."""
    prices = _prices(settings)
    sums: dict[tuple[str, ...], Sum] = {}
    async with opened(settings) as store:
        async for one in _tenants(store, tenant):
            async with store.read(one) as connection:
                used = await usage_of(connection, one, since=since, until=until)
            for each in used:
                named = {"tenant": one, "user": each.user, "model": each.model, "day": each.day}
                _add(sums.setdefault(tuple(named[key] for key in by), Sum()), each, prices)
    return [{**dict(zip(by, key, strict=True)), **asdict(total)} for key, total in sorted(sums.items())]


async def _tenants(store: Store, tenant: str | None) -> AsyncIterator[str]:
    name = tenant if tenant is not None else ""
    if tenant is not None:
        yield name
        return
    while True:
        async with store.read(EVERY_TENANT) as connection:
            following = await next_tenant(connection, after=name)
        if following is None:
            return
        yield (name := following)


def _prices(settings: Settings) -> Prices:
    prices: Prices = {}
    for assistant, definition in load_definitions(settings.assistant).items():
        for model in definition.models:
            if model.price is not None:
                prices[assistant, model.label] = model.price
                prices.setdefault((None, model.label), model.price)
    return prices


def _add(total: Sum, used: Used, prices: Prices) -> None:
    total.runs += used.runs
    total.input_tokens += used.input_tokens
    total.output_tokens += used.output_tokens
    price = prices.get((used.assistant, used.model)) or prices.get((None, used.model))
    if price is None:
        total.unpriced_runs += used.runs
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

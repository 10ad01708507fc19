"""Budgets as values: which counts, and when a period is over."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from agent.budget import ALL, Allowance, Amounts, Budget, Rates

VIENNA = ZoneInfo("Europe/Vienna")
DAILY = Budget(day=Amounts(runs=1), month=Amounts(tokens=9))


@pytest.mark.parametrize(
    ("at", "day", "begins", "month_begins"),
    [
        ("2026-11-29T22:59:59Z", "2026-11-29", "2026-11-29T23:00:00Z", "2026-11-30T23:00:00Z"),
        ("2026-11-29T23:00:00Z", "2026-11-30", "2026-11-30T23:00:00Z", "2026-11-30T23:00:00Z"),
        ("2026-12-31T22:59:59Z", "2026-12-31", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
        ("2028-02-28T23:30:00Z", "2028-02-29", "2028-02-29T23:00:00Z", "2028-02-29T23:00:00Z"),
        ("2026-10-25T10:00:00Z", "2026-10-25", "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"),
        ("2026-03-28T23:30:00Z", "2026-03-29", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"),
    ],
    ids=["before midnight", "at midnight", "the year's last day", "a leap day", "a day of 25 hours", "one of 23"],
)
def test_a_period_begins_at_midnight_in_the_tenants_time_zone(
    at: str, day: str, begins: str, month_begins: str
) -> None:
    """G374: whatever the clock shows elsewhere."""
    allowed = Allowance("ann", DAILY, Budget(), VIENNA)
    today, month = allowed.counters(datetime.fromisoformat(at))
    assert (today.user_id, today.period, month.period) == ("ann", day, day[:7])
    assert today.resets_at(VIENNA).astimezone(UTC) == datetime.fromisoformat(begins)
    assert month.resets_at(VIENNA).astimezone(UTC) == datetime.fromisoformat(month_begins)


def test_counters_are_in_one_order_and_only_where_there_is_a_limit() -> None:
    allowed = Allowance("ann", DAILY, Budget(month=Amounts(cost=0.5)), VIENNA)
    found = [(one.user_id, one.period, one.most.cost) for one in allowed.counters(datetime(2026, 11, 29, tzinfo=UTC))]
    assert [key for *key, _ in found] == [[ALL, "2026-11"], ["ann", "2026-11-29"], ["ann", "2026-11"]]
    assert found[0][2] == 500_000
    assert Allowance("ann", Budget(), Budget(), VIENNA).counters(datetime.now(UTC)) == []


def test_a_budget_over_another_takes_what_it_leaves_open_and_a_narrower_one_never_gives_more() -> None:
    """G373"""
    mine, others = Budget(day=Amounts(runs=5, cost=1.5)), Budget(day=Amounts(runs=3, tokens=7), month=Amounts(runs=8))
    assert mine.over(others) == Budget(day=Amounts(runs=5, tokens=7, cost=1.5), month=Amounts(runs=8))
    assert mine.narrowed(others) == Budget(day=Amounts(runs=3, tokens=7, cost=1.5), month=Amounts(runs=8))
    assert mine.narrowed(None) == mine.over(None) == mine
    assert Budget.model_validate(mine.stored()) == mine


@pytest.mark.parametrize("wrong", [-1, 1.5, "3", True, float("nan"), 10**16])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Budget.model_validate({"day": {"runs": wrong}})


def test_a_cost_is_never_rounded_to_nothing() -> None:
    assert Rates(0.15, 0.6).amount(1, 0) == (1, 1)
    assert Rates(2.0, 8.0).amount(1000, 10) == (1010, 2080)
    assert Rates().amount(5, 5) == (10, 0)

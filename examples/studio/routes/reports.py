"""Money: income and expense of a period beside the period before, and what was sold."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from examples.studio.desk import Desk, Row, StaffDesk, money
from examples.studio.periods import PeriodName, Span, between, months_back, months_in, named

MAX_DAYS = 1_200

router = APIRouter(prefix="/reports", tags=["reports"])

Period = Annotated[PeriodName, Query(description="The period to report on.")]
From = Annotated[date | None, Query(alias="from", description="First day, with `to`; instead of `period` or `months`.")]
To = Annotated[date | None, Query(alias="to", description="Last day, included.")]


@router.get("/income-expense")
def get_income_expense(desk: StaffDesk, period: Period = "this_month", start: From = None, end: To = None) -> Row:
    """Compare income (revenue), expense and net (profit) of a period with the period before.

    `change_percent` compares with as many days of the previous period, so a month that has just begun is not
    measured against a whole one. It is null where there is nothing to compare with.
    """
    current, previous, same_days = _spans(desk, period, start, end)
    now, comparable = _totals(desk, current), _totals(desk, same_days)
    changes = {key: _change(now[key], comparable[key]) for key in now}
    return {
        "currency": desk.caller.currency,
        "branch": _branch(desk),
        **current.described(),
        **now,
        "previous": {**previous.described(), **_totals(desk, previous)},
        "previous_same_days": {**same_days.described(), **comparable},
        "change_percent": changes if same_days.start >= _first_day(desk) else dict.fromkeys(changes),
        "income_by_kind": _amounts(desk, current, INCOME_BY_KIND),
        "expense_by_category": _amounts(desk, current, EXPENSE_BY_CATEGORY),
    }


@router.get("/membership-sales")
def get_membership_sales(desk: StaffDesk, period: Period = "this_month", start: From = None, end: To = None) -> Row:
    """Report membership sales of a period: how many memberships were sold and for how much, by plan."""
    current, *_ = _spans(desk, period, start, end)
    plans = desk.rows(
        "SELECT m.plan, count(*) AS sold, sum(p.amount_minor) AS revenue FROM payments AS p"
        " JOIN memberships AS m ON m.tenant = p.tenant AND m.id = p.membership_id"
        " WHERE p.tenant = :tenant AND (:branch IS NULL OR p.branch_id = :branch) AND p.day BETWEEN :start AND :end"
        " AND p.kind <> 'refund' GROUP BY m.plan ORDER BY revenue DESC",
        start=current.start.isoformat(),
        end=current.end.isoformat(),
    )
    return {
        "currency": desk.caller.currency,
        "branch": _branch(desk),
        **current.described(),
        "sold": sum(row["sold"] for row in plans),
        "revenue": money(sum(row["revenue"] for row in plans)),
        "plans": [row | {"revenue": money(row["revenue"])} for row in plans],
    }


@router.get("/monthly")
def get_monthly_report(
    desk: StaffDesk,
    months: Annotated[int, Query(ge=1, le=36, description="How many whole months, before the running one.")] = 6,
    start: From = None,
    end: To = None,
) -> Row:
    """List income (revenue), expenses and net profit of each month (monthly, every month, per month, by month).

    The running month is the last row, as far as it is. With `from` and `to`, the months that have days between these.
    """
    spans = months_back(months, desk.now.date()) if start is None and end is None else _months(desk, start, end)
    return {
        "currency": desk.caller.currency,
        "branch": _branch(desk),
        "from": spans[0].start.isoformat(),
        "to": spans[-1].end.isoformat(),
        "months": [{"month": span.name, **_totals(desk, span)} for span in spans],
    }


INCOME_BY_KIND = (
    "SELECT kind, sum(amount_minor) AS amount FROM payments WHERE tenant = :tenant"
    " AND (:branch IS NULL OR branch_id = :branch) AND day BETWEEN :start AND :end GROUP BY kind ORDER BY amount DESC"
)
EXPENSE_BY_CATEGORY = (
    "SELECT category, sum(amount_minor) AS amount FROM expenses WHERE tenant = :tenant"
    " AND (:branch IS NULL OR branch_id = :branch) AND day BETWEEN :start AND :end GROUP BY category ORDER BY amount DESC"
)


def _spans(desk: Desk, period: PeriodName, start: date | None, end: date | None) -> tuple[Span, Span, Span]:
    if start is None and end is None:
        return named(period, desk.now.date())
    if start is None or end is None or end < start or start.year < 2000 or end.year > 2100:
        raise HTTPException(422, "from, to: give both, in order, between the years 2000 and 2100.")
    return between(start, end)


def _months(desk: Desk, start: date | None, end: date | None) -> list[Span]:
    asked, *_ = _spans(desk, "this_month", start, end)
    if asked.days > MAX_DAYS:
        raise HTTPException(422, f"from, to: at most {MAX_DAYS} days.")
    return months_in(asked)


def _totals(desk: Desk, span: Span) -> dict[str, float]:
    totals = desk.one(
        "SELECT (SELECT coalesce(sum(amount_minor), 0) FROM payments WHERE tenant = :tenant"
        " AND (:branch IS NULL OR branch_id = :branch) AND day BETWEEN :start AND :end) AS income,"
        " (SELECT coalesce(sum(amount_minor), 0) FROM expenses WHERE tenant = :tenant"
        " AND (:branch IS NULL OR branch_id = :branch) AND day BETWEEN :start AND :end) AS expense",
        start=span.start.isoformat(),
        end=span.end.isoformat(),
    )
    income, expense = totals["income"], totals["expense"]
    return {"income": money(income), "expense": money(expense), "net": money(income - expense)}


def _amounts(desk: Desk, span: Span, sql: str) -> list[dict[str, Any]]:
    rows = desk.rows(sql, start=span.start.isoformat(), end=span.end.isoformat())
    return [row | {"amount": money(row["amount"])} for row in rows]


def _change(now: float, before: float) -> float | None:
    return round((now - before) / abs(before) * 100, 1) if before else None


def _first_day(desk: Desk) -> date:
    """Return when the books begin: earlier periods are not comparable."""
    return date.fromisoformat(desk.one("SELECT min(day) AS day FROM payments WHERE tenant = :tenant")["day"])


def _branch(desk: Desk) -> str:
    if desk.caller.branch_id is None:
        return "all branches"
    return str(desk.one("SELECT name FROM branches WHERE tenant = :tenant AND id = :branch")["name"])

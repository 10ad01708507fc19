"""Named periods of the calendar and what to compare them with. Dates are inclusive on both ends."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

PeriodName = Literal["today", "this_week", "last_week", "this_month", "last_month", "this_year", "last_year"]

BEFORE = {
    "today": "yesterday",
    "this_week": "last_week",
    "last_week": "week_before_last",
    "this_month": "last_month",
    "last_month": "month_before_last",
    "this_year": "last_year",
    "last_year": "year_before_last",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `start` to `end`, both included."""

    name: str
    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def described(self) -> dict[str, str]:
        """Return the span as an answer shows it."""
        return {"period": self.name, "from": self.start.isoformat(), "to": self.end.isoformat()}


def named(name: PeriodName, today: date) -> tuple[Span, Span, Span]:
    """Return the period so far, the whole one before it, and as many days of that one.

    A running period ends today, so that it is comparable with the third span; once it is as long as the whole one
    before it, the second and the third are the same.
    """
    unit = name.removeprefix("this_").removeprefix("last_")
    start = _start(unit, today)
    before = _start(unit, start - timedelta(days=1))
    if name.startswith("last_"):
        previous = Span(BEFORE[name], _start(unit, before - timedelta(days=1)), before - timedelta(days=1))
        return Span(name, before, start - timedelta(days=1)), previous, previous
    current, previous = Span(name, start, today), Span(BEFORE[name], before, start - timedelta(days=1))
    same_end = before + timedelta(days=current.days - 1)
    if same_end >= previous.end:
        return current, previous, previous
    return current, previous, Span(f"{previous.name}_same_days", before, same_end)


def between(start: date, end: date) -> tuple[Span, Span, Span]:
    """Return the days asked for and as many days before them."""
    days = (end - start).days + 1
    previous = Span("days_before", start - timedelta(days=days), start - timedelta(days=1))
    return Span("custom", start, end), previous, previous


def months_back(number: int, today: date) -> list[Span]:
    """Return so many whole months before the running one, and that as far as it is, in order."""
    start = today.replace(day=1)
    for _ in range(number):
        start = _start("month", start - timedelta(days=1))
    return months_in(Span("", start, today))


def months_in(span: Span) -> list[Span]:
    """Return the months of which the span has days, each with these days and a name like 2026-03, in order."""
    found = [Span(f"{span.end:%Y-%m}", max(_start("month", span.end), span.start), span.end)]
    while found[0].start > span.start:
        end = found[0].start - timedelta(days=1)
        found.insert(0, Span(f"{end:%Y-%m}", max(_start("month", end), span.start), end))
    return found


def _start(unit: str, day: date) -> date:
    """Return the first day of the calendar unit that holds `day`; weeks begin on Monday."""
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return day

from datetime import date

from support.each import each

from examples.studio.periods import PeriodName, between, named

CASES: list[tuple[PeriodName, str, list[str]]] = [
    ("today", "2026-03-12", ["2026-03-12 2026-03-12", "2026-03-11 2026-03-11", "2026-03-11 2026-03-11"]),
    ("this_week", "2026-03-12", ["2026-03-09 2026-03-12", "2026-03-02 2026-03-08", "2026-03-02 2026-03-05"]),
    ("last_week", "2026-03-12", ["2026-03-02 2026-03-08", "2026-02-23 2026-03-01", "2026-02-23 2026-03-01"]),
    ("this_month", "2026-03-12", ["2026-03-01 2026-03-12", "2026-02-01 2026-02-28", "2026-02-01 2026-02-12"]),
    ("this_month", "2026-03-01", ["2026-03-01 2026-03-01", "2026-02-01 2026-02-28", "2026-02-01 2026-02-01"]),
    ("this_month", "2026-03-31", ["2026-03-01 2026-03-31", "2026-02-01 2026-02-28", "2026-02-01 2026-02-28"]),
    ("this_month", "2028-02-29", ["2028-02-01 2028-02-29", "2028-01-01 2028-01-31", "2028-01-01 2028-01-29"]),
    ("last_month", "2026-01-15", ["2025-12-01 2025-12-31", "2025-11-01 2025-11-30", "2025-11-01 2025-11-30"]),
    ("this_year", "2026-01-01", ["2026-01-01 2026-01-01", "2025-01-01 2025-12-31", "2025-01-01 2025-01-01"]),
    ("last_year", "2026-06-30", ["2025-01-01 2025-12-31", "2024-01-01 2024-12-31", "2024-01-01 2024-12-31"]),
]


@each(("name", "today", "expected"), CASES)
def test_a_period_comes_with_the_one_before_it_and_its_comparable_part(
    name: PeriodName, today: str, expected: list[str]
) -> None:
    spans = named(name, date.fromisoformat(today))
    assert [f"{span.start} {span.end}" for span in spans] == expected
    assert spans[0].name == name


def test_days_of_ones_own_choice_are_compared_with_as_many_before_them() -> None:
    current, previous, same_days = between(date(2026, 3, 10), date(2026, 3, 12))
    assert (current.days, previous.days) == (3, 3)
    assert (previous.start, previous.end) == (date(2026, 3, 7), date(2026, 3, 9))
    assert same_days == previous

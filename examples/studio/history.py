"""Eighteen months of what clients do: memberships, payments, visits, and what the studio spends meanwhile.

The invariant: nothing is dated after the day, except the ends of running memberships. Whatever the day, there are
memberships that expire within the week, new clients this month, and visits and payments on the day itself.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

HISTORY_DAYS = 548
OPENING_HOURS = ("06:15", "07:00", "07:45", "09:10", "10:30", "12:20", "16:50", "17:30", "18:10", "18:45", "19:30")
EARLY_HOURS = ("05:30", "05:50", "06:10", "06:25", "06:40", "07:05", "07:20", "07:40")
"""Visits of the day itself: the morning's, so that the day does not hold visits that are still to come."""
SALES = (("day pass", 1500), ("personal training", 4500), ("shop", 1200), ("shop", 2900))
MONTHLY_EXPENSES = (
    (1, "rent", 165_000),
    (10, "utilities", 42_000),
    (15, "marketing", 30_000),
    (25, "salaries", 195_000),
)


@dataclass(frozen=True, slots=True)
class Spell:
    """A membership, first to last day inclusive."""

    plan: str
    start: date
    end: date
    price_minor: int
    status: str
    frozen_until: date | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A client as the history needs it: memberships with their ids, oldest first."""

    index: int
    id: int
    branch_id: int
    memberships: list[tuple[int, Spell]]


def horizon(day: date) -> date:
    """Return the first day of the recorded history."""
    return day - timedelta(days=HISTORY_DAYS)


def memberships(index: int, day: date, plans: dict[str, tuple[int, int]], rng: Random) -> list[Spell]:
    """Return a client's memberships, oldest first and never two at once. `index` decides the guaranteed cases."""
    plan = rng.choices(list(plans), weights=(45, 25, 15, 15))[0]
    days, price = plans[plan]
    is_new = index % 25 == 1
    if is_new:
        start = day - timedelta(days=rng.randint(0, min(day.day - 1, 20)))
        return [Spell(plan, start, start + timedelta(days=days - 1), price, "active")]
    spells = [_latest(index, day, plan, days, price, rng)]
    earliest = horizon(day) if rng.random() < 0.4 else day - timedelta(days=rng.randint(60, HISTORY_DAYS))
    while True:
        end = spells[-1].start - timedelta(days=1 + rng.choice((0, 0, 0, 4, 17)))
        if end - timedelta(days=days) < earliest:
            return spells[::-1]
        spells.append(Spell(plan, end - timedelta(days=days - 1), end, price, "expired"))


def _latest(index: int, day: date, plan: str, days: int, price: int, rng: Random) -> Spell:
    """Return the last membership: two of three are active, some frozen, the rest expired."""
    fate = rng.random()
    frozen_until = None
    if index % 20 == 7:
        status, end = "active", day + timedelta(days=(index // 20) % 7)
    elif index == 0 or fate < 0.66:
        status, end = "active", day + timedelta(days=rng.randint(0, days - 10))
    elif fate < 0.71:
        frozen_until = day + timedelta(days=rng.randint(3, 20))
        status, end = "frozen", frozen_until + timedelta(days=rng.randint(1, 8))
    else:
        status, end = "expired", day - timedelta(days=rng.randint(2, 240))
    return Spell(plan, end - timedelta(days=days - 1), end, price, status, frozen_until)


def fill_memberships(connection: sqlite3.Connection, tenant: str, clients: list[Client]) -> None:
    """Insert every client's memberships."""
    rows = [
        (
            membership_id,
            tenant,
            client.branch_id,
            client.id,
            spell.plan,
            spell.start.isoformat(),
            spell.end.isoformat(),
            spell.price_minor,
            spell.status,
            spell.frozen_until.isoformat() if spell.frozen_until else None,
        )
        for client in clients
        for membership_id, spell in client.memberships
    ]
    connection.executemany("INSERT INTO memberships VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def fill_attendance(connection: sqlite3.Connection, tenant: str, clients: list[Client], day: date) -> None:
    """Insert visits: at most one a day per client, only while a membership runs, fewer on Sundays."""
    rng = Random(f"attendance at {tenant}")
    rows = [
        (
            tenant,
            client.branch_id,
            client.id,
            visit.isoformat(),
            rng.choice(EARLY_HOURS if visit == day else OPENING_HOURS),
        )
        for client in clients
        for visit in _visits(client, day, rng)
    ]
    connection.executemany(
        "INSERT INTO attendance (tenant, branch_id, client_id, day, time) VALUES (?, ?, ?, ?, ?)", rows
    )


def _visits(client: Client, day: date, rng: Random) -> list[date]:
    eagerness = rng.uniform(0.12, 0.55)
    visits: list[date] = []
    for _, spell in client.memberships:
        last = min(spell.end, day - timedelta(days=5) if spell.status == "frozen" else day)
        visit = max(spell.start, horizon(day)) + timedelta(days=rng.randint(0, 2))
        while visit <= last:
            if visit.weekday() < 6 or rng.random() < 0.4:
                visits.append(visit)
            visit += timedelta(days=1 + int(rng.expovariate(eagerness)))
    came_for_sure = client.index % 15 == 0 and client.memberships[-1][1].status == "active"
    return visits if not came_for_sure or day in visits else [*visits, day]


def fill_money(
    connection: sqlite3.Connection, tenant: str, branches: list[int], clients: list[Client], day: date
) -> None:
    """Insert payments, at least one per branch and day, and expenses. Amounts in minor units."""
    rng = Random(f"money of {tenant}")
    payments: list[tuple[object, ...]] = [
        (tenant, client.branch_id, client.id, membership_id, spell.start.isoformat(), "membership", spell.price_minor)
        for client in clients
        for membership_id, spell in client.memberships
        if spell.start >= horizon(day)
    ]
    expenses = []
    for today in (horizon(day) + timedelta(days=offset) for offset in range(HISTORY_DAYS + 1)):
        for branch in branches:
            sales = (rng.choice(SALES) for _ in range(rng.randint(1, 5)))
            payments += [(tenant, branch, None, None, today.isoformat(), kind, amount) for kind, amount in sales]
            expenses += [(tenant, branch, today.isoformat(), *spent) for spent in _spent(today, rng)]
    connection.executemany(
        "INSERT INTO payments (tenant, branch_id, client_id, membership_id, day, kind, amount_minor)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        payments,
    )
    connection.executemany(
        "INSERT INTO expenses (tenant, branch_id, day, category, amount_minor) VALUES (?, ?, ?, ?, ?)", expenses
    )


def _spent(day: date, rng: Random) -> list[tuple[str, int]]:
    """Return one branch's expenses of a day as (category, minor units)."""
    due = [
        (category, round(amount * rng.uniform(0.9, 1.1), -2))
        for at, category, amount in MONTHLY_EXPENSES
        if at == day.day
    ]
    if day.weekday() == 0:
        due.append(("cleaning", 12_000))
    if rng.random() < 0.03:
        due.append(("equipment", rng.randint(80, 600) * 100))
    return [(category, int(amount)) for category, amount in due]

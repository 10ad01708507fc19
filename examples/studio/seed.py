"""The invented business: two tenants with branches, staff, clients and enquiries, relative to a day.

The invariant: the same day gives the same rows, in every process. Names and ids stay the same from day to day as far
as their order does; only dates move.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from examples.studio import history
from examples.studio.names import full_names

VERSION = 1
"""Raise it when the rows change for another reason than the schema: existing files are then filled again."""

SPECIALITIES = ("Strength", "Yoga", "Pilates", "Boxing", "Spinning", "Mobility", "Rehab", "HIIT")
CLASSES = ("Sunrise Yoga", "Power Hour", "Spin & Burn", "Boxing Basics", "Pilates Core", "Mobility Flow", "HIIT 45")
CLASS_HOURS = ("07:00", "09:30", "12:15", "17:30", "18:45")
INTERESTS = ("monthly membership", "annual membership", "personal training", "yoga classes", "a trial week", "boxing")
NOTES = (
    "",
    "",
    "",
    "Prefers mornings.",
    "Recovering from a knee injury.",
    "Trains for a half marathon.",
    "Pays by card.",
)


@dataclass(frozen=True, slots=True)
class Business:
    """A tenant as it is invented. Prices in minor units; a plan is name -> (days, price)."""

    tenant: str
    name: str
    city: str
    currency: str
    founded: int
    phone: str
    domain: str
    branches: tuple[tuple[str, str], ...]
    plans: dict[str, tuple[int, int]]
    clients: int
    trainers: int
    enquiries: int


BUSINESSES = (
    Business(
        tenant="aurora",
        name="Aurora Fitness",
        city="Dublin",
        currency="EUR",
        founded=2016,
        phone="+353 85 555 {:04}",
        domain="aurora.example",
        branches=(("Harbour", "12 Quay Street"), ("Old Town", "3 Mill Lane"), ("Parkside", "48 Linden Avenue")),
        plans={"Monthly": (30, 5900), "Quarterly": (91, 15900), "Half-Year": (182, 28900), "Annual": (365, 49900)},
        clients=412,
        trainers=11,
        enquiries=96,
    ),
    Business(
        tenant="kinetic",
        name="Kinetic Club",
        city="Austin",
        currency="USD",
        founded=2019,
        phone="+1 512 555 {:04}",
        domain="kinetic.example",
        branches=(
            ("Downtown", "700 Congress Avenue"),
            ("Riverside", "21 Lakeshore Drive"),
            ("Hilltop", "9 Summit Road"),
        ),
        plans={"Basic": (30, 4900), "Plus": (30, 7900), "Season": (91, 18900), "Unlimited Year": (365, 64900)},
        clients=287,
        trainers=8,
        enquiries=71,
    ),
)


class Ids:
    """The next free id of each table. Ids are unique across tenants, so a foreign id can be told from one's own."""

    def __init__(self) -> None:
        self.branches = count(1)
        self.trainers = count(1)
        self.clients = count(1001)
        self.memberships = count(20001)
        self.enquiries = count(501)
        self.classes = count(101)


def fill(connection: sqlite3.Connection, day: date) -> None:
    """Insert the whole business as of `day` into empty tables. The caller commits."""
    ids, names = Ids(), full_names("studio")
    for business in BUSINESSES:
        rng = Random(f"people of {business.tenant}")
        values = (business.tenant, business.name, business.city, business.currency, business.founded)
        connection.execute("INSERT INTO tenants VALUES (?, ?, ?, ?, ?)", values)
        branches = _branches(connection, business, ids)
        trainers = _trainers(connection, business, ids, names=names, branches=branches, day=day)
        _classes(connection, business, ids, trainers=trainers)
        _enquiries(connection, business, ids, names=names, branches=branches, day=day)
        clients = _clients(connection, business, ids, names=names, trainers=trainers, day=day, rng=rng)
        _accounts(connection, business, clients[0])
        history.fill_money(connection, business.tenant, branches, clients, day)
        history.fill_attendance(connection, business.tenant, clients, day)


def _branches(connection: sqlite3.Connection, business: Business, ids: Ids) -> list[int]:
    rows = [(next(ids.branches), business.tenant, name, address) for name, address in business.branches]
    connection.executemany("INSERT INTO branches VALUES (?, ?, ?, ?)", rows)
    return [row[0] for row in rows]


def _trainers(
    connection: sqlite3.Connection,
    business: Business,
    ids: Ids,
    *,
    names: Iterator[str],
    branches: list[int],
    day: date,
) -> list[tuple[int, int]]:
    """Return (trainer id, branch id) of each; they are spread over the branches."""
    rng = Random(f"trainers of {business.tenant}")
    rows = [
        (
            next(ids.trainers),
            business.tenant,
            branches[index % len(branches)],
            next(names),
            SPECIALITIES[index % len(SPECIALITIES)],
            "on_leave" if index == business.trainers - 1 else "active",
            (day - timedelta(days=rng.randint(90, 2000))).isoformat(),
        )
        for index in range(business.trainers)
    ]
    connection.executemany("INSERT INTO trainers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return [(row[0], row[2]) for row in rows]


def _classes(connection: sqlite3.Connection, business: Business, ids: Ids, *, trainers: list[tuple[int, int]]) -> None:
    """Give each trainer three classes a week. No trainer has two at once: each is on another weekday."""
    rng = Random(f"classes of {business.tenant}")
    rows = [
        (
            next(ids.classes),
            business.tenant,
            branch,
            trainer,
            CLASSES[(index + 2 * turn) % len(CLASSES)],
            (index + 2 * turn) % 7,
            rng.choice(CLASS_HOURS),
            rng.choice((45, 60)),
            rng.choice((12, 16, 20)),
        )
        for index, (trainer, branch) in enumerate(trainers)
        for turn in range(3)
    ]
    connection.executemany("INSERT INTO classes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _enquiries(
    connection: sqlite3.Connection,
    business: Business,
    ids: Ids,
    *,
    names: Iterator[str],
    branches: list[int],
    day: date,
) -> None:
    """Every third enquiry is fresh and open; the others have been followed up."""
    rng = Random(f"enquiries of {business.tenant}")
    rows = []
    for index in range(business.enquiries):
        is_open = index % 3 == 0
        age = rng.randint(0, 9) if is_open else rng.randint(3, 200)
        rows.append(
            (
                next(ids.enquiries),
                business.tenant,
                branches[index % len(branches) if not is_open else (index // 3) % len(branches)],
                next(names),
                business.phone.format(9000 + index),
                rng.choice(INTERESTS),
                "",
                (day - timedelta(days=age)).isoformat(),
                "open" if is_open else rng.choice(("contacted", "converted", "converted", "lost")),
            )
        )
    connection.executemany("INSERT INTO enquiries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _clients(
    connection: sqlite3.Connection,
    business: Business,
    ids: Ids,
    *,
    names: Iterator[str],
    trainers: list[tuple[int, int]],
    day: date,
    rng: Random,
) -> list[history.Client]:
    """Insert clients with their memberships; the first one is the `client` account's and trains at the first branch."""
    clients, rows = [], []
    for index in range(business.clients):
        trainer, branch = trainers[0] if index == 0 else rng.choice(trainers)
        name, client_id = next(names), next(ids.clients)
        spells = history.memberships(index, day, business.plans, rng)
        clients.append(history.Client(index, client_id, branch, [(next(ids.memberships), spell) for spell in spells]))
        joined = spells[0].start - timedelta(days=rng.randint(0, 700) if spells[0].start < history.horizon(day) else 0)
        email = f"{name.replace(' ', '.').lower()}@{business.domain}"
        phone = business.phone.format(100 + index)
        rows.append(
            (client_id, business.tenant, branch, trainer, name, email, phone, joined.isoformat(), rng.choice(NOTES))
        )
    connection.executemany("INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    history.fill_memberships(connection, business.tenant, clients)
    return clients


def _accounts(connection: sqlite3.Connection, business: Business, client: history.Client) -> None:
    """Let the demo's users sign in without naming a branch: the trainer's and the client's are the first one."""
    connection.executemany(
        "INSERT INTO accounts VALUES (?, ?, ?, ?)",
        [
            (business.tenant, "owner", None, None),
            (business.tenant, "trainer", client.branch_id, None),
            (business.tenant, "client", client.branch_id, client.id),
        ],
    )

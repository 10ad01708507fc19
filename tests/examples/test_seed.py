import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from time import process_time

import pytest

from examples.studio import database
from examples.studio.database import Studio

DAYS = [date(2026, 3, 12), date(2026, 3, 1), date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2026, 8, 31)]


def studio_on(day: date, folder: Path) -> Studio:
    studio = Studio(folder / "studio.db", now=lambda: datetime(day.year, day.month, day.day, 9, tzinfo=UTC))
    studio.prepare()
    return studio


def content(studio: Studio) -> list[str]:
    with studio.connect() as connection:
        return list(connection.iterdump())


@pytest.fixture(
    scope="module",
    params=[*DAYS[:2], *(pytest.param(day, marks=pytest.mark.long) for day in DAYS[2:])],
    ids=[str(day) for day in DAYS],
)
def seeded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with studio_on(request.param, tmp_path_factory.mktemp("seed")).connect() as connection:
        yield connection


def counts(connection: sqlite3.Connection, sql: str) -> dict[object, int]:
    """Return what a query `SELECT key, count` says, where the day itself is `day`."""
    day = connection.execute("SELECT day FROM seeded").fetchone()["day"]
    return {row[0]: row[1] for row in connection.execute(sql, {"day": day})}


@pytest.mark.parametrize(
    ("fact", "at_least"),
    [
        ("SELECT branch_id, count(*) FROM attendance WHERE day = :day GROUP BY 1", 3),
        ("SELECT branch_id, count(*) FROM payments WHERE day = :day GROUP BY 1", 1),
        ("SELECT branch_id, count(*) FROM payments WHERE day < date(:day, 'start of month') GROUP BY 1", 100),
        ("SELECT branch_id, count(*) FROM enquiries WHERE status = 'open' GROUP BY 1", 3),
        (
            "SELECT branch_id, count(*) FROM memberships WHERE status = 'active'"
            " AND ends_on BETWEEN :day AND date(:day, '+6 days') GROUP BY 1",
            2,
        ),
        ("SELECT branch_id, count(*) FROM latest_memberships WHERE status = 'frozen' GROUP BY 1", 1),
        ("SELECT branch_id, count(*) FROM latest_memberships WHERE status = 'expired' GROUP BY 1", 5),
    ],
)
def test_whatever_the_day_each_branch_has_something_to_show(
    seeded: sqlite3.Connection, fact: str, at_least: int
) -> None:
    found = counts(seeded, fact)
    assert set(found) == {1, 2, 3, 4, 5, 6}
    assert min(found.values()) >= at_least, found


def test_whatever_the_day_each_tenant_has_new_clients_this_month(seeded: sqlite3.Connection) -> None:
    joined = "SELECT tenant, count(*) FROM clients WHERE joined_on >= date(:day, 'start of month') GROUP BY 1"
    assert min(counts(seeded, joined).values()) >= 10


def test_the_number_of_clients_differs_between_tenants(seeded: sqlite3.Connection) -> None:
    assert counts(seeded, "SELECT tenant, count(*) FROM clients GROUP BY 1") == {"aurora": 412, "kinetic": 287}


def test_every_full_name_is_used_once(seeded: sqlite3.Connection) -> None:
    people = "SELECT name FROM clients UNION ALL SELECT name FROM trainers UNION ALL SELECT name FROM enquiries"
    names = [row["name"] for row in seeded.execute(people)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "impossible",
    [
        "SELECT * FROM pragma_foreign_key_check",
        "SELECT 1 FROM attendance, seeded WHERE attendance.day > seeded.day",
        "SELECT 1 FROM payments, seeded WHERE payments.day > seeded.day",
        "SELECT 1 FROM memberships, seeded WHERE starts_on > seeded.day",
        "SELECT 1 FROM memberships, seeded WHERE (status = 'expired') <> (ends_on < seeded.day)",
        "SELECT 1 FROM memberships AS m JOIN memberships AS n ON m.client_id = n.client_id AND m.id < n.id"
        " WHERE m.starts_on <= n.ends_on AND n.starts_on <= m.ends_on",
        "SELECT 1 FROM clients AS c WHERE (SELECT min(starts_on) FROM memberships WHERE client_id = c.id) < c.joined_on",
        "SELECT 1 FROM clients AS c JOIN trainers AS t ON t.id = c.trainer_id WHERE t.branch_id <> c.branch_id",
        "SELECT 1 FROM attendance AS a WHERE NOT EXISTS (SELECT 1 FROM memberships AS m"
        " WHERE m.client_id = a.client_id AND a.day BETWEEN m.starts_on AND m.ends_on)",
    ],
)
def test_the_invented_history_does_not_contradict_itself(seeded: sqlite3.Connection, impossible: str) -> None:
    assert seeded.execute(impossible).fetchall() == []


def test_the_same_day_gives_the_same_rows(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert content(studio_on(DAYS[0], first)) == content(studio_on(DAYS[0], second))


def test_seeding_is_quick_and_opening_a_seeded_file_quicker(tmp_path: Path) -> None:
    begin = process_time()
    studio_on(DAYS[0], tmp_path)
    seeded = process_time()
    studio_on(DAYS[0], tmp_path)
    assert seeded - begin < 5.0
    assert process_time() - seeded < (seeded - begin) / 3


def test_what_was_written_today_survives_a_restart_and_ends_with_the_day(tmp_path: Path) -> None:
    with studio_on(date(2026, 3, 12), tmp_path).connect() as connection:
        connection.execute("UPDATE clients SET notes = 'written today' WHERE id = 1001")
    with studio_on(date(2026, 3, 12), tmp_path).connect() as connection:
        assert counts(connection, "SELECT notes, count(*) FROM clients WHERE id = 1001") == {"written today": 1}
    with studio_on(date(2026, 3, 13), tmp_path).connect() as connection:
        assert counts(connection, "SELECT notes, count(*) FROM clients WHERE notes = 'written today'") == {None: 0}
        assert counts(connection, "SELECT 'visits', count(*) FROM attendance WHERE day = :day")["visits"] > 0


def test_a_running_studio_follows_the_calendar(tmp_path: Path) -> None:
    clock = [datetime(2026, 3, 12, 23, 59, tzinfo=UTC)]
    studio = Studio(tmp_path / "studio.db", now=lambda: clock[0])
    studio.prepare()
    clock[0] = datetime(2026, 3, 13, 0, 1, tzinfo=UTC)
    with studio.connect() as connection:
        assert counts(connection, "SELECT 'visits', count(*) FROM attendance WHERE day = :day")["visits"] > 0


def test_a_file_of_another_version_is_filled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = studio_on(DAYS[0], tmp_path)
    before = content(studio)
    with closing(sqlite3.connect(studio.path)) as connection, connection:
        connection.execute("DROP VIEW latest_memberships")
        connection.execute("CREATE TABLE leftover (id)")
    monkeypatch.setattr(database, "VERSION", "next")
    after = content(studio_on(DAYS[0], tmp_path))
    assert set(before) ^ set(after) == {line for line in before + after if line.startswith('INSERT INTO "seeded"')}

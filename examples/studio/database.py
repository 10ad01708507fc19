"""The studio's SQLite file: its tables, and connections to it.

The invariant: whoever connects finds a business whose seeded history ends today. The file is filled again when its day
or its version is not the current one; what was written today survives restarts.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock

from examples.studio import seed

BUSY_TIMEOUT_S = 10.0

SCHEMA = """
CREATE TABLE tenants (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, currency TEXT NOT NULL, founded INTEGER NOT NULL);
CREATE TABLE branches (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL REFERENCES tenants (id), name TEXT NOT NULL, address TEXT NOT NULL,
    UNIQUE (tenant, id));
CREATE TABLE trainers (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, name TEXT NOT NULL,
    speciality TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('active', 'on_leave')), hired_on TEXT NOT NULL,
    UNIQUE (tenant, id), FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id));
CREATE TABLE clients (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, trainer_id INTEGER NOT NULL,
    name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL, joined_on TEXT NOT NULL, notes TEXT NOT NULL,
    UNIQUE (tenant, id), FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id),
    FOREIGN KEY (tenant, trainer_id) REFERENCES trainers (tenant, id));
CREATE TABLE accounts (
    tenant TEXT NOT NULL REFERENCES tenants (id), user TEXT NOT NULL, branch_id INTEGER, client_id INTEGER,
    PRIMARY KEY (tenant, user), FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id),
    FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id));
CREATE TABLE memberships (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, client_id INTEGER NOT NULL,
    plan TEXT NOT NULL, starts_on TEXT NOT NULL, ends_on TEXT NOT NULL CHECK (ends_on >= starts_on),
    price_minor INTEGER NOT NULL, status TEXT NOT NULL CHECK (status IN ('active', 'expired', 'frozen')),
    frozen_until TEXT CHECK ((frozen_until IS NOT NULL) = (status = 'frozen')),
    UNIQUE (tenant, id), FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id));
CREATE INDEX memberships_by_client ON memberships (client_id, ends_on);
CREATE TABLE attendance (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, client_id INTEGER NOT NULL,
    day TEXT NOT NULL, time TEXT NOT NULL,
    UNIQUE (client_id, day), FOREIGN KEY (tenant, client_id) REFERENCES clients (tenant, id));
CREATE INDEX attendance_by_day ON attendance (tenant, day);
CREATE TABLE payments (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, client_id INTEGER, membership_id INTEGER,
    day TEXT NOT NULL, kind TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id),
    FOREIGN KEY (tenant, membership_id) REFERENCES memberships (tenant, id));
CREATE INDEX payments_by_day ON payments (tenant, day);
CREATE TABLE expenses (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, day TEXT NOT NULL, category TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id));
CREATE INDEX expenses_by_day ON expenses (tenant, day);
CREATE TABLE enquiries (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, name TEXT NOT NULL, phone TEXT NOT NULL,
    interest TEXT NOT NULL, notes TEXT NOT NULL, created_on TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'contacted', 'converted', 'lost')),
    FOREIGN KEY (tenant, branch_id) REFERENCES branches (tenant, id));
CREATE TABLE classes (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, branch_id INTEGER NOT NULL, trainer_id INTEGER NOT NULL,
    name TEXT NOT NULL, weekday INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6), starts_at TEXT NOT NULL,
    minutes INTEGER NOT NULL, capacity INTEGER NOT NULL,
    FOREIGN KEY (tenant, trainer_id) REFERENCES trainers (tenant, id));
CREATE TABLE answers (
    tenant TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (tenant, user, key));
CREATE VIEW latest_memberships AS
    SELECT * FROM memberships AS m WHERE id = (
        SELECT id FROM memberships AS n WHERE n.client_id = m.client_id ORDER BY ends_on DESC, id DESC LIMIT 1);
CREATE TABLE seeded (day TEXT NOT NULL, version TEXT NOT NULL)
"""

VERSION = f"{seed.VERSION}-{sha256(SCHEMA.encode()).hexdigest()[:12]}"


def utc_now() -> datetime:
    """Return the time by which the studio lives: UTC, everywhere."""
    return datetime.now(UTC)


class Studio:
    """The file of all tenants. Safe to use from any thread; each request has a connection of its own."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self.path = path
        self.now = now
        self._day: date | None = None
        self._lock = Lock()

    def prepare(self) -> None:
        """Make sure that the file describes today. Quick when it does; otherwise about a second."""
        with self._lock:
            today = self.now().date()
            if self._day == today:
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                _refill(connection, today)
            self._day = today

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Give one request its connection, to a file that describes today."""
        if self._day != self.now().date():
            self.prepare()
        with closing(self._open()) as connection:
            yield connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,  # transactions are written out: see `transaction`
            check_same_thread=False,  # a request's steps may run in different worker threads, one after the other
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing. Writers wait for each other from the start, so what one reads here stays true."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:  # a stop, too, leaves nothing half done
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _refill(connection: sqlite3.Connection, today: date) -> None:
    """Fill the file unless it already describes `today`. Of several processes that start together, one fills it."""
    connection.execute("PRAGMA foreign_keys = OFF")
    with transaction(connection):
        existing = {(row["type"], row["name"]) for row in connection.execute("SELECT type, name FROM sqlite_master")}
        if ("table", "seeded") in existing:
            mark = connection.execute("SELECT day, version FROM seeded").fetchone()
            if mark is not None and tuple(mark) == (today.isoformat(), VERSION):
                return
        for kind, name in existing:
            if kind in ("table", "view") and not name.startswith("sqlite_"):
                connection.execute(f'DROP {kind} "{name}"')
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        seed.fill(connection, today)
        connection.execute("INSERT INTO seeded VALUES (?, ?)", (today.isoformat(), VERSION))

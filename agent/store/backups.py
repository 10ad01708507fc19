"""Copies of a SQLite file, made while others write, and put back when nobody does.

The invariant: a copy appears whole and checked, readable by its owner only, or not at all; and where one is put back, there is
at each moment the old database or the new one.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from agent.errors import ConfigurationError
from agent.store import files
from agent.store.lock import only_server
from agent.store.migrations import is_known

OWNER_ONLY = 0o600
_CLOSED = (
    # What ran when the copy was made may have done more since: none of it is done again.
    ("approvals", "UPDATE approvals SET state = 'withdrawn' WHERE state = 'open'"),
    ("approvals", "UPDATE runs SET waits_until = NULL WHERE state IN ('queued', 'running')"),
    ("page_calls", "UPDATE page_calls SET state = 'withdrawn' WHERE state = 'open'"),
    ("tool_calls", "UPDATE tool_calls SET state = 'unknown' WHERE state = 'started'"),
    (
        "runs",
        "UPDATE runs SET state = 'failed', finish_reason = 'error', error_code = 'interrupted', worker_id = NULL,"
        " ended_at = {now} WHERE state IN ('queued', 'running')",
    ),
)
"""The statements that end the runs of a copy, each behind the table that it came with: a copy may be of any release."""
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def ending_on_postgresql() -> str:
    """Return the statement that ends the runs of a copy, for PostgreSQL's own tools, in one transaction."""
    steps = "".join(
        f"IF to_regclass('{table}') IS NOT NULL THEN {statement.format(now='now()')}; END IF; "
        for table, statement in _CLOSED
    )
    return f"DO $$ BEGIN {steps}END $$"


def back_up(database: Path, target: Path, *, replaces: bool) -> int:
    """Copy a database as it is at one moment, while others go on writing; return the copy's size in bytes.

    Raises:
        ConfigurationError: there is no database, the copy is damaged, or something is at `target` and it does not replace that.
    """
    if not database.exists():
        raise ConfigurationError(f"there is no database at {database}")
    if target.resolve() == database.resolve():
        raise ConfigurationError(f"{target} is the database itself")
    with _in_place_of(target) as new:
        _copy(database, new)
        _check(new, of=database)
        _settle(new)
        try:
            new.replace(target) if replaces else os.link(new, target)
        except FileExistsError:
            raise ConfigurationError(f"{target} is there already: name another file, or say --yes") from None
        except OSError as exc:
            raise ConfigurationError(f"{target} cannot be written: {exc.strerror}") from None
    _sync(target.parent)
    return target.stat().st_size


def put_back(backup: Path, database: Path) -> int:
    """Put a copy in the place of the database, while no server runs; return how many runs it has ended.

    A run that was at work when the copy was made has failed then: what it did since nobody knows any more.

    Raises:
        ConfigurationError: a server runs, or the copy is damaged, none of ours or of a newer release; the database is as it was.
    """
    if not backup.is_file():
        raise ConfigurationError(f"there is no file {backup}")
    if backup.resolve() == database.resolve():
        raise ConfigurationError(f"{backup} is the database itself")
    database = database.resolve()
    with only_server(database, wait_s=0), _in_place_of(database) as new:
        _copy(backup, new)
        _check(new, of=backup)
        ended = _end_runs(new, backup)
        _settle(new)
        _let_go_of_log(database)
        new.replace(database)
        _sync(database.parent)
    return ended


@contextmanager
def _in_place_of(target: Path) -> Iterator[Path]:
    """Give a new file beside `target`, its owner's only, which is gone at the end unless it was moved."""
    new = target.with_name(f".{target.name}-{uuid4().hex}")
    try:
        made = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        try:
            if os.geteuid() == 0:  # who owned what was there has to be able to open it
                of = (target if target.exists() else target.parent).stat()
                # Not by its name: whoever owns the folder may have given that to another file by now.
                os.fchown(made, of.st_uid, of.st_gid)
        finally:
            os.close(made)
        yield new
    except OSError as exc:
        raise ConfigurationError(f"{target} cannot be written: {exc.strerror}") from None
    finally:
        for suffix in (*files.FILE_SUFFIXES, "-journal"):
            new.with_name(new.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy in one step: in several, each commit in between would begin it anew."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as read,
            closing(sqlite3.connect(target, isolation_level=None)) as written,
        ):
            read.backup(written)
            written.execute("PRAGMA journal_mode = DELETE")  # one file is all of it
    except sqlite3.Error as exc:
        raise ConfigurationError(f"{source} cannot be copied ({_name(exc)})") from None


def _check(new: Path, *, of: Path) -> None:
    """Make sure that a copy is a whole database of ours.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables >= files.OURS:
                raise ConfigurationError(f"{of} is no database of Frontdesk's")
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise ConfigurationError(f"{of} is damaged: {found}")
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    except sqlite3.Error as exc:
        raise ConfigurationError(f"{of} is damaged ({_name(exc)})") from None
    if not is_known(revision):
        raise ConfigurationError(f"{of} has a schema version that is not known here: {revision}")


def _end_runs(new: Path, backup: Path) -> int:
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            counts = [
                connection.execute(statement.format(now=_SQLITE_NOW)).rowcount
                for table, statement in _CLOSED
                if _has_table(connection, table)
            ]
            connection.execute("COMMIT")
    except sqlite3.Error as exc:
        raise ConfigurationError(f"{backup} cannot be put back ({_name(exc)})") from None
    return counts[-1]


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether a copy, which may be of an older release, has a table."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None


def _let_go_of_log(database: Path) -> None:
    """Move the old log of writes into the old file, and remove it: SQLite would read it into the new one."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _settle(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(exc: sqlite3.Error) -> str:
    return getattr(exc, "sqlite_errorname", type(exc).__name__)

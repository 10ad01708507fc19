"""A SQLite file before it is used: one of ours is opened, a missing one is made, and anything else is refused.

The invariant: a history is never begun anew without a word. A file appears whole or not at all, so one without content is
what is left of something.
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from agent.errors import ConfigurationError
from agent.store.checkpoints import log_bytes

OURS = {"alembic_version", "conversations"}
FILE_SUFFIXES = ("", "-wal", "-shm")
PLACE_OF_PAGE_SIZE = 16
ADVICE = "Restore it from a backup, or move it away to begin anew."


def check(path: Path) -> bool:
    """Return whether there is a database at `path`; False where there is nothing and one can be made.

    Raises:
        ConfigurationError: what is there is no database of ours, or a broken one, or may not be used.
    """
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder: the database has to be a file")
    if not path.exists():
        if path.is_symlink():
            raise ConfigurationError(f"{path} points to {path.readlink()}, where there is nothing. {ADVICE}")
        _check_gone(path)
        return False
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{path} and its folder must be readable and writable for the user that serves")
    size = path.stat().st_size
    if size == 0:
        raise ConfigurationError(f"{path} is empty: it was a database, or somebody made it. {ADVICE}")
    try:
        _check_content(path, size)
    except (sqlite3.Error, OSError) as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return True  # somebody else uses it, so it is one
        reason = getattr(exc, "sqlite_errorname", type(exc).__name__)
        raise ConfigurationError(f"{path} cannot be read as a database ({reason}). {ADVICE}") from None
    return True


async def make(path: Path, fill: Callable[[Path], Awaitable[None]]) -> None:
    """Put a new database at `path`, which `fill` has filled: of two that make it at once, one does.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    new = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        await fill(new)
        os.link(new, path)
    except FileExistsError:
        pass  # another process was faster
    except OSError as exc:
        raise ConfigurationError(f"{path} cannot be made: {exc.strerror}") from None
    finally:
        for suffix in FILE_SUFFIXES:
            new.with_name(new.name + suffix).unlink(missing_ok=True)


def _check_gone(path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    if log_bytes(path):
        raise ConfigurationError(
            f"{path} is missing, and {log.name} is left of it: restore both from a backup, or move that away to begin anew"
        )


def _check_content(path: Path, size: int) -> None:
    """Look at the head of the file, its list of tables and the first row of each of ours."""
    with path.open("rb") as file:
        head = file.read(100)
    has_log = path.with_name(f"{path.name}-wal").exists()  # before we connect, which makes one
    page = int.from_bytes(head[PLACE_OF_PAGE_SIZE : PLACE_OF_PAGE_SIZE + 2])
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            raise ConfigurationError(f"{path} is a database without a table: what was in it is gone. {ADVICE}")
        if tables == {"alembic_version"} and connection.execute("SELECT 1 FROM alembic_version").fetchone():
            raise ConfigurationError(f"{path} has lost its tables: what was in them is gone. {ADVICE}")
        if not tables & OURS:
            raise ConfigurationError(f"{path} is another application's database. Name another file")
        for table in tables & OURS:
            connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()  # noqa: S608 (two names of ours)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if not has_log and pages * (page if page > 1 else 65536) > size:
        raise ConfigurationError(f"{path} was cut short. {ADVICE}")

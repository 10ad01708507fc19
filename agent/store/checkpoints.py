"""SQLite's log of writes, moved into the database file by a connection that does nothing else.

The invariant: no turn's commit does it, however long the log has grown behind a reader that stayed. And what was deleted
is gone from the log, too, as soon as nobody reads what was before.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

MOVE_FROM_BYTES = 4 * 1024 * 1024
"""A shorter log is left alone: SQLite's own limit, too."""
CUT_BUSY_MS = 200
"""How long the cut may keep writers waiting for readers that are in its way. All is moved by then."""


def checkpoint(path: Path, *, most_bytes: int, cuts: bool) -> bool:
    """Move the log into the file where it is long; return whether it was cut, or is as short as it can be.

    Writers go on meanwhile. Where the log is longer than `most_bytes`, or where `cuts` says so, it is cut to nothing, unless
    a reader is in the way: then it is for the next time. Takes as long as the disk does; not for the event loop's thread.

    Raises:
        sqlite3.Error: the file cannot be opened or written.
    """
    size = log_bytes(path)
    if size == 0 or (size < MOVE_FROM_BYTES and not cuts):
        return size == 0
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        _, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages != moved or not (cuts or size > most_bytes):
            return False
        connection.execute(f"PRAGMA busy_timeout = {CUT_BUSY_MS}")
        is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy


def log_bytes(path: Path) -> int:
    """Return how long the log of a database file is."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0

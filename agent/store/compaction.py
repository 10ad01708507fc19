"""SQLite's file after something was erased: rewritten, so that no page holds what was there before, and its log cut.

What is deleted is overwritten anyway (`secure_delete`), but not what stood behind a row that became shorter.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.store.checkpoints import checkpoint
from agent.store.lock import is_served

REWRITTEN_BESIDE_BYTES = 128 * 1024 * 1024
"""A larger file is not rewritten while a server works on it: nobody can write meanwhile."""
PATIENCE_S = 30.0
"""How long it is tried to get the lock, and to cut the log behind those who read."""
LOOK_S = 0.05


class Compacted(NamedTuple):
    """The result of a compaction: what was done to the file."""

    is_rewritten: bool
    is_cut: bool


def compact(path: Path, *, rewrites: bool | None = None) -> Compacted:
    """Rewrite a database file and cut its log of writes; takes as long as the disk does. Not for the event loop's thread.

    `rewrites` None: unless a server works on it and it is larger than `REWRITTEN_BESIDE_BYTES`.

    Raises:
        sqlite3.Error: the file cannot be opened or written.
    """
    if rewrites is None:
        rewrites = path.stat().st_size <= REWRITTEN_BESIDE_BYTES or not is_served(path)
    rewritten = rewrites and _rewrite(path)
    until = time.monotonic() + PATIENCE_S
    is_cut = checkpoint(path, most_bytes=0, cuts=True)
    while not is_cut and time.monotonic() < until:
        time.sleep(LOOK_S)  # SQLite tells nobody when the last reader leaves; this is a thread of its own
        is_cut = checkpoint(path, most_bytes=0, cuts=True)
    return Compacted(rewritten, is_cut)


def _rewrite(path: Path) -> bool:
    """Rewrite the file; return False where others have it for too long, or the disk is full: it is as it was then."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError:
            return False
    return True

"""The lock by which a SQLite file has one server. The kernel lets go of it however its holder dies, so it is never left over."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import ConfigurationError

POLL_S = 0.05


@contextmanager
def only_server(database: Path, *, wait_s: float) -> Iterator[None]:
    """Be the only server on a SQLite file for the block; whoever has it may end within `wait_s` seconds.

    The lock is a file beside the database: locking that one would get in the way of SQLite's own. It stays there when
    it is free, because removing it would let two in. Other commands may open the database meanwhile.

    Raises:
        ConfigurationError: another server still has it.
    """
    file = database.resolve()  # also through a link to it
    path = file.with_name(f"{file.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while not _take(descriptor):
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"another server uses {database}: stop it first, or give this one a data folder of its own; "
                    "several servers need PostgreSQL"
                )
            time.sleep(POLL_S)  # `flock` waits without a limit, or not at all; nothing is served yet
        yield
    finally:
        os.close(descriptor)


def is_served(database: Path) -> bool:
    """Return whether a server works on a SQLite file at this moment."""
    file = database.resolve()
    try:
        descriptor = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

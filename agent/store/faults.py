"""Faults of the database, kept apart from mistakes of the code: the first are told as 503, the second never hidden."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as CheckoutTimeoutError

from agent.errors import DatabaseError
from agent.store.limits import Deadline

logger = structlog.get_logger()

SQLITE_FAULTS = {
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL),
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_NOTADB),
}
"""SQLite says "no such column", too, by an OperationalError: only its code tells."""
POSTGRESQL_FAULTS = ("25006", "25P03", "XX")
"""Internal errors by their code: a server that only reads, a transaction that idled too long, broken data."""

UNDONE = ("40001", "40P01")
"""PostgreSQL says itself that nothing is left, also in place of a commit: it could not be serialised, it was a deadlock."""
ENDED = ("08", "57P01", "57P02", "57P03")
"""The connection is lost, or the server ends or begins. An error without any code is the driver's, which found it closed."""

REASONS = {
    "refused": "nothing listens there (connection refused)",
    "password": "the password is wrong or missing",
    "authentication": "the server did not accept the user",
    "no pg_hba": "the server lets nobody in from here (pg_hba.conf)",
    "starting up": "it is starting up",
    "role  does not exist": "there is no such user",
    "database  does not exist": "there is no such database",
    "too many": "it has no free connection left",
    "resolve": "the host name is not known",
    "translate host": "the host name is not known",
    "timeout": "it did not answer in time",
    "ssl": "the encrypted connection failed",
    "certificate": "the encrypted connection failed",
    "no such file": "nothing listens there (no such socket)",
    "closed the connection": "it closed the connection",
}
"""Reasons by words in the text of a failed connect's error, in order. Such an error has no code, and its text names the user."""
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def is_fault(exc: BaseException) -> bool:
    """Return whether an error says that the database does not do its work, as opposed to what it was asked for."""
    if isinstance(exc, CheckoutTimeoutError | DisconnectionError):
        return True
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return True
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        # Without a code it is not SQLite's own: aiosqlite has no connection any more.
        return code & 0xFF in SQLITE_FAULTS if code is not None else isinstance(cause, sqlite3.OperationalError)
    if isinstance(exc, InternalError):
        return str(getattr(cause, "sqlstate", "")).startswith(POSTGRESQL_FAULTS)
    return isinstance(exc, OperationalError | InterfaceError)


def is_passing(exc: BaseException) -> bool:
    """Return whether a fault says no more than that another program has SQLite's file, or that the disk is slow just now."""
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return isinstance(cause, sqlite3.OperationalError)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_undone(exc: BaseException, *, is_ending: bool) -> bool:
    """Return whether a fault says that the transaction was certainly not committed, and that the same may work at once.

    `is_ending`: its commit was asked for. Where the connection is lost then, nobody knows.
    """
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    code = getattr(cause, "sqlstate", "of another kind")
    if code in UNDONE:
        return True
    is_lost = type(cause).__name__ == "OperationalError" if code is None else str(code).startswith(ENDED)
    return is_lost and not is_ending


def reason_of(exc: BaseException) -> str:
    """Return what the operator is told of a fault: types and codes, never a text of the database's."""
    cause = exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc
    return getattr(cause, "sqlite_errorname", None) or type(cause).__name__


def why_not_reached(exc: BaseException) -> str:
    """Return why there is no connection, in words that hold nothing of the URL and nothing of the data."""
    text = QUOTED.sub("", str(exc.orig if isinstance(exc, DBAPIError) else exc)).lower()
    return next((reason for words, reason in REASONS.items() if words in text), reason_of(exc))


@contextmanager
def faults_told(deadline: Deadline | None = None) -> Iterator[None]:
    """Let what is the database's fault leave the block as a DatabaseError, and the deadline end with it.

    All else passes as it is, and so does what a nested transaction has told already.
    """
    try:
        yield
    except Exception as exc:  # each driver has a tree of its own: `is_fault` knows them all, and the rest passes
        if isinstance(exc, DatabaseError) or not is_fault(exc):
            raise
        reason = reason_of(exc)
        logger.warning("database_failed", error=reason)
        undone = deadline is not None and not deadline.missed and is_undone(exc, is_ending=deadline.is_ending)
        raise DatabaseError(
            reason, is_undone=undone, is_away=deadline is not None and not deadline.had_connection
        ) from exc
    finally:
        if deadline is not None:
            deadline.over()

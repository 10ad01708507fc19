"""The tables as they are in the end, read from SQLite or PostgreSQL without any code of the server's."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg.types.string import TextLoader
from support.world import RECORD, SQLITE_TABLES


@dataclass(slots=True)
class Database:
    """The tables as lists of rows; ids as text with dashes, JSON parsed, times aware."""

    conversations: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    everything: str
    """All rows of all tables as text."""
    beside_the_record: str
    """The same, but for the record of what was done."""
    approvals: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    spendings: list[dict[str, Any]] = field(default_factory=list)
    reservations: list[dict[str, Any]] = field(default_factory=list)
    files: bytes = b""
    """SQLite's file and its log of writes, byte by byte: also what is in no row any more."""


UNFINISHED = "SELECT id FROM runs WHERE state NOT IN ('completed', 'failed', 'cancelled')"
TABLES = ("conversations", "runs", "messages", "tool_calls", "approvals", "audit", "spendings", "reservations")
ID_COLUMNS = {"id", "conversation_id", "run_id", "message_id"}
JSON_COLUMNS = {"tool_calls", "suggestions", "action", "branch_id", "page", "counters"}
TIME_COLUMNS = {"created_at", "started_at", "ended_at", "settled_at"}


def read_sqlite(path: Path) -> Database:
    """Read a SQLite file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute(SQLITE_TABLES)]
        raw = {
            name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]  # noqa: S608 (its own names)
            for name in names
        }
    # The log first: what moves from it into the file meanwhile is seen twice, and not never.
    files = [path.with_name(f"{path.name}-wal"), path]
    return _database(raw, b"".join(file.read_bytes() for file in files if file.exists()))


def read_postgresql(url: str) -> Database:
    """Read a PostgreSQL database."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        for kind in ("json", "jsonb"):
            connection.adapters.register_loader(kind, TextLoader)  # as SQLite has it
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        raw = {
            name: connection.execute(SQL("SELECT * FROM {}").format(Identifier(name))).fetchall()
            for name in (table["tablename"] for table in tables)
        }
    return _database(raw)


def unfinished_in_sqlite(path: Path) -> set[str]:
    """Return the ids of the runs that have no end yet."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {str(UUID(found)) for (found,) in connection.execute(UNFINISHED)}


def unfinished_in_postgresql(url: str) -> set[str]:
    """Return the ids of the runs that have no end yet."""
    with psycopg.connect(url) as connection:
        return {str(found) for (found,) in connection.execute(UNFINISHED)}


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a run of chaos looks at the tables, beside the server and not through it."""

    read: Callable[[], Database]
    unfinished: Callable[[], set[str]]


def truth_in_sqlite(path: Path) -> Truth:
    """Return how a SQLite file is looked at."""
    return Truth(partial(read_sqlite, path), partial(unfinished_in_sqlite, path))


def truth_in_postgresql(url: str) -> Truth:
    """Return how a PostgreSQL database is looked at."""
    return Truth(partial(read_postgresql, url), partial(unfinished_in_postgresql, url))


def _database(raw: dict[str, list[dict[str, Any]]], files: bytes = b"") -> Database:
    texts = {name: "\n".join(map(repr, rows)) for name, rows in raw.items()}
    beside = "\n".join(text for name, text in texts.items() if name not in RECORD)
    tables = {
        name: [{key: _value(name, key, value) for key, value in row.items()} for row in raw[name]] for name in TABLES
    }
    return Database(**tables, everything="\n".join(texts.values()), beside_the_record=beside, files=files)


def _value(table: str, column: str, value: Any) -> Any:
    if value is None:
        return None
    if column in ID_COLUMNS and not (table == "tool_calls" and column == "id"):
        return str(UUID(str(value)))
    if column in JSON_COLUMNS and isinstance(value, str):
        return orjson.loads(value)
    if column in TIME_COLUMNS:
        time_ = datetime.fromisoformat(value) if isinstance(value, str) else value
        return time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_
    return value

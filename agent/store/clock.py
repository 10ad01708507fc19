"""The database's clock. Times that decide between processes are set and compared in SQL, with this and no other."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Double, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from agent.store.statements import Hot
from agent.store.transaction import Transaction


class database_now(FunctionElement[float]):  # noqa: N801 (it stands in statements like any function of SQL)
    """The time of the database, in seconds since 1970."""

    type = Double()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _on_postgresql(_element: Any, _compiler: Any, **_: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(database_now, "sqlite")
def _on_sqlite(_element: Any, _compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # 2440587.5 is 1970 in days; `unixepoch` knows no fractions yet


_NOW = Hot(select(database_now().label("now")))


async def read_clock(connection: Transaction) -> datetime:
    """Return the time of the database as a datetime, to compare with one that was set by it."""
    row = await connection.row(_NOW, {})
    assert row is not None
    return instant(row.now)


def instant(seconds: float) -> datetime:
    """Return a time of `database_now` as a datetime."""
    return datetime.fromtimestamp(seconds, UTC)

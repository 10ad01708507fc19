"""An open transaction: hot statements run on the driver, all others through SQLAlchemy, and both are one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable

from agent.store.pools import Kept
from agent.store.statements import Found, Hot, Made, Values

Result = TypeVar("Result")


class Transaction:
    """A transaction, which `Store` gives for the length of a block. Nobody but the store begins and ends it."""

    __slots__ = ("_kept", "has_room")

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.has_room: set[str] = set()
        """The tenants who may use more from its commit on than they could, or else it is not known that they may not."""

    def gives_room(self, tenant_id: str) -> None:
        """Let this process forget with the commit what it saw of a tenant's budgets."""
        self.has_room.add(tenant_id)

    @property
    def dialect(self) -> Dialect:
        """The kind of database."""
        return self._kept.dialect

    @property
    def ordinary(self) -> AsyncConnection:
        """SQLAlchemy's connection, on which this transaction is open."""
        return self._kept.ordinary

    async def rows(self, statement: Hot, values: Values) -> list[Any]:
        """Run a hot statement; return the rows that it gives. Values that it does not know are not looked at."""
        made = statement.on(self._kept.dialect)
        return made.rows(await self._run(made, values))

    async def row(self, statement: Hot, values: Values) -> Any:
        """Run a hot statement that gives at most one row; return it, or None."""
        rows = await self.rows(statement, values)
        return rows[0] if rows else None

    async def change(self, statement: Hot, values: Values) -> int:
        """Run a hot statement that gives no rows; return how many it has changed."""
        return (await self._run(statement.on(self._kept.dialect), values)).changed

    async def _run(self, made: Made, values: Values) -> Found:
        return await self._kept.run(made.sql, made.parameters(values))

    async def execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Execute any statement through SQLAlchemy; on SQLite beside the event loop."""
        return await self._kept.ordinary.execute(statement, values)

    async def run_sync(self, work: Callable[[Connection], Result]) -> Result:
        """Have work done on SQLAlchemy's connection that knows nothing of asyncio."""
        if not self._kept.ordinary.in_transaction():
            await self._kept.ordinary.begin()
        return await self._kept.ordinary.run_sync(work)

    def stop_when_abandoned(self) -> None:
        """Let the database stop a statement of this transaction that nobody waits for any more."""
        self._kept.driver.stop_when_abandoned()

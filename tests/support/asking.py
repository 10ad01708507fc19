"""A transaction that remembers what it asked the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event

from agent.store.pools import Pool
from agent.store.statements import Found, Made, Values
from agent.store.transaction import Transaction


class Asking(Transaction):
    """The same transaction as another one. `asked` are texts and their parameters, of hot statements and of all others."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction._kept)
        self.asked: list[tuple[str, Any]] = []
        connection = self.ordinary.sync_connection
        event.listen(connection, "before_cursor_execute", lambda *args: self.asked.append(args[2:4]))

    async def _run(self, made: Made, values: Values) -> Found:
        given = made.parameters(values)
        self.asked.append((made.sql, given if isinstance(given, dict) else tuple(given)))
        return await super()._run(made, values)


@asynccontextmanager
async def taken(pool: Pool) -> AsyncIterator[None]:
    """Have a connection of a pool for the block, as somebody has who uses it."""
    kept = await pool.take()
    yield
    await pool.give_back(kept, is_broken=False)

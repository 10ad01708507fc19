"""Pools of connections, each with its limits: all that a transaction needs to know of which database it is on."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from agent.store import sqlite
from agent.store.limits import Limits


def open_pool(url: URL, file: Path | None, limits: Limits, *, size: int, statement_s: float) -> AsyncEngine:
    """Return a pool of up to `size` connections; none is open yet. `file`: of SQLite; None for a server."""
    shared: dict[str, Any] = {
        "pool_size": size,
        "max_overflow": 0,
        "pool_timeout": limits.checkout_s,
        "hide_parameters": True,
    }
    if file is not None:
        engine = create_async_engine(url, async_creator=sqlite.connector(file, limits), **shared)
        event.listen(engine.sync_engine, "connect", sqlite.prepare)
        event.listen(engine.sync_engine, "begin", sqlite.begin)
        return engine
    from agent.store import postgresql  # psycopg is of no use to an installation on SQLite

    connecting = {**postgresql.parameters(limits), "async_creator_fn": postgresql.connector(limits)}
    engine = create_async_engine(url, connect_args=connecting, **shared)
    prepare = postgresql.preparer(statement_s=statement_s, transaction_s=limits.transaction_s)
    event.listen(engine.sync_engine, "connect", prepare)
    return engine

"""SQLite files that are migrated already: migrating takes longer than most tests, and than the start of a server."""

import asyncio
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from agent.store.database import Store

_empty = b""
"""A file with the newest schema and no rows, made once."""
_making = threading.Lock()
"""Nothing can be migrated twice at a time in one process: alembic's context is global."""


async def give_schema(path: anyio.Path) -> None:
    """Let there be an empty database at `path`, unless there is one; a folder that is missing is made."""
    if await path.exists():
        return
    await path.parent.mkdir(parents=True, exist_ok=True)
    await path.write_bytes(_empty or await asyncio.to_thread(_migrated))


def _migrated() -> bytes:
    global _empty
    with _making:
        if not _empty:
            with TemporaryDirectory(prefix="frontdesk-schema-") as folder:
                path = Path(folder) / "frontdesk.db"
                asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
                _empty = path.read_bytes()
        return _empty


async def _migrate(url: str) -> None:
    store = Store(url, pool_size=1)
    await store.migrate()
    await store.close()

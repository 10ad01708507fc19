"""The file of SQLite while it is open: whether it is still the one that was opened, and its log of writes kept short."""

import asyncio
from pathlib import Path

import anyio

from agent.errors import ConfigurationError, DatabaseError
from agent.store.checkpoints import checkpoint


class DataFile:
    """A SQLite file, beside all transactions on it.

    Raises:
        ConfigurationError: no file is named, or its folder cannot be made.
    """

    def __init__(self, name: str | None) -> None:
        if not name or name == ":memory:":
            raise ConfigurationError(
                "FRONTDESK_DATABASE_URL: it must name a file, like sqlite+aiosqlite:////var/lib/frontdesk.db"
            )
        self.path = Path(name)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigurationError(f"{self.path.parent} cannot be made: {exc.strerror}") from None
        self.is_lost = False
        """The file is not where it was when upkeep last looked: what is written now would be lost with it."""
        self.has_deleted = True  # nobody knows what was deleted last time
        """Whether the log of writes may still hold what was deleted."""
        self._identity: tuple[int, int] | None = None

    async def check(self, *, within_s: float) -> None:
        """Make sure that the file is still the one that was opened.

        Raises:
            DatabaseError: the file is gone, another one has its place, or the disk does not answer.
        """
        try:
            async with asyncio.timeout(within_s):
                found = await anyio.to_thread.run_sync(self.path.stat, abandon_on_cancel=True)
        except (OSError, TimeoutError) as exc:
            self.is_lost |= isinstance(exc, FileNotFoundError)  # a disk that does not answer says nothing of that
            raise DatabaseError(type(exc).__name__) from exc
        identity = found.st_dev, found.st_ino
        if self._identity is None:
            self._identity = identity
        self.is_lost = identity != self._identity
        if self.is_lost:
            raise DatabaseError("FileReplaced")

    async def checkpoint(self, *, most_bytes: int) -> None:
        """Keep the log of writes short; cut it, where it may hold what was deleted."""
        cuts, self.has_deleted = self.has_deleted, False
        is_short = False
        try:
            is_short = await anyio.to_thread.run_sync(
                lambda: checkpoint(self.path, most_bytes=most_bytes, cuts=cuts), abandon_on_cancel=True
            )
        finally:
            self.has_deleted |= cuts and not is_short

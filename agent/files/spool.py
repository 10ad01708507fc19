"""The folder in which files lie while they are taken in. What a process left there when it died is swept away."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread

LEFT_S = 3600.0
"""How long nobody writes to a file that is still somebody's."""
OWNERS_ONLY = 0o700
BLOCK_BYTES = 1024 * 1024


class Spool:
    """A folder of this machine, for files that are not kept yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """Lend the path of a new, empty file; what is there at the end goes.

        Raises:
            OSError: there is no room.
        """
        path = self._folder / uuid4().hex
        await anyio.to_thread.run_sync(self._make, path)
        try:
            yield path
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(wipe, path)

    def _make(self, path: Path) -> None:
        self._folder.mkdir(mode=OWNERS_ONLY, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    def sweep(self) -> int:
        """Remove what nobody has written to for an hour; return how many files that were."""
        before, gone = time.time() - LEFT_S, 0
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            with suppress(FileNotFoundError):  # it has just been taken in
                if path.stat().st_mtime < before:
                    wipe(path)
                    gone += 1
        return gone


def wipe(path: Path) -> None:
    """Overwrite a file with zeros, as far as its file system lets that reach the disk, and remove it; nothing where there is none."""
    try:
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, BLOCK_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    except OSError:  # a disk that takes no zeros lets go of a name all the same
        path.unlink(missing_ok=True)

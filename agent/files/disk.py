"""Files on this machine's disk, or on one that all processes of the installation share."""

import os
import shutil
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import anyio.to_thread

from agent.files.spool import OWNERS_ONLY, wipe
from agent.files.storage import StorageError

PIECE_BYTES = 256 * 1024


class Disk:
    """A folder. A file appears in it by its name being given, so it is there whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, path: Path, key: str) -> None:
        try:
            await anyio.to_thread.run_sync(partial(_put, path, self._path(key)))
        except OSError as exc:
            raise StorageError(f"{self._folder}: {exc.strerror}") from exc

    async def read(self, key: str) -> AsyncGenerator[bytes]:
        try:
            async with await anyio.open_file(self._path(key), "rb") as file:
                while piece := await file.read(PIECE_BYTES):
                    yield piece
        except OSError as exc:
            raise StorageError(f"{self._folder}: {exc.strerror}") from exc

    async def delete(self, key: str) -> None:
        try:
            for path in (self._path(key), _half(self._path(key))):
                await anyio.to_thread.run_sync(wipe, path)
        except OSError as exc:
            raise StorageError(f"{self._folder}: {exc.strerror}") from exc

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _put(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=OWNERS_ONLY, parents=True, exist_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    try:
        path.rename(target)
    except OSError:  # another file system
        half = _half(target)
        try:
            shutil.copyfile(path, half)
            half.rename(target)
        finally:
            half.unlink(missing_ok=True)


def _half(target: Path) -> Path:
    """Return where a file lies while it is copied from another file system; a process that dies leaves it there."""
    return target.with_name(f".{target.name}")

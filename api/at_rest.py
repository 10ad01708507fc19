"""Files on the disk are readable by their owner only.

Everything that Frontdesk writes there holds what people said, or a secret. New files are closed because the process
makes them so; `close_files` closes what an earlier start, a backup or a hand left open.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from api.settings import Settings

OTHERS = 0o077
OWN_FILES = ("frontdesk.db", "studio.db", "terminal.json", "jwt-secret", "openapi", "files")
BESIDE_A_DATABASE = ("", "-wal", "-shm", "-journal", ".lock")


def close_new_files() -> None:
    """Let every file and folder that this process makes be its owner's only."""
    os.umask(OTHERS)


def close_files(settings: Settings) -> list[str]:
    """Take from others what they could read; return a line for each thing that stays open to them."""
    return [problem for path in own_paths(settings) if (problem := _close(path))]


def is_open(path: Path) -> bool:
    """Return whether others of this machine may use a file or a folder; False where there is none, or none any more.

    What a database has beside it goes with the last process that uses it, at any time.
    """
    try:
        return bool(path.stat().st_mode & OTHERS)
    except (FileNotFoundError, NotADirectoryError):
        return False


def own_paths(settings: Settings) -> Iterator[Path]:
    """Yield the data folder and what Frontdesk keeps in it, or elsewhere; a foreign folder is not ours to close."""
    yield settings.data
    files = [settings.data / name for name in OWN_FILES]
    if settings.database_file is not None:
        files.append(settings.database_file)
    for file in files:
        for ending in BESIDE_A_DATABASE:
            yield file.with_name(file.name + ending)


def _close(path: Path) -> str | None:
    """Close a file or a folder; return what to tell the operator where that cannot or must not be done."""
    if not is_open(path):
        return None
    try:
        return _problem_of(path)
    except FileNotFoundError:
        return None


def _problem_of(path: Path) -> str | None:
    kind = path.stat().st_mode
    mode = stat.S_IMODE(kind)
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        return None  # a device such as /dev/null is everybody's
    if path.stat().st_uid != os.getuid():
        return (
            f"{path} is open to other users of this machine and belongs to one: close it, or let it belong to this one"
        )
    if path.is_dir() and (mode & stat.S_ISVTX or _is_shared(path)):
        return f"{path} is open to other users of this machine: give FRONTDESK_DATA a folder of its own"
    try:
        path.chmod(mode & ~OTHERS)
        if not stat.S_IMODE(path.stat().st_mode) & OTHERS:
            return None
    except FileNotFoundError:
        raise
    except OSError:
        pass
    return f"{path} is open to other users of this machine and cannot be closed"


def _is_shared(folder: Path) -> bool:
    """Return whether a folder is one that others may count on: the one we are in, one above it, or somebody's home."""
    resolved = folder.resolve()
    return resolved in (Path.cwd(), *Path.cwd().parents, Path.home().resolve())

"""Files kept of documents between starts, in the data folder: what was read of each, its last good copy, and its tools.

The invariant: nothing here is needed. A file that is missing, broken, of another version or cannot be written costs time and a
line in the log. Files are their owner's only, written whole or not at all, and hold plain data that is checked when it is read.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from tools.openapi.importing import Imported

logger = structlog.get_logger()

FOLDER = "openapi"
MAX_FILES = 400
"""Of each kind; those that were not used for longest go first, so that no start loses what it compares with to what it read."""
KINDS = (".read", ".tools", ".copy")
_DIGEST = 32
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Told:
    """A tool as it was at the last start, for who wants to know what has changed."""

    name: str
    description: str
    schema: dict[str, Any]
    risk: str
    method: str = ""
    path: str = ""
    is_gone: bool = False


class Kept:
    """The folder; without one nothing is kept. Who only looks (no `is_start`) leaves what the next start compares with."""

    def __init__(self, data: Path | None, *, is_start: bool = True) -> None:
        self._is_start = is_start
        self._folder = None if data is None else data / FOLDER

    def imported(self, key: str) -> Imported | None:
        """Return what was read of a document, by the key of `key_of`; None where that is not known."""
        return self._decoded(f"{key}.read", Imported)

    def keep_imported(self, key: str, imported: Imported) -> None:
        """Keep what was read of a document."""
        self._write(f"{key}.read", msgspec.msgpack.encode(imported))

    def told(self, source: str) -> list[Told] | None:
        """Return a source's tools at the last start; None at the first one."""
        return self._decoded(f"{_name_of(source)}.tools", list[Told])

    def keep_told(self, source: str, told: Sequence[Told]) -> None:
        """Keep a source's tools for the next start."""
        if self._is_start:
            self._write(f"{_name_of(source)}.tools", msgspec.msgpack.encode(told))

    def copy(self, url: str) -> bytes | None:
        """Return the last good copy of a document."""
        return self._read(f"{_name_of(url)}.copy")

    def keep_copy(self, url: str, content: bytes) -> None:
        """Keep a document that was fetched and could be read."""
        self._write(f"{_name_of(url)}.copy", content)

    def _decoded(self, name: str, kind: type[Kind]) -> Kind | None:
        content = self._read(name)
        if content is None:
            return None
        try:
            return msgspec.msgpack.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            logger.warning("openapi_cache_broken", file=name)
            return None

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            content = (self._folder / name).read_bytes()
            os.utime(self._folder / name)
        except FileNotFoundError:
            return None
        except OSError as exc:
            logger.warning("openapi_cache_unreadable", file=name, error=type(exc).__name__)
            return None
        if sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            logger.warning("openapi_cache_broken", file=name)
            return None
        return content[_DIGEST:]

    def _write(self, name: str, content: bytes) -> None:
        if self._folder is None:
            return
        part = self._folder / f".{name}.{os.getpid()}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                part.unlink()
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor, so that nobody else can ever open it)
                file.write(sha256(content).digest() + content)
            part.replace(self._folder / name)
            self._prune()
        except OSError as exc:
            logger.warning("openapi_cache_not_written", file=name, error=type(exc).__name__)

    def _prune(self) -> None:
        assert self._folder is not None
        kinds: dict[str, list[tuple[float, Path]]] = {}
        for one in self._folder.iterdir():
            kind = one.suffix if one.suffix in KINDS else "what a killed process left"
            with suppress(FileNotFoundError):  # another process has renamed it, or was faster
                kinds.setdefault(kind, []).append((one.stat().st_mtime, one))
        for files in kinds.values():
            for _, old in sorted(files)[:-MAX_FILES]:
                old.unlink(missing_ok=True)


def key_of(content: bytes, wanted: str) -> str:
    """Return the key of what is read of a document: it changes with the text, with what is wanted of it, and with our code."""
    whole = sha256(content).digest() + sha256(wanted.encode()).digest() + _version()
    return sha256(whole).hexdigest()


def _name_of(source: str) -> str:
    return sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _version() -> bytes:
    """Return a digest of the code that reads documents: what another version has read is not taken for ours."""
    return sha256(b"".join(one.read_bytes() for one in code())).digest()


def code() -> list[Path]:
    """Return the files of our code that what is read of a document depends on, and some more."""
    ours = Path(__file__).parent
    return sorted([*ours.parent.rglob("*.py"), *(ours.parents[1] / "agent" / "schemas").glob("*.py")])

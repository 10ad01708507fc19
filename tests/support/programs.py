"""Programs of others, as processes of a test."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from secrets import randbelow

import aiohttp
import anyio

START_LIMIT_S = 120.0


FIRST_PORT, PORTS = 11_000, 21_000
"""Below those that connections are given: one of these would be taken before its server has it."""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    while True:
        port = FIRST_PORT + randbelow(PORTS)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def program(*command: str | Path, folder: Path, until: str, **variables: str) -> AsyncIterator[None]:
    """Run a server in a folder, from when the URL `until` answers well; it is gone when the block ends."""
    path = folder / "program.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), cwd=folder, env={**os.environ, **variables}, stdout=log, stderr=log
        )
        try:
            await _answers(until, process, path)
            yield
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(START_LIMIT_S), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, (await anyio.Path(log).read_text("utf-8", "replace"))[-2000:]
            with suppress(aiohttp.ClientError):
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)

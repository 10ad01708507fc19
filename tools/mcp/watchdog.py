"""What ends a program of ours when this process can not: a small shell beside it that notices our death.

A process that is killed ends nothing itself, and a program that ignores the end of its input would stay for ever. The shell
holds one end of a pipe, we the other; ours is closed by the system however we end. The invariant: a program's group is
signalled only while it is the program's: before its number may be somebody else's, the shell has been sent home.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
import structlog

logger = structlog.get_logger()

SHELL = "/bin/sh"
SCRIPT = 'read _ || { kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"; }'
"""A line sends it home; the end of its input is our death. The group has as long as when we end it ourselves."""


@asynccontextmanager
async def watched(group: int) -> AsyncGenerator[None]:
    """Have a process group ended if this process is killed while the context is open.

    Where there is no shell this is not done, and the log says so.
    """
    try:
        shell = await asyncio.create_subprocess_exec(
            *(SHELL, "-c", SCRIPT, "frontdesk-watchdog", str(group)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            start_new_session=True,
        )
    except OSError as exc:
        logger.warning("mcp_program_not_watched", error=type(exc).__name__)
        yield
        return
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            shell.kill()  # first, so that it does not take the end of its input for our death
        assert shell.stdin is not None
        shell.stdin.close()
        with anyio.CancelScope(shield=True):
            await shell.wait()

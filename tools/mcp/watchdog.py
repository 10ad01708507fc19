"""A watchdog that ends a program of ours when this process can not: a small shell beside it that notices our death.

A process that is killed ends nothing itself, and a program that ignores the end of its input would stay for ever. The shell
holds one end of a pipe, we the other; ours is closed by the system however we end. It is there before the program is, so that
no program is without it. The invariant: a program's group is signalled only while it is the program's: as soon as its number
may be somebody else's, the shell is sent home.
"""

import os
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog

from tools.mcp.child import child

logger = structlog.get_logger()

SHELL = "/bin/sh"
SCRIPT = 'read group && { read _ || { kill -s TERM -- "-$group"; sleep 2; kill -s KILL -- "-$group"; }; }'
"""The first line says which group; the end of its input is our death. The group has as long as when we end it ourselves."""


@asynccontextmanager
async def watchdog() -> AsyncGenerator[Callable[[int], None]]:
    """Yield a function that is told a process group, which is ended if this process is killed while the context is open.

    Where there is no shell this is not done, and the log says so.
    """
    async with AsyncExitStack() as stack:
        shell: Process | None = None
        try:
            shell = await stack.enter_async_context(
                child(
                    *(SHELL, "-c", SCRIPT, "frontdesk-watchdog"),
                    end=_send_home,
                    env={"PATH": os.environ.get("PATH", os.defpath)},
                    output=DEVNULL,
                )
            )
        except OSError as exc:
            logger.warning("mcp_program_not_watched", error=type(exc).__name__)

        def watch(group: int) -> None:
            if shell is not None and shell.stdin is not None:
                with suppress(OSError, RuntimeError):  # it is gone: nothing can be told to it
                    shell.stdin.write(f"{group}\n".encode())

        yield watch


async def _send_home(shell: Process) -> None:
    with suppress(ProcessLookupError):
        shell.kill()  # first, so that it does not take the end of its input for our death
    assert shell.stdin is not None
    shell.stdin.close()
    await shell.wait()

"""A process of ours that is ended whatever happens to whoever started it: also in the moment of its start.

The invariant: from before the process is there until it has been ended, nobody's cancellation comes between.
"""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tools.apart import to_its_end


@asynccontextmanager
async def child(
    *command: str, end: Callable[[Process], Coroutine[Any, Any, None]], env: Mapping[str, str], output: int = PIPE
) -> AsyncGenerator[Process]:
    """Start a command in a session of its own and yield its process; `end` ends it, whole, however the context is left.

    `output`: where what it writes goes, as `asyncio.subprocess` names that; its input is a pipe.

    Raises:
        OSError: it cannot be started.
    """
    started: list[Process] = []

    async def start() -> None:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=output, stderr=output, env=env, start_new_session=True
        )
        started.append(process)

    try:
        await to_its_end(start())
        yield started[0]
    finally:
        for process in started:
            await to_its_end(end(process))

"""Work that is worth doing only while its client waits for the answer."""

from collections.abc import Awaitable
from typing import TypeVar

import anyio
from fastapi import Request

Result = TypeVar("Result")


async def while_connected(request: Request, work: Awaitable[Result]) -> Result | None:
    """Return what the work comes to; None when the client goes before: the work is cancelled then."""
    results: list[Result] = []

    async def do() -> None:
        results.append(await work)
        group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(do)
            while (await request.receive())["type"] != "http.disconnect":
                pass  # what is left of the body
            group.cancel_scope.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return results[0] if results else None

"""Approvals that a WebSocket's user is asked for in place of others: the whole list is said, whenever it has changed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict

from agent.errors import DatabaseError
from agent.principal import Principal
from agent.store.shared_approvals import list_shared
from api.dependencies import Services

LOOK_EVERY_S = 10.0
"""A change by another process is found so late at the latest."""
SHOWN = 50


async def tell_approvals(
    services: Services, whose: Callable[[], Principal], say: Callable[..., Awaitable[None]]
) -> None:
    """Say what people of the user's role are asked, and again when that is something else; return where they are not asked.

    A user who signs in anew over the same socket may have another role: `whose` is asked each time.
    """
    if not any(one.definition.approver_roles for one in services.assistants):
        return
    changed, told = asyncio.Event(), None
    with services.store.asked.heard_by(whose().tenant_id, changed):
        while True:
            changed.clear()
            principal = whose()
            if services.assistants.are_approved_by(principal):
                with suppress(DatabaseError):  # it is away for a moment
                    async with services.store.read(principal.tenant_id) as connection:
                        found, more = await list_shared(connection, principal, limit=SHOWN)
                    shown = [asdict(one) for one in found]
                    if (shown, more) != told:
                        told = shown, more
                        await say(approvals=shown, more=more is not None)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await changed.wait()

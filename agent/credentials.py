"""Whose token a run works with, and how it gets a fresh one while it goes on. In memory only."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agent.context import Credential, Principal
from agent.errors import ForbiddenError
from agent.masking import Mask


class RunPrincipal:
    """The principal of a run. Its credential is replaced when the same user comes with a fresh one."""

    def __init__(self, principal: Principal, *, wait_s: float) -> None:
        self.current = principal
        self.mask = Mask()
        """Hides every credential that this run has had."""
        self._learn()
        self._wait_s = wait_s
        self._renewed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._gave_up_on: Credential | None = None
        self._gave_up = False

    def renew(self, principal: Principal) -> None:
        """Go on with this principal's credential.

        Raises:
            ForbiddenError: it is another user's, or another tenant's.
        """
        if (principal.tenant_id, principal.user_id) != (self.current.tenant_id, self.current.user_id):
            raise ForbiddenError("The run belongs to another user.")
        if principal.credential is None or principal.credential == self.current.credential:
            return  # a reader that came back with the same token brings nothing new
        self.current = principal
        self._learn()
        self._renewed.set()

    async def fresh(self, refused: Credential | None, *, ask: Callable[[datetime], Awaitable[None]]) -> bool:
        """Wait until there is a credential other than `refused`; False when none came in time.

        `ask` tells the readers, once however many calls wait; it gets the time when the wait ends.
        """
        async with self._one_at_a_time:
            if self.current.credential != refused:
                return True
            if self._gave_up and self._gave_up_on == refused:
                return False
            self._renewed.clear()
            await ask(datetime.now(UTC) + timedelta(seconds=self._wait_s))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s):
                    await self._renewed.wait()
            if self.current.credential != refused:
                return True
            self._gave_up, self._gave_up_on = True, refused
            return False

    def _learn(self) -> None:
        if self.current.credential is not None:
            self.mask.learn(self.current.credential.reveal())

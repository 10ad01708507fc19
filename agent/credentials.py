"""Whose token a run works with, and how it gets a fresh one while it goes on. In memory only."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agent.context import Credential, Principal
from agent.errors import ForbiddenError
from agent.masking import Mask

OTHER_RIGHTS = "The run goes on only with a token of the same user, role and branch."


class RunPrincipal:
    """The principal of a run. Its credential is replaced when the same user comes with a fresh one.

    A run never gains rights: what it goes on with has the role and the branches that it was begun with, and is not older
    than what it has.
    """

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
            ForbiddenError: it is another user's or tenant's, of another role or of other branches, or it is older.
        """
        if not principal.has_rights_of(self.current):
            raise ForbiddenError(OTHER_RIGHTS)
        if principal.credential is None or principal.credential == self.current.credential:
            return  # a reader that came back with the same token brings nothing new
        if self.current.credential is not None and principal.is_older_than(self.current):
            raise ForbiddenError("The token is older than the one that the run has.")
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

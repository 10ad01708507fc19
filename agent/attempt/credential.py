"""Whose token a run works with, and how it gets a fresh one while it goes on. In memory only."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agent.attempt.presence import Absence
from agent.errors import ForbiddenError
from agent.masking import Mask
from agent.principal import Credential, Principal

ASK_AGAIN_S = 2.0
"""How often the other processes are asked for a token while a run waits for one."""
OTHER_RIGHTS = "The run goes on only with a token of the same user, role and branch."


class RunCredential:
    """The principal of a run. Its credential is replaced when the same user comes with a fresh one.

    A run never gains rights: what it goes on with has the role and the branches that it was begun with, and is not older
    than what it has.
    """

    def __init__(
        self,
        principal: Principal,
        *,
        wait_s: float,
        absence: Absence | None = None,
        wanted: Callable[[], None] | None = None,
    ) -> None:
        self.current = principal
        self.mask = Mask()
        """Hides every credential that this run has had."""
        self._learn()
        self._wait_s = wait_s
        self._absence = absence
        """The wait that recovered runs of one user share."""
        self._wanted = wanted
        """Lets other processes know that a token is waited for: a reader there may have brought one before."""
        self._renewed: asyncio.Event | None = None
        """Where somebody waits for a fresh one."""
        self._one_at_a_time = asyncio.Lock()
        self._gave_up_on: Credential | None = None
        self._gave_up = False

    def is_renewed_by(self, principal: Principal) -> bool:
        """Return whether this principal brings a new credential: a reader that came back with the same token does not.

        Raises:
            ForbiddenError: it is another user's or tenant's, of another role or of other branches, or it is older.
        """
        if not principal.has_rights_of(self.current):
            raise ForbiddenError(OTHER_RIGHTS)
        if principal.credential is None or principal.credential == self.current.credential:
            return False
        if self.current.credential is not None and principal.is_older_than(self.current):
            raise ForbiddenError("The token is older than the one that the run has.")
        return True

    def renew(self, principal: Principal) -> None:
        """Go on with this principal's credential.

        Raises:
            ForbiddenError: see `is_renewed_by`.
        """
        if not self.is_renewed_by(principal):
            return
        self.current = principal
        self._learn()
        if self._renewed is not None:
            self._renewed.set()
        if self._absence is not None:
            self._absence.is_over()

    async def fresh(self, refused: Credential | None, *, ask: Callable[[datetime], Awaitable[None]]) -> bool:
        """Wait until there is a credential other than `refused`; False when none came in time.

        `ask` tells the readers, once however many calls wait; it gets the time when the wait ends.
        """
        async with self._one_at_a_time:
            if self.current.credential != refused:
                return True
            if self._gave_up and self._gave_up_on == refused:
                return False
            if (wait_s := self._left_s(refused)) > 0:
                self._renewed = asyncio.Event()
                await ask(datetime.now(UTC) + timedelta(seconds=wait_s))
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._renewal(self._renewed)
            if self.current.credential != refused:
                return True
            self._gave_up, self._gave_up_on = True, refused
            return False

    async def _renewal(self, renewed: asyncio.Event) -> None:
        """Wait for a fresh one, and let the other processes know, again and again: what tells them, or brings it, may be lost."""
        while not renewed.is_set():
            if self._wanted is not None:
                self._wanted()
            with suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    await renewed.wait()

    def _left_s(self, refused: Credential | None) -> float:
        return self._absence.left_s() if refused is None and self._absence is not None else self._wait_s

    def _learn(self) -> None:
        if self.current.credential is not None:
            self.mask.learn(self.current.credential.reveal())

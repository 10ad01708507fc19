"""How long a model is waited for: to the first token, between two, and while it only says that it is at work."""

import asyncio
from types import TracebackType

from agent.assistant.definition import Limits


class Patience:
    """Moves a deadline with every token at the price of one reading of the clock: the timer looks when it is due.

    A token is text, thinking or a piece of a call. Bytes that say nothing (comments, pings, empty events) renew nothing, but a
    provider that still sends them within the limit is at work, and is waited for until `working_timeout_s` have passed
    since the last token.

    Raises (at the end of its block):
        TimeoutError: the wait was too long.
    """

    def __init__(self, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._limit_s = limits.first_token_timeout_s
        self._token_at = self._heard_at = self._loop.time()
        self._timeout = asyncio.timeout(None)
        self._timer = self._loop.call_later(self._limit_s, self._look)
        self._has_begun = False

    async def __aenter__(self) -> "Patience":
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(exc_type, exc, traceback)

    def renew(self) -> None:
        """Note a token: the wait begins again."""
        self._token_at = self._loop.time()
        if not self._has_begun:
            self._has_begun, self._limit_s = True, self._limits.between_tokens_timeout_s
            self._look()

    def hear(self) -> None:
        """Note a sign of life that is no token."""
        self._heard_at = self._loop.time()

    def _look(self) -> None:
        self._timer.cancel()
        now = self._loop.time()
        until = self._token_at + self._limit_s
        if self._heard_at > self._token_at:
            until = max(until, min(self._heard_at + self._limit_s, self._token_at + self._limits.working_timeout_s))
        if now >= until:
            self._timeout.reschedule(now)
        else:
            self._timer = self._loop.call_at(until, self._look)

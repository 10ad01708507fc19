"""How long the token of a WebSocket's user is good for, by the wall clock, and when a fresh one is asked for."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

from agent.principal import Principal

ASK_BEFORE_S = 60.0
"""How long before its end a fresh token is asked for."""
LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)
"""The last time that can be told; of a token without a real end, or whose issuer counts milliseconds."""
LOOK_S = 30.0
"""Clocks jump: nobody sleeps longer than this by one that cannot."""


class Validity:
    """The token's end, with the difference of clocks that is forgiven."""

    def __init__(self, *, leeway_s: float) -> None:
        self._leeway_s = leeway_s
        self._renewed = asyncio.Event()
        self._has_asked = False

    def of(self, principal: Principal) -> dict[str, str]:
        """Return when the principal's token expires, for a client to read."""
        seconds = min(principal.expires_at or 0, LATEST.timestamp())
        return {"expires_at": datetime.fromtimestamp(seconds, UTC).isoformat()}

    def left_s(self, principal: Principal) -> float:
        """Return how long the token counts yet."""
        return (principal.expires_at or 0) + self._leeway_s - time.time()

    def is_to_be_asked_for(self, left_s: float) -> bool:
        """Return whether now, once, a fresh token has to be asked for."""
        asks = not self._has_asked and left_s <= ASK_BEFORE_S + self._leeway_s
        self._has_asked = self._has_asked or asks
        return asks

    def renew(self) -> None:
        """Begin anew with a fresh token."""
        self._has_asked = False
        self._renewed.set()

    async def wait(self, left_s: float) -> None:
        """Wait until there is a fresh token, or something else to look at."""
        until_asked_s = left_s - ASK_BEFORE_S - self._leeway_s
        wait_s = until_asked_s if until_asked_s > 0 and not self._has_asked else left_s
        with suppress(TimeoutError):
            async with asyncio.timeout(min(wait_s, LOOK_S)):
                await self._renewed.wait()
        self._renewed.clear()

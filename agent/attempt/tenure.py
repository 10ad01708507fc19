"""How sure this worker is that its runs are its own: it is in doubt once its lease was not renewed for too long.

It goes by this process's own monotonic time and asks nobody, because the database may hang. In doubt nothing is given up
and nothing with side effects is begun: whoever waits to begin goes on when the lease is renewed, and then asks the row.
"""

import asyncio
import time
from collections.abc import Callable


class Tenure:
    """The time for which this worker may trust its lease."""

    def __init__(self, *, lost_after_s: float, is_shared: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._lost_after_s = lost_after_s
        self._is_shared = is_shared
        """Whether other workers may be on the same database at all."""
        self._clock = clock
        self._asked_at = self._heard_at = float("-inf")
        self._renewed = asyncio.Event()

    def now(self) -> float:
        """Return the time as `renewed` takes it."""
        return self._clock()

    def renewed(self, *, asked_at: float) -> None:
        """Note that the lease was renewed by a request that began at `asked_at`."""
        self._asked_at, self._heard_at = asked_at, self._clock()
        self._renewed.set()
        self._renewed = asyncio.Event()

    @property
    def age_s(self) -> float:
        """How long ago the database took the last renewal."""
        return self._clock() - self._heard_at

    @property
    def in_doubt(self) -> bool:
        """Whether somebody else may take this worker's runs over by now."""
        return self._is_shared and self._clock() - self._asked_at > self._lost_after_s

    async def certain(self) -> None:
        """Wait until this worker is not in doubt."""
        while self.in_doubt:
            await self._renewed.wait()

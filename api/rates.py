"""How often somebody may do a thing: a limit as an operator writes it, like `10/minute`, counted per key in this process."""

import math
import time

from limits import RateLimitItem
from limits import parse as parse_limit
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from agent.errors import ConfigurationError, RateLimitedError


class Rates:
    """One limit, counted for each key."""

    def __init__(self, limit: str, *, name: str) -> None:
        self._limit = limit_of(limit, name=name)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, key: tuple[str, ...], refusal: str) -> None:
        """Count one more of this key's.

        Raises:
            RateLimitedError: the limit is used up; it says when to come back.
        """
        if not await self._limiter.hit(self._limit, *key):
            reset_at = (await self._limiter.get_window_stats(self._limit, *key)).reset_time
            raise RateLimitedError(refusal, retry_after_s=max(1, math.ceil(reset_at - time.time())))


def limit_of(text: str, *, name: str) -> RateLimitItem:
    """Return a limit that was written like `10/minute`.

    Raises:
        ConfigurationError: it was not.
    """
    try:
        return parse_limit(text)
    except ValueError:
        raise ConfigurationError(f"{name}: write it like 10/minute") from None

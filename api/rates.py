"""How often somebody may do a thing: limits as an operator writes them, like `10/minute`, over all processes that share a Redis.

While Redis is away, and where there is none, they are counted in this process, which has its share of them. What is counted for a
request is told in its answer's `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from limits import RateLimitItem
from limits import parse as parse_limit
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from agent.errors import ConfigurationError, RateLimitedError
from agent.redis.errors import RedisAwayError
from agent.redis.windows import Left, Limit, Windows

REFUSALS = {
    "user": "Too many requests. Try again later.",
    "tenant": "Too many requests of your company. Try again later.",
    "address": "Too many requests from your address. Try again later.",
    "visitors": "Too many visitors are asking. Try again later.",
    "tickets": "Too many tickets. Try again later.",
    "messages": "Too many messages. Try again later.",
    "refusals": "Too many requests to /admin were refused.",
}
"""What is said where a limit is used up, by its name, which stands in the headers, too."""
TOLD = "rate_limits"
"""The key in a request's state of what its answer tells of limits."""


class Shared(NamedTuple):
    """What processes count together: where, and how many of them there are while nobody can say it."""

    windows: Windows
    processes: Callable[[], int]


class Rates:
    """Limits by their names. What is done counts for all of them or, where one is used up, for none."""

    def __init__(self, limits: Mapping[str, RateLimitItem], shared: Shared | None = None) -> None:
        self._limits = dict(limits)
        self._shared = shared
        self._own = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, keys: Mapping[str, tuple[str, ...]], *, scope: Scope | None = None) -> None:
        """Count one more for these limits, each for whom the key names.

        With a request's scope its answer will tell of it.

        Raises:
            RateLimitedError: one is used up; it says when to come back.
        """
        asked = {name: key for name, key in keys.items() if name in self._limits}
        if not asked:
            return
        seen = await self._counted(asked)
        used_up = {name: one.reset_s for name, one in zip(asked, seen, strict=True) if one.left <= 0}
        if scope is not None:
            self._tell(scope, list(asked), seen, counted=not used_up)
        if used_up:
            wait_s = max(used_up.values())
            raise RateLimitedError(REFUSALS[next(iter(used_up))], retry_after_s=max(1, math.ceil(wait_s)))

    async def _counted(self, asked: Mapping[str, tuple[str, ...]]) -> list[Left]:
        """Return what each limit had left before."""
        if self._shared is not None:
            limits = [
                Limit("\0".join((name, *key)), self._limits[name].amount, self._limits[name].get_expiry())
                for name, key in asked.items()
            ]
            try:
                return await self._shared.windows.hit(limits)
            except RedisAwayError:
                pass
        shares = [(self._share(self._limits[name]), (name, *key)) for name, key in asked.items()]
        seen = [await self._own.get_window_stats(share, *key) for share, key in shares]
        if all(one.remaining > 0 for one in seen):
            for share, key in shares:
                await self._own.hit(share, *key)
        now = time.time()
        return [Left(one.remaining, max(0.0, one.reset_time - now)) for one in seen]

    def _share(self, limit: RateLimitItem) -> RateLimitItem:
        """Return what this process may allow by itself: at least one."""
        parts = self._shared.processes() if self._shared is not None else 1
        return type(limit)(max(1, limit.amount // max(1, parts)), limit.multiples)

    def _tell(self, scope: Scope, names: list[str], seen: list[Left], *, counted: bool) -> None:
        told = scope.setdefault("state", {}).setdefault(TOLD, [])
        for name, one in zip(names, seen, strict=True):
            limit = self._limits[name]
            told.append(
                (
                    f'"{name}";q={limit.amount};w={limit.get_expiry()}',
                    f'"{name}";r={max(0, one.left - counted)};t={math.ceil(one.reset_s)}',
                )
            )


def told(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell of the limits that a request counted for; none, where it did for no one."""
    said: list[tuple[str, str]] = scope.get("state", {}).get(TOLD, [])
    if not said:
        return []
    policies, left = (", ".join(column).encode() for column in zip(*said, strict=True))
    return [(b"ratelimit-policy", policies), (b"ratelimit", left)]


def limit_of(text: str, *, name: str) -> RateLimitItem:
    """Return a limit that was written like `10/minute`.

    Raises:
        ConfigurationError: it was not.
    """
    try:
        return parse_limit(text)
    except ValueError:
        raise ConfigurationError(f"{name}: write it like 10/minute") from None

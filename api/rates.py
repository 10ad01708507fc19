"""How often somebody may do a thing: limits as an operator writes them, like `10/minute`, over all processes that share a Redis.

While Redis is away, and where there is none, they are counted in this process, which has its share of them. What is counted for a
request is told in its answer's `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from limits import RateLimitItem
from limits import parse_many as parse_limits
from starlette.types import Scope

from agent.errors import ConfigurationError, RateLimitedError
from agent.redis.errors import RedisAwayError
from agent.redis.windows import Left, Limit, Windows

REFUSALS = {
    "user": "Too many requests. Try again later.",
    "tenant": "Too many requests of your company. Try again later.",
    "address": "Too many requests from your address. Try again later.",
    "visitors": "Too many visitors are asking. Try again later.",
    "uploads": "Too many files. Try again later.",
    "tickets": "Too many tickets. Try again later.",
    "messages": "Too many messages. Try again later.",
    "refusals": "Too many requests to /admin were refused.",
}
"""The refusal where a limit is used up, by its name, which stands in the headers, too."""
TOLD = "rate_limits"
"""The key in a request's state of what its answer tells of limits."""
FORGET_EVERY_S = 30.0
"""How often what counts for nothing any more is looked for."""


class OwnWindows:
    """Windows of this process, counted as `Windows` counts for all. No call waits, so nobody comes between a look and its count.

    The limits of the library of that name let some pass who come at once, and look at every key behind every call.
    """

    def __init__(self) -> None:
        self._times: dict[tuple[str, float], deque[float]] = {}
        """When somebody did something, the first one first; by the key of a limit and the length of its window."""
        self._forgets_at = 0.0

    def hit(self, limits: Sequence[Limit]) -> list[Left]:
        """Count for all limits if each has something left; return what was left of each before."""
        now, seen, counted = time.monotonic(), [], []
        self._forget(now)
        for key, most, window_s in limits:
            times = self._times.get((key, window_s), deque())
            while times and times[0] <= now - window_s:
                times.popleft()
            seen.append(Left(max(0, most - len(times)), (times[0] if times else now) + window_s - now))
            counted.append(((key, window_s), times))
        if all(one.left for one in seen):
            for name, times in counted:
                times.append(now)
                self._times[name] = times
        return seen

    def _forget(self, now: float) -> None:
        if now >= self._forgets_at:
            self._forgets_at = now + FORGET_EVERY_S
            self._times = {name: times for name, times in self._times.items() if times and times[-1] > now - name[1]}


class Shared(NamedTuple):
    """The windows that processes count in together, and how many processes there are while nobody can say it."""

    windows: Windows
    processes: Callable[[], int]


class Rates:
    """Limits by their names. What is done counts for all of them or, where one is used up, for none."""

    def __init__(self, limits: Mapping[str, RateLimitItem], shared: Shared | None = None) -> None:
        self._limits = dict(limits)
        self._shared = shared
        self._own = OwnWindows()

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
        limits = [
            Limit("\0".join((name, *key)), self._limits[name].amount, self._limits[name].get_expiry())
            for name, key in asked.items()
        ]
        if self._shared is None:
            return self._own.hit(limits)
        try:
            return await self._shared.windows.hit(limits)
        except RedisAwayError:
            parts = max(1, self._shared.processes())
            return self._own.hit([one._replace(most=max(1, one.most // parts)) for one in limits])

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
        [limit] = parse_limits(text)
        return limit
    except ValueError:
        raise ConfigurationError(f"{name}: write it like 10/minute") from None

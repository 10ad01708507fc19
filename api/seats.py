"""How many answers somebody may wait for or read at once, as streams or as JSON, over all processes that share a Redis.

The invariant: a seat is free again when the request that took it is over, however it ends; or when its process has died. While
Redis is away each process has its share of the limits.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from agent.errors import RETRY_AFTER_S, RateLimitedError
from agent.redis.errors import RedisAwayError
from agent.redis.tally import Tally

OF_USER = "At most {most} answers can be read at once."
OF_TENANT = "At most {most} answers can be read at once by all of a company."


class SharedSeats(NamedTuple):
    """What processes count together, and how many of them there are while nobody can say it."""

    tally: Tally
    processes: Callable[[], int]


class Seats:
    """The seats of one kind: so many for each user of each tenant, and for each tenant, for what the refusals say."""

    def __init__(
        self,
        kind: str,
        most: int,
        most_of_tenant: int,
        *,
        refusals: tuple[str, str] = (OF_USER, OF_TENANT),
        shared: SharedSeats | None = None,
    ) -> None:
        self._kind = kind
        self._most = most, most_of_tenant
        self._refusals = [text.format(most=most) for text, most in zip(refusals, self._most, strict=True)]
        self._shared = shared
        self._taken: Counter[str] = Counter()
        """Of this process, by user and by tenant."""

    @property
    def taken(self) -> int:
        """How many are taken in this process."""
        return sum(self._taken.values()) // 2  # each counts for a user and for a tenant

    async def take(self, tenant_id: str, user: str) -> AbstractContextManager[None]:
        """Take a seat, and return what has to be entered at once, and gives it back in the end.

        Raises:
            RateLimitedError: this user, or all of the tenant, have taken them all.
        """
        fields = (f"{self._kind}\0user\0{tenant_id}\0{user}", f"{self._kind}\0tenant\0{tenant_id}")
        full: int | None
        try:
            full = await self._taken_everywhere(fields)
        except RedisAwayError:
            full = self._full_here(fields)
            if full is None and self._shared is not None:
                self._shared.tally.add(fields, 1)  # for when it is back
        if full is not None:
            raise RateLimitedError(self._refusals[full], retry_after_s=RETRY_AFTER_S)
        return self._held(fields)

    async def _taken_everywhere(self, fields: tuple[str, str]) -> int | None:
        if self._shared is None:
            return self._full_here(fields)
        return await self._shared.tally.take(list(zip(fields, self._most, strict=True)))

    def _full_here(self, fields: tuple[str, str]) -> int | None:
        parts = self._shared.processes() if self._shared is not None else 1
        for number, (field, most) in enumerate(zip(fields, self._most, strict=True)):
            if self._taken[field] >= max(1, most // max(1, parts)):
                return number
        return None

    @contextmanager
    def _held(self, fields: tuple[str, str]) -> Iterator[None]:
        self._taken.update(fields)
        try:
            yield
        finally:
            if self._shared is not None:
                self._shared.tally.add(fields, -1)
            for field in fields:
                self._taken[field] -= 1
                if not self._taken[field]:
                    del self._taken[field]

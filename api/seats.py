"""How many answers somebody may wait for or read at once, as streams or as JSON, over all processes that share a Redis.

The invariant: a seat is free again when the request that took it is over, however it ends; or when its process has died. While
Redis is away each process has its share of the limits.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from agent.errors import RETRY_AFTER_S, RateLimitedError
from agent.redis.errors import RedisAwayError
from agent.redis.tally import Tally, Wanted

OF_USER = "At most {most} answers can be read at once."
OF_TENANT = "At most {most} answers can be read at once by all of a company."
OF_ADDRESS = "At most {most} answers can be read at once from one address."


class SharedSeats(NamedTuple):
    """The tally that processes count in together, and how many processes there are while nobody can say it."""

    tally: Tally
    processes: Callable[[], int]


class Seats:
    """The seats of one kind: so many for each user of each tenant, for each tenant, and for each address where that has a limit."""

    def __init__(
        self,
        kind: str,
        most: int,
        most_of_tenant: int,
        most_of_address: int | None = None,
        *,
        refusals: Sequence[str] = (OF_USER, OF_TENANT, OF_ADDRESS),
        shared: SharedSeats | None = None,
    ) -> None:
        self._kind = kind
        self._most = most, most_of_tenant, most_of_address
        self._refusals = [text.format(most=most) for text, most in zip(refusals, self._most, strict=False)]
        self._shared = shared
        self.taken = 0
        """How many are taken in this process."""
        self._taken: Counter[str] = Counter()
        """Of these, by user, by tenant and by address."""

    async def take(self, tenant_id: str, user: str, address: str | None = None) -> AbstractContextManager[None]:
        """Take a seat, and return what has to be entered at once, and gives it back in the end.

        Raises:
            RateLimitedError: this user, all of the tenant, or all at the address have taken them all.
        """
        names = f"user\0{tenant_id}\0{user}", f"tenant\0{tenant_id}", f"address\0{address}"
        wanted = [
            (f"{self._kind}\0{name}", most) for name, most in zip(names, self._most, strict=True) if most is not None
        ]
        fields = [field for field, _ in wanted]
        try:
            full = self._full_here(wanted) if self._shared is None else await self._shared.tally.take(wanted)
        except RedisAwayError:
            full = self._full_here(wanted)
            if full is None and self._shared is not None:
                self._shared.tally.add(fields, 1)  # for when it is back
        if full is not None:
            raise RateLimitedError(self._refusals[full], retry_after_s=RETRY_AFTER_S)
        return self._held(fields)

    def _full_here(self, wanted: Wanted) -> int | None:
        parts = self._shared.processes() if self._shared is not None else 1
        for number, (field, most) in enumerate(wanted):
            if self._taken[field] >= max(1, most // max(1, parts)):
                return number
        return None

    @contextmanager
    def _held(self, fields: Sequence[str]) -> Iterator[None]:
        self.taken += 1
        self._taken.update(fields)
        try:
            yield
        finally:
            self.taken -= 1
            if self._shared is not None:
                self._shared.tally.add(fields, -1)
            for field in fields:
                self._taken[field] -= 1
                if not self._taken[field]:
                    del self._taken[field]

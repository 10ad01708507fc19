"""How many answers somebody may wait for or read at once in this process, as streams or as JSON.

The invariant: a seat is free again when the request that took it is over, however it ends.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import RETRY_AFTER_S, RateLimitedError


class Seats:
    """The seats of this process: so many for each user of each tenant, for what the refusal says."""

    def __init__(self, most: int, refusal: str = "At most {most} answers can be read at once.") -> None:
        self._most = most
        self._refusal = refusal.format(most=most)
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def taken(self, tenant_id: str, user: str) -> Iterator[None]:
        """Hold a seat meanwhile.

        Raises:
            RateLimitedError: this user has taken them all.
        """
        owner = tenant_id, user
        if self._taken[owner] >= self._most:
            raise RateLimitedError(self._refusal, retry_after_s=RETRY_AFTER_S)
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]

"""Where fetched texts stand until they are too old: in this process, or in a Redis that several share.

The invariant: nothing is found but by its owner. An owner is a tenant, or a user of one, or the installation; erasing somebody
takes away all that is theirs.
"""

import asyncio
from collections import Counter, OrderedDict
from typing import NamedTuple, Protocol

OVERHEAD_BYTES = 512
"""The bytes that an entry takes beside its text."""
TENANTS_PER_ROOM = 4
"""Into how many parts the room is divided: no tenant has more than one of them."""


class Owner(NamedTuple):
    """Who alone may read a text. `user_id` None: everybody of the tenant."""

    tenant_id: str
    user_id: str | None


class Shelf(Protocol):
    """Keeps texts by their owner and a key that tells nothing of either."""

    async def find(self, owner: Owner, key: str) -> str | None:
        """Return a text that is not too old; None where there is none, or nobody can tell."""
        ...

    async def put(self, owner: Owner, key: str, text: str, *, ttl_s: float, age_s: float) -> None:
        """Keep a text for so long, or not, where it has no room. It was asked for `age_s` ago: who was forgotten since keeps nothing."""
        ...

    async def forget(self, tenant_id: str, user_id: str | None) -> None:
        """Keep nothing of a user, or with None of a whole tenant.

        Raises:
            RedisAwayError: nobody knows whether it was done.
        """
        ...

    def close(self) -> None:
        """Let go of what this process has."""
        ...


class _Kept(NamedTuple):
    text: str
    size: int
    ends_at: float
    """By the clock of the event loop."""
    timer: asyncio.TimerHandle


class MemoryShelf:
    """Keeps texts in this process, by its monotonic clock. Each goes when its time is over.

    Where there is no room for a new one, the texts go that were used least lately.
    """

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._texts: OrderedDict[tuple[Owner, str], _Kept] = OrderedDict()
        self._bytes_of: Counter[str] = Counter()
        """By tenant."""
        self._bytes = 0

    async def find(self, owner: Owner, key: str) -> str | None:
        """Return a text that is not too old."""
        kept = self._texts.get((owner, key))
        if kept is None or kept.ends_at <= asyncio.get_running_loop().time():
            return None
        self._texts.move_to_end((owner, key))
        return kept.text

    async def put(self, owner: Owner, key: str, text: str, *, ttl_s: float, age_s: float) -> None:
        """Keep a text. The texts that its tenant, and then anybody, has not used for longest make room for it.

        `Contexts` hands in no text of somebody who was forgotten since.
        """
        at, size = (owner, key), OVERHEAD_BYTES + len(key) + len(text.encode())
        self._drop(at)
        loop = asyncio.get_running_loop()
        # Not to be had from the timer: uvloop's has no `when` where that is now.
        self._texts[at] = _Kept(text, size, loop.time() + ttl_s, loop.call_later(ttl_s, self._drop, at))
        self._bytes_of[owner.tenant_id] += size
        self._bytes += size
        while self._bytes_of[owner.tenant_id] > self._most_bytes // TENANTS_PER_ROOM:
            self._drop(next(one for one in self._texts if one[0].tenant_id == owner.tenant_id))
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._texts)))

    async def forget(self, tenant_id: str, user_id: str | None) -> None:
        """Keep nothing of a user, or with None of a whole tenant."""
        for at in [at for at in self._texts if at[0].tenant_id == tenant_id and user_id in (None, at[0].user_id)]:
            self._drop(at)

    def close(self) -> None:
        """Keep nothing."""
        for at in list(self._texts):
            self._drop(at)

    def _drop(self, at: tuple[Owner, str]) -> None:
        kept = self._texts.pop(at, None)
        if kept is None:
            return
        kept.timer.cancel()
        self._bytes -= kept.size
        self._bytes_of[at[0].tenant_id] -= kept.size
        if not self._bytes_of[at[0].tenant_id]:
            del self._bytes_of[at[0].tenant_id]

"""Who was refused by a budget lately, and how their counters stood: so that whoever goes on asking costs no look of their own.

It is what this process knows. The invariants: what was seen of a tenant is used for that tenant, and only to refuse; it is FRESH_S
old at most; and it is forgotten with the commit of each transaction of this process that gives something back or changes a
budget, before anybody can be told of that.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from agent.budget import ALL, Budget, Used
from agent.store.budgets import Whose

FRESH_S = 1.0
"""How long a look counts: room that comes from another process is found as much later."""
LATELY_S = 10.0
"""How long after somebody was refused others' looks are at their counters, too, and theirs are others'."""
MOST = 10_000
"""Of so many users at most, and tenants as a whole, it is known that they were refused."""
MOST_OF_TENANT = 1_000
"""Of so many of one tenant, which one look is at."""


class Seen(NamedTuple):
    """How counters stood, and what budgets the database kept, when somebody looked."""

    begun: float
    """When the look began, by the monotonic clock: nothing of it is older."""
    clock: datetime
    """The time then, by the database's clock."""
    users: frozenset[str]
    """At whose counters it was; ALL stands for the tenant's."""
    used: Mapping[tuple[str, str], Used]
    kept: Mapping[Whose, Budget]

    @property
    def is_fresh(self) -> bool:
        """Whether it still counts."""
        return time.monotonic() < self.begun + FRESH_S

    @property
    def now(self) -> datetime:
        """The time of now, by the database's clock."""
        return self.clock + timedelta(seconds=time.monotonic() - self.begun)


class Lately:
    """Who of one tenant was refused, and what the last look saw. Whoever looks holds `looking`: one at a time."""

    def __init__(self, refused: dict[str, float]) -> None:
        self.refused = refused
        """When somebody was last, by the monotonic clock; ALL: by what is their tenant's."""
        self.looking = asyncio.Lock()
        self.seen: Seen | None = None
        self.has_failed = False
        """Whether a look did not succeed: whoever waited for it waits for no other one."""

    def users(self, user_id: str) -> set[str]:
        """Return at whose counters a look is that somebody takes."""
        return {ALL, user_id, *(one for one, at in self.refused.items() if _is_lately(at))}


class UsedUp:
    """Refusals and looks known of all tenants. Past MOST, those of the tenants go whose last refusal is longest ago."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, Lately] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def of(self, tenant_id: str, user_id: str) -> Lately | None:
        """Return what is known of somebody's tenant; None where neither they nor their tenant were refused lately."""
        lately = self._tenants.get(tenant_id)
        if lately is None:
            return None
        times = (lately.refused.get(one) for one in (ALL, user_id))
        return lately if any(at is not None and _is_lately(at) for at in times) else None

    def note(self, tenant_id: str, user_id: str) -> None:
        """Note that somebody was refused by their own counters, or with ALL by those of their tenant."""
        lately = self._tenants.setdefault(tenant_id, Lately({}))
        self._tenants.move_to_end(tenant_id)
        self._size += lately.refused.pop(user_id, None) is None
        lately.refused[user_id] = time.monotonic()
        if len(lately.refused) > MOST_OF_TENANT:
            del lately.refused[next(iter(lately.refused))]
            self._size -= 1
        while self._size > MOST:
            _, gone = self._tenants.popitem(last=False)
            self._size -= len(gone.refused)

    def forget(self, tenants: Iterable[str]) -> None:
        """Forget what was seen of these tenants, and what those see who are looking at this moment."""
        for tenant_id in tenants:
            if (lately := self._tenants.get(tenant_id)) is not None:
                self._tenants[tenant_id] = Lately(lately.refused)


def _is_lately(at: float) -> bool:
    return at > time.monotonic() - LATELY_S

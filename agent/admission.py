"""How many runs work at once: a limit for the process and one per tenant, and a fair queue in front of them.

Guarantees: a tenant's runs enter in order of arrival; tenants take turns, so one with a thousand waiting runs delays
another's first one by one run, not by a thousand.
"""

import asyncio
from collections import Counter, OrderedDict, deque


class Admission:
    """The gate. Every entry is followed by one `leave` with the same tenant."""

    def __init__(self, *, most: int, most_per_tenant: int) -> None:
        self._most = most
        self._most_per_tenant = most_per_tenant
        self._inside: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def try_enter(self, tenant_id: str) -> bool:
        """Enter if there is room and nobody of this tenant waits."""
        if tenant_id in self._waiting or not self._has_room(tenant_id):
            return False
        self._inside[tenant_id] += 1
        return True

    async def enter(self, tenant_id: str) -> None:
        """Wait for a place and take it."""
        if self.try_enter(tenant_id):
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(tenant_id)  # the place was given in the moment of the cancellation: give it back
            else:
                self._forget(tenant_id, place)
            raise

    def leave(self, tenant_id: str) -> None:
        """Give the place back and let in who is next."""
        self._inside[tenant_id] -= 1
        if not self._inside[tenant_id]:
            del self._inside[tenant_id]
        self._admit()

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside.total()

    def _has_room(self, tenant_id: str) -> bool:
        return self._inside.total() < self._most and self._inside[tenant_id] < self._most_per_tenant

    def _admit(self) -> None:
        """Give free places to waiting tenants in turn."""
        admitted = True
        while admitted:
            admitted = False
            for tenant_id in list(self._waiting):
                if self._has_room(tenant_id):
                    self._let_in(tenant_id)
                    admitted = True

    def _let_in(self, tenant_id: str) -> None:
        queue = self._waiting[tenant_id]
        place = queue.popleft()
        if queue:
            self._waiting.move_to_end(tenant_id)
        else:
            del self._waiting[tenant_id]
        if not place.cancelled():
            self._inside[tenant_id] += 1
            place.set_result(None)

    def _forget(self, tenant_id: str, place: asyncio.Future[None]) -> None:
        queue = self._waiting.get(tenant_id)
        if queue is not None and place in queue:
            queue.remove(place)
            if not queue:
                del self._waiting[tenant_id]

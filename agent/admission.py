"""How many runs work at once: limits for the process, a tenant and a user, and a fair queue in front of them.

Guarantees: a user's runs enter in order of arrival. A free place goes to the tenant that has the fewest, and within it to
the user who has the fewest; where they are equal they take turns. So one with a thousand waiting runs delays another's
first one by one run, not by a thousand. Nobody waits beside a place that they may have.
"""

import asyncio
from collections import Counter, OrderedDict, deque

from agent.context import PUBLIC_TENANT


class Admission:
    """The gate. Every entry is followed by one `leave` with the same tenant and user.

    The visitors of the public chat are one tenant, which has its limit, and no users: they share one id.
    """

    def __init__(self, *, most: int, most_per_tenant: int, most_per_user: int) -> None:
        self._most = most
        self._most_per_tenant = most_per_tenant
        self._most_per_user = most_per_user
        self._inside = 0
        self._of_tenant: Counter[str] = Counter()
        self._of_user: Counter[tuple[str, str]] = Counter()
        self._waiting: OrderedDict[str, OrderedDict[str, deque[asyncio.Future[None]]]] = OrderedDict()

    def try_enter(self, tenant_id: str, user_id: str) -> bool:
        """Enter if there is room. Then nobody of this user waits, and those who do may not have this place."""
        if not self._has_room(tenant_id, user_id):
            return False
        self._take(tenant_id, user_id)
        return True

    async def enter(self, tenant_id: str, user_id: str) -> None:
        """Wait for a place and take it."""
        if self.try_enter(tenant_id, user_id):
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, OrderedDict()).setdefault(user_id, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave(tenant_id, user_id)  # given in the moment of the cancellation: give it back
            else:
                self._forget(tenant_id, user_id, place)
            raise

    def leave(self, tenant_id: str, user_id: str) -> None:
        """Give the place back and let in who is next."""
        self._inside -= 1
        self._of_tenant[tenant_id] -= 1
        if not self._of_tenant[tenant_id]:
            del self._of_tenant[tenant_id]
        self._of_user[tenant_id, user_id] -= 1
        if not self._of_user[tenant_id, user_id]:
            del self._of_user[tenant_id, user_id]
        while self._inside < self._most and (following := self._following()) is not None:
            self._let_in(*following)

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside

    def _has_room(self, tenant_id: str, user_id: str) -> bool:
        return self._inside < self._most and self._may_have_more(tenant_id, user_id)

    def _may_have_more(self, tenant_id: str, user_id: str) -> bool:
        return self._of_tenant[tenant_id] < self._most_per_tenant and (
            tenant_id == PUBLIC_TENANT or self._of_user[tenant_id, user_id] < self._most_per_user
        )

    def _take(self, tenant_id: str, user_id: str) -> None:
        self._inside += 1
        self._of_tenant[tenant_id] += 1
        self._of_user[tenant_id, user_id] += 1

    def _following(self) -> tuple[str, str] | None:
        """Return whose turn it is: of those who may have more, who has the fewest; the first of equals."""
        for tenant_id in sorted(self._waiting, key=self._of_tenant.__getitem__):  # stable: equals keep their order
            users = [user_id for user_id in self._waiting[tenant_id] if self._may_have_more(tenant_id, user_id)]
            if users:
                return tenant_id, min(users, key=lambda user_id: self._of_user[tenant_id, user_id])
        return None

    def _let_in(self, tenant_id: str, user_id: str) -> None:
        users = self._waiting[tenant_id]
        place = users[user_id].popleft()
        users.move_to_end(user_id)
        self._waiting.move_to_end(tenant_id)
        self._clear(tenant_id, user_id)
        if not place.cancelled():
            self._take(tenant_id, user_id)
            place.set_result(None)

    def _forget(self, tenant_id: str, user_id: str, place: asyncio.Future[None]) -> None:
        users = self._waiting.get(tenant_id)
        queue = users.get(user_id) if users is not None else None
        if queue is not None and place in queue:
            queue.remove(place)
            self._clear(tenant_id, user_id)

    def _clear(self, tenant_id: str, user_id: str) -> None:
        users = self._waiting[tenant_id]
        if not users[user_id]:
            del users[user_id]
        if not users:
            del self._waiting[tenant_id]

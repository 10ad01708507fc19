"""How many runs work at once and how many may wait: limits for the process, a tenant and a user, and a fair gate.

Guarantees: a user's runs enter in order of arrival. A free place goes to the tenant that has the fewest, and within it to
the user who has the fewest; where they are equal they take turns. So a user with a thousand waiting runs delays another user's
first run by one run, not by a thousand. Nobody waits beside a place that they may have. A tenant that has less than its share of
those who wait is never refused because of what others have put there.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from typing import NamedTuple, TypeVar
from uuid import UUID

from agent.errors import RETRY_AFTER_S, OverloadedError, RateLimitedError
from agent.principal import PUBLIC_TENANT, RunKey
from agent.settings import RuntimeSettings

Key = TypeVar("Key")
Grant = str
"""A place at work: `HERE`, or the worker that has it."""
HERE: Grant = ""

TENANTS_PER_QUEUE = 10
"""Into how many parts the queue is divided where nothing says how many runs of one tenant may wait."""


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
        self._waiting: OrderedDict[str, OrderedDict[str, deque[asyncio.Future[Grant]]]] = OrderedDict()

    def try_enter(self, tenant_id: str, user_id: str) -> bool:
        """Enter if there is room. Then nobody of this user waits, and those who do may not have this place."""
        if not self._has_room(tenant_id, user_id):
            return False
        self._take(tenant_id, user_id)
        return True

    async def ask(self, tenant_id: str, user_id: str, *, here: bool = False) -> Grant | None:
        """Take a place if there is one now; `here`: no other will do."""
        return HERE if self.try_enter(tenant_id, user_id) else None

    async def enter(self, tenant_id: str, user_id: str) -> Grant:
        """Wait for a place and take it."""
        if self._enters_now(tenant_id, user_id):
            return HERE
        place = self._wait(tenant_id, user_id)
        try:
            return await place
        except asyncio.CancelledError:
            self._give_up(tenant_id, user_id, place)
            raise

    def leave(self, tenant_id: str, user_id: str, grant: Grant = HERE) -> None:
        """Give the place back and let in who is next."""
        self._inside -= grant == HERE
        add(self._of_tenant, tenant_id, -1)
        add(self._of_user, (tenant_id, user_id), -1)
        self._let_in_all()

    def keep(self, tenant_id: str, user_id: str, grant: Grant, *, is_silent: bool = False) -> None:
        """Take the place here for a run that its place elsewhere did not take, or did not even answer, however many work here."""
        self._inside += grant != HERE

    def accept(self, tenant_id: str, user_id: str) -> bool:
        """Take a place for a run of another process that was let in; False where none is free here."""
        return False

    async def told(self) -> None:
        """Return when the others know what was taken here by now, or cannot be told."""

    @property
    def is_apart(self) -> bool:
        """Whether there are others, and nobody knows what they have."""
        return False

    def living(self, processes: int) -> None:
        """Note how many processes there are, this one among them."""

    def elsewhere(self, tenant_id: str, user_id: str) -> tuple[int, int]:
        """Return how many of a tenant, and of a user, wait at other processes, as far as is known."""
        return 0, 0

    @property
    def processes(self) -> int:
        """How many processes there are, this one among them, as far as is known."""
        return 1

    @property
    def others_work(self) -> bool:
        """Whether other processes are there for what this one is not to work on."""
        return False

    @property
    def is_full(self) -> bool:
        """Whether nobody at all may enter."""
        return self._inside >= self._most

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

    def _take(self, tenant_id: str, user_id: str, grant: Grant = HERE) -> None:
        self._inside += grant == HERE
        self._of_tenant[tenant_id] += 1
        self._of_user[tenant_id, user_id] += 1

    def _following(self) -> tuple[str, str] | None:
        """Return whose turn it is: of those who may have more, who has the fewest; the first of equals."""
        for tenant_id in sorted(self._waiting, key=self._of_tenant.__getitem__):  # stable: equals keep their order
            users = [user_id for user_id in self._waiting[tenant_id] if self._may_have_more(tenant_id, user_id)]
            if users:
                return tenant_id, min(users, key=lambda user_id: self._of_user[tenant_id, user_id])
        return None

    def _enters_now(self, tenant_id: str, user_id: str) -> bool:
        return self.try_enter(tenant_id, user_id)

    def _give_up(self, tenant_id: str, user_id: str, place: asyncio.Future[Grant]) -> None:
        """Stand in the queue no more."""
        if place.done() and not place.cancelled():
            self.leave(tenant_id, user_id, place.result())  # given in the moment of the cancellation: give it back
        else:
            self._forget(tenant_id, user_id, place)

    def _wait(self, tenant_id: str, user_id: str) -> asyncio.Future[Grant]:
        """Stand in the queue; return the place that will be given."""
        place: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, OrderedDict()).setdefault(user_id, deque()).append(place)
        return place

    def _let_in_all(self) -> None:
        while self._inside < self._most and (following := self._following()) is not None:
            self._let_in(*following)

    def _let_in(self, tenant_id: str, user_id: str, grant: Grant = HERE) -> None:
        users = self._waiting[tenant_id]
        place = users[user_id].popleft()
        users.move_to_end(user_id)
        self._waiting.move_to_end(tenant_id)
        self._clear(tenant_id, user_id)
        if not place.cancelled():
            self._take(tenant_id, user_id, grant)
            place.set_result(grant)

    def _forget(self, tenant_id: str, user_id: str, place: asyncio.Future[Grant]) -> None:
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


class Place(NamedTuple):
    """For whom a run waits. `conversation_id` None: for the first answer of a new one."""

    tenant_id: str
    user_id: str
    conversation_id: UUID | None


class Queue:
    """The runs that wait, counted. Every look takes the same time, however many wait."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._most = settings.max_queued_runs
        tenth = max(1, settings.max_queued_runs // TENANTS_PER_QUEUE)
        per_tenant = settings.max_queued_per_tenant
        self._most_per_tenant = tenth if per_tenant is None else per_tenant
        self._most_per_user = settings.max_queued_per_user
        self._most_per_conversation = settings.max_queued_per_conversation
        self._places: dict[RunKey, Place] = {}
        self._of_tenant: Counter[str] = Counter()
        self._of_user: Counter[tuple[str, str]] = Counter()
        self._of_conversation: Counter[tuple[str, UUID]] = Counter()

    def check(self, place: Place, elsewhere: tuple[int, int] = (0, 0)) -> None:
        """Return where one more may wait. `elsewhere` is how many of the tenant and of the user wait at other processes.

        Raises:
            RateLimitedError: too many of this conversation, user or tenant wait already.
            OverloadedError: too many wait at all, and this tenant has its share of them.
        """
        tenant_id, user_id, conversation_id = place
        has_users = tenant_id != PUBLIC_TENANT  # all visitors have one id: only their tenant can be limited
        in_conversation = self._of_conversation[tenant_id, conversation_id] if conversation_id is not None else 0
        if conversation_id is not None and in_conversation >= self._most_per_conversation:
            raise RateLimitedError("Too many messages wait in this conversation.", retry_after_s=RETRY_AFTER_S)
        if has_users and self._of_user[tenant_id, user_id] + elsewhere[1] >= self._most_per_user:
            raise RateLimitedError("Too many of your messages are waiting.", retry_after_s=RETRY_AFTER_S)
        if self._of_tenant[tenant_id] + elsewhere[0] >= self._most_per_tenant:
            raise RateLimitedError("Too many messages of your company are waiting.", retry_after_s=RETRY_AFTER_S)
        if len(self._places) >= self._most and self._of_tenant[tenant_id] >= self._share(tenant_id):
            raise OverloadedError("Too many messages are waiting to be answered.", retry_after_s=RETRY_AFTER_S)

    def enter(self, key: RunKey, place: Place) -> None:
        """Count a run as waiting, whatever the limits: those that are taken over wait, too."""
        if key not in self._places:
            self._count(place, 1)
            self._places[key] = place

    def leave(self, key: RunKey) -> None:
        """Count a run no longer, if it was."""
        if (place := self._places.pop(key, None)) is not None:
            self._count(place, -1)

    def has_room(self, place: Place) -> bool:
        """Return whether one more may wait within every limit. Nobody may have a share beyond that of all."""
        try:
            self.check(place)
        except (RateLimitedError, OverloadedError):
            return False
        return len(self._places) < self._most

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._places)

    def _share(self, tenant_id: str) -> int:
        if self._most == 0:
            return 0  # nothing may wait at all
        tenants = len(self._of_tenant) + (tenant_id not in self._of_tenant)
        return max(1, self._most // tenants)

    def _count(self, place: Place, change: int) -> None:
        add(self._of_tenant, place.tenant_id, change)
        add(self._of_user, (place.tenant_id, place.user_id), change)
        if place.conversation_id is not None:
            add(self._of_conversation, (place.tenant_id, place.conversation_id), change)


def add(counts: Counter[Key], key: Key, change: int) -> None:
    """Change a count, and keep no key whose count is zero: keys that are left tell how many have some."""
    counts[key] += change
    if not counts[key]:
        del counts[key]

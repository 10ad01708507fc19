"""The runs that this process holds: who waits, how many more may, and which turn of a conversation is next. No I/O in it.

The invariant: a tenant that has less than its share of the queue is never refused because of what others have put there.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar
from uuid import UUID

from agent.context import PUBLIC_TENANT
from agent.errors import RETRY_AFTER_S, OverloadedError, RateLimitedError
from agent.log.memory import RunKey
from agent.settings import RuntimeSettings
from agent.work import HeldRun

Key = TypeVar("Key")

TENANTS_PER_QUEUE = 10
"""Into how many parts the queue is divided where nothing says how many runs of one tenant may wait."""


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

    def check(self, place: Place) -> None:
        """Return where one more may wait.

        Raises:
            RateLimitedError: too many of this conversation, user or tenant wait already.
            OverloadedError: too many wait at all, and this tenant has its share of them.
        """
        tenant_id, user_id, conversation_id = place
        has_users = tenant_id != PUBLIC_TENANT  # all visitors have one id: only their tenant can be limited
        in_conversation = self._of_conversation[tenant_id, conversation_id] if conversation_id is not None else 0
        if conversation_id is not None and in_conversation >= self._most_per_conversation:
            raise RateLimitedError("Too many messages wait in this conversation.", retry_after_s=RETRY_AFTER_S)
        if has_users and self._of_user[tenant_id, user_id] >= self._most_per_user:
            raise RateLimitedError("Too many of your messages are waiting.", retry_after_s=RETRY_AFTER_S)
        if self._of_tenant[tenant_id] >= self._most_per_tenant:
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
        _add(self._of_tenant, place.tenant_id, change)
        _add(self._of_user, (place.tenant_id, place.user_id), change)
        if place.conversation_id is not None:
            _add(self._of_conversation, (place.tenant_id, place.conversation_id), change)


class Roster:
    """The runs, by their keys and in the order of their conversations."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self.queue = Queue(settings)
        self.arriving: set[RunKey] = set()
        """Those that are about to be held: nobody else need look after them."""
        self._held: dict[RunKey, HeldRun] = {}
        self._turns: dict[tuple[str, UUID], list[HeldRun]] = {}

    @property
    def held(self) -> Mapping[RunKey, HeldRun]:
        """All runs that are held, waiting or at work."""
        return MappingProxyType(self._held)

    def add(self, run: HeldRun) -> None:
        """Hold a run from now on."""
        self._held[run.key] = run
        insort(self._turns.setdefault(_conversation(run), []), run, key=_turn)
        if not run.is_admitted:
            self.wait(run)

    def wait(self, run: HeldRun) -> None:
        """Let a run wait, perhaps again."""
        run.is_admitted = False
        principal = run.principal.current
        self.queue.enter(run.key, Place(principal.tenant_id, principal.user_id, run.run.conversation_id))

    def admit(self, run: HeldRun) -> None:
        """Let a run work."""
        run.is_admitted = True
        self.queue.leave(run.key)

    def remove(self, run: HeldRun) -> None:
        """Hold a run no longer, and wake the turn that waits for this one and no other."""
        self.queue.leave(run.key)
        if self._held.get(run.key) is run:
            del self._held[run.key]
        turns = self._turns[_conversation(run)]
        turns.remove(run)
        if not turns:
            del self._turns[_conversation(run)]
        run.over.set()

    def before(self, run: HeldRun) -> HeldRun | None:
        """Return the turn of the same conversation that is right before a run's, of those that are held."""
        turns = self._turns[_conversation(run)]
        index = bisect_left(turns, run.run.turn, key=_turn)
        return turns[index - 1] if index else None


def _conversation(run: HeldRun) -> tuple[str, UUID]:
    return run.key.tenant_id, run.run.conversation_id


def _turn(run: HeldRun) -> int:
    return run.run.turn


def _add(counts: Counter[Key], key: Key, change: int) -> None:
    """Count, and keep no key of those who have none: the keys are counted, too."""
    counts[key] += change
    if not counts[key]:
        del counts[key]

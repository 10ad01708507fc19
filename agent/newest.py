"""What is made of something once and used again: of each owner only what they used last, so nothing that changes piles up."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, ValuesView
from typing import Generic, NamedTuple, TypeVar

from agent.principal import Principal

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_OWNERS = 10_000


class Owner(NamedTuple):
    """Who uses something: all that may decide what a source has for somebody."""

    tenant_id: str
    user_id: str
    role: str | None
    branches: Hashable


def owner_of(principal: Principal) -> Owner:
    """Return whose something is that was made for a principal."""
    return Owner(principal.tenant_id, principal.user_id, principal.role, principal.branches)


class Newest(Generic[K, V]):
    """Values by keys, at most `most`. One goes when each of its owners uses another one; before that, when it was not used for longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}
        self._of_owner: OrderedDict[Owner, K] = OrderedDict()
        self._owners: Counter[K] = Counter()

    @property
    def values(self) -> ValuesView[V]:
        return self._values.values()

    def find(self, owner: Owner, key: K) -> V | None:
        """Return a value, which is the owner's from now on in place of the one before; None where it is not there."""
        if key not in self._values:
            return None
        self._use(owner, key)
        return self._values[key]

    def keep(self, owner: Owner, key: K, value: V) -> None:
        """Keep a value as the owner's, in place of the one before."""
        self._values[key] = value
        self._use(owner, key)
        while len(self._values) > self._most or len(self._of_owner) > MOST_OWNERS:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Let the owner have nothing who was here longest ago."""
        self._release(self._of_owner.popitem(last=False)[1])

    def _use(self, owner: Owner, key: K) -> None:
        before = self._of_owner.get(owner)
        self._of_owner[owner] = key
        self._of_owner.move_to_end(owner)
        if before == key:
            return
        self._owners[key] += 1
        if before is not None:
            self._release(before)

    def _release(self, key: K) -> None:
        self._owners[key] -= 1
        if not self._owners[key]:
            del self._owners[key], self._values[key]

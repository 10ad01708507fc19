"""Values made of something once and used again: of each owner only what they used lately, so nothing that changes piles up."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, ValuesView
from typing import Generic, NamedTuple, TypeVar

from agent.principal import Principal

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_OWNERS = 10_000
FEW = 3
"""Of one owner: a turn side by side and another one use different things at the same time."""


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
    """Values by keys, at most `most`. One goes when each of its owners uses others; before that, when it was not used for longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}
        self._of_owner: OrderedDict[Owner, list[K]] = OrderedDict()
        """The keys that each used lately, the last at the end."""
        self._owners: Counter[K] = Counter()

    @property
    def values(self) -> ValuesView[V]:
        return self._values.values()

    def find(self, owner: Owner, key: K) -> V | None:
        """Return a value, which is one of the owner's from now on; None where it is not there."""
        if key not in self._values:
            return None
        self._use(owner, key)
        return self._values[key]

    def keep(self, owner: Owner, key: K, value: V) -> None:
        """Keep a value as one of the owner's, in place of one that they used before."""
        self._values[key] = value
        self._use(owner, key)
        while len(self._values) > self._most or len(self._of_owner) > MOST_OWNERS:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Take from the owner who was here longest ago what they did not use for longest."""
        owner, used = next(iter(self._of_owner.items()))
        self._release(used.pop(0))
        if not used:
            del self._of_owner[owner]

    def _use(self, owner: Owner, key: K) -> None:
        used = self._of_owner.setdefault(owner, [])
        self._of_owner.move_to_end(owner)
        if key in used:
            used.remove(key)
        else:
            self._owners[key] += 1
        used.append(key)
        if len(used) > FEW:
            self._release(used.pop(0))

    def _release(self, key: K) -> None:
        self._owners[key] -= 1
        if not self._owners[key]:
            del self._owners[key], self._values[key]

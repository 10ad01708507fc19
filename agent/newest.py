"""Values made of something once and used again: of each owner only what they used lately, so nothing that changes piles up."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, ValuesView
from typing import Generic, NamedTuple, TypeVar

from agent.principal import Principal

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_OWNERS = 10_000
FEW = 3
"""Values of one owner: turns at the same time may use different ones."""


class Owner(NamedTuple):
    """Who uses something: all that may decide what a source has for somebody."""

    tenant_id: str
    user_id: str
    role: str | None
    branches: Hashable


def owner_of(principal: Principal) -> Owner:
    """Return the owner of what is made for a principal."""
    return Owner(principal.tenant_id, principal.user_id, principal.role, principal.branches)


class Newest(Generic[K, V]):
    """Values by keys, at most `most`.

    A value goes when each of its owners has used `FEW` others since. Where there are too many, the values go that an owner
    who was here longest ago has not used for longest.
    """

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
        """Return a value and note that the owner uses it; None where it is not there."""
        if key not in self._values:
            return None
        self._use(owner, key)
        return self._values[key]

    def keep(self, owner: Owner, key: K, value: V) -> None:
        """Keep a value that the owner uses, in place of the one that they have not used for longest."""
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

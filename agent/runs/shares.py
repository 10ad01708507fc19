"""This process's knowledge of others: how many runs of a tenant and of a user may be at work, and whether anybody works at all.

The invariant: what others have is never taken for nothing. While Redis does not say it, and for a moment after it may have
forgotten it, each process counts on its share of the limits only.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType

MOST_KNOWN = 10_000
"""Users whose messages that wait elsewhere are known by number. They are learned anew with the next question."""
NOBODY: Mapping[tuple[str, str], tuple[int, int]] = MappingProxyType({})
ALONE_S = 2.0
"""How long no other process may have a place before a process that only hands its runs on works itself."""


class Shares:
    """The limits that one process counts on. It begins without a word from Redis."""

    def __init__(self, most_of_tenant: int, most_of_user: int, *, settle_s: float) -> None:
        self._limits = most_of_tenant, most_of_user
        self._settle_s = settle_s
        self._settles_at = 0.0
        self._living = 1
        self.is_shared = False
        """Whether Redis decides now."""
        self._elsewhere: dict[tuple[str, str], tuple[int, int]] = {}

    def told(self, living: int, elsewhere: Mapping[tuple[str, str], tuple[int, int]] = NOBODY) -> None:
        """Note that Redis decides, how many processes it knows, and how many wait elsewhere of those who began to wait here."""
        if len(self._elsewhere) > MOST_KNOWN:
            self._elsewhere.clear()
        self._elsewhere |= elsewhere
        self._living = max(living, self._living) if self._is_settling else living
        self.is_shared = True

    def counted(self, living: int) -> None:
        """Note how many processes there are, where Redis does not say it."""
        if not self.is_shared:
            self._living = max(1, living)

    def lose(self) -> None:
        """Note that Redis does not answer."""
        self.is_shared = False
        self.settle()

    def settle(self) -> None:
        """Note that Redis may have forgotten what others have, until each of them had time to say it again."""
        self._settles_at = time.monotonic() + self._settle_s

    def elsewhere(self, tenant_id: str, user_id: str) -> tuple[int, int]:
        """Return how many of a tenant and of a user waited at other processes when the user last asked for a place here."""
        return self._elsewhere.get((tenant_id, user_id), (0, 0)) if self.is_shared else (0, 0)

    @property
    def living(self) -> int:
        """How many processes there are."""
        return self._living

    @property
    def most_of_each(self) -> tuple[int, int]:
        """How many of a tenant and of a user may be at work: here, or where Redis decides, everywhere."""
        parts = 1 if self.is_shared and not self._is_settling else self._living
        most_of_tenant, most_of_user = self._limits
        return max(1, most_of_tenant // parts), max(1, most_of_user // parts)

    @property
    def _is_settling(self) -> bool:
        return time.monotonic() < self._settles_at


class Solitude:
    """For how long no other process has had a place for what comes here."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._has_waited = False

    def told(self, is_alone: bool) -> bool:
        """Note whether that is so now; return whether it began just now."""
        if not is_alone:
            self._since, self._has_waited = None, False
            return False
        if self._since is not None:
            return False
        self._since = time.monotonic() - (ALONE_S if self._has_waited else 0)
        return True

    def waited(self) -> None:
        """Note that a process which seemed to have a place was waited for in vain: without another, `ALONE_S` are over."""
        self._has_waited = True

    @property
    def is_long(self) -> bool:
        return self._since is not None and time.monotonic() - self._since >= ALONE_S

"""How much of files there may be: one, those of a message, those that wait for one, and all that are kept."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from agent.budget import QuotaExceededError
from agent.store.attachments import NewFile
from agent.store.file_bytes import FILE_BYTES, HeldBytes

LOOSE = "Your files that no message has are too large together: send them with a message, or delete some."
OF_USER = "Your files take as much room as they may together: delete conversations that have some."
OF_TENANT = "The files of your company take as much room as they may together."
GOOD_FOR = 100
"""The sum of a tenant's files is used so many times as long as adding them up took, which so takes a hundredth of the time at most."""
GOOD_FOR_NO = 10
"""The same, where there is no room: somebody may have made some."""
MOST_GOOD_S = 60.0
MOST_TENANTS = 10_000
"""Tenants whose files' bytes this process knows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large files may be, and how long they may wait for a message. Sizes in bytes."""

    file_bytes: int
    per_message: int
    loose_bytes: int
    loose_s: float
    user_bytes: int
    tenant_bytes: int

    def check(self, held: HeldBytes, new: NewFile | None = None, *, is_loose: bool = True) -> None:
        """Refuse a file for which its user has no room; without one, whatever it may be.

        Raises:
            QuotaExceededError: there is none.
        """
        content, text = (new.bytes, new.text_bytes or 0) if new is not None else (1, 0)
        if is_loose and held.loose + content > self.loose_bytes:
            raise QuotaExceededError(LOOSE)
        if held.kept + content + text + FILE_BYTES > self.user_bytes:
            raise QuotaExceededError(OF_USER)

    def check_tenant(self, kept: int) -> None:
        """Refuse a file of a tenant whose files take as much as they may. Those that are just being taken may go beyond that.

        Raises:
            QuotaExceededError: they do.
        """
        if kept >= self.tenant_bytes:
            raise QuotaExceededError(OF_TENANT)


@dataclass(slots=True)
class _Known:
    kept: int
    took_s: float
    at: float


class TenantRoom:
    """The bytes of tenants' files, as this process knows them: of files that came here at once, of others soon.

    Adding them up takes the longer the more there are, so one request at a time does that for a tenant.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def check(self, tenant_id: str, add_up: Callable[[], Awaitable[int]]) -> None:
        """Refuse one more file of a tenant whose files take as much as they may; `add_up` reads how much that is.

        Raises:
            QuotaExceededError: they do.
        """
        lock = self._asking.setdefault(tenant_id, asyncio.Lock())
        try:
            async with lock:
                if not self._is_good(tenant_id):
                    self._known.pop(tenant_id, None)
                    began = monotonic()
                    kept = await add_up()
                    self._known[tenant_id] = _Known(kept, monotonic() - began, monotonic())
                kept = self._known[tenant_id].kept
        finally:
            if not lock.locked():
                self._asking.pop(tenant_id, None)
        while len(self._known) > MOST_TENANTS:
            self._known.popitem(last=False)
        self._limits.check_tenant(kept)

    def add(self, tenant_id: str, new: NewFile) -> None:
        """Count a file that was just kept here."""
        if tenant_id in self._known:
            self._known[tenant_id].kept += new.bytes + (new.text_bytes or 0) + FILE_BYTES

    def _is_good(self, tenant_id: str) -> bool:
        known = self._known.get(tenant_id)
        if known is None:
            return False
        times = GOOD_FOR if known.kept < self._limits.tenant_bytes else GOOD_FOR_NO
        return monotonic() - known.at < min(times * known.took_s, MOST_GOOD_S)

"""Idempotency keys of those who are refused and go on asking: they are looked for together, some times a second for each tenant.

The invariant: what is told of a key was looked for after it was asked about.
"""

import asyncio
from collections import OrderedDict

from agent.errors import DatabaseError
from agent.principal import Principal
from agent.store.database import Store
from agent.store.looks import Key, stored_keys

APART_S = 0.05
"""How far apart looks for one tenant begin at least: so long waits who is refused anyway."""
AT_ONCE = 500
"""Keys that one look is for, at most."""
MOST = 1_000
"""Of so many tenants it is known when the last look began; more only while somebody of them waits."""


class _Looks:
    """The looks for one tenant's keys."""

    def __init__(self) -> None:
        self.looking = asyncio.Lock()
        self.wanted: set[Key] = set()
        self.stored: set[Key] | None = set()
        """Which of the keys of the last look are there; None: nobody could look."""
        self.next_at = 0.0
        self.waiting = 0


class KeyLooks:
    """The looks of this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looks: OrderedDict[str, _Looks] = OrderedDict()

    async def is_stored(self, principal: Principal, key: str) -> bool:
        """Return whether a run of the principal's has this key, of whatever age, and whether it is deleted or not.

        Raises:
            DatabaseError: nobody can look.
        """
        looks = self._looks.setdefault(principal.tenant_id, _Looks())
        self._looks.move_to_end(principal.tenant_id)
        wanted = Key(principal.user_id, key)
        looks.wanted.add(wanted)
        looks.waiting += 1
        try:
            async with looks.looking:  # in the order in which they came: nobody's answer is gone before they read it
                while wanted in looks.wanted:
                    await self._look(principal.tenant_id, looks, wanted)
                if looks.stored is None:
                    raise DatabaseError("LookFailed")
                return wanted in looks.stored
        finally:
            looks.waiting -= 1
            self._forget()

    async def _look(self, tenant_id: str, looks: _Looks, first: Key) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(looks.next_at - loop.time())
        looks.next_at = loop.time() + APART_S
        looks.wanted.discard(first)
        asked = {first}
        while looks.wanted and len(asked) < AT_ONCE:
            asked.add(looks.wanted.pop())
        looks.stored = None
        try:
            async with self._store.read(tenant_id) as connection:
                looks.stored = await stored_keys(connection, tenant_id, asked)
        except asyncio.CancelledError:  # of whoever looked; the others still wait
            looks.wanted |= asked
            raise

    def _forget(self) -> None:
        idle = [one for one in self._looks if not self._looks[one].waiting] if len(self._looks) > MOST else []
        for tenant_id in idle[: len(self._looks) - MOST]:
            del self._looks[tenant_id]

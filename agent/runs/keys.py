"""Idempotency keys of those who are refused and go on asking: they are looked for together, some times a second for each tenant.

The invariant: what is told of a key was looked for after it was asked about.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

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


class _Asked(NamedTuple):
    """A key that somebody waits to hear of."""

    key: Key
    told: asyncio.Future[bool | None]
    """Whether it is there; None: nobody could look."""


class _Looks:
    """The looks for one tenant's keys."""

    def __init__(self) -> None:
        self.looking = asyncio.Lock()
        self.wanted: list[_Asked] = []
        """In the order in which they came, which is that of who looks."""
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
        asked = _Asked(Key(principal.user_id, key), asyncio.get_running_loop().create_future())
        looks.wanted.append(asked)
        looks.waiting += 1
        try:
            async with looks.looking:
                while not asked.told.done():
                    await self._look(principal.tenant_id, looks)
        finally:
            looks.waiting -= 1
            if not looks.waiting:
                looks.wanted.clear()  # of those who waited no longer
            self._forget()
        if (found := asked.told.result()) is None:
            raise DatabaseError("LookFailed")
        return found

    async def _look(self, tenant_id: str, looks: _Looks) -> None:
        """Look for the first of the keys that are wanted, and tell who asked for them."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(looks.next_at - loop.time())
        looks.next_at = loop.time() + APART_S
        first, looks.wanted = looks.wanted[:AT_ONCE], looks.wanted[AT_ONCE:]
        stored: set[Key] | None = None
        try:
            async with self._store.read(tenant_id) as connection:
                stored = await stored_keys(connection, tenant_id, {one.key for one in first})
        except DatabaseError:
            pass  # which each of them is told
        except BaseException:  # whoever looked waits no longer: the others still do
            looks.wanted = first + looks.wanted
            raise
        for one in first:
            one.told.set_result(one.key in stored if stored is not None else None)

    def _forget(self) -> None:
        idle = [one for one in self._looks if not self._looks[one].waiting] if len(self._looks) > MOST else []
        for tenant_id in idle[: len(self._looks) - MOST]:
            del self._looks[tenant_id]

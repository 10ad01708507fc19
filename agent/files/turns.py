"""Whose file is opened next: places are given by turns, so that nobody's files keep those of others waiting.

The invariant: of two places or more no tenant has all, as long as another one asked lately; of those who wait, the tenant that was
served longest ago comes first, and of its users the one who was.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from agent.errors import RETRY_AFTER_S, OverloadedError
from agent.principal import Principal

LATELY_S = 3600.0
"""For so long a place is left free for others: where nobody else ever comes, a tenant has all."""

Waiting = OrderedDict[str, deque[asyncio.Future[None]]]


class Turns:
    """So many places, and those who wait for one."""

    def __init__(self, places: int) -> None:
        self._free = self._places = places
        self._most_of_tenant = max(1, places - 1)
        self._at_work: Counter[str] = Counter()
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._asked: OrderedDict[str, float] = OrderedDict()
        """When the two tenants asked last that did so lately."""

    @asynccontextmanager
    async def place(self, principal: Principal, *, timeout_s: float) -> AsyncIterator[None]:
        """Wait for a place, and have it while the block goes on.

        Raises:
            OverloadedError: others had them for all the time.
        """
        tenant_id = principal.tenant_id
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._note(tenant_id)
        self._waiting.setdefault(tenant_id, OrderedDict()).setdefault(principal.user_id, deque()).append(turn)
        self._serve()
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as exc:
            if turn.done() and not turn.cancelled():  # it came at the very moment
                self._give_back(tenant_id)
            else:
                self._leave(principal, turn)
            if isinstance(exc, TimeoutError):
                raise OverloadedError("Too many files are being read.", retry_after_s=RETRY_AFTER_S) from exc
            raise
        try:
            yield
        finally:
            self._give_back(tenant_id)

    def _serve(self) -> None:
        while self._free and (tenant_id := self._next_tenant()) is not None:
            users = self._waiting.pop(tenant_id)
            user_id, turns = users.popitem(last=False)
            turn = turns.popleft()
            if turns:
                users[user_id] = turns  # behind the others of the tenant
            if users:
                self._waiting[tenant_id] = users  # behind the other tenants
            if not turn.done():
                self._free -= 1
                self._at_work[tenant_id] += 1
                turn.set_result(None)

    def _next_tenant(self) -> str | None:
        return next((one for one in self._waiting if self._at_work[one] < self._most_of(one)), None)

    def _most_of(self, tenant_id: str) -> int:
        since = monotonic() - LATELY_S
        has_others = any(asked > since for one, asked in self._asked.items() if one != tenant_id)
        return self._most_of_tenant if has_others else self._places

    def _note(self, tenant_id: str) -> None:
        self._asked[tenant_id] = monotonic()
        self._asked.move_to_end(tenant_id)
        if len(self._asked) > 2:
            self._asked.popitem(last=False)

    def _give_back(self, tenant_id: str) -> None:
        self._free += 1
        self._at_work[tenant_id] -= 1
        if not self._at_work[tenant_id]:
            del self._at_work[tenant_id]
        self._serve()

    def _leave(self, principal: Principal, turn: asyncio.Future[None]) -> None:
        users = self._waiting.get(principal.tenant_id, OrderedDict())
        turns = users.get(principal.user_id, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            users.pop(principal.user_id, None)
        if not users:
            self._waiting.pop(principal.tenant_id, None)

"""Searches of this process: few at once, in turns, none for longer than its time. And the indexing of what is new for them.

The invariant: a search costs nobody else their answer. It has connections of its own, a user has one search at a time, and a
tenant leaves one connection to the others, where there are two.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from agent.errors import OverloadedError, RateLimitedError
from agent.principal import Principal
from agent.store.conversations import Conversation, ConversationCursor
from agent.store.database import Store
from agent.store.search import search_conversations
from agent.store.search_index import index_batch

RETRY_AFTER_S = 2
PAUSE_S = 0.05
"""Between two batches: an upgraded database is indexed beside the turns, not in front of them."""


class _User(NamedTuple):
    tenant_id: str
    user_id: str


@dataclass(slots=True, eq=False)
class _Waiting:
    user: _User
    number: int
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Searches:
    """The searches of one process. `most` run at once, and `timeout_s` is for one with its waiting."""

    def __init__(self, store: Store, *, most: int, timeout_s: float, most_waiting_per_user: int) -> None:
        self._store = store
        self._most = most
        self._timeout_s = timeout_s
        self._most_waiting_per_user = most_waiting_per_user
        self._busy: set[_User] = set()
        self._busy_tenants: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []
        self._numbers = count(1)
        self._served: dict[_User | str, int] = {}
        """When those who search had their last turn, users and tenants."""

    async def find(
        self, principal: Principal, question: str, *, limit: int, after: ConversationCursor | None
    ) -> list[Conversation]:
        """Return up to `limit` of the principal's conversations, newest first; `search_conversations` says which.

        A caller that is cancelled stops the search in the database too.

        Raises:
            RateLimitedError: too many searches of this user wait.
            OverloadedError: it took too long, waiting included.
        """
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._turn(_User(principal.tenant_id, principal.user_id)),
                self._store.search(principal.tenant_id) as connection,
            ):
                return await search_conversations(connection, principal, question=question, limit=limit, after=after)
        except TimeoutError:
            raise OverloadedError("The search took too long.", retry_after_s=RETRY_AFTER_S) from None

    @asynccontextmanager
    async def _turn(self, user: _User) -> AsyncIterator[None]:
        """Wait for a turn and have it for the block.

        Tenants take turns, and a tenant's users. Of one user's searches the newest is next: the box that is typed into
        has no use for the answers to the others.
        """
        if sum(one.user == user for one in self._waiting) >= self._most_waiting_per_user:
            raise RateLimitedError("Too many searches at once.", retry_after_s=RETRY_AFTER_S)
        waiting = _Waiting(user, next(self._numbers))
        self._waiting.append(waiting)
        self._let_in()
        try:
            await waiting.turn
            yield
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                self._leave(user)
            self._let_in()

    def _let_in(self) -> None:
        while candidates := [one for one in self._waiting if self._may_search(one.user)]:
            chosen = min(candidates, key=self._rank)
            user = chosen.user
            self._waiting.remove(chosen)
            self._busy.add(user)
            self._busy_tenants[user.tenant_id] += 1
            self._served[user] = self._served[user.tenant_id] = next(self._numbers)
            if not chosen.turn.done():
                chosen.turn.set_result(None)

    def _may_search(self, user: _User) -> bool:
        of_tenant = self._busy_tenants[user.tenant_id]
        return len(self._busy) < self._most and of_tenant < max(self._most - 1, 1) and user not in self._busy

    def _rank(self, waiting: _Waiting) -> tuple[int, int, int]:
        user = waiting.user
        return self._served.get(user.tenant_id, 0), self._served.get(user, 0), -waiting.number

    def _leave(self, user: _User) -> None:
        self._busy.remove(user)
        self._busy_tenants -= Counter([user.tenant_id])
        users = {one.user for one in self._waiting} | self._busy
        tenants = {one.tenant_id for one in users}
        self._served = {who: when for who, when in self._served.items() if who in users or who in tenants}


async def index_new(store: Store) -> None:
    """Put all that is new into the index, the newest first, in small batches."""
    rows = await index_batch(store)
    while rows:
        await asyncio.sleep(PAUSE_S)
        rows = await index_batch(store)

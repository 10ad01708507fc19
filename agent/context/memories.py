"""Memories of a user and their tenant: kept by tools, changed by people, found for each question.

The invariants: whatever is told is read from the database at that moment, so what was forgotten is told nowhere any more; what is
kept for a minute is only which facts fit a question. A turn waits for no more than the definition's `find_timeout_s`.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple
from uuid import UUID

import structlog

from agent import metrics
from agent.assistant.memory import Memory as MemoryDefinition
from agent.context.relevance import beginnings_of, content_terms, merged, ranked
from agent.context.vectors import FactVectors, VectorModel
from agent.errors import DatabaseError
from agent.failpoints import failpoint
from agent.graphemes import shown
from agent.models.text import clean
from agent.principal import Principal
from agent.store.database import Store
from agent.store.memories import (
    MOST_FOUND,
    TENANT,
    Kept,
    Memory,
    delete_memories,
    find_memories,
    find_memory,
    hold_running,
    keep_memory,
    list_memories,
    read_memories,
)
from agent.store.repeating import repeated

logger = structlog.get_logger()

MOST_CACHED = 10_000
"""Questions whose fitting facts this process knows."""
SHARE_OF_MEANING = 0.7
"""Of the time that finding may take: so long the vector of a question is waited for."""
BYTES_PER_TOKEN = 4
LISTED = 50
"""Facts that a model is shown which asks for all of them, the newest ones."""


class Remembered(NamedTuple):
    """Facts as a model is told them."""

    of_user: tuple[str, ...] = ()
    of_tenant: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.of_user or self.of_tenant)


NOTHING = Remembered()


class _Key(NamedTuple):
    tenant_id: str
    user_id: str
    with_tenant: bool
    question: str


class _Cached(NamedTuple):
    ids: tuple[UUID, ...]
    until: float


class Memories:
    """The memory of this installation, as one process has it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached: OrderedDict[_Key, _Cached] = OrderedDict()
        self._changes = 0
        self._searches: set[asyncio.Task[list[Memory]]] = set()
        self.vectors: FactVectors | None = None
        """The vectors that find by meaning; None: words find alone. The composition root sets it."""

    def find_by(self, model: VectorModel) -> None:
        """Find facts by what they mean, too, from now on. The caller opens and closes the model."""
        if self.vectors is None:
            self.vectors = FactVectors(self._store, model)

    async def recall(self, definition: MemoryDefinition, principal: Principal, question: str) -> Remembered:
        """Return what fits a question; nothing where it is about nothing, where finding fails, or where it takes too long."""
        terms = content_terms(question)
        if not terms:
            return NOTHING
        search = asyncio.create_task(self._search(definition, principal, terms, question))
        self._searches.add(search)
        search.add_done_callback(self._over)
        # A search that is late is not stopped: what it finds is there for the next question like this one.
        done, _ = await asyncio.wait({search}, timeout=definition.find_timeout_s)
        if not done:
            logger.warning("memory_late", timeout_s=definition.find_timeout_s)
            metrics.memories.labels("late").inc()
            return NOTHING
        if search.cancelled() or search.exception() is not None:
            return NOTHING
        return told(search.result(), most_tokens=definition.told_tokens)

    async def look(self, definition: MemoryDefinition, principal: Principal, question: str) -> Remembered:
        """Return what fits a question that a model asks, or the newest of all there is where it asks for nothing in particular."""
        if content_terms(question):
            found = await self._search(definition, principal, content_terms(question), question)
        else:
            with_tenant = definition.reads_tenant(principal.role)
            async with self._store.read(principal.tenant_id) as connection:
                found = await list_memories(connection, principal, with_tenant=with_tenant, limit=LISTED)
        return told(found, most_tokens=4 * definition.told_tokens)

    async def keep(
        self, definition: MemoryDefinition, principal: Principal, fact: str, *, of_tenant: bool, run_id: UUID
    ) -> Kept:
        """Keep a fact that a run of the principal was told to.

        Raises:
            NotFoundError: the run is over; nothing is kept.
            DatabaseError: the database did not do it.
        """
        owner = TENANT if of_tenant else principal.user_id
        most = definition.facts_per_tenant if of_tenant else definition.facts_per_user
        kept = await self._keep(principal, fact, owner=owner, most=most, run_id=run_id)
        self.changed(principal.tenant_id, owner)
        if self.vectors is not None and kept == "new":
            self.vectors.learn(principal.tenant_id, owner)
        return kept

    async def forget(
        self, definition: MemoryDefinition, principal: Principal, fact: str, *, run_id: UUID
    ) -> Memory | None:
        """Remove the fact that says this, as a run of the principal was told to; None where there is none.

        Raises:
            NotFoundError: the run is over; nothing is removed.
            DatabaseError: the database did not do it.
        """
        owners = [principal.user_id, *([TENANT] if definition.writes_tenant(principal.role) else [])]
        gone = await self._forget(principal, fact, owners=owners, run_id=run_id)
        if gone is not None:
            self.changed(principal.tenant_id, gone.user_id)
            self.forgotten()
        return gone

    def changed(self, tenant_id: str, owner: str | None) -> None:
        """Look anew for whatever fits the questions of an owner; of a tenant's facts, and with None, of everybody in it."""
        self._changes += 1
        stale = [key for key in self._cached if key.tenant_id == tenant_id and owner in (None, TENANT, key.user_id)]
        for key in stale:
            del self._cached[key]
        if self.vectors is not None:
            self.vectors.forget(tenant_id, owner)

    def forgotten(self) -> None:
        """Let upkeep wipe what is left of removed facts in SQLite's files."""
        self._store.note_deletion()
        self._store.has_forgotten = True

    async def close(self) -> None:
        """Stop what is under way."""
        searches = list(self._searches)
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        if self.vectors is not None:
            await self.vectors.close()

    @repeated
    async def _keep(self, principal: Principal, fact: str, *, owner: str, most: int, run_id: UUID) -> Kept:
        async with self._store.write(principal.tenant_id) as connection:
            await hold_running(connection, principal, run_id)
            kept = await keep_memory(connection, principal, fact, owner=owner, most=most)
            failpoint("memory.before_commit")
        return kept

    @repeated
    async def _forget(self, principal: Principal, fact: str, *, owners: Sequence[str], run_id: UUID) -> Memory | None:
        async with self._store.write(principal.tenant_id) as connection:
            await hold_running(connection, principal, run_id)
            found = await find_memory(connection, principal, fact, owners=owners)
            if found is not None:
                await delete_memories(connection, principal, [found])
            return found

    async def _search(
        self, definition: MemoryDefinition, principal: Principal, terms: tuple[str, ...], question: str
    ) -> list[Memory]:
        with_tenant = definition.reads_tenant(principal.role)
        by_meaning = self.vectors if definition.has_vectors else None
        said = terms if by_meaning is None else (question,)
        asked = hashlib.sha256("\n".join((*said, str(definition.told_facts))).encode()).hexdigest()
        key = _Key(principal.tenant_id, principal.user_id, with_tenant, asked)
        now, changes = asyncio.get_running_loop().time(), self._changes
        cached = self._cached.get(key)
        if cached is not None and cached.until > now:
            metrics.memories.labels("kept").inc()
            if not cached.ids:
                return []
            async with self._store.read(principal.tenant_id) as connection:
                return await read_memories(connection, principal, cached.ids, with_tenant=with_tenant)
        found, is_late = await self._found(definition, principal, terms, question, with_tenant=with_tenant)
        metrics.memories.labels("found" if found else "none").inc()
        if changes == self._changes and not is_late:  # what was written meanwhile it may not have seen
            self._cached[key] = _Cached(tuple(one.id for one in found), now + definition.cache_s)
            self._cached.move_to_end(key)
        while len(self._cached) > MOST_CACHED:
            self._cached.popitem(last=False)
        return found

    async def _found(
        self,
        definition: MemoryDefinition,
        principal: Principal,
        terms: tuple[str, ...],
        question: str,
        *,
        with_tenant: bool,
    ) -> tuple[list[Memory], bool]:
        """Return the facts that fit by their words and by what they mean, looked for at once; and whether the latter is late."""
        vectors, most = (self.vectors if definition.has_vectors else None), definition.told_facts
        asking = None
        if vectors is not None:
            limit_s = definition.find_timeout_s * SHARE_OF_MEANING
            asking = asyncio.create_task(vectors.question(principal, question, timeout_s=limit_s))
        beginnings = list(dict.fromkeys(chain.from_iterable(map(beginnings_of, terms))))
        async with self._store.read(principal.tenant_id) as connection:
            facts = await find_memories(connection, principal, beginnings, with_tenant=with_tenant)
            if len(facts) == MOST_FOUND:  # older ones that have the very words are not to be missed for these
                exact = await find_memories(connection, principal, terms, with_tenant=with_tenant, whole=True)
                facts = list({one.id: one for one in (*facts, *exact)}.values())
        by_words = ranked(terms, facts)
        if vectors is None or asking is None:
            return by_words[:most], False
        row = await asking
        if row is None:
            return by_words[:most], True
        async with self._store.read(principal.tenant_id) as connection:
            near = await vectors.nearest(
                connection, principal, row, with_tenant=with_tenant, most=most, keep_s=definition.cache_s
            )
            known = {one.id: one for one in facts}
            unknown = [one for one in near if one not in known]
            read = await read_memories(connection, principal, unknown, with_tenant=with_tenant) if unknown else []
        known |= {one.id: one for one in read}
        return merged(by_words, [known[one] for one in near if one in known], most=most), False

    def _over(self, search: asyncio.Task[list[Memory]]) -> None:
        self._searches.discard(search)
        if not search.cancelled() and (error := search.exception()) is not None:
            logger.warning(
                "memory_failed", error=error.reason if isinstance(error, DatabaseError) else type(error).__name__
            )
            metrics.memories.labels("failed").inc()


def as_fact(text: str) -> str:
    """Return a text as a fact: one line that steers nothing around it."""
    return " ".join(shown(clean(text)).split())


def told(facts: Sequence[Memory], *, most_tokens: int) -> Remembered:
    """Return facts as a model is told them: the first ones, as many as have room."""
    taken: list[Memory] = []
    left = most_tokens * BYTES_PER_TOKEN
    for fact in facts:
        left -= len(fact.text.encode()) + BYTES_PER_TOKEN
        if left < 0:
            break
        taken.append(fact)
    return Remembered(
        tuple(one.text for one in taken if one.user_id != TENANT),
        tuple(one.text for one in taken if one.user_id == TENANT),
    )

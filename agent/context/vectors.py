"""Facts by what they mean, where the operator names a model for that: beside the words, never in their place.

The invariants: nothing here holds a turn up for longer than it is given, and nothing here fails one: what is late, broken or
not there yet finds nothing, is counted, and words find alone. A vector stands in its fact's row, so it is erased with that, and only
the facts of whoever asks are compared with.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog

from agent import metrics
from agent.context.refused import TextRefusedError
from agent.places import place_of
from agent.principal import Principal
from agent.store.database import Store
from agent.store.memories import Memory, Vector, missing_vectors, owners_of, read_vectors, write_vectors
from agent.store.transaction import Transaction

logger = structlog.get_logger()

BATCH = 64
"""Facts whose vectors are made and stored at once."""
COOL_S = 30.0
"""How long a model that failed is not asked."""
MAX_QUESTIONS = 1000
MAX_OWNERS = 200
"""Whose vectors are kept in this process: those that were asked for last."""
MAX_OWNED_BYTES = 64 * 1024 * 1024
"""Of all of these: a thousand facts of one owner take up to 16 megabytes."""
PROBE = "A text that says nothing in particular."
"""By which one finds out whether a model refuses a text, or everything."""
QUESTION_CHARACTERS = 1000
MAX_NUMBERS = 4096
"""Of a vector: one with more is none."""
LEAST_LIKE = 0.3
"""Facts that are less like a question than this, as the cosine, are not about it."""


class VectorModel(Protocol):
    """A model that turns texts into vectors: numpy's rows, each of length 1."""

    name: str
    """Under which its vectors are kept: another model's are others."""
    timeout_s: float
    is_multilingual: bool

    async def passages(self, texts: Sequence[str]) -> Any: ...

    async def question(self, text: str) -> Any: ...


class _Owned(NamedTuple):
    """The vectors of one owner."""

    ids: tuple[UUID, ...]
    rows: Any
    until: float
    is_whole: bool


class FactVectors:
    """A model's vectors of the last questions and of the facts of the last owners, beside the model itself."""

    def __init__(self, store: Store, model: VectorModel) -> None:
        self.model = model
        self._store = store
        self._digest = hashlib.sha256(model.name.encode()).hexdigest()
        self._questions: OrderedDict[tuple[str, str], Any] = OrderedDict()
        """By tenant and the hash of what was asked: whoever is erased leaves no word here."""
        self._asking: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._owned: OrderedDict[tuple[str, str], _Owned] = OrderedDict()
        self._learning: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._cold_until = 0.0

    async def question(self, principal: Principal, text: str, *, timeout_s: float) -> Any:
        """Return the vector of a question; None where it is not there in time: what comes late is there the next time."""
        asked = text[:QUESTION_CHARACTERS]
        key = principal.tenant_id, hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
        if (known := self._questions.get(key)) is not None:
            self._questions.move_to_end(key)
            return known
        if time.monotonic() < self._cold_until:
            metrics.memories.labels("vectors_down").inc()
            return None
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, asked))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        done, _ = await asyncio.wait({asking}, timeout=timeout_s)
        if not done:
            metrics.memories.labels("vectors_late").inc()
            return None
        return None if asking.cancelled() else asking.result()

    async def nearest(
        self, connection: Transaction, principal: Principal, asked: Any, *, with_tenant: bool, most: int, keep_s: float
    ) -> list[UUID]:
        """Return the facts that are most like a question, the nearest first."""
        found: list[tuple[float, UUID]] = []
        for owner in owners_of(principal, with_tenant=with_tenant):
            owned = await self._of_owner(connection, principal.tenant_id, owner, keep_s=keep_s)
            if not owned.is_whole:
                self.learn(principal.tenant_id, owner)
            if len(owned.ids) and owned.rows.shape[-1] == asked.shape[-1]:
                found += zip((owned.rows @ asked).tolist(), owned.ids, strict=True)
        near = sorted((one for one in found if one[0] >= LEAST_LIKE), key=lambda one: -one[0])
        return [memory_id for _, memory_id in near[:most]]

    def learn(self, tenant_id: str, owner: str) -> None:
        """Have the vectors of an owner's facts soon, those that there are none of."""
        key = tenant_id, owner
        if key not in self._learning and time.monotonic() >= self._cold_until:
            learning = self._learning[key] = asyncio.create_task(self._learn(tenant_id, owner))
            learning.add_done_callback(lambda _: self._learning.pop(key, None))

    def forget(self, tenant_id: str, owner: str | None) -> None:
        """Read an owner's vectors anew; with None those of a whole tenant."""
        for key in [one for one in self._owned if one[0] == tenant_id and owner in (None, one[1])]:
            del self._owned[key]

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [*self._asking.values(), *self._learning.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, key: tuple[str, str], text: str) -> Any:
        try:
            async with asyncio.timeout(self.model.timeout_s):
                row = _row(await self.model.question(text))
        except TextRefusedError as exc:
            await self._refused(exc, "question")
            return None
        except Exception as exc:  # noqa: BLE001 (a vendor's server: words find alone)
            self._failed(exc, "question")
            return None
        self._questions[key] = row
        if len(self._questions) > MAX_QUESTIONS:
            self._questions.popitem(last=False)
        return row

    async def _learn(self, tenant_id: str, owner: str) -> None:
        try:
            while True:
                async with self._store.read(tenant_id) as connection:
                    facts = await missing_vectors(connection, tenant_id, owner, model=self._digest, limit=BATCH)
                if not facts:
                    return
                made = await self._made(facts)
                async with self._store.write(tenant_id) as connection:
                    stored = await write_vectors(connection, tenant_id, made, model=self._digest)
                self._owned.pop((tenant_id, owner), None)
                if len(facts) < BATCH or not stored:
                    return
        except Exception as exc:  # noqa: BLE001 (a vendor's server, or the database: words find alone)
            self._failed(exc, "facts")

    async def _made(self, facts: Sequence[Memory]) -> list[Vector]:
        """Return the vectors of facts; of one that the model refuses it is empty, so that nobody asks for it again."""
        try:
            rows = await self.model.passages([one.text for one in facts])
        except TextRefusedError:
            if len(facts) == 1:
                await self.model.passages([PROBE])
                metrics.memories.labels("vectors_refused").inc()
                return [Vector(facts[0].id, facts[0].text, b"")]
            return [vector for one in facts for vector in await self._made([one])]
        return [Vector(one.id, one.text, _packed(row)) for one, row in zip(facts, rows, strict=True)]

    async def _refused(self, exc: TextRefusedError, what: str) -> None:
        """Leave the model alone only where it refuses everything: what one user says must not blind the others."""
        try:
            async with asyncio.timeout(self.model.timeout_s):
                await self.model.passages([PROBE])
        except Exception:  # noqa: BLE001 (a vendor's server: words find alone)
            self._failed(exc, what)
        else:
            metrics.memories.labels("vectors_refused").inc()

    async def _of_owner(self, connection: Transaction, tenant_id: str, owner: str, *, keep_s: float) -> _Owned:
        key, now = (tenant_id, owner), time.monotonic()
        owned = self._owned.get(key)
        if owned is None or owned.until <= now:
            found = await read_vectors(connection, tenant_id, owner, model=self._digest)
            ids, rows, is_whole = await asyncio.to_thread(_matrix, found)
            owned = self._owned[key] = _Owned(ids, rows, now + keep_s, is_whole)
            taken = sum(one.rows.nbytes for one in self._owned.values())
            while len(self._owned) > 1 and (len(self._owned) > MAX_OWNERS or taken > MAX_OWNED_BYTES):
                taken -= self._owned.popitem(last=False)[1].rows.nbytes
        self._owned.move_to_end(key)
        return owned

    def _failed(self, exc: Exception, what: str) -> None:
        self._cold_until = time.monotonic() + COOL_S
        metrics.memories.labels("vectors_failed").inc()
        logger.warning("memory_vectors_failed", what=what, error=type(exc).__name__, where=place_of(exc), for_s=COOL_S)


def _row(given: Any) -> Any:
    """Return a vector as one of finite numbers.

    Raises:
        ValueError: it is none, or too long.
    """
    import numpy as np

    row = np.asarray(given, dtype=np.float32).reshape(-1)
    if not 0 < len(row) <= MAX_NUMBERS or not np.isfinite(row).all():
        raise ValueError("no vector")
    return row


def _packed(given: Any) -> bytes:
    """Return a vector as its row in the database keeps it: numbers of two bytes, whose order no machine changes."""
    packed: bytes = _row(given).astype("<f2").tobytes()
    return packed


def _matrix(found: Sequence[tuple[UUID, bytes | None]]) -> tuple[tuple[UUID, ...], Any, bool]:
    """Return the vectors of an owner as rows, and whether every fact has one. Where their lengths differ, one length counts.

    A vector that is empty is of a fact that the model refused.
    """
    import numpy as np

    is_whole = all(packed is not None for _, packed in found)
    there = [(memory_id, packed) for memory_id, packed in found if packed]
    if not there:
        return (), np.empty((0, 0), dtype=np.float32), is_whole
    length = len(there[0][1])
    same = [(memory_id, packed) for memory_id, packed in there if len(packed) == length]
    rows = np.frombuffer(b"".join(packed for _, packed in same), dtype="<f2").reshape(len(same), -1)
    return tuple(memory_id for memory_id, _ in same), rows.astype(np.float32), is_whole

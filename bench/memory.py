"""How long finding what is remembered takes, with 10,000 facts of a tenant: `python -m bench.memory [--facts 10000] [URL of a database]`.

Without a URL it makes a SQLite file; a PostgreSQL database has to be empty, and is migrated. Vectors come from memory, so what is
measured is our part of it: the words, the vectors of the owner, and the ranking.
"""

import argparse
import asyncio
import hashlib
import time
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from agent.assistant.memory import Memory as MemoryDefinition
from agent.context.memories import Memories
from agent.principal import Principal
from agent.store.database import Store
from agent.store.memories import keep_memory

TENANT = "bench"
PER_USER = 200
NUMBERS = 256
WORDS = [
    f"{begin}{end}"
    for begin in ["alba", "beko", "cedo", "dira", "elmo", "fano", "gilo", "hera"]
    for end in ["ban", "cor", "dil", "fen", "gor"]
]
QUESTIONS = 200


class Measured(NamedTuple):
    """Seconds of a lookup at the ninety-fifth percentile, by words and with vectors, and how many of them found something."""

    words_s: float
    vectors_s: float
    found: int


class Near:
    """Vectors that follow from the text, at once."""

    name = "bench"
    timeout_s = 1.0
    is_multilingual = True

    async def passages(self, texts: Any) -> Any:
        return [self._row(text) for text in texts]

    async def question(self, text: str) -> Any:
        return self._row(text)

    def _row(self, text: str) -> Any:
        import numpy as np

        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
        row = np.random.default_rng(seed).standard_normal(NUMBERS)
        return row / np.linalg.norm(row)


async def measure(store: Store, *, facts: int) -> Measured:
    """Fill a store with facts of one tenant, and look up questions of its users that nothing is kept of yet."""
    random = Random(1)  # noqa: S311 (the same each time)
    users = [f"user-{number}" for number in range(max(1, facts // PER_USER))]
    for user in users:
        principal = Principal(TENANT, user)
        async with store.write(TENANT) as connection:
            for number in range(min(PER_USER, facts)):
                fact = f"{' '.join(random.sample(WORDS, 8))} {number}"
                await keep_memory(connection, principal, fact, owner=user, most=PER_USER)
    by_words, with_vectors = Memories(store), Memories(store)
    with_vectors.find_by(Near())
    assert with_vectors.vectors is not None
    for user in users:
        with_vectors.vectors.learn(TENANT, user)
        await asyncio.gather(*with_vectors.vectors._learning.values())
    taken: dict[bool, list[float]] = {False: [], True: []}
    found = 0
    for number in range(QUESTIONS):
        principal = Principal(TENANT, random.choice(users))
        question = f"{random.choice(WORDS)} {random.choice(WORDS)} of question{number}?"
        for memories, is_vectors in ((by_words, False), (with_vectors, True)):
            definition = MemoryDefinition(find_timeout_s=5, embeddings="installed" if is_vectors else "none")
            begun = time.perf_counter()
            told = await memories.recall(definition, principal, question)
            taken[is_vectors].append(time.perf_counter() - begun)
            found += bool(told)
    await by_words.close()
    await with_vectors.close()
    return Measured(quantiles(taken[False], n=20)[-1], quantiles(taken[True], n=20)[-1], found)


async def _main(url: str | None, facts: int) -> None:
    with TemporaryDirectory() as folder:
        address = url or f"sqlite+aiosqlite:///{Path(folder) / 'memory.db'}"
        store = Store(address, pool_size=4)
        await store.migrate()
        measured = await measure(store, facts=facts)
        await store.close()
    print(
        f"{facts} facts, {address.partition(':')[0]}: p95 {measured.words_s * 1000:.1f} ms by words, {measured.vectors_s * 1000:.1f} ms with vectors"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("url", nargs="?")
    parser.add_argument("--facts", type=int, default=10_000)
    given = parser.parse_args()
    asyncio.run(_main(given.url, given.facts))

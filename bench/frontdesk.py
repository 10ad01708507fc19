"""(c) Frontdesk, as an operator starts it: `frontdesk serve` with SQLite and JWTs. Only the limits of runs are raised."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import jwt
import orjson

from agent.store.database import Store, new_id
from agent.store.tables import conversations, messages, runs
from bench.load import post
from bench.upstream import Script

SECRET = "a-secret-for-the-bench-that-is-long-enough"  # noqa: S105 (of a server that lives for minutes)
TENANTS = 20
USERS = 1000
COMMAND = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]


def environment(upstream: str, folder: Path) -> dict[str, str]:
    """Return the settings."""
    return {
        "FRONTDESK_DATA": str(folder / "data"),
        "FRONTDESK_ASSISTANT": str(Path(__file__).parent / "assistant.yaml"),
        "FRONTDESK_BACKEND_URL": upstream,
        "OPENAI_BASE_URL": f"{upstream}/v1",
        "FRONTDESK_JWT_SECRET": SECRET,
        "FRONTDESK_MAX_RUNS": "2000",
        "FRONTDESK_MAX_RUNS_PER_TENANT": "2000",
        "FRONTDESK_MAX_QUEUED_RUNS": "2000",
        "FRONTDESK_USER_LIMIT": "1000000/minute",
        "FRONTDESK_TENANT_LIMIT": "1000000/minute",
        "FRONTDESK_MAX_STREAMS_PER_TENANT": "100000",
        "FRONTDESK_MAX_SOCKETS_PER_TENANT": "100000",
    }


def token(number: int) -> str:
    """Return a token of one of the users, each of a tenant: no user reads more streams than one may."""
    claims = {"sub": f"bench-{number}", "tenant_id": f"tenant-{number % TENANTS}", "exp": int(time.time()) + 86_400}
    return jwt.encode(claims, SECRET)


TOKENS = [token(number) for number in range(USERS)]


def ask(script: Script, number: int, conversation: str | None) -> bytes:
    """Return a request; conversations that were made up are the first user's."""
    body = {"message": script.words} | ({"conversation_id": conversation} if conversation else {})
    return post("/chat", orjson.dumps(body), token=TOKENS[0 if conversation else number % len(TOKENS)])


async def seed(folder: Path, lengths: list[int]) -> list[str]:
    """Make up conversations of these many messages for tenant 0, in a stopped server's database; return their ids."""
    store = Store(f"sqlite+aiosqlite:///{folder / 'data' / 'frontdesk.db'}", pool_size=1)
    try:
        await store.prepare()
        return [str(await _conversation(store, length)) for length in lengths]
    finally:
        await store.close()


async def _conversation(store: Store, length: int) -> UUID:
    now = datetime.now(UTC)
    turns = length // 2
    scope = {"tenant_id": "tenant-0", "conversation_id": new_id()}
    run_ids = [new_id() for _ in range(turns)]
    run_rows = [
        {
            **scope,
            "id": run_id,
            "user_id": "bench-0",
            "turn": turn,
            "state": "completed",
            "attempt": 1,
            "message_id": new_id(),
            "model": "openai:bench",
            "created_at": now,
            "input_tokens": 10,
            "output_tokens": 5,
        }
        for turn, run_id in enumerate(run_ids, start=1)
    ]
    message_rows = [
        {
            **scope,
            "id": new_id(),
            "run_id": run_ids[(position - 1) // 2],
            "turn": (position + 1) // 2,
            "position": position,
            "step": 0 if position % 2 else 1,
            "role": "user" if position % 2 else "assistant",
            "text": f"Question {position}?" if position % 2 else f"Answer {position}.",
            "is_error": False,
            "status": "complete",
            "created_at": now,
        }
        for position in range(1, 2 * turns + 1)
    ]
    async with store.write("acme") as connection:
        owner = {"tenant_id": "tenant-0", "user_id": "bench-0", "title": "Bench", "created_at": now, "updated_at": now}
        await connection.execute(
            conversations.insert(),
            [{**owner, "id": scope["conversation_id"], "last_position": 2 * turns, "last_turn": turns}],
        )
        await connection.execute(runs.insert(), run_rows)
        await connection.execute(messages.insert(), message_rows)
    return UUID(str(scope["conversation_id"]))

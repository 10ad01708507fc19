"""An operator's questions to Redis before trusting it: who it is, how it is set, and whether it takes what we write."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from agent.redis.client import RedisClient
from agent.redis.errors import LOST, RedisAwayError

LOOKS = 9
KEPT_MS = 1000


@dataclass(frozen=True, slots=True)
class Examined:
    """How a server is; of several, the one that was asked. What it does not tell is None."""

    kind: str
    """With its version, as people say it."""
    version: tuple[int, ...]
    """Redis's, also of a Valkey that says which Redis it is like."""
    policy: str | None
    most_bytes: int
    """The limit of its memory; 0 where there is none."""
    used_bytes: int
    saves: bool | None
    """Whether it writes to disk."""
    answer_s: float
    refusal: str | None
    """The word with which it refused to be written to; None where it took it."""


async def examine(client: RedisClient) -> Examined:
    """Look at the server behind a client.

    Raises:
        RedisAwayError: it does not answer, or lets nobody in; its text is a type or the word of a refusal.
    """
    connection = await client.connection()
    try:
        async with asyncio.timeout(client.timeout_s * LOOKS):
            answer_s = await _answer_s(connection)
            info = _parsed(await _asked(connection, "INFO"))
            saving = await _asked(connection, "CONFIG", "GET", "save", is_optional=True)
    except LOST as exc:
        raise RedisAwayError(_word(exc)) from None
    finally:
        await connection.disconnect()
    is_valkey = "valkey_version" in info
    kind = f"Valkey {info['valkey_version']}" if is_valkey else f"Redis {info.get('redis_version', 'of no version')}"
    saves = _text(saving[1]) != "" if saving else None
    return Examined(
        kind,
        tuple(int(part) for part in info.get("redis_version", "0").split(".") if part.isdecimal()),
        info.get("maxmemory_policy"),
        int(info.get("maxmemory", 0)),
        int(info.get("used_memory", 0)),
        True if info.get("aof_enabled") == "1" else saves,
        answer_s,
        await _refusal(client),
    )


async def _answer_s(connection: AbstractConnection) -> float:
    times = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await _asked(connection, "PING")
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


async def _asked(connection: AbstractConnection, *command: str, is_optional: bool = False) -> Any:
    """Return the answer to a command; None where the server does not let us ask and may not."""
    await connection.send_command(*command)
    try:
        return await connection.read_response()
    except RedisError:
        if not is_optional:
            raise
        return None


async def _refusal(client: RedisClient) -> str | None:
    try:
        await client.call("SET", f"{client.prefix}:looked-at:{uuid4().hex}", "1", "PX", KEPT_MS)
    except (RedisError, RedisAwayError) as exc:
        return _word(exc)
    return None


def _word(exc: Exception) -> str:
    """Return a word for what went wrong: of ours the one that it has, of redis-py's its type."""
    return str(exc) if isinstance(exc, RedisAwayError) else type(exc).__name__


def _parsed(info: Any) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(info).splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

"""Commands to one server, to Sentinel's primary, or to a Cluster: each has a time limit, and what fails is one error.

The invariant: no wait is longer than `timeout_s`, whatever the server does. redis-py's own time limits are off, because
they lose cancellations.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from hashlib import sha1
from typing import Any, Final, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ResponseError

from agent.places import place_of
from agent.redis.address import Address
from agent.redis.errors import LOST, RedisAwayError
from agent.redis.exchange import exchange

logger = structlog.get_logger()

CONNECTIONS = 8
"""Of one process, for commands. Another one listens."""
PAUSE_S = 0.2
"""How long nobody asks again a server that has just not answered: a thousand readers would."""
AWAY = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "OOM", "MISCONF", "BUSY", "NOAUTH", "NOPERM")
"""Beginnings of refusals that are no fault of the command: the server takes nothing of this kind now."""


T = TypeVar("T")


class Script:
    """A Lua script, known by its hash where it was sent before."""

    def __init__(self, source: str) -> None:
        self.source: Final = source
        self.sha: Final = sha1(source.encode(), usedforsecurity=False).hexdigest()


class _PrimaryPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to Sentinel's primary. Who finds none free waits: redis-py's own pool refuses, as if Redis were away."""


class RedisClient:
    """A client of one process. Close it at the end.

    `prefix` begins every key and channel, so that installations may share a server.
    """

    def __init__(self, address: Address, *, prefix: str = "frontdesk", timeout_s: float = 1.0) -> None:
        self._address = address
        self.prefix: Final = prefix
        self.timeout_s: Final = timeout_s
        self._sentinel = _open_sentinel(address)
        self._client = _open(address, self._sentinel)
        self._away_until = 0.0
        self.is_well = True
        """Whether the last thing that was asked of the server was answered in time."""

    async def call(self, *command: Any) -> Any:
        """Return the answer to one command.

        Raises:
            RedisAwayError: there was none in time, or the server cannot take it now.
        """
        [reply] = await self.calls([command])
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def calls(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the answers to several commands, in order, sent at once. The answer to a refused command is its error.

        Raises:
            RedisAwayError: nobody knows which of them were done.
        """
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return self._answered(await self._in_time(pipeline.execute(raise_on_error=False)))

    async def scripts(self, script: Script, calls: Sequence[Sequence[Any]]) -> list[Any]:
        """Call a script several times, each with its one key and its arguments; see `calls`."""
        replies = await self._executed([("EVALSHA", script.sha, 1, *call) for call in calls])
        unknown = [number for number, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:  # a new server: it knows the script from now on
            again = await self._executed([("EVAL", script.source, 1, *calls[number]) for number in unknown])
            for number, reply in zip(unknown, again, strict=True):
                replies[number] = reply
        return replies

    async def connection(self) -> AbstractConnection:
        """Return a new connection that is nobody else's, to a server at which whatever is published can be heard.

        Raises:
            RedisAwayError: there is none in time.
        """
        return await self._in_time(_connect(self._client), is_probe=True)

    async def close(self) -> None:
        """Close the connections."""
        with suppress(*LOST):
            await self._client.aclose()
            if self._sentinel is not None:
                await self._sentinel.aclose()

    async def _executed(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Return the answers to calls of scripts; only redis-py's pipeline knows which server of a Cluster to ask."""
        if isinstance(self._client, RedisCluster):
            return await self.calls(commands)
        return self._answered(await self._in_time(exchange(self._client.connection_pool, commands)))

    def _answered(self, replies: list[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, Exception) and (not isinstance(reply, ResponseError) or _code(reply).startswith(AWAY)):
                raise self._away(reply)
        return replies

    async def _in_time(self, asked: Coroutine[Any, Any, T], *, is_probe: bool = False) -> T:
        if time.monotonic() < self._away_until and not is_probe:
            asked.close()
            raise RedisAwayError("Redis did not answer a moment ago")
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await asked
        except LOST as exc:
            raise self._away(exc) from None
        except Exception as exc:  # noqa: BLE001 (redis-py's own faults, as while a Cluster changes, are to end no loop of ours)
            logger.error("redis_client_broke", error=type(exc).__name__, where=place_of(exc))
            raise self._away(exc) from None
        self.is_well, self._away_until = True, 0.0
        return answer

    def _away(self, exc: Exception) -> RedisAwayError:
        self.is_well, self._away_until = False, time.monotonic() + PAUSE_S
        return RedisAwayError(type(exc).__name__)


def _code(refusal: ResponseError) -> str:
    """Return the words of a refusal from its code on: redis-py takes those that it knows out of the text."""
    return refusal.status_code or str(refusal)


def _options(address: Address) -> dict[str, Any]:
    options = {"username": address.username, "password": address.password, "protocol": 2, **address.tls}
    return options | {"socket_timeout": None, "socket_connect_timeout": None, "retry": Retry(NoBackoff(), 1)}


def _open_sentinel(address: Address) -> Sentinel | None:
    if address.kind != "sentinel":
        return None
    own = _options(address) | {"username": None, "password": None}
    options = _options(address) | {"db": address.database}
    return Sentinel(address.hosts, sentinel_kwargs=own, **options)  # type: ignore[no-untyped-call]


def _open(address: Address, sentinel: Sentinel | None) -> Redis | RedisCluster:
    options = _options(address)
    if sentinel is not None:
        primary: Redis = sentinel.master_for(
            address.service, connection_pool_class=_PrimaryPool, max_connections=CONNECTIONS + 2, timeout=None
        )
        return primary
    if address.kind == "cluster":
        return RedisCluster(startup_nodes=[ClusterNode(*host) for host in address.hosts], **options)
    [(host, port)] = address.hosts
    kind = SSLConnection if options.pop("ssl", False) else Connection
    pool = BlockingConnectionPool(
        max_connections=CONNECTIONS + 1,
        timeout=None,
        connection_class=kind,
        host=host,
        port=port,
        db=address.database,
        **options,
    )
    return Redis.from_pool(pool)


async def _connect(client: Redis | RedisCluster) -> AbstractConnection:
    if isinstance(client, RedisCluster):
        await client.initialize()
        node = client.get_random_node()
        connection: AbstractConnection = node.connection_class(**node.connection_kwargs)
    else:
        connection = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    await connection.connect()  # type: ignore[no-untyped-call]
    return connection

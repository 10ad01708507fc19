"""The one connection of a process that listens: to any number of channels, each with somebody who hears.

The invariant: between two calls of `heard_from_now_on` nothing that was published is lost without another such call. So
whoever looks at the truth after each of them has missed nothing.
"""

import asyncio
import math
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import structlog
from redis.asyncio.connection import AbstractConnection

from agent.redis.client import RedisClient
from agent.redis.errors import LOST, RedisAwayError

logger = structlog.get_logger()

PING_EVERY_S = 1.0
SILENT_S = 3.0
"""A connection on which not even the answer to a ping came for so long is dead."""
RETRY_S = 0.2
AT_ONCE = 500
"""Channels of one command."""


class Listener(Protocol):
    """Somebody who hears what is published on a channel."""

    def heard_from_now_on(self) -> None:
        """Note that every message from this moment on is heard; earlier ones may have been missed."""

    def hear(self, message: bytes) -> None:
        """Take a message."""

    def deaf(self) -> None:
        """Note that nothing is heard until the next `heard_from_now_on`."""


class _Channel:
    __slots__ = ("listener", "unconfirmed")

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.unconfirmed = 0


class Subscriber:
    """Listens as long as it runs; see `run`."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._channels: dict[bytes, _Channel] = {}
        self._connection: AbstractConnection | None = None
        self._heard_at = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def is_well(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    def add(self, name: str, listener: Listener) -> None:
        """Hand the messages of a channel to a listener; a channel has one."""
        channel = self._channels[name.encode()] = _Channel(listener)
        if self._connection is not None:
            channel.unconfirmed += 1
            self._send("SUBSCRIBE", name)

    def remove(self, name: str) -> None:
        """Listen to a channel no more."""
        if self._channels.pop(name.encode(), None) is not None and self._connection is not None:
            self._send("UNSUBSCRIBE", name)

    async def run(self) -> None:
        """Connect, listen, and connect again, until cancelled."""
        while True:
            with suppress(RedisAwayError):
                await self._hold(await self._client.connection())
            await asyncio.sleep(RETRY_S)

    async def _hold(self, connection: AbstractConnection) -> None:
        """Listen until the connection is lost."""
        try:
            await self._listen(connection)
        except LOST as exc:
            logger.warning("redis_connection_lost", error=type(exc).__name__)
        finally:
            self._connection = None
            for task in self._sending:
                task.cancel()
            await connection.disconnect(nowait=True)
            for channel in self._channels.values():
                channel.listener.deaf()

    async def _listen(self, connection: AbstractConnection) -> None:
        """Hear until the connection is lost."""
        self._connection, self._heard_at = connection, time.monotonic()
        names = list(self._channels)
        for channel in self._channels.values():
            channel.unconfirmed = 1
        for start in range(0, len(names), AT_ONCE):
            await connection.send_command("SUBSCRIBE", *names[start : start + AT_ONCE], check_health=False)
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._hear(connection)), loop.create_task(self._watch(connection))]
        try:
            [lost, *_], _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            lost.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, connection: AbstractConnection) -> None:
        while True:
            answer = await connection.read_response(timeout=math.inf, disable_decoding=True)
            self._heard_at = time.monotonic()
            kind, name, *rest = answer if isinstance(answer, list) else (b"pong", b"")
            channel = self._channels.get(name)
            if channel is None:
                continue
            if kind == b"message":
                channel.listener.hear(rest[0])
            elif kind == b"subscribe":
                channel.unconfirmed -= 1
                if channel.unconfirmed <= 0:
                    channel.listener.heard_from_now_on()

    async def _watch(self, connection: AbstractConnection) -> None:
        """Ask whether the server is there; hang up where it is not."""
        while time.monotonic() - self._heard_at < SILENT_S:
            async with asyncio.timeout(SILENT_S):
                await connection.send_command("PING", check_health=False)
            await asyncio.sleep(PING_EVERY_S)
        raise TimeoutError("nothing was heard")

    def _send(self, *command: str) -> None:
        task = asyncio.get_running_loop().create_task(self._sent(command))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _sent(self, command: Iterable[str]) -> None:
        connection = self._connection
        if connection is not None:
            try:
                await connection.send_command(*command, check_health=False)
            except LOST:
                await connection.disconnect(nowait=True)  # who hears on it finds out

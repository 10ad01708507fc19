"""Signals of processes to each other about runs: that one is to look at its rows now, and not at its next poll.

The invariant: a signal is no truth. Whoever hears one reads the database; one that is lost costs a poll.
"""

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol, get_args
from uuid import UUID

from agent.principal import RunKey
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.subscriber import Subscriber

Kind = Literal["stop", "over", "free", "token"]
"""Somebody asks its process to stop a run · its process has let go of it · and left it, so that anybody may go on with it ·
it waits for a token of its user, whom somebody may have as a reader."""
MAX_WAITING = 1000
"""Signals that wait for Redis. While it is away nobody hears any."""


class Signal(NamedTuple):
    """Something has happened to a run."""

    kind: Kind
    run: RunKey
    conversation_id: UUID | None = None


class Signals(Protocol):
    """The signals that all processes of an installation hear."""

    def tell(self, signal: Signal) -> None:
        """Let every process hear a signal, this one among them. It never waits, and never fails."""

    def listen(self, heard: Callable[[Signal], None]) -> None:
        """Let `heard` be called with each signal."""


class MemorySignals(Signals):
    """The signals of one process. Others hear nothing, and poll."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Signal], None]] = []

    def tell(self, signal: Signal) -> None:
        for heard in self._listeners:
            heard(signal)

    def listen(self, heard: Callable[[Signal], None]) -> None:
        self._listeners.append(heard)


class RedisSignals(Signals):
    """The signals of many processes: one channel, heard on the connection that listens anyway."""

    def __init__(self, client: RedisClient, subscriber: Subscriber) -> None:
        self._client = client
        self._channel = f"{client.prefix}:signals"
        self._here = MemorySignals()
        self._waiting: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        subscriber.add(self._channel, self)

    def tell(self, signal: Signal) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(_pack(signal))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._publish())
        self._here.tell(signal)

    def listen(self, heard: Callable[[Signal], None]) -> None:
        self._here.listen(heard)

    def hear(self, message: bytes) -> None:
        with suppress(ValueError):  # of another release
            self._here.tell(_unpack(message))

    def heard_from_now_on(self) -> None:
        """Do nothing: what was not heard is found by polling."""

    def deaf(self) -> None:
        """Do nothing: what is not heard is found by polling."""

    async def _publish(self) -> None:
        try:
            while self._waiting:
                told, self._waiting = self._waiting, []
                with suppress(RedisAwayError):
                    await self._client.calls([("PUBLISH", self._channel, one) for one in told])
        finally:
            self._task = None


def _pack(signal: Signal) -> bytes:
    kind, run, conversation_id = signal
    return f"{kind} {run.tenant_id} {run.run_id} {conversation_id or ''}".encode()


def _unpack(message: bytes) -> Signal:
    kind, _, rest = message.decode().partition(" ")
    tenant_id, run_id, conversation_id = rest.rsplit(" ", 2)  # the name of a tenant may have anything in it
    if kind not in get_args(Kind):
        raise ValueError(kind)
    run = RunKey(tenant_id, UUID(run_id))
    return Signal(kind, run, UUID(conversation_id) if conversation_id else None)  # type: ignore[arg-type] # one of them


class Wakes:
    """Who waits for what another process does: woken by a signal, or after a while to look for themselves."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Future[None]]] = {}

    def wake(self, *keys: Hashable) -> None:
        """Wake those who wait for one of these."""
        for key in keys:
            for one in self._waiting.get(key, ()):
                if not one.done():
                    one.set_result(None)

    async def wait(self, key: Hashable, *, timeout_s: float) -> None:
        """Return when it is time to look again."""
        woken = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, set())
        waiting.add(woken)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await woken
        finally:
            waiting.discard(woken)
            if not waiting and self._waiting.get(key) is waiting:
                del self._waiting[key]

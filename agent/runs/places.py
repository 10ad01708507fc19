"""A process's word of itself to all others, and the answer that it hears: how many there are, and who may begin."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import structlog

from agent.principal import PUBLIC_TENANT
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.runs.letters import LetterKeys
from agent.runs.place_script import PLACES
from agent.settings import RuntimeSettings

logger = structlog.get_logger()

WAITING_S = 2.0
"""How long those who wait at a process that says nothing are thought of: a place is kept for whoever has the fewest."""

Works = Literal["all", "own", "none"]
"""For whom a process works: for all, for its own runs where nobody else does, or for nobody."""


class Told(NamedTuple):
    """The answer of Redis on all processes, and who may begin: tenant, user, and the worker that has the place."""

    living: int
    working: int
    """Processes that work for all."""
    is_alone: bool
    """Whether no other process has a place for what waits here."""
    has_more: bool
    granted: list[tuple[str, str, str]]
    elsewhere: dict[tuple[str, str], tuple[int, int]]
    """Of each who began to wait here: how many of the tenant, and of the user, wait at other processes."""


class Places:
    """A process's word of itself, and the answer that it hears."""

    def __init__(
        self, client: RedisClient, keys: LetterKeys | None, settings: RuntimeSettings, *, worker_id: str
    ) -> None:
        self._client = client
        self.channel = f"{client.prefix}:{{places}}"
        """On which a worker hears its name when it is to ask again."""
        self._worker_id = worker_id
        self._lease_ms = int(settings.lease_s * 1000)
        self._most = settings.max_runs
        self._keys = (" ".join(keys.opens), keys.seals_with) if keys is not None else ("", "")

    async def tell(
        self,
        changes: Mapping[tuple[str, str, str], int],
        *,
        says_all: bool,
        inside: int,
        works: Works,
        limits: tuple[int, int],
    ) -> Told | None:
        """Say what changed, or all that there is; None where all has to be said anew.

        `limits` are those of a tenant and of a user.

        Raises:
            RedisAwayError: nobody knows what of it was heard.
        """
        call: list[Any] = [
            *(self.channel, self._worker_id, int(says_all), self._lease_ms, int(WAITING_S * 1000)),
            *(self._most, inside, works, *self._keys, *limits, PUBLIC_TENANT),
        ]
        for (kind, first, second), change in changes.items():
            if change:
                call += (kind, first, second, change)
        [reply] = await self._client.scripts(PLACES, [call])
        match reply:
            case [b"told", int(living), int(working), int(is_alone), int(more), list(granted), list(others)]:
                names = [one.decode() for one in granted]
                triples = list(zip(names[::3], names[1::3], names[2::3], strict=True))
                pairs = zip(others[::4], others[1::4], zip(others[2::4], others[3::4], strict=True), strict=True)
                elsewhere = {(tenant.decode(), user.decode()): numbers for tenant, user, numbers in pairs}
                return Told(living, working, bool(is_alone), bool(more), triples, elsewhere)
            case [b"again"]:
                return None
            case _:
                reason = str(reply)[:200] if isinstance(reply, Exception) else ""
                logger.error("places_refused", error=type(reply).__name__, reason=reason)
                raise RedisAwayError("it does not understand")

    async def leave(self) -> None:
        """Take this process out of what Redis knows."""
        keys = [f"{self.channel}:{kind}:{self._worker_id}" for kind in ("at", "for")]
        with suppress(RedisAwayError):
            await self._client.calls([("DEL", *keys), ("SREM", self.channel, self._worker_id)])

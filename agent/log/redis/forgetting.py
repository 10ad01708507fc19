"""Forgetting streams from outside: for whoever has no log, only the names of runs."""

from collections.abc import Sequence

from agent.log.redis.entries import stream_key
from agent.log.redis.scripts import FORGET
from agent.principal import RunKey
from agent.redis.client import RedisClient

GONE_MS = 60_000
"""How long Redis knows that a run is gone."""


async def forget_streams(client: RedisClient, runs: Sequence[RunKey]) -> None:
    """Keep nothing of runs that are gone; whoever still writes one is refused for as long as `GONE_MS`.

    Raises:
        RedisAwayError: nobody knows what of it was done.
    """
    keys = [stream_key(client.prefix, run) for run in runs]
    await client.scripts(FORGET, [(key, key, GONE_MS) for key in keys])

"""The entries that Redis has of those who are erased, and of their runs, where the installation has a Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agent.log.redis.forgetting import forget_streams
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.shelf import RedisShelf
from agent.runs.letters import LetterKeys
from api.settings import Settings
from api.shared_tickets import forget_tickets
from api.sharing import letter_keys


class Streams:
    """The streams of runs; without a Redis there are none."""

    def __init__(self, client: RedisClient | None, keys: LetterKeys | None = None) -> None:
        self._client = client
        self._keys = keys

    async def forget(self, runs: Sequence[RunKey]) -> None:
        """Keep nothing of these runs, and take nothing more of them from whoever still writes.

        Raises:
            RedisAwayError: Redis does not answer.
        """
        if self._client is not None and runs:
            await forget_streams(self._client, runs)

    async def forget_context(self, tenant_id: str, user_id: str | None) -> None:
        """Keep nothing that was looked up for a user, or with None for a whole tenant; see `forget`."""
        if self._client is not None:
            await RedisShelf(self._client).forget(tenant_id, user_id)

    async def forget_tickets(self, tenant_id: str, user_id: str | None) -> None:
        """Keep no ticket of a user, or with None of a whole tenant; see `forget`."""
        if self._client is not None:
            await forget_tickets(self._client, self._keys, tenant_id, user_id)

    async def forget_one(self, run: RunKey) -> None:
        """Keep nothing of a run; see `forget`."""
        await self.forget([run])


@asynccontextmanager
async def streams_of(settings: Settings) -> AsyncIterator[Streams]:
    """Open the installation's Redis, if it has one, for the block."""
    if settings.redis_url is None:
        yield Streams(None)
        return
    address = parse_address(settings.redis_url.get_secret_value())
    client = RedisClient(address, prefix=settings.redis_prefix, timeout_s=settings.redis_timeout_s)
    try:
        yield Streams(client, letter_keys(settings))
    finally:
        await client.close()

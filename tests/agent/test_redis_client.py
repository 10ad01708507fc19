"""The client of Redis: what is the server's state is told as that, and not as a mistake of whoever asked."""

import pytest
from support.redis import open_redis

from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError


@pytest.mark.parametrize(
    "change", [("REPLICAOF", "127.0.0.1", "1"), ("CONFIG", "SET", "maxmemory", "100kb")], ids=["replica", "full"]
)
async def test_a_server_that_takes_nothing_just_now_counts_as_away(change: tuple[str, ...]) -> None:
    """G282: as after a failover, and where its memory is full."""
    with open_redis() as server:
        client = RedisClient(parse_address(server.url), timeout_s=5)
        try:
            assert await client.call("SET", "one", "1")
            with server.client() as direct:
                direct.execute_command(*change)
            with pytest.raises(RedisAwayError):
                await client.call("SET", "two", "2")
            assert not client.is_well
        finally:
            await client.close()

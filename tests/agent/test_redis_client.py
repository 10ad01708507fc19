"""The client of Redis: what is the server's state is told as that, and not as a mistake of whoever asked."""

import asyncio
from typing import Any, cast

import pytest
import uvloop
from redis.asyncio import Connection, Redis
from support.faults import until
from support.redis import open_redis

from agent.redis.address import parse_address
from agent.redis.client import CONNECTIONS, PAUSE_S, RedisClient, Script
from agent.redis.errors import RedisAwayError
from agent.redis.reads import Reads


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


ECHO = Script("if ARGV[1] == 'wrong' then return redis.error_reply('WRONG it is') end return {KEYS[1], ARGV[1]}")
"""Says what it was asked, or that it was wrong."""


async def test_scripts_are_answered_in_order_whatever_befell_the_connections_before() -> None:
    """Nobody gets another's answer: after one was refused, all connections were cut, or some were stopped while the server was slow."""
    with open_redis() as server, server.client() as direct:
        client = RedisClient(parse_address(server.url), timeout_s=20)
        try:
            first, refused, last = await client.scripts(ECHO, [("a", "1"), ("a", "wrong"), ("\xe4", b"\x00\xff")])
            assert (first, str(refused), last) == ([b"a", b"1"], "WRONG it is", ["\xe4".encode(), b"\x00\xff"])
            direct.client_kill_filter(_type="normal", skipme=True)
            at_once = [client.scripts(ECHO, [("b", str(n))]) for n in range(CONNECTIONS)]
            assert await asyncio.gather(*at_once) == [[[b"b", b"%d" % n]] for n in range(CONNECTIONS)]
            server.pause()
            asked = [client.scripts(ECHO, [("c", str(n)), ("c", "late")]) for n in range(CONNECTIONS)]
            slow = [asyncio.create_task(one) for one in asked]
            pool = cast("Redis", client._client).connection_pool
            await until(lambda: len(list(pool._get_in_use_connections())) == CONNECTIONS)
            for one in slow:
                one.cancel()
            stopped = await asyncio.gather(*slow, return_exceptions=True)
            assert {type(one) for one in stopped} == {asyncio.CancelledError}
            server.resume()
            many = [(str(n), "d" * n) for n in range(300)]
            assert await client.scripts(ECHO, many) == [[key.encode(), said.encode()] for key, said in many]
        finally:
            await client.close()


def test_a_connection_that_is_closed_under_a_command_counts_as_away_and_the_next_one_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G282: uvloop, which serves, has an error of its own for it."""
    send = Connection.send_packed_command

    async def cut_and_send(connection: Any, *command: Any, **options: Any) -> None:
        if connection._writer is not None:
            connection._writer.transport.abort()
            await asyncio.sleep(0)
        await send(connection, *command, **options)

    async def cut_and_ask(url: str) -> None:
        client = RedisClient(parse_address(url), timeout_s=5)
        reads = Reads(client.calls)
        try:
            assert await reads.calls(("PING",)) == [True]
            monkeypatch.setattr(Connection, "send_packed_command", cut_and_send)
            with pytest.raises(RedisAwayError):
                await reads.calls(("PING",))
            monkeypatch.undo()
            await asyncio.sleep(PAUSE_S + 0.1)  # a timer counts in milliseconds, and may come a little early
            assert await reads.calls(("PING",)) == [True]
        finally:
            await client.close()

    with open_redis() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(cut_and_ask(server.url))

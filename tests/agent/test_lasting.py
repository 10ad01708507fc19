"""Work that goes on for as long as the process does: whatever breaks it, nobody waits for ever, and it goes on."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

import pytest
from support.faults import until
from support.gate import Installation
from support.logs import RUN, collect, told, write
from support.redis import RedisServer
from support.remote_logs import processes

from agent.errors import LogTrimmedError
from agent.events.schema import TextDelta
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.reads import Reads
from agent.redis.tally import Tally
from agent.runs.admission import HERE

LIMIT_S = 60.0


def break_once(monkeypatch: pytest.MonkeyPatch, client: RedisClient) -> None:
    """Let the next script that a client calls break as nobody expects."""
    scripts, broken = client.scripts, iter([True])

    async def call(*args: Any) -> list[Any]:
        if next(broken, False):
            raise LookupError("as nobody expects")
        return await scripts(*args)

    monkeypatch.setattr(client, "scripts", call)


async def test_a_flush_that_breaks_lets_its_run_go_on_and_is_made_up_for(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282"""
    async with processes(redis_server) as (writer, reader), asyncio.timeout(LIMIT_S):
        break_once(monkeypatch, writer._client)
        segment = writer.open(RUN, 1)
        await write(segment, told(3))

        async def is_told() -> bool:
            with suppress(LogTrimmedError):  # of that it is not there yet readers are told from the database
                return await collect(reader.follow(RUN)) == told(3)
            return False

        await until(is_told)


async def test_an_event_that_cannot_be_sent_holds_up_no_other_run(redis_server: RedisServer) -> None:
    """G282: nor its own."""
    async with processes(redis_server) as (writer, reader), asyncio.timeout(LIMIT_S):
        broken, other = writer.open(RunKey("rival", UUID(int=8)), 1), writer.open(RUN, 1)
        broken.append(TextDelta("half a pair: \ud83d"))
        await write(other, told(3))
        await broken.flush()
        assert await collect(reader.follow(RUN)) == told(3)


async def test_a_listener_that_breaks_makes_nobody_deaf_for_long(redis_server: RedisServer) -> None:
    """G282"""

    class Breaks:
        heard = 0

        def hear(self, message: bytes) -> None:
            self.heard += 1
            if self.heard == 1:
                raise LookupError("as nobody expects")

        def heard_from_now_on(self) -> None: ...

        def deaf(self) -> None: ...

    async with processes(redis_server, count=1) as [log]:
        listener = Breaks()
        log._subscriber.add("odd", listener)

        async def hears_again() -> bool:
            await log._client.call("PUBLISH", "odd", "x")
            return listener.heard > 1

        await until(hears_again)


async def test_a_count_that_breaks_is_refused_and_the_next_one_is_not(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282: what was given before is counted still."""
    client = RedisClient(parse_address(redis_server.url), prefix="fd-lasting", timeout_s=20)
    try:
        async with Tally(client, lease_s=240) as tally, asyncio.timeout(LIMIT_S):
            assert await tally.take([("a", 2)]) is None
            break_once(monkeypatch, client)
            with pytest.raises(RedisAwayError):
                await tally.take([("a", 2)])
            assert [await tally.take([("a", 2)]) for _ in range(2)] == [None, 0]
    finally:
        await client.close()


async def test_a_read_that_breaks_tells_all_who_wait_for_it() -> None:
    """G282: as an error of Redis's, and not as if they were told to stop."""

    async def ask(commands: Any) -> list[Any]:
        raise LookupError("as nobody expects")

    reads = Reads(ask)
    asked = [reads.calls(("PING",)) for _ in range(200)]
    assert {type(one) for one in await asyncio.gather(*asked, return_exceptions=True)} == {RedisAwayError}


async def test_a_look_for_places_that_breaks_is_followed_by_another(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G282"""
    async with AsyncExitStack() as stack, asyncio.timeout(LIMIT_S):
        process = await Installation(redis_server.url, stack).process()
        break_once(monkeypatch, process.client)

        async def has_place() -> bool:
            return await process.admission.ask("acme", "ann") == HERE

        await until(has_place)

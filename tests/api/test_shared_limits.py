"""Limits of requests and of open streams over all processes: exact while Redis is there, in shares while it is not, and told in each answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

import pytest
from redis.asyncio import Connection
from redis.exceptions import ConnectionError  # noqa: A004
from support.faults import until
from support.pairs import at, open_pair
from support.redis import RedisServer, open_cluster, open_redis
from support.world import OpenWorld, Person

from agent.errors import ConfigurationError, RateLimitedError
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.errors import RedisAwayError
from agent.redis.tally import Tally
from agent.redis.windows import Limit, Windows
from api.limits import _requests
from api.rates import Rates, Shared, limit_of
from api.seats import Seats, SharedSeats
from api.settings import Settings

ODD = ["acme", "a b", "{acme}", "a{b}c", "ä\u2028日本", "'\"\\", "-", "x" * 1000, "tenant:user", "*"]
"""Names that mean something to Redis, to Lua, or to nobody."""


@asynccontextmanager
async def client(url: str, prefix: str = "fd-limits", timeout_s: float = 20.0) -> AsyncIterator[RedisClient]:
    made = RedisClient(parse_address(url), prefix=prefix, timeout_s=timeout_s)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def tallies(url: str, count: int, *, lease_s: float = 2.0, timeout_s: float = 20.0) -> AsyncIterator[list[Tally]]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(url, timeout_s=timeout_s)) for _ in range(count)]
        yield [await stack.enter_async_context(Tally(one, lease_s=lease_s)) for one in clients]


def test_the_limits_have_defaults() -> None:
    settings = Settings(_env_file=None)
    assert (settings.user_limit, settings.tenant_limit, settings.address_limit) == ("1200/minute", "12000/minute", None)
    assert (settings.max_streams_per_tenant, settings.max_sockets_per_tenant) == (10_000, 10_000)
    for name in ("user_limit", "tenant_limit", "address_limit"):
        with pytest.raises(ConfigurationError, match=f"FRONTDESK_{name.upper()}"):
            _requests(Settings(_env_file=None).model_copy(update={name: "often"}), None)


async def test_an_answer_tells_of_its_limits_and_a_refusal_when_to_come_back(open_frontdesk: OpenWorld) -> None:
    """G347: whoever asks for what; others have their own, and what was refused counts for nothing."""
    world = await open_frontdesk(user_limit="3/hour", tenant_limit="5/hour")
    ann, ben = world.person(), world.person(user="ben")
    world.provider.say("Hello.")
    stream = await ann.stream("hello")
    assert stream.headers["ratelimit-policy"] == '"user";q=3;w=3600, "tenant";q=5;w=3600'
    answers = [await ann.request("GET", "/conversations") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in answers] == [f'"user";r={r}' for r in (1, 0, 0, 0)]
    assert answers[2].json()["code"] == "rate_limited"
    assert 3590 < int(answers[2].headers["retry-after"]) <= 3600
    assert [(await ben.request("GET", "/runs/x")).status_code for _ in range(3)] == [422, 422, 429]
    assert "company" in (await ben.request("GET", "/conversations")).json()["detail"]
    assert (await world.person("rival").request("GET", "/conversations")).status_code == 200


async def test_an_address_may_have_a_limit_that_guessing_counts_for(open_frontdesk: OpenWorld) -> None:
    """G347"""
    world = await open_frontdesk(address_limit="2/hour")
    nobody = Person(world, "no token", "acme")
    assert [(await nobody.request("GET", "/conversations")).status_code for _ in range(3)] == [401, 401, 429]
    assert (await world.person().request("GET", "/conversations")).headers["ratelimit"].startswith('"address";r=0;t=')


async def test_requests_and_streams_are_counted_over_all_processes(
    open_frontdesk: OpenWorld, postgres: str, redis_server: RedisServer
) -> None:
    """G346 G347"""
    prefix = "fd-over-all"
    settings = {"user_limit": "8/hour", "max_streams_per_user": 2, "redis_prefix": prefix}
    first, second = await open_pair(open_frontdesk, postgres, redis_server, **settings)
    ann, gate = first.person(), asyncio.Event()
    async with AsyncExitStack() as stack:
        streams = []  # one that nobody holds is closed
        for world in (first, second):
            first.provider.wait_for(gate, "Hello.")
            streams.append(await stack.enter_async_context(at(world, ann).open_stream("hello")))
            await streams[-1].until("run_id")
        refused = [await at(world, ann).ask("one more") for world in (first, second)]
        assert [one.status_code for one in refused] == [429, 429]
        assert [one.json()["detail"] for one in refused] == ["At most 2 answers can be read at once."] * 2
        gate.set()
        assert [(await stream.rest()).is_done for stream in streams] == [True, True]
    answers = [await at(world, ann).request("GET", "/conversations") for world in (first, second) * 3]
    assert [one.status_code for one in answers] == [200] * 4 + [429] * 2
    with redis_server.client() as asked:
        keys = asked.keys(f"{prefix}:*")
        assert not [key for key in keys if "ann" in key or asked.ttl(key) < 0], "no names, and all go by themselves"


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_passes_a_limit_and_nobody_below_it_is_refused(redis_server: RedisServer, seed: int) -> None:
    """G346: many at once at several processes, some of whom go away while they ask; streams come and go."""
    random, most = Random(seed), 5
    async with tallies(redis_server.url, 3, lease_s=60.0) as processes:
        users = [f"{seed} user {number}" for number in range(20)]
        have: dict[str, list[Tally]] = {user: [] for user in users}
        for _ in range(6):
            asked = [(user, random.choice(processes)) for user in users for _ in range(random.randrange(4))]
            tasks = [asyncio.create_task(process.take([(user, most)])) for user, process in asked]
            for task in random.sample(tasks, 3):
                task.cancel()
            got = await asyncio.gather(*tasks, return_exceptions=True)
            for user in users:
                mine = [answer for (who, _), answer in zip(asked, got, strict=True) if who == user]
                taken, gone = mine.count(None), sum(isinstance(one, asyncio.CancelledError) for one in mine)
                room = most - len(have[user])
                assert min(len(mine) - gone, room - gone) <= taken <= room
            for (user, process), answer in zip(asked, got, strict=True):
                have[user] += [process] if answer is None else []
            for user in users:
                for _ in range(random.randrange(len(have[user]) + 1)):
                    have[user].pop().add([user], -1)
            for process in processes:
                await process.take([])  # and says with it what it has no more


async def test_what_a_dead_process_had_is_free_with_its_lease_and_one_that_ends_gives_all_back(
    redis_server: RedisServer,
) -> None:
    """G346"""
    async with tallies(redis_server.url, 2) as (alive, dead):
        assert await dead.take([("its user", 1)]) is None
        assert await alive.take([("its user", 1)]) == 0
        assert dead._task is not None
        dead._task.cancel()  # and says nothing any more

        async def is_free() -> bool:
            return await alive.take([("its user", 1)]) is None

        await until(is_free)
    async with tallies(redis_server.url, 1) as [other]:
        assert await other.take([("its user", 1), ("else", 1)]) is None
        assert await other.take([("else", 2), ("its user", 1)]) == 1, "and nothing of the first was taken"
        assert await other.take([("else", 2)]) is None


async def test_while_redis_is_away_each_process_has_its_share_and_all_is_said_when_it_is_back() -> None:
    """G348: nothing waits for it, nobody is shut out; at least one of each is allowed."""
    with open_redis() as server:
        async with tallies(server.url, 2) as both:
            seats = [Seats("s", 4, 100, shared=SharedSeats(tally, lambda: 2)) for tally in both]
            held = AsyncExitStack()
            for one in seats:
                held.enter_context(await one.take("acme", "ann"))
            server.kill()
            held.enter_context(await seats[0].take("acme", "ann"))
            with pytest.raises(RateLimitedError):
                await seats[0].take("acme", "ann")
            async with client(server.url) as away:
                rates = Rates({"user": limit_of("5/hour", name="x")}, None)
                with pytest.raises(RedisAwayError):
                    await Windows(away).hit([Limit("a", 1, 60)])
                rates = Rates({"user": limit_of("5/hour", name="x")}, Shared(Windows(away), lambda: 2))
                for _ in range(2):
                    await rates.hit({"user": ("acme", "ann")})
                with pytest.raises(RateLimitedError):
                    await rates.hit({"user": ("acme", "ann")})
            server.start()
            await until(lambda: not any(tally._says_all for tally in both))
            held.enter_context(await seats[1].take("acme", "ann"))
            for one in seats:
                with pytest.raises(RateLimitedError):
                    await one.take("acme", "ann")
            await held.aclose()
            for tally in both:
                await tally.take([])
            for _ in range(4):
                held.enter_context(await seats[0].take("acme", "ann"))


async def test_whatever_somebody_is_called_they_are_counted_alone_and_on_a_cluster_too(
    redis_server: RedisServer,
) -> None:
    """G349"""
    with open_cluster() as cluster:
        for url in (redis_server.url, cluster):
            async with client(url, prefix="fd-odd") as made, Tally(made, lease_s=5) as tally:
                windows = Windows(made)
                for _ in range(2):
                    for name in ODD:
                        await windows.hit([Limit(f"user\0{name}", 2, 60), Limit("all", 1000, 60)])
                seen = [await windows.hit([Limit(f"user\0{name}", 2, 60)]) for name in ODD]
                assert [one[0].left for one in seen] == [0] * len(ODD)
                assert [await tally.take([(name, 1)]) for name in ODD] == [None] * len(ODD)
                assert [await tally.take([(name, 1)]) for name in ODD] == [0] * len(ODD)


async def test_a_limit_is_one_of_any_window_of_its_length(redis_server: RedisServer) -> None:
    """G347: not of each minute of the clock; and what it counted is forgotten one by one."""
    async with client(redis_server.url, prefix="fd-window") as made:
        windows = Windows(made)
        limit = Limit("a", 2, 3)
        assert [(await windows.hit([limit]))[0].left for _ in range(3)] == [2, 1, 0]

        async def allows() -> bool:
            return (await windows.hit([limit]))[0].left > 0

        await until(allows)


async def test_a_call_that_comes_twice_because_its_answer_was_lost_counts_once(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G346: nobody is refused for a stream that is not open, also after a connection was lost."""
    read, lost = Connection.read_response, list[object]()

    async def read_and_lose(connection: Any, *asked: Any, **options: Any) -> object:
        reply: object = await read(connection, *asked, **options)
        if isinstance(reply, list) and reply[:1] == [b"told"] and len(lost) < len(losing):
            lost.append(reply)
            await connection.disconnect()
            raise ConnectionError("lost")
        return reply

    losing = list[None]()
    monkeypatch.setattr(Connection, "read_response", read_and_lose)
    async with tallies(redis_server.url, 2, lease_s=60.0) as [first, second]:
        for tally in (first, second):
            assert await tally.take([("other", 9)]) is None
        losing.append(None)
        assert await first.take([("twice", 1)]) is None, "it has the only place itself"
        assert (len(lost), await second.take([("twice", 1)])) == (1, 0)
        losing.append(None)
        first.add(["twice"], 1)
        await until(lambda: len(lost) == 2)
        first.add(["twice"], -2)
        await until(lambda: not first._changes and not first._says_all)
        assert await second.take([("twice", 1)]) is None


async def test_many_who_ask_at_once_share_calls(redis_server: RedisServer) -> None:
    """G346"""
    async with tallies(redis_server.url, 1, lease_s=60.0) as [tally], client(redis_server.url) as made:
        await tally.take([("first", 1)])
        with redis_server.client() as asked:

            def calls() -> int:
                return int(asked.info("commandstats")["cmdstat_evalsha"]["calls"])

            before = calls()
            assert await asyncio.gather(*(tally.take([(f"u{n}", 1)]) for n in range(200))) == [None] * 200
            assert calls() - before <= 3
        windows = Windows(made)
        await asyncio.gather(*(windows.hit([Limit(f"u{n}", 1, 60)]) for n in range(50)))

"""The health of models, as far as it is known: in one process, and of several together."""

import time
from collections.abc import AsyncIterator, Sequence

import pytest
from support.faults import until
from support.redis import RedisServer

from agent.errors import (
    ContentRefusedError,
    ContextTooLongError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnauthorizedError,
    ModelUnavailableError,
    RunError,
)
from agent.models.health import Bounds, Health, Known, Way
from agent.models.refusals import ModelMissingError
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.downs import Downs

A, B = Known("a", "key-of-a"), Known("b", "key-of-b")
PAUSE_S = 2.0
BOUNDS = Bounds(failures=2, failures_s=60, pause_s=PAUSE_S)
LATER = Bounds(failures=2, failures_s=60, pause_s=3600)


@pytest.fixture
async def clients(redis_server: RedisServer) -> AsyncIterator[list[RedisClient]]:
    """The connections of two processes to one Redis."""
    two = [RedisClient(parse_address(redis_server.url), prefix=f"p{time.monotonic_ns()}", timeout_s=10)]
    two.append(RedisClient(parse_address(redis_server.url), prefix=two[0].prefix, timeout_s=10))
    yield two
    for one in two:
        await one.close()


async def ask(health: Health, *models: Known, error: RunError | None = None) -> Known | None:
    """Ask the first model that may be asked, which answers or fails; return which that was."""
    way = await health.choose(models)
    if way is None:
        return None
    try:
        async with health.asking(way):
            if error is not None:
                raise error
    except RunError:
        pass
    return way.model


async def asked(health: Health, errors: Sequence[RunError], model: Known = A) -> None:
    for error in errors:
        await ask(health, model, error=error)


async def test_one_that_failed_is_left_out_until_one_request_has_looked() -> None:
    """G426"""
    health = Health(BOUNDS)
    await asked(health, [ModelTimeoutError("")] * 2)
    assert await ask(health, A, B) == B
    assert await ask(health, A) is None

    async def is_looked_at() -> bool:
        way = await health.choose([A, B])
        assert way is not None
        if way.model == B:
            return False
        assert (await health.choose([A, B])).model == B, "one looks, the others do not wait for it"  # type: ignore[union-attr]
        async with health.asking(way):
            return True

    await until(is_looked_at)
    assert await ask(health, A, B) == A


@pytest.mark.parametrize(
    "error", [ModelRefusedError(""), ContentRefusedError(""), ContextTooLongError(""), RunError("")]
)
async def test_what_one_refuses_is_not_held_against_it(error: RunError) -> None:
    """G426"""
    health = Health(LATER)
    await asked(health, [error] * 10)
    assert await ask(health, A, B) == A


@pytest.mark.parametrize(
    "error",
    [
        *(ModelUnavailableError(""), ModelRateLimitedError(""), ModelTimeoutError("")),
        *(ModelUnauthorizedError(""), ModelQuotaError(""), ModelMissingError("")),
    ],
)
async def test_what_it_fails_with_is(error: RunError) -> None:
    """G426"""
    health = Health(LATER)
    await asked(health, [error] * 2)
    assert await ask(health, A, B) == B


async def test_whether_another_is_up_is_told() -> None:
    health = Health(LATER)
    assert (await health.choose([A, B])).has_others  # type: ignore[union-attr]
    assert not (await health.choose([A])).has_others  # type: ignore[union-attr]
    await asked(health, [ModelTimeoutError("")] * 2, B)
    assert not (await health.choose([A, B])).has_others  # type: ignore[union-attr]


async def test_where_all_are_down_an_answer_brings_one_back() -> None:
    """G426"""
    health = Health(LATER)
    await asked(health, [ModelTimeoutError("")] * 2)
    async with health.asking(health.force(A)):
        pass
    assert await ask(health, A, B) == A


async def test_what_one_process_finds_out_all_know(clients: list[RedisClient]) -> None:
    """G427: one request of all processes looks whether it is back, and what that finds all know, too."""
    here, there = (Health(LATER, Downs(client)) for client in clients)
    await asked(here, [ModelTimeoutError("")] * 2)
    assert await ask(there, A, B) == B
    assert await ask(here, A, B) == B
    way = await there.choose([A, B])
    assert way is not None
    assert not way.has_others
    async with there.asking(there.force(A)):
        pass
    assert await ask(here, A, B) == A
    assert await ask(there, A, B) == A


async def test_one_request_of_all_processes_looks(clients: list[RedisClient]) -> None:
    """G427: and one that was given up is the next one's."""
    here, there = (Health(BOUNDS, Downs(client)) for client in clients)
    await asked(here, [ModelTimeoutError("")] * 2)
    looks: list[Way] = []

    async def is_looked_at() -> bool:
        way = await there.choose([A, B])
        assert way is not None
        looks.append(way)
        return way.model == A

    await until(is_looked_at)
    assert looks[-1].looks
    with pytest.raises(KeyError):
        async with there.asking(looks[-1]):
            raise KeyError  # nothing that a model did
    way = await here.choose([A, B])
    assert way is not None
    assert (way.model, way.looks) == (A, True)
    assert await ask(there, A, B) == B
    with pytest.raises(ModelTimeoutError):
        async with here.asking(way):
            raise ModelTimeoutError("")
    assert await ask(there, A, B) == B


async def test_without_its_redis_each_process_knows_what_it_found_out(clients: list[RedisClient]) -> None:
    """G427"""
    here, there = (Health(LATER, Downs(client)) for client in clients)
    for client in clients:
        client.is_well = False  # as it is right after a question that had no answer
    await asked(here, [ModelTimeoutError("")] * 2)
    assert await ask(here, A, B) == B
    assert await ask(there, A, B) == A


async def test_keys_say_nothing(clients: list[RedisClient]) -> None:
    """No model and no key of a provider is in Redis."""
    here = Health(LATER, Downs(clients[0]))
    await asked(here, [ModelTimeoutError("")] * 2)
    keys = await clients[0].call("KEYS", f"{clients[0].prefix}:*")
    assert [key.endswith(b":down:key-of-a") for key in keys] == [True]

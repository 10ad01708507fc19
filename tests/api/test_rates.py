"""How often somebody may do a thing in one process: counted in its memory, exactly, at no other one's cost."""

import asyncio

import pytest
from support.faults import until
from support.socketing import open_socket_at
from support.world import OpenWorld, Person
from websockets.exceptions import InvalidStatus

from agent.errors import RateLimitedError
from api.rates import Rates, limit_of


async def passes(rates: Rates, user: str) -> bool:
    try:
        await rates.hit({"user": ("acme", user), "tenant": ("acme",)})
    except RateLimitedError:
        return False
    return True


async def test_of_all_who_come_at_once_just_as_many_pass_as_the_limits_say() -> None:
    """G347: nobody passes one, nobody below theirs is refused, and what is refused for one counts for no other."""
    rates = Rates({"user": limit_of("5/minute", name="x"), "tenant": limit_of("5000/minute", name="x")})
    passed = {f"user {number}": 0 for number in range(1000)}
    for _ in range(8):
        answers = await asyncio.gather(*(passes(rates, user) for user in passed for _ in range(2)))
        for (user, _), (first, second) in zip(
            passed.items(), zip(answers[::2], answers[1::2], strict=True), strict=True
        ):
            passed[user] += first + second
        await asyncio.sleep(0)
    assert set(passed.values()) == {5}
    assert not await passes(rates, "somebody else"), "of the tenant"


async def test_what_somebody_asks_costs_the_same_however_many_asked_before() -> None:
    """G347: nothing is begun behind it, and it waits for nothing."""
    rates = Rates({"user": limit_of("5/minute", name="x")})
    tasks = asyncio.all_tasks()
    for number in range(100):
        with pytest.raises(StopIteration):
            rates.hit({"user": ("acme", f"user {number}")}).send(None)
    assert asyncio.all_tasks() == tasks


async def test_what_counts_for_nothing_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """G347"""
    monkeypatch.setattr("api.rates.FORGET_EVERY_S", 0.1)
    rates = Rates({"user": limit_of("5/second", name="x"), "tenant": limit_of("5/hour", name="x")})
    for number in range(5):
        assert await passes(rates, f"user {number}")

    def is_forgotten() -> bool:
        rates._own.hit([])
        return [name for name, _ in rates._own._times] == ["tenant\0acme"]

    await until(is_forgotten)
    assert not await passes(rates, "user 1"), "the tenant's are not"


async def test_whoever_brings_a_token_counts_wherever_they_bring_it(open_frontdesk: OpenWorld) -> None:
    """G347: with a WebSocket, and to see the assistant, too."""
    world = await open_frontdesk(user_limit="3/hour")
    ann, ben = world.person(), world.person(user="ben")
    assert (await ann.request("GET", "/assistant")).headers["ratelimit"].startswith('"user";r=2')
    async with open_socket_at(world.url, ann.token):
        pass
    issued = await ann.request("POST", "/tickets", json={"path": "/ws"})
    assert [one.partition(";")[0] for one in issued.headers["ratelimit"].split(", ")] == [
        '"user"',
        '"tenant"',
        '"tickets"',
    ]
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket_at(world.url, None, f"?ticket={issued.json()['ticket']}"):
            pass
    assert refused.value.response.status_code == 429
    async with open_socket_at(world.url, None) as socket:
        await socket.say("credential", token=ann.token)
        assert (await socket.next())["refused"]["code"] == "rate_limited"
        assert await socket.closed() == 4429
    assert (await ben.request("GET", "/assistant")).status_code == 200


async def test_an_address_that_guesses_over_websockets_is_refused_as_well(open_frontdesk: OpenWorld) -> None:
    """G347"""
    world = await open_frontdesk(address_limit="3/hour")
    headers = {"Authorization": "Bearer guessed"}
    statuses = []
    for _ in range(2):
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket_at(world.url, None, additional_headers=headers):
                pass
        statuses.append(refused.value.response.status_code)
    nobody = Person(world, "guessed", "acme")
    statuses += [(await nobody.request("GET", "/assistant")).status_code for _ in range(2)]
    assert statuses == [401, 401, 401, 429]
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket_at(world.url, None):
            pass
    assert refused.value.response.status_code == 429

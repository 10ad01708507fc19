"""A fail-over by Sentinel: signals and places come back with the new primary, and limits hold on it; the log's is in `log/test_redis.py`."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from support.faults import until
from support.gate import Installation
from support.redis import open_sentinel

from agent.principal import RunKey
from agent.redis.tally import Tally
from agent.redis.windows import Limit, Windows
from agent.runs.signals import RedisSignals, Signal
from agent.store.database import new_id


@pytest.mark.timeout(300)
async def test_signals_places_and_limits_go_on_at_the_server_that_takes_the_first_ones_place() -> None:
    """G352: what the copy had not got is said anew; nobody has more than the limits allow, and many who ask at once are answered."""
    with open_sentinel() as (url, primary):
        async with AsyncExitStack() as stack:
            installation = Installation(url, stack)
            first, second = [await installation.process(max_runs_per_tenant=1) for _ in range(2)]
            signals = [RedisSignals(one.client, one.subscriber) for one in (first, second)]
            heard: list[Signal] = []
            signals[1].listen(heard.append)
            tallies = [await stack.enter_async_context(Tally(one.client, lease_s=2)) for one in (first, second)]
            await first.arrive("acme", "ann")
            assert await tallies[0].take([("ann", 1)]) is None
            assert await asyncio.gather(*(first.client.call("GET", str(n)) for n in range(50))) == [None] * 50
            primary.kill()
            await until(lambda: first.admission.is_apart)
            for one in (first, second):
                await until(lambda one=one: not one.admission.is_apart and one.subscriber.is_well)  # type: ignore[misc]
            asked = Signal("stop", RunKey("acme", new_id()), new_id())

            def is_heard() -> bool:
                signals[0].tell(asked)  # one that is lost costs a poll
                return asked in heard

            await until(is_heard)
            await until(lambda: not any(tally._says_all for tally in tallies))
            assert await tallies[1].take([("ann", 1)]) == 0
            await until(lambda: second.admission._shares.most_of_each == (1, 5))
            await second.arrive("acme", "ben")
            assert second.left_waiting == [("acme", "ben")]
            await first.leave()
            await until(lambda: second.inside == [("acme", "ben")])
            windows = [Windows(one.client) for one in (first, second)]
            assert [(await one.hit([Limit("a", 1, 60)]))[0].left for one in windows] == [1, 0]

"""Workers that hang: the first message that is offered to one in vain pays for that, and no other, wherever it comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from support.faults import until
from support.gate import Installation, Process
from support.redis import RedisServer

from agent.principal import Principal
from agent.runs.admission import HERE
from agent.runs.letters import LetterKeys
from agent.runs.offers import Cluster, Offers
from agent.runs.shares import ALONE_S, Solitude
from agent.store.database import new_id

LIMITS: dict[str, Any] = {"lease_s": 60.0, "max_runs_per_user": 50}


@pytest.fixture
async def installation(redis_server: RedisServer) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        yield Installation(redis_server.url, stack)


def hang(process: Process) -> None:
    """Let a process say nothing any more, and be known for as long as its lease lasts."""
    process.tasks[1].cancel()


async def offered(front: Process) -> str:
    """Let a message come; return where its place is."""
    grant = await front.admission.ask("acme", "ann")
    assert grant is not None
    return grant


async def test_a_worker_that_did_not_answer_one_process_is_offered_nothing_by_any(installation: Installation) -> None:
    """G345: until it says something again; and others with a place are preferred meanwhile."""
    fronts = [await installation.process(execute=False, **LIMITS) for _ in range(2)]
    first = await installation.process(max_runs=9, **LIMITS)
    second = await installation.process(max_runs=2, **LIMITS)
    assert await offered(fronts[0]) == first.name
    hang(first)
    fronts[0].admission.keep("acme", "ann", first.name, is_silent=True)
    await fronts[0].admission.told()
    assert [await offered(front) for front in fronts] == [second.name] * 2
    await first.admission.tell()
    assert await offered(fronts[1]) == first.name


async def test_where_the_only_worker_hangs_the_next_message_is_not_waited_for_twice(installation: Installation) -> None:
    """G345: the time in which it did not answer was the time of nobody having a place."""
    front = await installation.process(execute=False, **LIMITS)
    worker = await installation.process(**LIMITS)
    assert await offered(front) == worker.name
    hang(worker)
    front.admission.keep("acme", "ann", worker.name, is_silent=True)
    await front.admission.told()
    assert await offered(front) == HERE


async def test_one_that_has_been_alone_for_long_works_at_once(installation: Installation) -> None:
    """G345: each message would wait two seconds for nobody else."""
    front = await installation.process(execute=False, **LIMITS)
    await until(lambda: front.admission._works == "own")
    assert [await offered(front) for _ in range(3)] == [HERE] * 3
    worker = await installation.process(**LIMITS)
    assert await offered(front) == worker.name


def test_solitude_ends_with_the_first_other_that_has_a_place() -> None:
    solitude = Solitude()
    assert (solitude.told(True), solitude.told(True), solitude.is_long) == (True, False, False)
    solitude.waited()
    solitude.told(False)
    assert (solitude.told(True), solitude.is_long) == (True, False), "the wait was another time's"
    solitude.told(False)
    solitude.waited()
    assert (solitude.told(True), solitude.is_long, ALONE_S) == (True, True, 2.0)


async def test_letters_to_a_worker_that_did_not_answer_one_are_given_up_together(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G345: those to others are waited for."""
    process = await installation.process(**LIMITS)
    cluster = Cluster(process.client, process.subscriber, LetterKeys(["k" * 32]))
    offers = Offers(cluster, LetterKeys(["k" * 32]), worker_id=process.name)

    async def ask(to: str, within_s: float) -> object:
        ann = Principal("acme", "ann")
        monkeypatch.setattr("agent.runs.offers.ANSWER_S", within_s)
        return await offers._ask(offers._head("run", ann, new_id(), to=to, attempt=1), ann)

    asked = [asyncio.create_task(ask(*one)) for one in (("works", 60), ("hangs", 60), ("hangs", 0.1))]
    assert await asyncio.gather(*asked[1:]) == [None, None]
    assert not asked[0].done()
    asked[0].cancel()

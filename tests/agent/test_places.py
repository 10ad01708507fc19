"""Places at work over all processes: limits that hold exactly, a fair order, and nothing that the dead leave behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import pytest
from support.faults import until
from support.gate import KEY, Installation, Process
from support.redis import RedisServer, open_cluster, open_redis

from agent.principal import PUBLIC_TENANT
from agent.runs.shares import Shares

OTHER = "o" * 32


@pytest.fixture
async def installation(redis_server: RedisServer) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        yield Installation(redis_server.url, stack)


@pytest.mark.parametrize("seed", range(4))
async def test_the_limits_of_users_and_tenants_hold_over_all_processes(installation: Installation, seed: int) -> None:
    """G313: exactly, whatever comes and goes where; and nobody waits in the end."""
    random = Random(seed)
    limits: dict[str, Any] = {"max_runs": 3, "max_runs_per_tenant": 4, "max_runs_per_user": 2}
    processes = [await installation.process(**limits) for _ in range(3)]
    people = [(tenant, user) for tenant in ("acme", "rival", PUBLIC_TENANT) for user in ("ann", "ben", "cleo")]
    for _ in range(60):
        process = random.choice(processes)
        if random.random() < 0.6 or not process.inside:
            await process.arrive(*random.choice(people))
        else:
            await process.leave(random.randrange(len(process.inside)))
        _hold(processes)
    while any(process.inside or process.left_waiting for process in processes):
        await until(lambda: any(process.inside for process in processes))
        await next(process for process in processes if process.inside).leave()
        _hold(processes)


def _hold(processes: list[Process]) -> None:
    inside = [who for process in processes for who in process.inside]
    assert max(Counter(tenant for tenant, _ in inside).values(), default=0) <= 4
    for who, number in Counter(inside).items():
        assert number <= 2 or who[0] == PUBLIC_TENANT
    assert max(len(process.inside) for process in processes) <= 3


async def test_a_tenant_that_waits_in_one_process_delays_nobody_at_another_nor_while_that_is_free(
    installation: Installation,
) -> None:
    """G314"""
    limits: dict[str, Any] = {"max_runs": 2, "max_runs_per_tenant": 3, "max_runs_per_user": 3}
    first, second = await installation.process(**limits), await installation.process(**limits)
    for _ in range(100):
        await first.arrive("busy", "ann")
    assert (len(first.inside), len(second.inside), first.handed) == (2, 1, 1)
    await second.arrive("calm", "ann")
    assert second.inside[-1] == ("calm", "ann")
    await second.leave(1)
    await first.arrive("calm", "ben")
    assert second.inside[-1] == ("calm", "ben")
    assert len(first.left_waiting) == 97


async def test_a_free_place_goes_to_the_tenant_that_has_the_fewest_wherever_it_waits(
    installation: Installation,
) -> None:
    """G314: and to those who have the same by turns, their users as well."""
    limits: dict[str, Any] = {"max_runs": 1, "max_runs_per_tenant": 9, "max_runs_per_user": 9}
    first, second = await installation.process(**limits), await installation.process(**limits)
    await first.arrive("busy", "ann")
    await second.arrive("busy", "ann")
    for _ in range(5):
        await first.arrive("busy", "ann")
    await first.arrive("busy", "ben")
    await second.arrive("calm", "ann")
    await first.leave()  # at the process where only the busy one waits
    await until(lambda: first.inside == [("calm", "ann")])
    for _ in range(3):
        before = len(first.order)
        await second.leave()
        await until(lambda before=before: len(first.order) > before and len(second.inside) == 1)  # type: ignore[misc]
    assert [user for _, user in first.order[1:]] == ["ann", "ben", "ann"]


async def test_what_a_dead_process_had_at_work_is_forgotten_with_its_lease(installation: Installation) -> None:
    """G313"""
    limits: dict[str, Any] = {"max_runs_per_tenant": 1}
    first, second = await installation.process(**limits), await installation.process(**limits)
    await first.arrive("acme", "ann")
    await second.arrive("acme", "ben")
    assert second.left_waiting == [("acme", "ben")]
    await first.die()
    await until(lambda: second.inside == [("acme", "ben")])


async def test_places_are_shared_on_a_cluster_and_on_valkey(valkey_server: RedisServer) -> None:
    """G313 G285"""
    with open_cluster() as cluster:
        for url in (cluster, valkey_server.url):
            async with AsyncExitStack() as stack:
                installation = Installation(url, stack)
                first, second = [await installation.process(max_runs=1) for _ in range(2)]
                for user in ("ann", "ben", "cleo"):
                    await first.arrive("acme", user)
                assert (first.inside, second.inside) == ([("acme", "ann")], [("acme", "ben")])
                await second.leave()
                await until(lambda second=second: second.inside == [("acme", "cleo")])  # type: ignore[misc]


async def test_without_redis_each_process_has_its_share_and_exactness_comes_back_with_it() -> None:
    """G315: nothing waits for it, and at least one of each may work."""
    with open_redis() as server:
        async with AsyncExitStack() as stack:
            installation = Installation(server.url, stack)
            limits: dict[str, Any] = {"max_runs_per_tenant": 4, "max_runs_per_user": 3}
            first, second = await installation.process(**limits), await installation.process(**limits)
            await first.arrive("acme", "ann")
            await until(lambda: first.admission._shares.living == 2)
            server.kill()
            for _ in range(3):
                await first.arrive("acme", "ann")
                await second.arrive("acme", "ben")
            assert [len(process.inside) for process in (first, second)] == [1, 1]
            await second.arrive("acme", "cleo")
            await second.arrive("acme", "dan")
            assert len(second.inside) == 2, "half of four"
            server.start()
            await until(lambda: sum(len(process.inside) for process in (first, second)) >= 4)
            await second.arrive("acme", "eve")
            assert sum(len(process.inside) for process in (first, second)) == 4
            assert Counter(who for process in (first, second) for who in process.inside)["acme", "ann"] <= 3


async def test_what_others_have_is_not_taken_for_nothing_when_redis_is_back() -> None:
    """G315: a server that was restarted has heard of one process only, and of the others a moment later."""
    shares = Shares(8, 6, settle_s=60)
    shares.told(4)
    assert shares.most_of_each == (8, 6)
    shares.lose()
    assert shares.most_of_each == (2, 1)
    shares.told(1)
    assert shares.most_of_each == (2, 1)
    shares._settles_at -= 60
    assert shares.most_of_each == (8, 6)
    shares.counted(100)
    assert shares.most_of_each == (8, 6), "Redis says it"
    shares.lose()
    shares.counted(100)
    assert shares.most_of_each == (1, 1)


async def test_a_server_that_forgot_is_told_all_anew(installation: Installation, redis_server: RedisServer) -> None:
    """G315"""
    limits: dict[str, Any] = {"max_runs_per_tenant": 1}
    first, second = await installation.process(**limits), await installation.process(**limits)
    await first.arrive("acme", "ann")
    with redis_server.client() as client:
        client.delete(*client.keys(f"{installation.prefix}:*"))
    await first.admission.told()
    await second.arrive("acme", "ben")
    assert second.left_waiting == [("acme", "ben")]
    with redis_server.client() as client:
        client.delete(*client.keys(f"{installation.prefix}:*"))
    await second.admission.told()
    await first.leave()
    await until(lambda: second.inside == [("acme", "ben")])


async def test_a_turn_costs_one_round_trip_and_many_at_once_share_it(
    installation: Installation, redis_server: RedisServer
) -> None:
    """G313: the end of a run waits for nothing."""
    most: dict[str, Any] = dict.fromkeys(("max_runs", "max_runs_per_tenant", "max_runs_per_user"), 500)
    process = await installation.process(**most, lease_s=120, renew_every_s=60)  # what it says by itself is no turn's

    def calls() -> int:
        with redis_server.client() as client:
            return int(client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0))

    await process.admission.told()
    before = calls()
    await asyncio.gather(*(process.arrive("acme", f"user-{number}") for number in range(100)))
    assert len(process.inside) == 100
    assert calls() - before <= 4
    before = calls()
    while process.inside:
        process.admission.leave(*process.inside.pop())
    await process.admission.told()
    assert calls() - before <= 4


async def test_a_process_that_does_not_execute_works_itself_when_nobody_has_a_place_for_two_seconds(
    installation: Installation,
) -> None:
    """G311: whether nobody is there, or nobody who opens its letters, or all are full; and while somebody is there it does not."""
    front = await installation.process(execute=False)
    await installation.process(key=OTHER)
    await front.arrive("acme", "ann")
    assert front.left_waiting
    await until(lambda: front.inside == [("acme", "ann")])
    worker = await installation.process(max_runs=1)
    await front.arrive("acme", "ben")
    assert worker.inside == [("acme", "ben")]
    await front.arrive("acme", "cleo")
    await until(lambda: front.inside[-1] == ("acme", "cleo"))


async def test_without_a_key_nothing_is_handed_over(installation: Installation) -> None:
    """G310"""
    full = await installation.process(key=None, max_runs=1)
    await installation.process(key=KEY)
    for _ in range(2):
        await full.arrive("acme", "ann")
    await full.admission.told()
    assert full.inside == [("acme", "ann")]


async def test_a_place_that_is_given_up_is_not_lost(installation: Installation) -> None:
    """G313: whoever goes away while they wait, or in the moment when they may enter."""
    limits: dict[str, Any] = {"max_runs": 1, "max_runs_per_tenant": 5, "max_runs_per_user": 5}
    process = await installation.process(**limits)
    for _ in range(6):
        await process.arrive("acme", "ann")
    for task in list(process.waiting)[:4]:
        task.cancel()
        if len(process.inside) == 1 and task is list(process.waiting)[2]:
            process.admission.leave("acme", "ann")
            process.inside.clear()
    await until(lambda: process.order[1:] == [("acme", "ann")])
    await process.leave()
    await process.arrive("acme", "ann")
    assert process.inside == [("acme", "ann")]

"""Turns: how many requests of a tenant are out at once, whose is next, and what becomes of those that wait no more."""

import asyncio
import random

import pytest
from support.each import each

from agent.errors import ToolError
from tools.backends.turns import WAITED, Turns


class Desk:
    """Requests that hold their turn until they are let go."""

    def __init__(self, most: int) -> None:
        self.turns = Turns(most)
        self.order: list[str] = []
        self.out = 0
        self.peak = 0
        self.gates: dict[str, asyncio.Event] = {}

    async def work(self, name: str, *, tenant: str = "acme", user: str = "ann", ends_at: float | None = None) -> None:
        gate = self.gates.setdefault(name, asyncio.Event())
        async with self.turns.turn(tenant, user, ends_at=ends_at):
            self.order.append(name)
            self.out += 1
            self.peak = max(self.peak, self.out)
            try:
                await gate.wait()
            finally:
                self.out -= 1

    def let_go(self, name: str) -> None:
        self.gates[name].set()


async def settled(desk: Desk, names: int) -> None:
    """Wait until so many have had their turn."""
    async with asyncio.timeout(60):
        while len(desk.order) < names:  # noqa: ASYNC110 (the other tasks of this loop)
            await asyncio.sleep(0)


async def begun(desk: Desk, names: int) -> None:
    """Wait until so many have come."""
    async with asyncio.timeout(60):
        while len(desk.gates) < names:  # noqa: ASYNC110 (the other tasks of this loop)
            await asyncio.sleep(0)


async def test_so_many_are_out_at_once_and_the_first_that_came_is_next() -> None:
    """G226"""
    desk = Desk(2)
    async with asyncio.TaskGroup() as group:
        for n in range(6):
            group.create_task(desk.work(str(n)))
        await begun(desk, 6)
        assert desk.order == ["0", "1"]
        for n in (1, 0, 2, 3, 4, 5):
            desk.let_go(str(n))
            await settled(desk, min(6, len(desk.order) + 1))
    assert desk.order == ["0", "1", "2", "3", "4", "5"]
    assert desk.peak == 2
    assert not desk.turns._queues


async def test_a_user_who_asks_for_much_lets_others_have_their_turn() -> None:
    """G226"""
    desk = Desk(1)
    async with asyncio.TaskGroup() as group:
        for n in range(50):
            group.create_task(desk.work(f"ann-{n}", user="ann"))
        await begun(desk, 50)
        for n in range(2):
            group.create_task(desk.work(f"bob-{n}", user="bob"))
        await begun(desk, 52)
        while len(desk.order) < 52:
            count = len(desk.order)
            desk.let_go(desk.order[-1])
            await settled(desk, count + 1)
        desk.let_go(desk.order[-1])
    assert desk.order.index("bob-0") <= 2
    assert desk.order.index("bob-1") <= 4


async def test_no_tenant_waits_for_another() -> None:
    """G226"""
    desk = Desk(1)
    async with asyncio.TaskGroup() as group:
        for n in range(20):
            group.create_task(desk.work(f"a{n}"))
        await begun(desk, 20)
        group.create_task(desk.work("other", tenant="globex"))
        await settled(desk, 2)
        assert desk.order == ["a0", "other"]
        await begun(desk, 21)
        for gate in desk.gates.values():
            gate.set()
    assert not desk.turns._queues


async def test_a_turn_that_does_not_come_in_time_is_a_refusal_that_says_that_nothing_was_sent() -> None:
    """G226"""
    desk = Desk(1)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        group.create_task(desk.work("first"))
        await settled(desk, 1)
        with pytest.raises(ToolError, match="was not sent") as refused:
            await desk.work("late", ends_at=loop.time() + 0.2)
        assert str(refused.value) == WAITED
        desk.let_go("first")
    async with desk.turns.turn("acme", "ann"):
        pass
    assert not desk.turns._queues


@each("seed", range(20))
async def test_whoever_gives_up_at_whatever_moment_no_turn_is_lost(seed: int) -> None:
    """G226"""
    chance = random.Random(seed)
    turns = Turns(3)
    out = 0

    async def work() -> None:
        nonlocal out
        async with turns.turn("acme", chance.choice("abc")):
            out += 1
            assert out <= 3
            try:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                out -= 1

    tasks = [asyncio.create_task(work()) for _ in range(60)]
    for task in tasks:
        if chance.random() < 0.5:
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [one for one in results if isinstance(one, Exception)]
    assert (out, turns._queues) == (0, {})


async def test_where_all_are_out_the_tenant_with_fewest_is_next_and_each_in_turn() -> None:
    """G226"""
    desk = Desk(2)
    desk.turns = Turns(2, in_all=3)
    async with asyncio.TaskGroup() as group:
        for tenant in "abcd":
            for n in range(3):
                group.create_task(desk.work(f"{tenant}{n}", tenant=tenant))
        await begun(desk, 12)
        assert desk.order == ["a0", "a1", "b0"]
        for number, name in enumerate(("a0", "a1", "b0", "c0", "a2", "b1", "d0", "c1", "b2", "d1", "c2", "d2"), 4):
            assert desk.order[number - 4] == name
            desk.let_go(name)
            await settled(desk, min(number, 12))
    assert desk.peak == 3
    assert (desk.turns._queues, desk.turns._out) == ({}, 0)

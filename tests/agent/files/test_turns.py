"""Who opens a file next: nobody's files keep those of others waiting."""

import asyncio
from functools import partial

import pytest
from support.faults import until
from support.rows import ANN, BEN

from agent.errors import OverloadedError
from agent.files.turns import LATELY_S, Turns
from agent.principal import Principal

EVE = Principal("other", "eve")


async def test_files_of_one_tenant_leave_a_place_to_others_and_its_users_have_turns() -> None:
    """G634"""
    turns, order, ends = Turns(2), list[str](), dict[str, asyncio.Event]()
    async with turns.place(EVE, timeout_s=60):
        pass

    async def opens(name: str, who: Principal) -> None:
        ends[name] = asyncio.Event()
        async with turns.place(who, timeout_s=60):
            order.append(name)
            await ends[name].wait()

    async with asyncio.TaskGroup() as group:
        for name, who in (("a1", ANN), ("a2", ANN), ("a3", ANN), ("b1", BEN), ("e1", EVE), ("e2", EVE)):
            group.create_task(opens(name, who))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["a1", "e1"], "one tenant has all places, or one place is not used"
        for ended, begun in (("a1", "a2"), ("a2", "b1"), ("e1", "e2"), ("b1", "a3")):
            ends[ended].set()
            await until(partial(lambda last: order[-1] == last, begun))
        ends["a3"].set()
        ends["e2"].set()


async def test_a_tenant_that_is_alone_has_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """G650"""
    now = 0.0
    monkeypatch.setattr("agent.files.turns.monotonic", lambda: now)
    turns = Turns(2)

    async def has_all() -> bool:
        try:
            async with turns.place(ANN, timeout_s=60), turns.place(BEN, timeout_s=0.01):
                return True
        except OverloadedError:
            return False

    assert await has_all()
    async with turns.place(EVE, timeout_s=60):
        pass
    assert not await has_all(), "no place is left free for who asked lately"
    now += LATELY_S
    assert await has_all()


async def test_who_waited_too_long_or_has_left_takes_no_place_with_them() -> None:
    turns = Turns(1)
    async with turns.place(ANN, timeout_s=60):
        gone = asyncio.create_task(turns.place(EVE, timeout_s=60).__aenter__())
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(OverloadedError):
            async with turns.place(BEN, timeout_s=0.01):
                pass
    async with turns.place(BEN, timeout_s=0.01):
        pass
    assert not turns._waiting, "who left is waited for"
    assert turns._free == 1

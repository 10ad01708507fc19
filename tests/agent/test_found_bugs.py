"""Bugs that the tests found in the runner's own files: each is a promise of the contract that was broken."""

import asyncio

import pytest
from sqlalchemy import text
from support.faults import execute, until
from support.provider import Call
from support.world import OpenWorld


async def test_a_tool_that_does_not_exist_is_not_among_those_used_when_the_run_is_told_from_the_database(
    open_frontdesk: OpenWorld,
) -> None:
    world = await open_frontdesk(log_keep_s=0.001)
    ann = world.person()
    world.provider.call(Call("drop_all_orders", {}, "a"), Call("count_orders", {}, "b"))
    world.provider.say("Well.")
    live = await ann.stream("do it")
    run_id = live.first("run_id")

    async def is_forgotten() -> bool:
        return "snapshot" in (await ann.events(run_id)).keys

    await until(is_forgotten)
    assert live.first("tools_used") == ["count_orders"]
    assert (await ann.events(run_id)).first("snapshot")["tools_used"] == ["count_orders"]


@pytest.mark.parametrize("what", ["OF suggestions ON runs", "OF title ON conversations"])
async def test_afterthoughts_that_cannot_be_stored_do_not_keep_readers_waiting(
    open_frontdesk: OpenWorld, what: str
) -> None:
    world = await open_frontdesk(assistant={"suggestions": {"enabled": True}, "title": "model"})
    await execute(world, text(f"CREATE TRIGGER full BEFORE UPDATE {what} BEGIN SELECT RAISE(ABORT, 'disk full'); END"))
    world.provider.suggestions = world.provider.title = "And today?"
    world.provider.say("You have 42.")
    ann = world.person()
    async with asyncio.timeout(60):
        stream = await ann.stream("how many orders?")
    assert stream.first("status") == "completed"
    assert stream.is_done
    assert (await ann.events(stream.first("run_id"))).is_done

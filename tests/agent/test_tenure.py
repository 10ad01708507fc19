"""A worker in doubt: it reads on, begins nothing with side effects, and decides by the row when it may."""

import asyncio

import pytest
from support.faults import HEIR, cancel, database_that_hangs, no_renewals, reaches, rows, until
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.attempt.tenure import Tenure
from agent.store.tables import runs, tool_calls

NERVOUS = {"lease_s": 3.0, "renew_every_s": 0.1, "lease_lost_after_s": 2.0, "reap_every_s": 0.1}
"""Settings of a worker that is in doubt after two seconds without a renewal."""
ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_worker_is_in_doubt_when_its_last_renewal_began_too_long_ago() -> None:
    """G14: by its own time, and from the moment when it asked: nobody else may count from an earlier one."""
    clock = Clock()
    tenure = Tenure(lost_after_s=5, is_shared=True, clock=clock)
    assert tenure.in_doubt
    clock.now = 3.0
    tenure.renewed(asked_at=1.0)
    assert (tenure.in_doubt, tenure.age_s) == (False, 0.0)
    clock.now = 6.5
    assert tenure.in_doubt
    waiting = asyncio.create_task(tenure.certain())
    await asyncio.sleep(0)
    tenure.renewed(asked_at=1.4)  # it was answered when it was too late
    await asyncio.sleep(0)
    assert not waiting.done()
    tenure.renewed(asked_at=6.0)
    async with asyncio.timeout(60):
        await waiting


def test_who_is_alone_on_a_database_is_never_in_doubt() -> None:
    """G14: on SQLite nobody else can have the runs."""
    assert not Tenure(lost_after_s=5, is_shared=False).in_doubt


def tenure_of(world: World) -> Tenure:
    tenure = world.app.state.services.runner._tenure
    assert isinstance(tenure, Tenure)
    return tenure


@pytest.fixture
async def nervous(open_frontdesk: OpenWorld, database_url: str) -> World:
    patient = {"limits": {"between_tokens_timeout_s": 60}}
    return await open_frontdesk(database_url=database_url, assistant=patient, **NERVOUS)


async def test_an_answer_goes_on_while_the_database_hangs_and_nothing_is_begun_again(
    nervous: World, database_url: str
) -> None:
    """G35 G14: the model is asked once, its words are read while nobody can renew, and the end is stored afterwards."""
    gate = asyncio.Event()
    nervous.provider.wait_for(gate, "and whole.", before=["Half "])
    async with nervous.person().open_stream("tell me") as live:
        await live.until_bytes(b"Half ")
        async with database_that_hangs(database_url):
            begun = asyncio.get_running_loop().time()
            lease_s = nervous.settings.lease_s
            await until(lambda: asyncio.get_running_loop().time() - begun > lease_s)
            if nervous.settings.database.startswith("postgresql"):  # whose statements wait for as long as it takes
                gate.set()
                await live.until_bytes(b"and whole.")
        gate.set()
        stream = await live.rest()
    assert (stream.text, stream.first("status"), stream.is_done) == ("Half and whole.", "completed", True)
    assert [(row["attempt"], row["begun_attempts"]) for row in await rows(nervous, runs)] == [(1, 1)]
    assert len(nervous.provider.requests) == 1


@ONLY_POSTGRESQL
async def test_a_write_that_is_due_in_doubt_begins_when_the_lease_is_renewed(nervous: World, database_url: str) -> None:
    """G14: not before, and once; a read does not wait."""
    nervous.backend.answer("POST /orders", {"number": 7})
    nervous.backend.answer("GET /orders/count", {"count": 1})
    gate = asyncio.Event()
    nervous.provider.call(Call("create_order", {"item": "tea"}), Call("count_orders", id="b"))
    asked = nervous.provider.scripts.pop()

    async def late(request, connection) -> None:  # type: ignore[no-untyped-def]
        await gate.wait()
        await asked(request, connection)

    nervous.provider.then(late)
    nervous.provider.say("Done.")
    async with nervous.person().open_stream("order tea") as live:
        await live.until("run_id")
        async with no_renewals(database_url):
            await until(lambda: tenure_of(nervous).in_doubt)
            gate.set()
            await until(lambda: len(nervous.backend.requests) == 1)
            assert [row["state"] for row in await rows(nervous, tool_calls)] == ["proposed", "proposed"]
            assert nervous.backend.effects == {}
        assert (await live.rest()).text == "Done."
    assert list(nervous.backend.effects.values()) == [1]


@ONLY_POSTGRESQL
async def test_a_write_that_is_due_in_doubt_is_dropped_when_another_worker_has_the_run(
    open_frontdesk: OpenWorld, nervous: World, database_url: str
) -> None:
    """G14 G13: it is the other one's to make, and is made once."""
    nervous.backend.answer("POST /orders", {"number": 7})
    gate, ann = asyncio.Event(), nervous.person()
    nervous.provider.call(Call("create_order", {"item": "tea"}))
    asked = nervous.provider.scripts.pop()

    async def late(request, connection) -> None:  # type: ignore[no-untyped-def]
        await gate.wait()
        await asked(request, connection)

    nervous.provider.then(late)
    async with ann.open_stream("order tea") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(nervous.provider.requests) == 1)
        async with no_renewals(database_url):
            await until(lambda: tenure_of(nervous).in_doubt)
            gate.set()
            await until(lambda: has_calls(nervous, 1))
            nervous.provider.say("Done.")
            heir = await open_frontdesk(database_url=database_url, **HEIR)
            assert (await Person(heir, ann.token, ann.tenant).events(run_id)).text == "Done."
        await live.rest()
        await until(lambda: not tenure_of(nervous).in_doubt)
    assert list(nervous.backend.effects.values()) == [1]
    assert [row["attempt"] for row in await rows(nervous, runs)] == [2]
    assert len(nervous.provider.requests) == 2


async def has_calls(world: World, count: int) -> bool:
    return len(await rows(world, tool_calls)) == count


@ONLY_POSTGRESQL
async def test_a_run_that_waits_in_doubt_can_be_stopped(nervous: World, database_url: str) -> None:
    """G14: by its user, and by its deadline just as well; what it waited to do is not done."""
    nervous.provider.call(Call("create_order", {"item": "tea"}))
    ann = nervous.person()
    async with no_renewals(database_url):
        await until(lambda: tenure_of(nervous).in_doubt)
        async with ann.open_stream("order tea") as live:
            run_id = await live.until("run_id")
            await until(lambda: has_calls(nervous, 1))
            assert (await cancel(ann, run_id))["state"] == "cancelled"
    assert nervous.backend.effects == {}


async def test_a_run_that_its_own_process_lost_sight_of_is_taken_up_and_that_counts_no_attempt(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G35: its process lives, so it comes back to it: with the token that it has in memory, and without its user."""
    world = await open_frontdesk(database_url=database_url, **NERVOUS, max_attempts=1)
    runner, ann = world.app.state.services.runner, world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.hang("Half")
    async with ann.open_stream("how many?") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half")
        world.provider.call(Call("count_orders"))
        world.provider.say("42.")
        [held] = runner._roster
        runner._roster.leave_behind(held.key, held.principal.current)
        held.stopper.stop("lost")
        await live.rest()
    stream = await ann.events(run_id)
    assert (stream.text, stream.first("status")) == ("42.", "completed")
    assert [(row["attempt"], row["begun_attempts"]) for row in await rows(world, runs)] == [(2, 1)]
    await until(lambda: not runner._roster.left and not runner._leases._taken_up)


async def test_a_run_that_can_never_be_stored_is_not_taken_up_for_ever(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G35 G16: its own process tries a few times for nothing; then its attempts count, and end."""
    world = await open_frontdesk(database_url=database_url, **NERVOUS, max_attempts=1)
    runner, ann = world.app.state.services.runner, world.person()
    for _ in range(9):
        world.provider.hang("Well, ")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        for number in range(1, 5):
            await until(lambda number=number: len(world.provider.requests) == number)  # type: ignore[misc]
            [held] = runner._roster
            runner._roster.leave_behind(held.key, held.principal.current)
            held.stopper.stop("lost")
        await reaches(ann, run_id, "failed")
        await live.rest()
    world.provider.scripts.clear()
    [row] = await rows(world, runs)
    assert (row["error_code"], row["attempt"], row["begun_attempts"]) == ("interrupted", 4, 1)

"""The stop button: it cuts what may take long, and never what has to be finished."""

import asyncio

import pytest

from agent.attempt.stop import StoppedError, Stopper


async def test_a_stop_cuts_what_is_stoppable_at_once() -> None:
    stopper = Stopper()
    asyncio.get_running_loop().call_soon(stopper.stop, "cancelled")
    async with asyncio.timeout(60):
        with pytest.raises(StoppedError) as stopped, stopper.stoppable():
            await asyncio.Event().wait()
    assert stopped.value.reason == "cancelled"


async def test_a_stop_does_not_cut_what_is_not_stoppable_and_counts_at_the_next_block() -> None:
    stopper, committing, done = Stopper(), asyncio.Event(), asyncio.Event()

    steps: list[str] = []

    async def work() -> None:
        with stopper.stoppable():
            steps.append("model")
        committing.set()
        await done.wait()  # the commit
        steps.append("committed")
        with stopper.stoppable():
            await asyncio.sleep(0)
            steps.append("the next step")

    task = asyncio.create_task(work())
    await committing.wait()
    stopper.stop("deadline")
    await asyncio.sleep(0)
    done.set()
    async with asyncio.timeout(60):
        with pytest.raises(StoppedError):
            await task
    assert steps == ["model", "committed"]


async def test_a_stop_before_the_block_stops_it_at_its_first_wait() -> None:
    stopper = Stopper()
    stopper.stop("released")
    with pytest.raises(StoppedError) as stopped, stopper.stoppable():
        await asyncio.Event().wait()
    assert stopped.value.reason == "released"


async def test_the_first_reason_counts() -> None:
    stopper = Stopper()
    stopper.stop("cancelled")
    stopper.stop("lost")
    with pytest.raises(StoppedError) as stopped, stopper.stoppable():
        pass
    assert stopped.value.reason == "cancelled"


async def test_a_stop_that_comes_when_the_block_is_through_is_still_told() -> None:
    stopper = Stopper()
    with pytest.raises(StoppedError), stopper.stoppable():
        stopper.stop("cancelled")


async def test_without_a_stop_a_block_just_ends() -> None:
    stopper = Stopper()
    with stopper.stoppable():
        await asyncio.sleep(0)
    assert stopper.reason is None


async def test_an_error_inside_the_block_is_not_hidden_by_a_stop() -> None:
    stopper = Stopper()

    def break_after_a_stop() -> None:
        with stopper.stoppable():
            stopper.stop("cancelled")
            raise RuntimeError("the model broke")

    with pytest.raises(RuntimeError, match="the model broke"):
        break_after_a_stop()


async def test_all_that_runs_at_the_same_time_inside_is_cut_and_what_was_done_is_known() -> None:
    stopper, both = Stopper(), asyncio.Event()

    async def settle(*, quick: bool) -> str:
        if quick:
            both.set()
            return "done"
        await both.wait()
        stopper.stop("cancelled")
        await asyncio.Event().wait()
        raise AssertionError

    tasks: list[asyncio.Task[str]] = []
    with pytest.raises(StoppedError), stopper.stoppable():
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(settle(quick=quick)) for quick in (True, False)]
    assert [task.cancelled() for task in tasks] == [False, True]
    assert tasks[0].result() == "done"

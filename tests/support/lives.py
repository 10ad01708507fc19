"""The lives of processes, one after the other: what is done to each, and how it ends, while the users work."""

import asyncio
import time
from contextlib import AsyncExitStack
from random import Random

import psycopg
from support.clients import Visitor
from support.history import Disturbance, Span
from support.scenario import Scene
from support.stage import LOOK_EVERY_S, Stage, wait_until
from support.troubles import CLOCKS_S, TROUBLES, be_well, watch_readiness
from support.users import live

TENANTS = ("acme", "globex", "initech")
MAX_SEEN = 90
"""A process is killed when up to so many things have been seen of it: frames, model calls, requests to the business."""
LIFE_LIMIT_S = 15.0
"""It is killed then, however little was seen."""
LONG_LIFE_S = (1.0, 14.0)
"""How long a process lives with the default leases, where an interrupted run is left alone for six seconds."""
ENDS_SEEN_S = 60.0
"""How long to look for the ends of runs that nobody waits for."""
YES_LIMIT_S = 60.0
"""How long users go on where none of them has said yes in time."""
STILL_LIMIT_S = 60.0
"""When nothing at all is seen for so long, those who wait do so in vain."""
DEALT = {"clock": 2, "stalls": 1, "locked": 1, "silent": 1}
"""Of the lives of one deal, how many have such a fault."""


def user(scene: Scene, number: int, random: Random) -> Visitor:
    """Return a user, of one of the tenants."""
    tenant = TENANTS[number % len(TENANTS)]
    several = len(scene.machines) > 1
    address = f"127.0.1.{number + 1}" if several else None
    visitor = Visitor(scene.place, scene.history, tenant, f"user-{number}", Random(random.random()), address=address)
    visitor.answers = ("yes", "yes", "yes", "no", "nothing")
    visitor.others_first = 0.5
    visitor.page = ("result", "result", "error", "claim", "nothing")
    return visitor


async def play(stage: Stage, *, kills: int, calm_lives: int, default_leases: bool) -> None:
    """Let the users work, and life follow life."""
    await _begin(stage, clock_s=0)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as beside:
        watcher = await stack.enter_async_context(user(stage.scene, 0, Random(0)))
        looking = [
            beside.create_task(watch_readiness(stage, watcher)),
            beside.create_task(watch_runs(stage)),
        ]
        async with asyncio.TaskGroup() as group:
            lives = {visitor.user: group.create_task(live(stage, visitor)) for visitor in stage.visitors}
            cards = [kind for kind, number in DEALT.items() if kind in stage.kinds for _ in range(number)]
            for _ in range(kills):
                await _a_life(stage, stage.deal("lives", cards + ["nothing"] * calm_lives), long=default_leases)
            if stage.clock_s:
                # With a clock that is late by minutes what waits for an answer is over late by as many.
                await _end(stage)
                await _begin(stage, clock_s=0)
            await let_somebody_agree(stage)
            stage.over.set()
            await let_finish(stage, lives)
        await wait_for_ends(stage)
        for task in [*looking, *stage.forgetting]:
            task.cancel()


async def wait_for_ends(stage: Stage) -> None:
    """Wait until all runs were seen to end, or for as long as that may take."""
    spans = stage.scene.history.spans
    await wait_until(lambda: all(span.ended for span in spans.values()), limit_s=ENDS_SEEN_S)


async def let_somebody_agree(stage: Stage) -> None:
    """Let the users go on until one of them has said yes in time: on a busy machine all may have been too late."""
    await wait_until(lambda: stage.scene.history.has_heard_yes, limit_s=YES_LIMIT_S)


async def let_finish(stage: Stage, lives: dict[str, asyncio.Task[None]]) -> None:
    """Wait for the users' last turns, as long as something goes on."""
    while waiting := [user for user, task in lives.items() if not task.done()]:
        seen = stage.seen()

        def goes_on(seen: int = seen, waiting: list[str] = waiting) -> bool:
            return stage.seen() > seen or any(lives[user].done() for user in waiting)

        if await wait_until(goes_on, limit_s=STILL_LIMIT_S):
            continue
        for user in waiting:
            stage.scene.history.blame("I7", f"{user} waits in vain, and nothing goes on")
            lives[user].cancel()
        return


async def _a_life(stage: Stage, trouble: str, *, long: bool) -> None:
    """Let a process live for a while, with a fault in it or none, to its end; begin the next one."""
    random, history = stage.random, stage.scene.history
    await _signs_of_life(stage, long=long)
    is_dead = False
    if trouble in TROUBLES:
        async with TROUBLES[trouble](stage) as lasts_s:
            is_dead = "kills" in stage.kinds and random.random() < 0.25
            await asyncio.sleep(lasts_s * (random.random() if is_dead else 1))
            if is_dead:
                await _end(stage)
        if not is_dead:
            is_well = await be_well(stage, trouble)
            history.disturbances[-1].ended = time.time()
            if is_well:
                await _signs_of_life(stage, long=long)
            else:
                await _end(stage)  # to see what else there is
                is_dead = True
    if not is_dead and ("kills" in stage.kinds or trouble == "clock"):
        await _end(stage)
        is_dead = True
    if is_dead:
        await _begin(stage, clock_s=random.choice(CLOCKS_S) if trouble == "clock" else 0)


async def _begin(stage: Stage, *, clock_s: float) -> None:
    """Start the next process; one that does not start is noted, and tried once more."""
    machine, history = stage.scene.machine, stage.scene.history
    stage.clock_s = clock_s
    if clock_s:
        stage.made["clock"] += 1
    try:
        await machine.start(clock_s=clock_s)
    except RuntimeError as exc:
        history.blame("I12", f"a process did not start: {exc}")
        stage.clock_s = 0
        await machine.start()
    if history.deaths:
        # However long it took to start: no run can go on without a process.
        history.disturbances.append(Disturbance("no process", history.deaths[-1], time.time()))
    stage.held_up_at = time.monotonic()


async def _end(stage: Stage) -> None:
    """Kill the process."""
    machine, history = stage.scene.machine, stage.scene.history
    assert machine.server is not None
    if machine.server.status is not None:
        history.blame("I7", f"the server ended by itself with {machine.server.status}")
    await machine.server.kill()
    history.deaths.append(machine.server.exited_at or 0)
    stage.made["kills"] += 1


async def _signs_of_life(stage: Stage, *, long: bool) -> None:
    if long:
        await asyncio.sleep(stage.random.uniform(*LONG_LIFE_S))
    else:
        await wait_for_signs_of_life(stage)


async def wait_for_signs_of_life(stage: Stage) -> None:
    """Wait for a random moment of a process's life: by what it does and not by the clock, so that load is no matter."""
    random = stage.random
    enough = stage.seen() + random.randint(0, MAX_SEEN)
    await wait_until(lambda: stage.seen() >= enough, limit_s=LIFE_LIMIT_S)
    await asyncio.sleep(random.random() * 0.05)


async def watch_runs(stage: Stage) -> None:
    """Note when runs begin and end, by a clock that is right."""
    spans = stage.scene.history.spans
    while True:
        try:
            unfinished = await asyncio.to_thread(stage.truth.unfinished)
        except psycopg.OperationalError:  # it is being restarted
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        now = time.time()
        for run_id in unfinished:
            spans.setdefault(run_id, Span(now))
        for run_id, span in spans.items():
            if span.ended is None and run_id not in unfinished:
                span.ended = now
        await asyncio.sleep(LOOK_EVERY_S)

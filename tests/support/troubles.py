"""The faults that a run of chaos makes beside deaths: each begins when its block is entered and is over when it is left."""

import asyncio
import itertools
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from random import Random

from support.clients import RefusedError, Visitor
from support.scenario import Plan
from support.silencing import Line, SilencingProxy
from support.stage import Stage, wait_until

KINDS = {
    "kills": "the process is killed with -9 at a random moment, and started again",
    "clock": "a process is killed, and the next one has a wall clock that is wrong by seconds, minutes or an hour",
    "stalls": "the process is stopped for 1 to 8 s and goes on, as a paused machine does",
    "locked": "another connection holds SQLite's write lock for 1 to 8 s",
    "silent": "connections to PostgreSQL fall silent, for a while or for good, are refused, reset or slow",
    "deletions": "users delete conversations, and look for them afterwards",
}
ONLY_ON = {"locked": "sqlite", "silent": "postgresql"}
CLOCKS_S = (10, -10, 600, -600, 3600, -3600)
SHORT_S = (1.0, 8.0)
WELL_LIMIT_S = 40.0
"""From the end of a fault to the acknowledgement of a new message."""
READY_LIMIT_S = 6.0
"""For an answer of `/readyz`. Promised are 2 s; the machine of the test may be busy."""
CANARIES = 3
SILENCES = ("for good", "for good", "silent", "silent", "new ones too", "refused", "reset", "slow")

Trouble = Callable[[Stage], AbstractAsyncContextManager[float]]


@asynccontextmanager
async def stalled(stage: Stage) -> AsyncIterator[float]:
    """Stop the process where it stands; yield for how long."""
    server = stage.scene.machine.server
    assert server is not None
    with stage.disturbed("stalls"):
        server.send(signal.SIGSTOP)
        try:
            yield stage.random.uniform(*SHORT_S)
        finally:
            server.send(signal.SIGCONT)
            stage.held_up_at = time.monotonic()


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[float]:
    """Hold SQLite's write lock from another connection; yield for how long."""
    path = stage.scene.machine.database
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
    try:
        with stage.disturbed("locked"):
            await asyncio.to_thread(connection.execute, stage.random.choice(("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE")))
            yield stage.random.uniform(*SHORT_S)
            connection.execute("ROLLBACK")
    finally:
        connection.close()


@asynccontextmanager
async def silent(stage: Stage) -> AsyncIterator[float]:
    """Do something to the connections to PostgreSQL; yield for how long."""
    assert stage.proxy is not None
    what = stage.deal("silent", SILENCES)
    with stage.disturbed("silent"):
        stage.made[f"  {what}"] += 1
        async with on_the_line(stage, stage.proxy, what) as lasts_s:
            yield lasts_s


@asynccontextmanager
async def on_the_line(stage: Stage, proxy: SilencingProxy, what: str) -> AsyncIterator[float]:
    """Do something to some of a proxy's connections or to all; yield for how long."""
    random = stage.random
    some = [line for line in proxy.lines if random.random() < 0.5]
    lines = random.choice((list(proxy.lines), list(proxy.lines), some))
    try:
        yield _begin(proxy, what, lines, random)
    finally:
        proxy.refuses, proxy.is_mute, proxy.delay_s = False, False, 0.0
        if what == "for good":
            stage.forget(proxy, lines)
        elif random.random() < 0.3:
            proxy.reset(lines)
        else:
            proxy.resume(list(proxy.lines))


def _begin(proxy: SilencingProxy, what: str, lines: list[Line], random: Random) -> float:
    """Begin a fault of the connections; return how many seconds it lasts."""
    match what:
        case "refused":
            proxy.refuses = True
            proxy.reset(lines)
        case "reset":
            proxy.reset(lines)
            return 0.0
        case "slow":
            proxy.delay_s = random.uniform(0.02, 0.3)
        case _:
            proxy.silence(lines)
            proxy.is_mute = what == "new ones too"
    return 0.0 if what == "for good" else random.uniform(1.0, 15.0)


TROUBLES: dict[str, Trouble] = {"stalls": stalled, "locked": locked, "silent": silent}


async def be_well(stage: Stage, what: str) -> bool:
    """Return whether new messages of others are acknowledged in time after a fault, and wait for their answers."""
    place, history = stage.scene.place, stage.scene.history
    number = stage.made.total()
    async with AsyncExitStack() as stack:

        async def ask(n: int) -> bool:
            tenant = stage.visitors[n % len(stage.visitors)].tenant
            canary = Visitor(place, history, tenant, f"canary-{n}", Random(n))
            await stack.enter_async_context(canary)
            post = canary.post(Plan(f"canary-{number}.{n}", pieces=2))
            reading = asyncio.create_task(canary.stream(post))
            try:
                if not await wait_until(lambda: post.run_id is not None or reading.done(), limit_s=WELL_LIMIT_S):
                    return False
                await reading
            except (RefusedError, TimeoutError):
                return False  # the history has the one, and the other is a violation as well
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            return True

        well = await asyncio.gather(*(ask(n) for n in range(CANARIES)))
    if not all(well):
        history.blame("I12", f"after {what}: {well.count(False)} of {CANARIES} new messages got no answer in time")
    return all(well)


async def watch_readiness(stage: Stage, visitor: Visitor) -> None:
    """Ask each process again and again whether it is ready: whatever hangs, there is an answer at once."""
    for machine in itertools.cycle(stage.scene.machines):
        server, begun = machine.server, time.monotonic()
        response = await visitor.request("GET", "/readyz", at=machine.url)
        took = time.monotonic() - begun
        is_same = server is not None and server is machine.server and server.status is None
        if is_same and took > READY_LIMIT_S and stage.held_up_at < begun:
            said = response.status_code if response is not None else "nothing"
            stage.scene.history.blame("I12", f"/readyz took {took:.1f} s to say {said}")
        await asyncio.sleep(0.5 / len(stage.scene.machines))

"""Kills the server again and again while many users work with it, and checks the history of it all.

    scripts/chaos --kills 200 [--seed 1] [--users 12] [--default-leases] [--fresh]

The figures are printed as a table of violations by invariant; the exit status is 1 when there is one.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, TypeVar

from support.history import OVER, Database, History, Post, Verdict, check, read_sqlite
from support.processes import QUICK, open_nursery
from support.scenario import Plan, Scene, open_scene
from support.visitors import TURN_LIMIT_S, Counts, Habits, RefusedError, Visitor, until

Result = TypeVar("Result")

TENANTS = ("acme", "globex", "initech")
RESTLESS = Habits(cut=0.08, go_back=0.15, forget=0.1, stray=0.05)
CALM = Habits()
MOST_SEEN = 90
"""A process is killed when up to so many things have been seen of it: frames, model calls, requests to the business."""
LIFE_LIMIT_S = 15.0
"""It is killed then, however little was seen."""
LONG_LIFE_S = (1.0, 14.0)
"""How long a process lives with the default leases, where an interrupted run is left alone for six seconds."""
QUIET_LIMIT_S = 60.0
GRACE_S = 22.0
"""Beside the lease: the wait for the user's token (8 s), the start of a process, turns before it, and the work itself."""


@dataclass(slots=True)
class Report:
    """How a run of chaos went."""

    seed: int
    kills: int
    took_s: float
    turns: int
    counts: Counts
    recovered: int
    states: Counter[str]
    unknown_writes: int
    verdict: Verdict

    def __str__(self) -> str:
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        return (
            f"{self.verdict}\n\n"
            f"kills {self.kills} · turns {self.turns} ({states}) · resumes {self.counts.resumes} · "
            f"cancels {self.counts.cancels} · versions {self.counts.versions} · signed in again {self.counts.signed_in_again}\n"
            f"recovered runs {self.recovered} · writes of unknown outcome {self.unknown_writes} · "
            f"{self.took_s:.0f} s · seed {self.seed}"
        )


@dataclass(slots=True)
class Stage:
    """What the users of one run of chaos share."""

    scene: Scene
    random: Random
    over: asyncio.Event
    cancelled: set[str]


async def unleash(
    folder: Path, *, kills: int, seed: int, users: int, default_leases: bool = False, fresh: bool = False
) -> Report:
    """Start a server in `folder`, let users work, kill it `kills` times, wait for quiet, and check."""
    begun = time.monotonic()
    random = Random(seed)
    leases = {"FRONTDESK_AUTH_WAIT_S": "8"} if default_leases else QUICK
    async with AsyncExitStack() as stack:
        nursery = stack.enter_context(nullcontext(None) if fresh else open_nursery())
        scene = await stack.enter_async_context(
            open_scene(folder, nursery=nursery, most_delay_s=0.08, seed=seed, environment=leases)
        )
        stage = Stage(scene, random, asyncio.Event(), set())
        machine, history = scene.machine, scene.history
        visitors = [
            await stack.enter_async_context(
                Visitor(machine, history, TENANTS[n % len(TENANTS)], f"user-{n}", Random(random.random()))
            )
            for n in range(users)
        ]
        await machine.start()
        async with asyncio.TaskGroup() as group:
            for visitor in visitors:
                group.create_task(_live(stage, visitor))
            for _ in range(kills):
                await _a_life(stage, visitors, long=default_leases)
                assert machine.server is not None
                if machine.server.status is not None:
                    history.blame("I7", f"the server ended by itself with {machine.server.status}")
                await machine.server.kill()
                history.deaths.append(machine.server.exited_at or 0)
                await machine.start()
            stage.over.set()
        database = await _quiet(scene)
        await _read_all_again(visitors, history)
        await _check_resources(scene, visitors[0])
        await machine.stop()
        history.logs = machine.logs()
        _expected_ends(stage, database)
        lease_s = 6.0 if default_leases else float(QUICK["FRONTDESK_LEASE_S"])
        verdict = check(history, database, end_limit_s=lease_s + GRACE_S)
    counts = Counts()
    for visitor in visitors:
        for name in Counts.__slots__:
            setattr(counts, name, getattr(counts, name) + getattr(visitor.counts, name))
    return Report(
        seed=seed,
        kills=kills,
        took_s=time.monotonic() - begun,
        turns=len(database.runs),
        counts=counts,
        recovered=sum(run["attempt"] > 1 for run in database.runs),
        states=Counter(run["state"] for run in database.runs),
        unknown_writes=sum(call["state"] == "unknown" for call in database.tool_calls),
        verdict=verdict,
    )


async def _a_life(stage: Stage, visitors: list[Visitor], *, long: bool) -> None:
    """Wait for the moment of a process's death: a random one, by what it does and not by the clock, so that load is no matter."""
    scene, random = stage.scene, stage.random
    if long:
        await asyncio.sleep(random.uniform(*LONG_LIFE_S))
        return

    def seen() -> int:
        frames = sum(visitor.counts.frames for visitor in visitors)
        return frames + scene.model.calls + scene.business.reads + len(scene.history.effects)

    enough = seen() + random.randint(0, MOST_SEEN)
    with suppress(TimeoutError):
        await until(lambda: seen() >= enough, limit_s=LIFE_LIMIT_S, what="signs of life")
    await asyncio.sleep(random.random() * 0.05)


async def _live(stage: Stage, visitor: Visitor) -> None:
    """Use the assistant until it is over: old conversations and new ones, in every way that the API has."""
    random = visitor.random
    conversation_id: str | None = None
    turn = 0
    try:
        while not stage.over.is_set():
            turn += 1
            if random.random() < 0.3:
                conversation_id = None
            plan = _plan(random, f"{visitor.user}.{turn}")
            post = visitor.post(plan, conversation_id)
            post = await _one_turn(stage, visitor, post, random)
            if random.random() < 0.2:
                post = await _replace(visitor, post)
                await visitor.stream(post, RESTLESS)
            conversation_id = post.conversation_id
            if conversation_id is not None and random.random() < 0.3:
                await _look_for(visitor, post)
            await asyncio.sleep(random.random() * 0.3)
    except RefusedError:
        return  # the history has it
    except TimeoutError:
        visitor.history.blame("I7", f"{visitor.user} of {visitor.tenant} waited in vain in turn {turn}")


def _plan(random: Random, name: str) -> Plan:
    steps = [
        (random.choice((0, 1, 3)), random.choice((0, 0, 1, 3)), random.choice((0, 0, 0, 1)))
        for _ in range(random.choice((0, 0, 1, 1, 2)))
    ]
    return Plan(
        name,
        steps=tuple(step for step in steps if sum(step)),
        pieces=random.choice((1, 5, 20)),
        pause_ms=random.choice((0, 5, 40)),
        words=random.random() < 0.5,
        failures=int(random.random() < 0.1),
    )


async def _one_turn(stage: Stage, visitor: Visitor, post: Post, random: Random) -> Post:
    """Send a message, in one of the ways to do so; return the message that is in its place in the end."""
    habits = random.choice((CALM, RESTLESS))
    match random.choices(("stream", "json", "cancel", "watched", "two", "edit"), (5, 2, 1, 2, 1, 1))[0]:
        case "stream":
            await visitor.stream(post, habits)
        case "json":
            await visitor.ask(post)
        case "cancel":
            await _both(visitor.stream(post, habits), _cancel(stage, visitor, post))
        case "watched":
            await _both(visitor.stream(post, habits), _watch(visitor, post))
        case "two":
            await _both(visitor.stream(post, habits), _follow_up(visitor, post, habits))
        case "edit":
            _, post = await _both(visitor.stream(post, habits), _change_mind(stage, visitor, post, habits))
    return post


async def _both(first: Awaitable[object], second: Awaitable[Result]) -> tuple[object, Result]:
    """Wait for two things; when one fails the other is stopped."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        done, wanted = await asyncio.gather(*tasks)
        return done, wanted
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _cancel(stage: Stage, visitor: Visitor, post: Post) -> None:
    """Stop the run some time after it was acknowledged."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to cancel")
    await asyncio.sleep(visitor.random.random() * 0.5)
    assert post.run_id is not None
    stage.cancelled.add(post.run_id)
    await visitor.cancel(post.run_id)


async def _watch(visitor: Visitor, post: Post) -> None:
    """Read the run as a second client, restlessly."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to watch")
    assert post.run_id is not None
    await visitor.watch(post.run_id, RESTLESS)


async def _follow_up(visitor: Visitor, post: Post, habits: Habits) -> None:
    """Send a second message into the conversation while the first one is being answered."""
    await until(lambda: post.conversation_id is not None, limit_s=TURN_LIMIT_S, what="a conversation")
    plan = _plan(visitor.random, f"{visitor.user}.second.{visitor.random.random()}")
    await visitor.stream(visitor.post(plan, post.conversation_id), habits)


async def _replace(visitor: Visitor, post: Post) -> Post:
    """Return another version of a turn. One that writes is not asked for again: the model would write again, and rightly so."""
    if post.writes or visitor.random.random() < 0.5:
        return await visitor.replace(post, _plan(visitor.random, f"{visitor.user}.edited.{visitor.random.random()}"))
    return await visitor.replace(post)


async def _change_mind(stage: Stage, visitor: Visitor, post: Post, habits: Habits) -> Post:
    """Put another message in the place of one that may still be answered: that stops its run."""
    await until(lambda: post.run_id is not None, limit_s=TURN_LIMIT_S, what="a run to replace")
    await asyncio.sleep(visitor.random.random() * 0.3)
    assert post.run_id is not None
    stage.cancelled.add(post.run_id)
    edited = await visitor.replace(post, _plan(visitor.random, f"{visitor.user}.edited.{visitor.random.random()}"))
    await visitor.stream(edited, habits)
    return edited


async def _look_for(visitor: Visitor, post: Post) -> None:
    """Look whether an acknowledged message is readable, once, through the API."""
    assert post.conversation_id is not None
    messages = await visitor.messages(post.conversation_id)
    found = [one for one in messages if one["role"] == "user" and one["run_id"] == post.run_id]
    if [one["text"] for one in found] != [post.message]:
        visitor.history.blame("I1", f"{post.key}: read {len(found)} times through the API")


async def _quiet(scene: Scene) -> Database:
    """Wait until no run is at work and return the database; what is still at work then is for the checker to say."""
    end = time.monotonic() + QUIET_LIMIT_S
    while True:
        database = read_sqlite(scene.machine.database)
        is_quiet = all(run["state"] in OVER for run in database.runs)
        if is_quiet or time.monotonic() > end:
            return database
        await asyncio.sleep(0.1)


async def _read_all_again(visitors: list[Visitor], history: History) -> None:
    """Let every run be read once more, from its first event to its last, and let another tenant try the same."""
    limit = asyncio.Semaphore(8)

    async def read(visitor: Visitor, run_id: str) -> None:
        async with limit:
            await visitor.watch(run_id, name="a reader afterwards")

    async def spy(visitor: Visitor, run_id: str) -> None:
        async with limit:
            for path in (f"/runs/{run_id}", f"/runs/{run_id}/events"):
                response = await visitor.request("GET", path)
                if response is None or response.status_code != 404:
                    history.blame("I8", f"{path}: {visitor.tenant} got {response and response.status_code}")

    owners = {(visitor.tenant, visitor.user): visitor for visitor in visitors}
    async with asyncio.TaskGroup() as group:
        for post in history.posts:
            if post.run_id is not None:
                group.create_task(read(owners[post.tenant, post.user], post.run_id))
                group.create_task(spy(next(one for one in visitors if one.tenant != post.tenant), post.run_id))


async def _check_resources(scene: Scene, visitor: Visitor) -> None:
    """I9, as it can be seen from outside: no run is held, and nobody is connected who is not there."""
    server = scene.machine.server
    assert server is not None
    gauge = ""
    for _ in range(100):
        response = await visitor.request("GET", "/metrics")
        found = re.search(r"^\S*runs_active\S* (\S+)$", response.text if response else "", re.MULTILINE)
        gauge = found[1] if found else "no gauge of active runs"
        if gauge == "0.0":
            return
        await asyncio.sleep(0.05)
    scene.history.blame("I9", f"active runs at the end: {gauge}")


def _expected_ends(stage: Stage, database: Database) -> None:
    """Note the runs that ended in a way for which there was no reason."""
    for run in database.runs:
        reason = {
            "completed": True,
            "cancelled": run["id"] in stage.cancelled,
            "failed": run["error_code"] == "interrupted" and run["begun_attempts"] == 3,
        }
        if run["state"] in OVER and not reason[run["state"]]:
            stage.scene.history.blame(
                "I7", f"run {run['id']}: {run['state']} {run['error_code']} in attempt {run['attempt']}, for no reason"
            )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Kill the server at random; check what is left.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--default-leases", action="store_true", help="6 s instead of 2.5: fewer kills a minute")
    parser.add_argument("--fresh", action="store_true", help="start each process anew: 3 s instead of 0.5")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the database and the logs")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else SystemRandom().randrange(10**6)
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-chaos-"))
    report = asyncio.run(
        unleash(
            folder,
            kills=given.kills,
            seed=seed,
            users=given.users,
            default_leases=given.default_leases,
            fresh=given.fresh,
        )
    )
    sys.stdout.write(f"{report}\n")
    if not report.verdict.is_clean:
        sys.stdout.write(f"\n{report.verdict.details()}\n\nin {folder}; again: scripts/chaos --seed {seed}\n")
        sys.exit(1)
    if given.keep:
        sys.stdout.write(f"in {folder}\n")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

"""Several processes on one PostgreSQL and one Redis, and all that befalls them at once: deaths, restarts, lost connections."""

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Literal

from support.history import Disturbance
from support.lives import let_finish, let_somebody_agree, user, wait_for_ends, wait_for_signs_of_life, watch_runs
from support.postgres import PostgresProcess
from support.processes import Machine
from support.redis import RedisServer, open_redis
from support.silencing import SilencingProxy
from support.stage import Stage, wait_until
from support.troubles import CLOCKS_S, SHORT_S, SILENCES, be_well, on_the_line, watch_readiness
from support.users import live

BOUT = 25
"""After so many deaths all faults are over for a moment, and messages of new users are answered in time."""
RESTART_EVERY_S = (5.0, 40.0)
REDIS_EVERY_S = (1.0, 10.0)
LINES_EVERY_S = (4.0, 25.0)
AWAY_S = (0.0, 0.0, 1.0, 5.0)
"""How long PostgreSQL, Redis or a process is away before it is started again, but for chance."""
STALLED = 0.2
"""How often a process is stopped for a while before it dies."""
TURN_S = 60.0
"""Within this each kind of fault has had its turn once."""
WRONG_CLOCK = 0.15
"""How often the next one has a clock that is wrong."""
REDIS_FAULTS = ("flushed", "killed", "paused", "failed over", "silent", "for good", "refused", "reset", "slow")
FAULTS = {
    "kills": "a process of several is killed with -9, after a stop of 1 to 8 s or none, and started again after 0 to 5 s",
    "clock": "and some of these have a wall clock that is wrong by seconds, minutes or an hour",
    "restarts": "PostgreSQL is restarted every 5 to 40 s, in order or as if it had died, and away for 0 to 5 s",
    "silent": "connections to PostgreSQL fall silent, for a while or for good, are refused, reset or slow",
    "redis": "Redis is killed, paused, flushed, failed over to its copy; its connections as those of PostgreSQL",
    "deletions": "users delete conversations, and look for them afterwards",
}


@dataclass(slots=True)
class RedisPair:
    """A Redis and its copy, which takes its place when it fails, at an address that stays: a proxy's."""

    first: RedisServer
    copy: RedisServer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the one that is written to."""
        return await asyncio.open_connection("127.0.0.1", self.first.port)

    def fail_over(self) -> None:
        """Kill the one that is written to; its copy goes on with what it has got so far, and is copied in its turn."""
        self.first.kill()
        self.first, self.copy = self.copy, self.first
        with self.first.client() as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        self.first.options, self.copy.options = (), ("--replicaof", "127.0.0.1", str(self.first.port))
        self.copy.start()


def open_pair(stack: AsyncExitStack) -> RedisPair:
    """Start both; the stack ends them."""
    first = stack.enter_context(open_redis())
    copy = stack.enter_context(open_redis("redis 6.2", "--replicaof", "127.0.0.1", str(first.port)))
    return RedisPair(first, copy)


@dataclass(slots=True)
class Cluster:
    """A stage of several processes, with the engines behind them."""

    stage: Stage
    postgres: PostgresProcess
    redis: RedisPair
    redis_proxy: SilencingProxy
    pace: float = 1.0
    """How long is waited between faults, as a part of what is usual."""
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when faults are to end."""

    async def play(self, *, kills: int, limit_s: float | None = None) -> None:
        """Let the users work, and faults befall all that they work with, until so many processes have died.

        When `limit_s` is over no more of them do.
        """
        stage, until = self.stage, math.inf if limit_s is None else time.monotonic() + limit_s
        await asyncio.gather(*(machine.start() for machine in stage.scene.machines))
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as beside:
            watcher = await stack.enter_async_context(user(stage.scene, len(stage.visitors), stage.random))
            looking = [beside.create_task(watch_readiness(stage, watcher)), beside.create_task(watch_runs(stage))]
            async with asyncio.TaskGroup() as group:
                lives = {visitor.user: group.create_task(live(stage, visitor)) for visitor in stage.visitors}
                for done in range(0, kills, BOUT):
                    await self._bout(min(BOUT, kills - done), until=until)
                await let_somebody_agree(stage)
                stage.over.set()
                await let_finish(stage, lives)
            await wait_for_ends(stage)
            for task in [*looking, *stage.forgetting]:
                task.cancel()

    async def _bout(self, kills: int, *, until: float) -> None:
        """Let everything befall them at once while so many die; then all is well, and answers new users."""
        stage = self.stage
        self.calm.clear()
        wanted: dict[str, tuple[Callable[[], Awaitable[None]], tuple[float, float]]] = {
            "restarts": (self._restart_postgres, RESTART_EVERY_S),
            "silent": (self._disturb_postgres, LINES_EVERY_S),
            "redis": (self._disturb_redis, REDIS_EVERY_S),
        }
        async with asyncio.TaskGroup() as troubles:
            for kind, (befall, every_s) in wanted.items():
                if kind in stage.kinds:
                    troubles.create_task(self._again_and_again(befall, every_s))
            for _ in range(kills):
                if time.monotonic() < until:
                    await self._death(troubles)
            # A few deaths may be over before each of the others had its turn.
            await wait_until(lambda: all(stage.made[kind] for kind in wanted if kind in stage.kinds), limit_s=TURN_S)
            self.calm.set()
        stage.say(f"{stage.made['kills']} processes have died, and all faults are over for now")
        begun = time.time()
        await be_well(stage, "all that befell the cluster")
        stage.say("new users have their answers")
        stage.scene.history.disturbances.append(Disturbance("recovery", begun, time.time()))

    async def _again_and_again(self, befall: Callable[[], Awaitable[None]], every_s: tuple[float, float]) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.stage.random.uniform(*every_s) * self.pace):
                    await self.calm.wait()
            if self.calm.is_set():
                return
            await befall()

    def _away_s(self) -> float:
        random = self.stage.random
        return random.choice(AWAY_S) * random.random() * self.pace

    async def _restart_postgres(self) -> None:
        stage = self.stage
        how: Literal["fast", "immediate"] = "fast" if stage.random.random() < 0.5 else "immediate"
        with stage.disturbed("restarts"):
            stage.made[f"  {how}"] += 1
            await asyncio.to_thread(self.postgres.stop, how)
            await asyncio.sleep(self._away_s())
            await asyncio.to_thread(self.postgres.start)

    async def _disturb_postgres(self) -> None:
        stage, what = self.stage, self.stage.deal("silent", SILENCES)
        assert stage.proxy is not None
        with stage.disturbed("silent"):
            stage.made[f"  {what}"] += 1
            async with on_the_line(stage, stage.proxy, what) as lasts_s:
                await asyncio.sleep(lasts_s * self.pace)

    async def _disturb_redis(self) -> None:
        stage, what = self.stage, self.stage.deal("redis", REDIS_FAULTS)
        with stage.disturbed("redis"):
            stage.made[f"  redis {what}"] += 1
            match what:
                case "flushed":
                    await asyncio.to_thread(self.redis.first.flush)
                case "killed":
                    self.redis.first.kill()
                    await asyncio.sleep(self._away_s())
                    await asyncio.to_thread(self.redis.first.start)
                case "paused":
                    self.redis.first.pause()
                    try:
                        await asyncio.sleep(stage.random.uniform(*SHORT_S) * self.pace)
                    finally:
                        self.redis.first.resume()
                case "failed over":
                    await asyncio.to_thread(self.redis.fail_over)
                case _:
                    async with on_the_line(stage, self.redis_proxy, what) as lasts_s:
                        await asyncio.sleep(lasts_s * self.pace)

    async def _death(self, group: asyncio.TaskGroup) -> None:
        """Kill one of the processes at a random moment; the next one in its place is started by and by."""
        stage, history, machines = self.stage, self.stage.scene.history, self.stage.scene.machines
        await wait_for_signs_of_life(stage)
        while not (living := [one for one in machines if one.server and one.server.url and one.server.status is None]):
            await wait_until(lambda: any(one.url for one in machines), limit_s=1)
        machine = stage.random.choice(living)
        server = machine.server
        assert server is not None
        if stage.random.random() < STALLED:
            with stage.disturbed("stalls"):
                server.send(signal.SIGSTOP)
                await asyncio.sleep(stage.random.uniform(*SHORT_S) * self.pace)
                if stage.random.random() < 0.5:
                    server.send(signal.SIGCONT)
                    await wait_for_signs_of_life(stage)
            stage.held_up_at = time.monotonic()
        if server.status is not None:
            history.blame("I7", f"a process ended by itself with {server.status}")
        await server.kill()
        history.deaths.append(server.exited_at or 0)
        stage.made["kills"] += 1
        group.create_task(self._begin_again(machine))

    async def _begin_again(self, machine: Machine) -> None:
        """Start the next process in the place of one that died; again, where the database let it not."""
        stage, history, died = self.stage, self.stage.scene.history, time.time()
        await asyncio.sleep(self._away_s())
        clock_s = stage.random.choice(CLOCKS_S) if stage.random.random() < WRONG_CLOCK and "clock" in stage.kinds else 0
        stage.made["clock"] += bool(clock_s)
        is_alone = not any(one.url for one in stage.scene.machines)
        while True:
            before, faults = self._faults_of_postgres(), stage.ongoing["restarts"] + stage.ongoing["silent"]
            try:
                await machine.start(clock_s=clock_s)
            except RuntimeError as exc:
                if not faults and before == self._faults_of_postgres():
                    history.blame("I12", f"a process did not start: {exc}")
            else:
                break
        if is_alone:
            history.disturbances.append(Disturbance("no process", died, time.time()))
        stage.held_up_at = time.monotonic()

    def _faults_of_postgres(self) -> int:
        return self.stage.made["restarts"] + self.stage.made["silent"]

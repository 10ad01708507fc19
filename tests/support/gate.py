"""Processes as the gate of all of them knows them, without a database: they ask for places, have them and die."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from support.faults import until

from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.lasting import lasting
from agent.redis.subscriber import Subscriber
from agent.runs.admission import HERE, Grant
from agent.runs.letters import LetterKeys
from agent.runs.offers import Cluster
from agent.runs.shared_admission import SharedAdmission
from agent.settings import RuntimeSettings

KEY = "k" * 32
Who = tuple[str, str]


@dataclass(slots=True)
class Process:
    """A process as the others know it. What it is given here is at work at the process that has the place."""

    name: str
    admission: SharedAdmission
    client: RedisClient
    subscriber: Subscriber
    tasks: list[asyncio.Task[None]]
    inside: list[Who] = field(default_factory=list)
    handed: int = 0
    order: list[Who] = field(default_factory=list)
    waiting: dict[asyncio.Task[None], Who] = field(default_factory=dict)
    all: dict[str, "Process"] = field(default_factory=dict)

    async def arrive(self, *who: str) -> None:
        """Let a run come: it is at work, or waits."""
        key = (who[0], who[1])

        async def enter() -> None:
            await self.got(key, await self.admission.enter(*key))

        grant = await self.admission.ask(*key)
        if grant is not None:
            await self.got(key, grant)
        else:
            self.waiting[asyncio.create_task(enter())] = key
            await self.admission.told()

    async def got(self, who: Who, grant: Grant) -> None:
        """Be at work, here or where the place is, as with a letter that is taken."""
        self.order.append(who)
        if grant == HERE:
            self.inside.append(who)
            return
        other = self.all[grant]
        if other.admission.accept(*who):
            other.inside.append(who)
            await other.admission.told()
            self.admission.leave(*who, grant)
            self.handed += 1
        else:
            self.admission.keep(*who, grant)
            self.inside.append(who)

    async def leave(self, index: int = 0) -> None:
        self.admission.leave(*self.inside.pop(index))
        await self.admission.told()

    @property
    def left_waiting(self) -> list[Who]:
        return [who for task, who in self.waiting.items() if not task.done()]

    async def die(self) -> None:
        """Say nothing any more, as after a kill."""
        for task in [*self.tasks, *self.waiting]:
            task.cancel()
        await asyncio.wait([*self.tasks, *self.waiting])
        await self.client.close()


@dataclass(slots=True)
class Installation:
    """Processes on one Redis."""

    url: str
    stack: AsyncExitStack
    prefix: str = field(default_factory=lambda: f"fd-{uuid4().hex[:8]}")
    all: dict[str, Process] = field(default_factory=dict)

    async def process(self, *, key: str | None = KEY, **settings: Any) -> Process:
        made = RuntimeSettings(_env_file=None, **{"lease_s": 2.0, "renew_every_s": 0.5, **settings})
        client = RedisClient(parse_address(self.url), prefix=self.prefix, timeout_s=20.0)
        subscriber = Subscriber(client)
        name = uuid4().hex
        keys = LetterKeys([key]) if key is not None else None
        admission = SharedAdmission(Cluster(client, subscriber, keys), made, worker_id=name)
        loop = asyncio.get_running_loop()
        listening = loop.create_task(subscriber.run())
        await until(lambda: subscriber.is_well)
        await admission.tell()
        telling = loop.create_task(lasting(admission.run, name="places"))
        process = Process(name, admission, client, subscriber, [listening, telling], all=self.all)
        self.all[name] = process
        await until(lambda: admission._hears)
        await admission.told()
        self.stack.push_async_callback(process.die)
        return process

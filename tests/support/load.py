"""A minute of a real installation under load that is made up, seen by a real Prometheus: for the picture of the dashboard."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from support.deployed import Deployed, open_deployed
from support.postgres import new_database, open_postgres, sqlalchemy_url
from support.processes import Nursery, open_nursery
from support.prometheus import open_prometheus
from support.provider import Call, Provider
from support.spans import collecting

LASTS_S = 60.0
AWAY_S = (30.0, 40.0)
"""When Redis is away, since the beginning."""
USERS = 12
PRICED = {"models": [{"spec": "openai:scripted", "price": {"input": 2.5, "output": 10.0}}]}
Picture = Callable[..., Awaitable[str]]


class Endless(deque[Any]):
    """The scripts of a provider that always has another one: mostly answers, some calls of tools, a failure now and then."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider
        self._random = Random(7)

    def __bool__(self) -> bool:
        return True

    def popleft(self) -> Any:
        """Return the next one."""
        chance = self._random.random()
        if chance < 0.3:
            self._provider.call(Call("count_orders"))
        elif chance < 0.33:
            self._provider.fail(500)
        else:
            words = [f"word{number} " for number in range(self._random.randrange(5, 40))]
            self._provider.slowly(*words, pause_s=self._random.uniform(0.01, 0.08))
        return super().popleft()


def under_load(picture: Picture) -> str:
    """Return the picture that is made of it while all of it still goes on."""
    with TemporaryDirectory() as folder, open_postgres() as postgres, open_nursery() as nursery:
        return asyncio.run(_pictured(Path(folder), nursery, sqlalchemy_url(new_database(postgres)), picture))


async def _pictured(folder: Path, nursery: Nursery, url: str, picture: Picture) -> str:
    async with collecting() as collector:
        settings = {"FRONTDESK_TRACES": "on", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        async with (
            open_deployed(folder, nursery, url, assistant=PRICED, **settings) as deployed,
            open_prometheus(folder, deployed.metrics_ports) as prometheus,
        ):
            begun = time.time()
            await _used(deployed)
            return await picture(prometheus.url, start=begun, end=time.time(), window="15s")


async def _used(deployed: Deployed) -> None:
    """Let people ask at both processes, some badly, and let Redis be away for a while."""
    deployed.provider.scripts = Endless(deployed.provider)
    deployed.backend.answer("GET /orders/count", {"count": 42})
    ends = time.monotonic() + LASTS_S
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_without_redis(deployed))
        for number in range(USERS):
            tasks.create_task(_ask(deployed, number, ends))


async def _ask(deployed: Deployed, number: int, ends: float) -> None:
    random = Random(number)
    person = deployed.person(f"http://{deployed.addresses[number % 2]}", user=f"user-{number}")
    while time.monotonic() < ends:
        if random.random() < 0.05:
            await person.request("GET", "/nowhere")
        await person.stream("how many orders?")
        await asyncio.sleep(random.uniform(0, 1.5))


async def _without_redis(deployed: Deployed) -> None:
    away_s, back_s = AWAY_S
    await asyncio.sleep(away_s)
    deployed.redis.kill()
    await asyncio.sleep(back_s - away_s)
    deployed.redis.start()

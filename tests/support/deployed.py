"""An installation as `deploy/` has it: two real processes on one PostgreSQL and one Redis, for what is put before and beside them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from support.backend import TenantBackend, scripted_backend
from support.processes import Machine, Nursery
from support.programs import free_port
from support.provider import Provider, scripted_provider
from support.redis import RedisServer, open_redis
from support.world import SECRET, Person, World, write_assistant

from api.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
METRICS_TOKEN = "the-token-of-the-metrics"


@dataclass(slots=True)
class Deployed:
    """The processes, and those around them."""

    machines: list[Machine]
    metrics_ports: list[int]
    provider: Provider
    backend: TenantBackend
    redis: RedisServer

    @property
    def addresses(self) -> list[str]:
        """Where the processes serve, as host and port."""
        return [machine.url.removeprefix("http://") for machine in self.machines if machine.url is not None]

    def logs(self) -> str:
        """Return what the processes have logged."""
        return "".join(machine.logs() for machine in self.machines)

    def person(self, url: str, **claims: object) -> Person:
        """Return somebody who asks at this URL."""
        return World(url, FastAPI(), Settings(), self.provider, self.backend).person(**claims)  # type: ignore[arg-type]


@asynccontextmanager
async def open_deployed(
    folder: Path,
    nursery: Nursery,
    database_url: str,
    *,
    toolsets: Sequence[str] = ("support.shop_tools",),
    assistant: dict[str, Any] | None = None,
    **settings: str,
) -> AsyncIterator[Deployed]:
    """Start two processes; they and those around them are gone when the block ends."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(scripted_provider())
        backend = await stack.enter_async_context(scripted_backend())
        redis = stack.enter_context(open_redis())
        changes = {"limits": {"model_retries": 0}, "toolsets": list(toolsets), **(assistant or {})}
        environment = {
            "FRONTDESK_ASSISTANT": str(write_assistant(folder, **changes)),
            "FRONTDESK_BACKEND_URL": backend.url,
            "FRONTDESK_JWT_SECRET": SECRET,
            "FRONTDESK_DATABASE_URL": database_url,
            "FRONTDESK_REDIS_URL": redis.url,
            "FRONTDESK_TRUSTED_PROXIES": '["127.0.0.1"]',
            "FRONTDESK_METRICS_TOKEN": METRICS_TOKEN,
            "OPENAI_BASE_URL": provider.url,
            "NO_PROXY": "*",
            **settings,
        }
        ports = [free_port(), free_port()]
        machines = [
            Machine(folder / f"process-{port}", {**environment, "FRONTDESK_METRICS_PORT": str(port)}, nursery)
            for port in ports
        ]
        for machine in machines:
            machine.folder.mkdir()
            stack.push_async_callback(machine.stop)
        await asyncio.gather(*(machine.start() for machine in machines))
        yield Deployed(machines, ports, provider, backend, redis)

"""Words of tenants go to no tracing service, whatever the environment says, unless our own setting says so."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.backend import TenantBackend
from support.http import Connection, Request, listen
from support.processes import Machine, Nursery
from support.provider import Call, Provider
from support.server import machine, token_of

WORDS = "zebra-in-the-shop"
PARROT = {"spec": "support.chat_models:Parrot", "parameters": {"words": f"{WORDS} again?"}}
"""A model that a package of LangChain's speaks with, in a thread."""
ASKED_FOR = {
    "by its names of today": {"LANGSMITH_TRACING": "true", "LANGSMITH_TRACING_V2": "true"},
    "by its first names": {
        "LANGCHAIN_TRACING_V2": "true",
        "LANGCHAIN_TRACING": "true",
        "LANGCHAIN_HANDLER": "langchain",
    },
    "by OpenTelemetry": {"LANGSMITH_TRACING": "true", "LANGSMITH_OTEL_ENABLED": "true", "OTEL_ENABLED": "true"},
}
"""Variables that would ask for tracing by themselves. Names of one age go together: where any is heeded, something is heard."""


@dataclass
class Collector:
    """A tracing service. `heard` is set when anything at all has come."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: Request, connection: Connection) -> None:
        self.requests.append(request)
        self.heard.set()
        await connection.respond(200, b"{}")


@asynccontextmanager
async def watched(
    folder: Path,
    provider: Provider,
    backend: TenantBackend,
    nursery: Nursery,
    asked_for: dict[str, str],
    *,
    tracing: bool = False,
    **changes: object,
) -> AsyncIterator[tuple[Machine, Collector]]:
    """Run a server whose environment asks for tracing, beside the service that it would go to."""
    collector = Collector()
    assistant = {"suggestions": {"enabled": True}, "title": "model", **changes}
    prepared = machine(
        folder,
        provider_url=provider.url,
        backend_url=backend.url,
        assistant=assistant,
        nursery=nursery,
        tracing=tracing,
    )
    async with listen(collector.handle) as url, prepared as made:
        collector.url = url
        made.environment |= {
            **asked_for,
            "LANGSMITH_ENDPOINT": url,
            "LANGCHAIN_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "LANGSMITH_API_KEY": "k",
            "LANGCHAIN_API_KEY": "k",
            "LANGSMITH_PROJECT": "p",
        }
        await made.start()
        yield made, collector


async def ask(made: Machine, provider: Provider, backend: TenantBackend) -> None:
    """Have a turn with a tool, follow-up questions and a title."""
    backend.answer("GET /orders/count", {"count": 42})
    provider.call(Call("count_orders"))
    provider.say(WORDS)
    provider.suggestions, provider.title = "And today?", "Orders"
    headers = {"Authorization": f"Bearer {token_of()}", "Accept": "text/event-stream"}
    async with httpx2.AsyncClient(base_url=made.url or "", headers=headers, timeout=60) as client:
        answer = await client.post("/chat", json={"message": WORDS})
    assert "And today?" in answer.text
    assert '"completed"' in answer.text
    assert len(provider.asides) == 2


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ASKED_FOR)
async def test_nothing_is_traced_whatever_the_environment_says(
    tmp_path: Path, provider: Provider, backend: TenantBackend, nursery: Nursery, how: str
) -> None:
    """G44: neither the turn nor what comes after it, and it is answered all the same."""
    async with watched(tmp_path, provider, backend, nursery, ASKED_FOR[how]) as (made, collector):
        await ask(made, provider, backend)
        assert made.server is not None
        made.server.send(signal.SIGTERM)  # what waits to be sent is sent at the end
        async with asyncio.timeout(60):
            await made.server.exited()
        assert collector.requests == []


@pytest.mark.timeout(400)
async def test_questions_that_are_asked_for_beside_a_run_are_not_traced(
    tmp_path: Path, provider: Provider, backend: TenantBackend, nursery: Nursery
) -> None:
    """G44: nor is a model that LangChain itself asks."""
    changes: dict[str, Any] = {"models": [PARROT], "suggestions": {"when": "on_demand"}, "title": "words"}
    asked_for = ASKED_FOR["by its names of today"]
    async with watched(tmp_path, provider, backend, nursery, asked_for, **changes) as (made, collector):
        headers = {"Authorization": f"Bearer {token_of()}"}
        async with httpx2.AsyncClient(base_url=made.url or "", headers=headers, timeout=60) as client:
            answer = (await client.post("/chat", json={"message": WORDS})).json()
            wanted = await client.post(f"/messages/{answer['message_id']}/suggestions")
        assert wanted.json()["suggested_questions"] == [f"{WORDS} again?"]
        assert made.server is not None
        made.server.send(signal.SIGTERM)
        async with asyncio.timeout(60):
            await made.server.exited()
        assert collector.requests == []


@pytest.mark.timeout(400)
async def test_it_is_traced_where_our_setting_says_so(
    tmp_path: Path, provider: Provider, backend: TenantBackend, nursery: Nursery
) -> None:
    """G44: so the test above would notice."""
    async with watched(tmp_path, provider, backend, nursery, {}, tracing=True) as (made, collector):
        await ask(made, provider, backend)
        async with asyncio.timeout(60):
            await collector.heard.wait()

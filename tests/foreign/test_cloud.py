"""The example that is made from DigitalOcean's document, as its README starts it: the demo's model answers by real operations."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import jwt
import pytest
from support.processes import ROOT, Machine
from support.world import parse_stream

EXAMPLE = ROOT / "examples" / "cloud" / "assistant.yaml"


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a user whom the installation knows."""
    machine = Machine(tmp_path, {"FRONTDESK_ASSISTANT": str(EXAMPLE), "OPENAI_API_KEY": ""})
    try:
        server = await machine.start()
        claims = {"sub": "ann", "tenant_id": "acme", "exp": int(time.time()) + 900}
        token = jwt.encode(claims, (tmp_path / "data" / "jwt-secret").read_text().strip(), "HS256")
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            yield client
    finally:
        await machine.stop()


@pytest.mark.parametrize(
    ("question", "tool", "told"),
    [
        ("list the droplets", "droplets_list", "3164444"),
        ("which domains do we have?", "domains_list", "example.com"),
        ("account balance", "balance_get", "12.23"),
    ],
)
async def test_a_large_document_is_enough_for_an_answer(
    cloud: httpx2.AsyncClient, question: str, tool: str, told: str
) -> None:
    answer = await cloud.post("/chat", json={"message": question})
    events = [frame.data for frame in parse_stream(answer.content) if frame.data != "[DONE]"]
    assert tool in {event["tool_call"]["name"] for event in events if "tool_call" in event}
    assert told in "".join(event.get("token", "") for event in events)

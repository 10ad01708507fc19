"""A process that dies around the commit of a summary: the conversation goes on, and the next turn makes it, once."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.backend import TenantBackend
from support.faults import until
from support.processes import Nursery
from support.provider import Provider
from support.server import machine, token_of

from agent.failpoints import EXIT_STATUS
from agent.prompt.words import SUMMARY_MARK


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("failpoint", ["summary.after_claim", "summary.before_commit", "summary.after_commit"])
async def test_a_conversation_goes_on_wherever_its_summary_died(
    failpoint: str, nursery: Nursery, tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    """G552"""
    narrow = {"history": {"messages": 8, "summary": {"short_tokens": 0}}}
    prepared = machine(tmp_path, provider_url=provider.url, backend_url=backend.url, assistant=narrow, nursery=nursery)
    headers = {"Authorization": f"Bearer {token_of()}"}
    async with prepared as served:
        server = await served.start(failpoint=failpoint)
        conversation: str | None = None
        for number in range(5):
            provider.say(f"{number}!")
            if number == 3:
                assert await server.exited() == EXIT_STATUS
                server = await served.start()
            async with httpx2.AsyncClient(base_url=server.url, headers=headers) as client:
                with suppress(httpx2.TransportError):
                    body = {"message": f"{number}?", "conversation_id": conversation}
                    conversation = (await client.post("/chat", json=body, timeout=60)).json()["conversation_id"]
        made = "SELECT count(*) FROM summaries WHERE text IS NOT NULL"
        await until(lambda: rows(served.database, made) >= [(1,)])
        await until(lambda: rows(served.database, "SELECT count(*) FROM summaries WHERE text IS NULL") == [(0,)])
        provider.say("5!")
        async with httpx2.AsyncClient(base_url=server.url, headers=headers) as client:
            body = {"message": "5?", "conversation_id": conversation}
            assert (await client.post("/chat", json=body, timeout=60)).json()["status"] == "completed"
        assert str(provider.requests[-1]["messages"][1]["content"]).startswith(SUMMARY_MARK)

"""A process that dies around the commit of a fact: the next one has it remembered, and once."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.backend import TenantBackend
from support.faults import until
from support.processes import Nursery
from support.provider import Call, Provider
from support.server import machine, token_of

from agent.failpoints import EXIT_STATUS

FACT = "My dog is called Rocky."


def rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("failpoint", "known_before"),
    [("call.after_start", "false"), ("memory.before_commit", "false"), ("call.after_effect", "true")],
)
async def test_a_fact_is_kept_once_wherever_the_process_dies(
    failpoint: str, known_before: str, nursery: Nursery, tmp_path: Path, provider: Provider, backend: TenantBackend
) -> None:
    """G503: between the ledger's row and the fact's commit, and behind that; a model that tries again makes no second one."""
    prepared = machine(
        tmp_path, provider_url=provider.url, backend_url=backend.url, assistant={"memory": True}, nursery=nursery
    )
    async with prepared as served:
        server = await served.start(failpoint=failpoint)
        provider.call(Call("remember", {"fact": FACT}))
        provider.call(Call("remember", {"fact": FACT}, id="again"))
        provider.say("Done.")
        headers = {"Authorization": f"Bearer {token_of()}"}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers) as client:
            with suppress(httpx2.TransportError):
                await client.post("/chat", json={"message": "Remember my dog."}, timeout=60)
        assert await server.exited() == EXIT_STATUS
        await served.start()
        await until(lambda: rows(served.database, "SELECT state FROM runs") == [("completed",)])
        assert rows(served.database, "SELECT tenant_id, user_id, text FROM memories") == [("acme", "ann", FACT)]
        ledger = rows(served.database, "SELECT state FROM tool_calls ORDER BY created_at")
        assert ledger == [("unknown",), ("settled",)]
        assert f'"known_before":{known_before}' in str(provider.requests[-1]["messages"][-1]["content"])

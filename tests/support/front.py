"""The proxy before an installation as `deploy/` has it, and what whatever stands there has to let through."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import httpx2
from support.deployed import Deployed
from support.socketing import open_socket
from support.world import Person

from api.settings import Settings


@dataclass(slots=True)
class Site:
    """The installation behind a proxy."""

    deployed: Deployed
    url: str
    log: Path

    @property
    def ann(self) -> Person:
        return self.deployed.person(self.url)


async def passes_each_token_at_once(site: Site) -> None:
    """See that the first token is read before the second one is there."""
    gate = asyncio.Event()
    site.deployed.provider.wait_for(gate, "World.", before=["Hello "])
    async with site.ann.open_stream("hello") as live:
        assert await live.until("token") == "Hello "
        gate.set()
        assert (await live.rest()).text == "Hello World."


async def passes_a_websocket_of_its_own_page(site: Site) -> None:
    """See that a page of the site reads a run over a WebSocket: its origin has the port that the page has."""
    site.deployed.provider.say("Over a socket.")
    async with open_socket(site.ann, origin=site.url) as socket:
        run = (await socket.ask("send", message="hello"))["run"]
        await socket.done(run)
        assert socket.text(run) == "Over a socket."


async def lets_files_through_to_all(site: Site) -> None:
    """See that a file as large as Frontdesk takes one passes, that any process has it, and that a larger one is told so."""
    body = b"x" * (Settings.model_fields["max_file_bytes"].default - 1024)
    sent = await site.ann.request("POST", "/files", files={"file": ("long.txt", body)})
    assert sent.status_code == 201, sent.text
    for url in (f"http://{address}" for address in site.deployed.addresses):
        got = await site.deployed.person(url).request("GET", f"/files/{sent.json()['id']}")
        assert (got.status_code, len(got.content)) == (200, len(body))
    larger = await site.ann.request("POST", "/files", files={"file": ("long.txt", body + b"x" * 8192)})
    assert (larger.status_code, larger.json()["code"]) == (413, "file_too_large")


async def keeps_the_metrics_from_the_world(site: Site) -> None:
    async with httpx2.AsyncClient(base_url=site.url, trust_env=False) as client:
        assert (await client.get("/metrics")).status_code == 404


async def passes_over_a_process_that_died(site: Site) -> None:
    """Kill the first process; see that each of ten messages is answered by the other one."""
    server = site.deployed.machines[0].server
    assert server is not None
    await server.kill()
    for number in range(10):
        site.deployed.provider.say(f"Answer {number}.")
        answer = await site.ann.ask("hello")
        assert (answer.status_code, answer.json()["response"]) == (200, f"Answer {number}.")

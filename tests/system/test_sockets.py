"""WebSockets of real server processes that are stopped, killed and started again, and cut on the way."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.cutting import cutting_proxy
from support.faults import until
from support.gated import GatedProvider, gated_provider
from support.processes import QUICK, Machine, Nursery
from support.server import machine, token_of
from support.socketing import Socket, open_socket_at
from support.world import World

LIMIT_S = 60.0
LIMITS = {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}
pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def gated(folder: Path, nursery: Nursery, **settings: object) -> AsyncIterator[tuple[Machine, GatedProvider]]:
    quick = {name.removeprefix("FRONTDESK_").lower(): value for name, value in QUICK.items()}
    async with (
        gated_provider() as provider,
        machine(
            folder,
            provider_url=provider.url,
            backend_url=provider.url,
            assistant={"limits": LIMITS},
            nursery=nursery,
            **{**quick, **settings},
        ) as frontdesk,
    ):
        yield frontdesk, provider


async def half(socket: Socket) -> dict[str, str]:
    """Ask, and read the first half of the answer; return the run's id, and that of the last message."""
    run = (await socket.ask("send", message="hello"))["run"]
    last = await socket.until(lambda one: "token" in one)
    return {"run": run, "after": last["id"]}


async def rest(url: str, asked: dict[str, str], *, gate: Callable[[], None]) -> str:
    """Come back for a run; return the whole text that a client shows then."""
    async with open_socket_at(url, token_of()) as again:
        again.came.append({"run": asked["run"], "token": "Half "})
        assert (await again.ask("attach", **asked))["run"] == asked["run"]
        gate()
        while not any("done" in one for one in again.of(asked["run"])):
            if "cut" in await again.next():  # the process is not yet the run's
                await again.ask("attach", **asked)
        return again.text(asked["run"])


async def test_a_server_that_stops_closes_its_sockets_for_a_restart_and_the_runs_go_on(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G135: one that waits for nothing at once, one that reads when the grace time is over; the next process has the rest."""
    async with gated(tmp_path, nursery, shutdown_grace_s=1.0) as (frontdesk, provider):
        server = await frontdesk.start()
        async with open_socket_at(server.url, token_of()) as reads, open_socket_at(server.url, token_of()) as idle:
            asked = await half(reads)
            server.send(signal.SIGTERM)
            assert await idle.closed() == 1012
            assert await reads.closed() == 1012
            assert not [one for one in reads.came if "status" in one]
        assert await server.exited() == 0
        server = await frontdesk.start()
        assert await rest(server.url, asked, gate=provider.gate.set) == "Half and half."


async def test_an_answer_that_ends_within_the_grace_time_is_told_to_its_end_before_the_close(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G135"""
    async with gated(tmp_path, nursery, shutdown_grace_s=30.0) as (frontdesk, provider):
        server = await frontdesk.start()
        async with open_socket_at(server.url, token_of()) as reads, open_socket_at(server.url, token_of()) as idle:
            asked = await half(reads)
            server.send(signal.SIGTERM)
            assert await idle.closed() == 1012
            refused = await reads.ask("send", message="one more")
            assert (refused["refused"]["status"], refused["refused"]["code"]) == (503, "overloaded")
            provider.gate.set()
            assert await reads.closed() == 1012
            assert reads.text(asked["run"]) == "Half and half."
            assert reads.of(asked["run"])[-1] == {"run": asked["run"], "done": True}
        assert await server.exited() == 0


async def test_a_server_that_is_killed_in_mid_answer_gives_the_whole_answer_when_it_is_back(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G132: the client attaches again behind what it has."""
    async with gated(tmp_path, nursery) as (frontdesk, provider):
        server = await frontdesk.start()
        async with open_socket_at(server.url, token_of()) as socket:
            asked = await half(socket)
            await server.kill()
            assert await socket.closed() == 1006
        server = await frontdesk.start()
        assert await rest(server.url, asked, gate=provider.gate.set) == "Half and half."


@pytest.mark.parametrize("after_bytes", [700, 1500, 2500])
async def test_a_socket_that_is_cut_in_mid_answer_is_whole_behind_its_last_message(
    world: World, after_bytes: int
) -> None:
    """G132: wherever in a message it is cut."""
    gate = asyncio.Event()
    cuts = iter([after_bytes])
    pieces = [f"{number} of the many words of a long answer " for number in range(80)]
    world.provider.wait_for(gate, "and ", "half.", before=pieces)
    ann = world.person()
    async with cutting_proxy(world.url, lambda: next(cuts, None)) as url:
        async with open_socket_at(url, ann.token, compression=None) as cut:
            await cut.say("send", message="hello")
            await cut.closed()
        run = next(one["run"] for one in cut.came if one.get("reply") == "send")
        seen = cut.text(run)
        ids = [one["id"] for one in cut.of(run) if "id" in one]
        async with open_socket_at(url, ann.token) as again:
            await again.ask("attach", run=run, **({"after": ids[-1]} if ids else {}))
            gate.set()
            await again.done(run)
    assert seen + again.text(run) == f"{''.join(pieces)}and half."
    await until(lambda: not world.app.state.services.sockets._open)

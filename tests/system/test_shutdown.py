"""SIGTERM at the real server process: what is nearly done is finished, the rest is left to the next process, at once."""

import asyncio
import os
import pty
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from support.gated import GatedProvider, gated_provider
from support.processes import LISTENING, START_LIMIT_S, Machine, Nursery, Server, environment
from support.raw import STREAM, RawResponse, raw_request
from support.server import machine, token_of
from support.shown import Screen

GRACE_S = 1.5
LEASE_S = 60.0
"""So long that no test sees one run out."""
AT_ONCE_S = 5.0
LIMIT_S = 60.0
STALLING = 7_000_000
"""More bytes than the kernel's buffers take."""


@dataclass(slots=True)
class Scene:
    """A running installation whose answers wait at the provider's gate."""

    machine: Machine
    server: Server
    provider: GatedProvider
    stack: AsyncExitStack

    async def ask(self, message: str = "hello", *, stream: bool = True, **options: int) -> RawResponse:
        """Post a message on a connection that stays open; a stream is read up to its first token."""
        headers = STREAM if stream else {}
        body, asked = {"message": message}, self.provider.asked
        opened = raw_request(self.server.url, "POST", "/chat", token=token_of(), headers=headers, body=body, **options)
        response = await self.stack.enter_async_context(opened)
        if stream:
            await response.begin()
            await response.until(b'"token"')
        async with asyncio.timeout(LIMIT_S):
            while self.provider.asked == asked:  # noqa: ASYNC110 (the provider is told by another process)
                await asyncio.sleep(0.01)
        return response

    async def terminate(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Send a signal and return when; new messages are refused from then on."""
        self.server.send(number)
        sent_at = time.time()
        async with asyncio.timeout(GRACE_S):
            while (status := (await self.refused())[0]) != 503:
                assert status in (200, 429)  # each one that comes before waits for its answer
        return sent_at

    async def refused(self) -> tuple[int, dict[str, str], bytes]:
        """Try a message on a connection of its own."""
        async with raw_request(
            self.server.url, "POST", "/chat", token=token_of("ben"), headers=STREAM, body={"message": "more"}
        ) as response:
            await response.begin()
            body = await response.rest() if response.status == 503 else b""
            return response.status, response.headers, body


@pytest.fixture(autouse=True)
def hangups_are_heard() -> Iterator[None]:
    """Let processes that are started hear of a hangup, also where the tests themselves run under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
async def scene(nursery: Nursery, tmp_path: Path) -> AsyncIterator[Scene]:
    limits = {"first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S, "answer_characters": 2 * STALLING}
    async with gated_provider() as provider, AsyncExitStack() as stack:
        frontdesk = machine(
            tmp_path,
            provider_url=provider.url,
            backend_url=provider.url,
            assistant={"limits": limits},
            nursery=nursery,
            shutdown_grace_s=GRACE_S,
            lease_s=LEASE_S,
        )
        started = await stack.enter_async_context(frontdesk)
        yield Scene(started, await started.start(), provider, stack)


@pytest.mark.alone
async def test_new_messages_are_refused_and_answers_that_end_in_time_are_read_to_their_end(scene: Scene) -> None:
    """G23: within the grace time."""
    stream, waiting = await scene.ask(), await scene.ask(stream=False)
    sent_at = await scene.terminate()

    status, headers, body = await scene.refused()
    assert status == 503
    assert int(headers["retry-after"]) >= 1
    assert orjson.loads(body)["code"] == "overloaded"

    scene.provider.gate.set()
    async with asyncio.timeout(LIMIT_S):
        screen = await rest_of(stream)
        await waiting.begin()
        answer = orjson.loads(await waiting.rest())
        assert await scene.server.exited() == 0
    assert screen.is_done
    assert screen.shown.status == "completed"
    assert answer["response"] == "Half and half."
    assert time.time() - sent_at < GRACE_S


@pytest.mark.alone
async def test_a_hangup_drains_too_and_a_second_one_does_not_end_the_grace_time(scene: Scene) -> None:
    """G23: a terminal that closes and its shell send one each, a service manager sends one for "reload"."""
    stream = await scene.ask()
    await scene.terminate(signal.SIGHUP)
    scene.server.send(signal.SIGHUP)
    assert (await scene.refused())[0] == 503

    scene.provider.gate.set()
    async with asyncio.timeout(LIMIT_S):
        screen = await rest_of(stream)
        assert await scene.server.exited() == 0
    assert (screen.is_done, screen.shown.status) == (True, "completed")


async def test_a_terminal_that_is_gone_when_it_hangs_up_keeps_nothing_from_ending(scene: Scene) -> None:
    """G23: what is logged from then on, of the runs that are left behind, goes nowhere."""
    await scene.server.kill()
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]
    variables = environment(scene.machine.environment)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=scene.machine.folder, env=variables, stdout=end, stderr=end
    )
    os.close(end)
    try:
        shown = b""
        async with asyncio.timeout(START_LIMIT_S):
            while (found := LISTENING.search(shown.decode())) is None:
                shown += await asyncio.to_thread(os.read, terminal, 4096)
        scene.server.url = found[1]
        stream = await scene.ask()
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(LIMIT_S):
            screen = await rest_of(stream)
            assert await process.wait() == 0
        assert screen.shown.text == "Half "
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.alone
async def test_runs_that_take_longer_are_left_to_the_next_process_which_finishes_them_at_once(scene: Scene) -> None:
    """G23: after the grace time."""
    stream, waiting = await scene.ask(), await scene.ask(stream=False)
    sent_at = await scene.terminate()

    async with asyncio.timeout(LIMIT_S):
        screen = await rest_of(stream)
        await waiting.begin()
        assert (waiting.status, "retry-after" in waiting.headers) == (503, True)
        assert await scene.server.exited() == 0
    assert time.time() - sent_at < GRACE_S + 1
    assert (screen.is_done, screen.shown.status, screen.shown.text) == (False, None, "Half ")

    scene.provider.gate.set()
    server = await scene.machine.start()
    begun = time.monotonic()
    path = f"/runs/{stream.headers['x-run-id']}/events"
    headers = {"Last-Event-ID": screen.last_id}
    async with (
        asyncio.timeout(AT_ONCE_S),
        raw_request(server.url, "GET", path, token=token_of(), headers=headers) as again,
    ):
        await again.begin()
        screen.feed(await again.rest())
    print(f"finished {time.monotonic() - begun:.2f} s after the next start")
    assert screen.is_done
    assert screen.snapshots == 1
    assert screen.shown.text == "Half and half."
    assert screen.shown.status == "completed"


@pytest.mark.alone
async def test_neither_idle_connections_nor_clients_that_do_not_read_hold_it_up(scene: Scene) -> None:
    """G23: grace plus one second."""
    scene.provider.before = "x" * STALLING
    for number in range(3):
        await scene.ask(f"stalled {number}", receive_bytes=4096)
    idle = await scene.stack.enter_async_context(raw_request(scene.server.url, "GET", "/livez", token=token_of()))
    await idle.begin()
    await idle.rest()
    silent = await asyncio.open_connection(*scene.server.url.removeprefix("http://").split(":"))
    scene.stack.callback(silent[1].close)

    sent_at = await scene.terminate()
    async with asyncio.timeout(LIMIT_S):
        assert await scene.server.exited() == 0
    assert scene.server.exited_at is not None
    print(f"exit {scene.server.exited_at - sent_at - GRACE_S:.2f} s after the grace time")
    assert scene.server.exited_at - sent_at < GRACE_S + 1


@pytest.mark.alone
async def test_a_process_without_runs_ends_at_once(scene: Scene) -> None:
    scene.server.send(signal.SIGTERM)
    sent_at = time.time()
    async with asyncio.timeout(LIMIT_S):
        assert await scene.server.exited() == 0
    assert time.time() - sent_at < 1


@pytest.mark.alone
async def test_a_second_signal_ends_the_grace_time_and_the_runs_are_left_all_the_same(scene: Scene) -> None:
    scene.machine.environment["FRONTDESK_SHUTDOWN_GRACE_S"] = "60"
    await scene.server.kill()
    scene.server = await scene.machine.start()
    stream = await scene.ask()
    await scene.terminate()
    scene.server.send(signal.SIGTERM)
    sent_at = time.time()
    async with asyncio.timeout(LIMIT_S):
        screen = await rest_of(stream)
        assert await scene.server.exited() == 0
    assert time.time() - sent_at < 1.5
    assert screen.shown.status is None

    scene.provider.gate.set()
    server = await scene.machine.start()
    path = f"/runs/{stream.headers['x-run-id']}/events"
    async with asyncio.timeout(AT_ONCE_S), raw_request(server.url, "GET", path, token=token_of()) as again:
        await again.begin()
        assert b'"status":"completed"' in await again.rest()


async def rest_of(response: RawResponse) -> Screen:
    """Read a stream to its end, whichever way it ends, and return what it showed."""
    with suppress(ConnectionError, EOFError):
        await response.rest()
    screen = Screen()
    screen.feed(response.body)
    screen.drop()
    return screen

"""`python -m bench.sockets`: what twenty answers at once cost over one WebSocket, and over as many streams.

Of a `frontdesk serve`: CPU per token while nothing but tokens comes, and the memory of what is open. The answers, their tokens and
their users are the same; only the way to the client differs. The two take turns.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
from websockets.asyncio.client import ClientConnection, connect

from bench import frontdesk
from bench.load import Load, ask, finish, limited, open_clients, post
from bench.measure import CLIENT_CORE, KIB, SERVER_CORE, US
from bench.server import Server
from bench.upstream import MARK, Script

CONVERSATIONS = 20
"""Of one user: as many as one may read at once."""


class Cost(NamedTuple):
    """The CPU and memory that the server spent."""

    cpu_us: float
    """Per token."""
    memory_kib: float
    """Per answer that is open."""


Ended = Callable[[], Awaitable[object]]
Way = Callable[[Server, Load, Script, int], AbstractAsyncContextManager[Ended]]


@asynccontextmanager
async def streams(server: Server, load: Load, script: Script, users: int) -> AsyncIterator[Ended]:
    """Open a stream for each answer; yield what waits for their end."""
    clients = []
    for user in range(users):
        for client in await open_clients(load, server.url, CONVERSATIONS):
            client.send(post("/chat", orjson.dumps({"message": script.words}), token=frontdesk.TOKENS[user]))
            clients.append(client)
    yield lambda: finish(clients, tokens=1 + script.tokens)


@asynccontextmanager
async def sockets(server: Server, load: Load, script: Script, users: int) -> AsyncIterator[Ended]:
    """Open a WebSocket for each user, and ask for all answers over it; yield what waits for their end."""
    url = server.url.replace("http", "ws", 1) + "/ws"
    async with AsyncExitStack() as stack:
        listening = []
        for user in range(users):
            signed = {"Authorization": f"Bearer {frontdesk.TOKENS[user]}"}
            connection = await stack.enter_async_context(connect(url, additional_headers=signed, proxy=None))
            for _ in range(CONVERSATIONS):
                await connection.send(orjson.dumps({"type": "send", "message": script.words}).decode())
            listening.append(asyncio.create_task(_listen(connection, load)))
        yield lambda: limited(asyncio.gather(*listening))


async def _listen(connection: ClientConnection, load: Load) -> None:
    """Count tokens until all answers have ended."""
    ended = 0
    while ended < CONVERSATIONS:
        message = await connection.recv(decode=False)
        load.count(message.count(MARK))
        ended += b'"done":true' in message


async def cost(way: Way, server: Server, upstream: Server, script: Script, *, users: int) -> Cost:
    """Open all, let them wait, and measure the tokens between the upstream's two gates."""
    load, answers, before = Load(), users * CONVERSATIONS, server.rss_bytes
    async with way(server, load, script, users) as ended:
        await load.until(answers)
        memory = server.rss_bytes - before
        cpu_s = server.cpu_s
        await ask(upstream.url, post("/release", b""))
        await load.until(answers * (1 + script.tokens))
        cpu_s = server.cpu_s - cpu_s
        await ask(upstream.url, post("/release", b""))
        await ended()
    return Cost(cpu_s / (answers * script.tokens) * US, memory / answers / KIB)


async def measure(folder: Path, script: Script, *, users: int, rounds: int) -> dict[str, Cost]:
    """Return the medians over the rounds, of each way."""
    with ExitStack() as stack:
        upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        # Twice as many as are asked at once: those of the last round may not all have left when the next begins.
        most = str(2 * CONVERSATIONS)
        limits = {"FRONTDESK_MAX_RUNS_PER_USER": most, "FRONTDESK_MAX_STREAMS_PER_USER": most}
        environment = {**frontdesk.environment(upstream.url, folder), **limits}
        server = Server("frontdesk", frontdesk.COMMAND, core=SERVER_CORE, folder=folder, env=environment)
        stack.callback(server.stop)
        server.wait()
        found: dict[str, list[Cost]] = {"streams": [], "WebSockets": []}
        await cost(streams, server, upstream, script, users=users)  # what is loaded at the first use is nobody's
        for _ in range(rounds):
            found["streams"].append(await cost(streams, server, upstream, script, users=users))
            found["WebSockets"].append(await cost(sockets, server, upstream, script, users=users))
    return {way: Cost(*(median(one) for one in zip(*costs, strict=True))) for way, costs in found.items()}


def render(costs: dict[str, Cost], *, users: int) -> str:
    """Return the figures as a table."""
    head = f"{users} users x {CONVERSATIONS} answers"
    rows = [f"| {head} | CPU per token (µs) | memory per open answer (KiB) |", "| --- | --- | --- |"]
    rows += [f"| {way} | {one.cpu_us:.1f} | {one.memory_kib:.1f} |" for way, one in costs.items()]
    ratio = costs["WebSockets"].cpu_us / costs["streams"].cpu_us
    return "\n".join(
        [*rows, "", f"A WebSocket with {CONVERSATIONS} answers costs {ratio:.2f} x the CPU of as many streams."]
    )


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench.sockets", description=__doc__)
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--rate", type=int, default=50, help="tokens a second of each answer")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    script = Script(tokens=max(1, round(chosen.rate * chosen.seconds)), rate=chosen.rate, gated=1)
    with TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        costs = asyncio.run(measure(Path(folder), script, users=chosen.users, rounds=chosen.rounds))
    sys.stdout.write(render(costs, users=chosen.users) + "\n")


if __name__ == "__main__":
    main()

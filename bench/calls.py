"""`python -m bench.calls`: what one call of a backend costs, by each of the two HTTP clients behind the same interface."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import cast

import httpx2
import uvloop

from tools.backends.addresses import read_endpoint
from tools.backends.mounted import MountedTransport
from tools.backends.reach import Reach
from tools.backends.sockets import SocketTransport
from tools.backends.transport import Request, Transport

BODY = b'{"id":"AB-123456","status":"shipped","total":1250,"lines":[{"sku":"tea","count":2},{"sku":"cup","count":1}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
HEADERS = {"Accept": "application/json", "Authorization": f"Bearer {'x' * 400}", "X-Branch-Id": "3"}
MOST_BYTES = 4 * 1024 * 1024
CALLS = 3000
ROUNDS = 5


class Answering(asyncio.Protocol):
    """Says the same to every request: the server must not be what is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    """Serve until the end, and say where."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (to the process that measures)
    await server.serve_forever()


async def cost_us(transport: Transport, *, at_once: int) -> float:
    """Return the CPU time of one call in microseconds."""
    left = CALLS

    async def call() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await transport.send(
                Request("GET", "/orders/AB-123456", headers=HEADERS, is_change=False), most_bytes=MOST_BYTES
            )

    begun = time.process_time()
    async with asyncio.TaskGroup() as calls:
        for _ in range(at_once):
            calls.create_task(call())
    return (time.process_time() - begun) / CALLS * 1e6


async def measure(url: str) -> None:
    """Print a table."""
    clients: dict[str, Callable[[], Transport]] = {
        "httpx2": lambda: MountedTransport(url, httpx2.AsyncHTTPTransport(trust_env=False)),
        "aiohttp": lambda: SocketTransport(Reach().guard(read_endpoint(url, name="the URL"))),
    }
    print("| client | at once | CPU per call |\n| --- | --- | --- |")  # noqa: T201
    for at_once in (1, 50):
        found: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(ROUNDS):  # in turns, so that both meet the same machine
            for name, made in clients.items():
                transport = made()
                found[name].append(await cost_us(transport, at_once=at_once))
                await transport.aclose()
        for name, costs in found.items():
            print(f"| {name} | {at_once} | {median(costs):.0f} µs |")  # noqa: T201


def main() -> None:
    """Start the server, measure, end it."""
    if sys.argv[1:] == ["serve"]:
        uvloop.run(serve())
        return
    command = [sys.executable, "-m", "bench.calls", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as server:  # noqa: S603
        assert server.stdout is not None
        try:
            uvloop.run(measure(f"http://127.0.0.1:{int(server.stdout.readline())}"))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()

"""The real server process in a burst, while the machine lets it open hardly any file more."""

import asyncio
import resource
import signal
from pathlib import Path
from urllib.parse import urlsplit

from support.processes import Nursery
from support.server import machine

MORE_FILES = 12
BURST = 300
LIMIT_S = 120.0


def _files_of(pid: int) -> int:
    """Return how many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def _ask(url: str, path: str) -> bytes:
    """Ask on a connection of its own and return all that comes."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(LIMIT_S):
            return await reader.read()
    finally:
        writer.transport.abort()


async def test_a_burst_beyond_the_files_of_the_process_is_answered_and_nobody_is_reset(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G73: whoever finds no place waits in the kernel's queue."""
    nowhere = "http://127.0.0.1:9"
    prepared = machine(
        tmp_path, provider_url=nowhere, backend_url=nowhere, assistant={"models": ["demo"]}, nursery=nursery
    )
    async with prepared as served:
        server = await served.start()
        most = _files_of(server.pid) + MORE_FILES
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most, most))
        for path in ("/readyz", "/assistant"):
            answers = await asyncio.gather(*(_ask(server.url, path) for _ in range(BURST)))
            assert {answer[:13] for answer in answers} == {b"HTTP/1.1 200 "}
        assert "accept_failed" in served.logs(), "it never ran out: the test would prove nothing"
        server.send(signal.SIGTERM)
        assert await server.exited() == 0

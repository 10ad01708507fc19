"""The app under a real HTTP server in the test's own event loop, on a free port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from api.connections import BoundedConnection
from api.listening import BoundedServer

START_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
"""On a machine that does much else at the same time."""
PASSES = 3
"""Of the loop, until it has heard what was done before."""
TICK_S = 1.0
"""How often the server sets the time that its answers carry."""


class _Quiet(uvicorn.Server):
    """Leaves the process's signals alone: pytest owns them. It stops when it is told to, and not at the next look."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as exc:  # it would end the loop of all tests that share it
            raise RuntimeError("the app did not start") from exc

    def stop(self) -> None:
        """Let it close its connections and end."""
        self.should_exit = True
        self._told_to_stop.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._told_to_stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does, without its tenth of a second for connections where none is left."""
        for _ in range(PASSES):
            await asyncio.sleep(0)  # who has closed theirs is heard
        if sockets or self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()


class _QuietBoundedServer(_Quiet, BoundedServer):
    """Listens as the real server does."""


@asynccontextmanager
async def serve(app: ASGIApp, *, protocol: type[BoundedConnection] | None = None) -> AsyncIterator[str]:
    """Serve `app` with its lifespan; yield the base URL. `protocol` is that of its connections."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        http=protocol or "httptools",
        lifespan="on" if protocol else "auto",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = _QuietBoundedServer(config) if protocol else _Quiet(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while not server.started:
                if task.done():
                    raise RuntimeError("the app did not start") from task.exception()
                await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        async with asyncio.timeout(STOP_LIMIT_S):
            await task

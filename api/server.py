"""The HTTP server: uvicorn that drains before it closes its doors."""

import asyncio
import gc
import math
import os
import signal
import socket
import sys
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import FrameType

import uvicorn
from fastapi import FastAPI

from agent.store.awaiting import awaited
from agent.store.database import EVERY_TENANT, Store
from agent.store.lock import only_server
from agent.store.workers import end_all_leases
from api.app import create_app
from api.connections import bounded_connections
from api.dependencies import Services
from api.doors import allow_more_files
from api.equipment import Equipment
from api.listening import BoundedServer
from api.settings import Settings
from api.sharing import check_sharing

PREDECESSOR_S = 1.0
"""How long after its grace time a server is gone at the latest."""
FLUSH_WAIT_S = 0.15
"""For responses to end after the runs have been let go."""
GC_THRESHOLDS = (20_000, 10, 10)
"""Less often than by default: with 500 streams open a full collection takes a quarter of a second, in which no token is
passed on, and it came every other second. Not much less often: what a stream leaves behind is a cycle."""
WILDCARD_HOSTS = ("0.0.0.0", "::")  # noqa: S104 (to tell them apart, not to listen there)


def run_server(settings: Settings, *, host: str, port: int) -> bool:
    """Serve until a signal ends it; return whether it ever started.

    Raises:
        ConfigurationError: something in the settings or the assistant is wrong.
    """
    return _run(create_app(settings), settings, host=host, port=port)


def run_worker(settings: Settings, *, host: str, port: int) -> bool:
    """Work on runs that other processes take, until a signal ends it, as a server does; return whether it ever started.

    Raises:
        ConfigurationError: something in the settings or the assistant is wrong.
    """
    settings = settings.model_copy(update={"execute": True})
    check_sharing(settings, settings.open_store(), what="frontdesk worker")
    return _run(create_app(settings, serves=False), settings, host=host, port=port)


def _run(app: FastAPI, settings: Settings, *, host: str, port: int) -> bool:
    allow_more_files(settings)
    with ExitStack() as stack:
        path = settings.open_store().path
        if path is not None:
            # Its predecessor, in a restart that starts the next one first, has its grace time to end.
            stack.enter_context(only_server(path, wait_s=settings.shutdown_grace_s + PREDECESSOR_S))
        asyncio.run(_check_database(settings))
        asyncio.run(_check_documents(app))
        return _serve(app, settings, host=host, port=port)


def _serve(app: FastAPI, settings: Settings, *, host: str, port: int) -> bool:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=bounded_connections(settings),
        ws="none",  # uvicorn's own upgrade would leave the limits behind; connections have another one
        proxy_headers=False,  # the app knows whom to believe; the environment does not (FORWARDED_ALLOW_IPS)
        timeout_keep_alive=math.ceil(settings.keep_alive_s),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # the server has drained by then
    )
    server = _Server(config, app, settings)
    server.run()
    gc.freeze()  # or the interpreter looks through everything once more before it exits, which takes most of a second
    return server.started


async def _check_database(settings: Settings) -> None:
    """Prepare the database here already: what is wrong with it can still be said in a line.

    Where this is the only server, whatever the leases say: what others left is taken over at once.
    """
    store = settings.open_store(pool_size=1)
    try:
        await store.prepare()
        if not store.is_shared:
            await awaited(partial(_end_all_leases, store))
    finally:
        await store.close()


async def _check_documents(app: FastAPI) -> None:
    """Fetch the documents of toolsets here already, for the same reason."""
    equipment: Equipment = app.state.equipment
    await equipment.learn()


async def _end_all_leases(store: Store) -> None:
    async with store.write(EVERY_TENANT) as connection:
        await end_all_leases(connection)


class _Server(BoundedServer):
    """Says where it is once it listens, and drains before it closes its doors.

    While it drains it still answers: new messages get a 503 that says when to come back, and readers see answers that
    end within the grace time to their end. A second signal ends the grace time, a third one waits for nothing. SIGHUP, which
    a terminal sends when it closes and a service manager for "reload", drains as SIGTERM does; further ones change nothing.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signals = 0
        self._terminals = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if not self.started:
            return
        # What is loaded by now stays: a full collection need not look through its 300,000 objects while streams wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        _cut_stalled_clients(
            (one for server in self.servers for one in server.sockets), after_s=self._settings.send_timeout_s
        )
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"Frontdesk is on http://{shown}:{port}", flush=True)
        if self._settings.is_demo:
            page = "it in a browser" if host not in WILDCARD_HOSTS else f"http://localhost:{port} on this machine"
            print(f'This is the demo. Open {page}, or ask:  scripts/frontdesk chat "how many clients?"', flush=True)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take SIGHUP as well as what uvicorn takes, unless whoever started us wants it ignored (`nohup`)."""
        with super().capture_signals():
            before = signal.getsignal(signal.SIGHUP)
            if before is not signal.SIG_IGN:
                signal.signal(signal.SIGHUP, self.handle_exit)
            try:
                yield
            finally:
                signal.signal(signal.SIGHUP, before)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        services = getattr(self._app.state, "services", None)
        if sig == signal.SIGHUP:
            _write_nowhere(self._terminals)
            if self._signals:  # the terminal and its shell both send one
                return
        self._signals += 1
        if self._loop is None or services is None or self._signals > 2:
            self.should_exit, self.force_exit = True, self._signals > 2
        elif self._signals == 2:
            self._loop.call_soon_threadsafe(services.runner.release)
        else:
            asyncio.run_coroutine_threadsafe(self._drain(services), self._loop)

    async def _drain(self, services: Services) -> None:
        services.sockets.drain()
        await services.runner.drain()
        services.sockets.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_WAIT_S):
                while self.server_state.tasks:
                    await asyncio.wait(set(self.server_state.tasks))
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # a client that does not read must not keep the process
        self.should_exit = True


def _cut_stalled_clients(listening: Iterable[socket.socket], *, after_s: float) -> None:
    """Let the kernel reset connections whose client takes nothing for so long; what is accepted inherits it.

    Closing such a connection would not do: closing waits until the client has read what is left.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    for one in listening:
        if option is not None and one.family in (socket.AF_INET, socket.AF_INET6):
            one.setsockopt(socket.IPPROTO_TCP, option, round(after_s * 1000))


def _write_nowhere(files: Iterable[int]) -> None:
    """Let what is written to these files go nowhere: writing to a terminal that is closed is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for file in files:
        os.dup2(nowhere, file)
    os.close(nowhere)

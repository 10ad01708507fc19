"""The HTTP server: uvicorn that drains before it closes its doors."""

import asyncio
import gc
import math
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from agent.places import place_of
from agent.store.awaiting import awaited
from agent.store.database import EVERY_TENANT, Store
from agent.store.lock import only_server
from agent.store.workers import end_all_leases
from api.app import Watch, create_app
from api.binding import check_metrics_port, cut_stalled_clients, tell_address, terminals, write_nowhere
from api.connections import bounded_connections
from api.dependencies import Services
from api.doors import Doors, allow_more_files
from api.equipment import Equipment
from api.leaving import Leaving
from api.listening import BoundedServer
from api.processes.inherited import Inherited
from api.settings import Settings
from api.sharing import check_sharing
from api.starting import Starting

logger = structlog.get_logger()

ASSISTANTS = "assistants, tools and backends"
"""The work that a start begins with; the demo's backend makes its data then."""
PREDECESSOR_S = 1.0
"""How long after its grace time a server is gone at the latest."""
GC_THRESHOLDS = (20_000, 10, 10)
"""Less often than by default: with 500 streams open a full collection takes a quarter of a second, in which no token is
passed on, and it came every other second. Not much less often: what a stream leaves behind is a cycle."""


def run_server(
    settings: Settings, *, host: str, port: int, inherited: str | None = None, watch: Watch | None = None
) -> bool:
    """Serve until a signal ends it; return whether it ever started.

    `inherited`: what a parent gives to one of its several processes, in place of a host and a port. `watch`: see `create_app`.

    Raises:
        ConfigurationError: something in the settings or the assistant is wrong.
    """
    if inherited is not None:
        # Its parent's second word means nothing before it serves, and nothing behind that.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Starting(ASSISTANTS) as starting:
        app = create_app(settings, watch=watch)
        return _run(app, settings, inherited, starting, host=host, port=port)


def run_worker(settings: Settings, *, host: str, port: int) -> bool:
    """Work on runs that other processes take, until a signal ends it, as a server does; return whether it ever started.

    Raises:
        ConfigurationError: something in the settings or the assistant is wrong.
    """
    settings = settings.model_copy(update={"execute": True})
    check_sharing(settings, settings.open_store(), what="frontdesk worker")
    with Starting(ASSISTANTS) as starting:
        app = create_app(settings, serves=False)
        return _run(app, settings, None, starting, host=host, port=port)


def _run(app: FastAPI, settings: Settings, inherited: str | None, starting: Starting, *, host: str, port: int) -> bool:
    if inherited is None:
        check_metrics_port(settings, port=port)
    allow_more_files(settings)
    with ExitStack() as stack:
        starting.doing = "the database"
        path = settings.open_store().path
        if path is not None:
            # Its predecessor, in a restart that starts the next one first, has its grace time to end.
            gone_after_s = settings.shutdown_delay_s + settings.shutdown_grace_s + PREDECESSOR_S
            stack.enter_context(only_server(path, wait_s=gone_after_s))
        asyncio.run(_check_database(settings))
        starting.doing = "the documents of toolsets"
        asyncio.run(_check_documents(app))
        starting.doing = "everything that it opens"
        parent = Inherited(inherited) if inherited is not None else None
        return _serve(app, settings, parent, starting, host=host, port=port)


def _serve(
    app: FastAPI, settings: Settings, parent: Inherited | None, starting: Starting, *, host: str, port: int
) -> bool:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        lifespan="on",  # what breaks in it ends the start; uvicorn would serve without it
        http=bounded_connections(settings),
        ws="none",  # uvicorn's own upgrade would leave the limits behind; connections have another one
        proxy_headers=False,  # the app knows whom to believe; the environment does not (FORWARDED_ALLOW_IPS)
        timeout_keep_alive=math.ceil(settings.keep_alive_s),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # the server has drained by then
    )
    server = _Server(config, app, settings, parent, starting)
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
    One of several makes way at SIGUSR2: it lets the others have the port, and refuses nobody who is here.
    """

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, settings: Settings, parent: Inherited | None, starting: Starting
    ) -> None:
        super().__init__(config)
        self._starting = starting
        self._app = app
        self._settings = settings
        self._parent = parent
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signals = 0
        self._leaving: Leaving | None = None
        self._terminals = terminals()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(self._parent.sockets if self._parent is not None else sockets)
        self._starting.over()
        if not self.started:
            return
        # What is loaded by now stays: a full collection need not look through its 300,000 objects while streams wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        listening = [one for server in self.servers for one in server.sockets]
        cut_stalled_clients(listening, after_s=self._settings.send_timeout_s)
        if self._parent is None:
            tell_address(listening, self._settings)
        else:
            self._parent.begin(lambda: self.handle_exit(signal.SIGTERM, None))

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take SIGHUP as well as what uvicorn takes, unless whoever started us wants it ignored (`nohup`).

        One of several takes SIGUSR2, too.
        """
        numbers = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
        numbers += [signal.SIGUSR2] if self._parent is not None else []
        with super().capture_signals():
            before = {number: signal.signal(number, self.handle_exit) for number in numbers}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        services = getattr(self._app.state, "services", None)
        if sig == signal.SIGHUP:
            write_nowhere(self._terminals)
            if self._signals:  # the terminal and its shell both send one
                return
        is_making_way = sig == signal.SIGUSR2
        if is_making_way and (self._signals or self._leaving):
            return
        self._signals += not is_making_way
        if self._loop is None or services is None or self._signals > 2:
            self.should_exit, self.force_exit = True, self._signals > 2
        elif self._signals == 2:
            self._loop.call_soon_threadsafe(self._hurry, services)
        else:
            asyncio.run_coroutine_threadsafe(self._leave(services, is_making_way=is_making_way), self._loop)

    async def _leave(self, services: Services, *, is_making_way: bool) -> None:
        """Go, in whichever way; who makes way already, and is told to stop, waits for nobody else any more."""
        if self._leaving is not None:
            self._leaving.hurry.set()
            return
        protocol = self.config.http_protocol_class
        doors: Doors = protocol.doors  # type: ignore[attr-defined]
        self._leaving = Leaving(services, self.server_state, doors, asyncio.Event())
        try:
            if is_making_way:
                for server in self.servers:
                    server.close()
                self.servers = []
                await self._leaving.make_way()
            else:
                await self._leaving.stop()
        except Exception as exc:  # noqa: BLE001 (whatever breaks: who is told to go goes)
            logger.error("leaving_failed", error=type(exc).__name__, where=place_of(exc))
        finally:
            self.should_exit = True

    def _hurry(self, services: Services) -> None:
        if self._leaving is not None:
            self._leaving.hurry.set()
        services.runner.release()

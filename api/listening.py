"""Accepting connections: no more than there is room for. Who comes beyond that waits in the kernel's queue, and is not reset.

uvicorn leaves this to the event loop, which accepts whatever comes, and resets what comes when the process has no file left.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn

from agent.errors import ConfigurationError
from api.binding import listen
from api.connections import BoundedConnection
from api.doors import Doors

logger = structlog.get_logger()

AT_ONCE = 64
"""Connections accepted before anybody else has their turn."""
AT_ONCE_OF_SHARED = 1
"""The same where other processes accept from the same queue: whoever has least to do comes back for the next one first."""
LOOK_AGAIN_S = 0.25


class Listener:
    """A socket that connections come to, accepted while there is room. In place of an `asyncio.Server`."""

    def __init__(
        self, listening: socket.socket, make: Callable[[], BoundedConnection], doors: Doors, *, at_once: int = AT_ONCE
    ) -> None:
        self.sockets: tuple[socket.socket, ...] = (listening,)
        self._make = make
        self._doors = doors
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._begun: set[asyncio.Task[Any]] = set()
        self._waits: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        self._doors.when_closed.append(self._go_on)
        self._loop.add_reader(listening.fileno(), self._accept)

    def close(self) -> None:
        """Accept nobody any more."""
        self._doors.when_closed.remove(self._go_on)
        if self._waits is not None:
            self._waits.cancel()
        for listening in self.sockets:
            self._loop.remove_reader(listening.fileno())
            listening.close()

    async def wait_closed(self) -> None:
        """Wait for those that were accepted to be connections."""
        await asyncio.gather(*self._begun, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(self._at_once):
            if not self._doors.may_accept():
                self._wait()
                return
            try:
                accepted, _ = self.sockets[0].accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as exc:  # no file is left: somebody has to close one first
                logger.warning("accept_failed", error=exc.strerror)
                self._wait()
                return
            self._begin(accepted)

    def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        self._doors.open += 1
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make, accepted))
        self._begun.add(task)
        task.add_done_callback(self._has_begun)

    def _has_begun(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if task.cancelled() or task.exception() is not None:
            self._doors.closed()

    def _wait(self) -> None:
        if self._waits is None:
            self._loop.remove_reader(self.sockets[0].fileno())
            self._waits = self._loop.call_later(LOOK_AGAIN_S, self._go_on)

    def _go_on(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None
            self._loop.add_reader(self.sockets[0].fileno(), self._accept)


class BoundedServer(uvicorn.Server):
    """uvicorn, listening through `Listener`. Its connections are `BoundedConnection`s. Sockets that are given are shared."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])  # everything but listening
        self.started = False
        try:
            listening = sockets or listen(self.config.host, self.config.port)
        except ConfigurationError:
            await self.lifespan.shutdown()
            raise
        protocol = self.config.http_protocol_class
        assert issubclass(protocol, BoundedConnection)

        def make() -> BoundedConnection:
            return protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        at_once = AT_ONCE_OF_SHARED if sockets else AT_ONCE
        self.servers = [Listener(one, make, protocol.doors, at_once=at_once) for one in listening]  # type: ignore[misc]
        self.started = True

"""How a server goes: for a while it serves as before and lets it be known, then it drains, then it closes what is left.

The invariant: as long as somebody else may be asked, and has not been yet, nobody who asks here is refused or cut.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from uvicorn.server import ServerState

from api.connections import BoundedConnection
from api.dependencies import Services
from api.doors import Doors
from api.settings import Settings

FLUSH_WAIT_S = 0.15
"""For responses to end after the runs have been let go."""
LOOK_S = 0.05
JUST_ANSWERED_S = 1.0
"""Who was answered within this time may ask the next thing at any moment."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The end of one server. Each step takes its time at most, and `hurry` ends the one that only waits for others."""

    services: Services
    state: ServerState
    doors: Doors
    hurry: asyncio.Event

    @property
    def _settings(self) -> Settings:
        return self.services.settings

    async def stop(self) -> None:
        """Say at /readyz that others should be asked, serve on for `shutdown_delay_s`, then drain."""
        self._say_so()
        if self._settings.shutdown_delay_s:
            await self._wait(self._settings.shutdown_delay_s, lambda: False)
            self.doors.dismiss(idle_s=JUST_ANSWERED_S)  # their next request comes to whoever has the door then
        await self.drain()

    async def make_way(self) -> None:
        """Answer what comes on the connections that there are, each once more, then drain. Others have the port.

        A connection on which nothing comes is closed after `shutdown_grace_s`, when nothing stands on it to be read. A
        request that is on its way in that moment finds it closed, as it may with any server (RFC 9112, 9.5).
        """
        self._say_so()
        self.services.sockets.drain()
        begun, patience_s = time.monotonic(), self._settings.shutdown_grace_s

        def is_over() -> bool:
            if time.monotonic() > begun + patience_s:
                self.doors.dismiss(idle_s=patience_s)
            return not self.state.connections

        await self._wait(self._settings.retire_timeout_s, is_over)
        await self.drain()

    async def drain(self) -> None:
        """Take no new messages, give runs their grace time, leave the rest to other processes, and cut who does not read.

        A connection is closed right behind the answer that is under way on it, also where that has promised to keep it: what
        came on it later would be refused, or lost.
        """
        self._end_connections(begun=True)
        self.services.sockets.drain()
        await self.services.runner.drain()
        self.services.sockets.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_WAIT_S):
                while self.state.tasks:
                    await asyncio.wait(set(self.state.tasks))
        for connection in list(self.state.connections):
            connection.transport.abort()  # a client that does not read must not keep the process

    def _say_so(self) -> None:
        """Let /readyz be red, and each answer that has not begun be the last one on its connection."""
        self.services.leave.has_begun = True
        self.doors.is_leaving = True
        self._end_connections(begun=False)

    def _end_connections(self, *, begun: bool) -> None:
        """Let answers that are not over be the last ones on their connections; those that have `begun`, too, or not."""
        for connection in self.state.connections:
            if not isinstance(connection, BoundedConnection):
                continue  # it speaks as a WebSocket, which `sockets` ends
            answer = connection.cycle
            if answer is not None and (begun or not answer.response_started):
                answer.keep_alive = False

    async def _wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not is_over():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self.hurry.wait()
                    return

"""The WebSockets of this process: how many a user has, how much they may say, and their end when the server stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from prometheus_client import Gauge
from websockets.frames import CloseCode

from agent.principal import Principal
from api.rates import Rates, Shared, limit_of
from api.seats import Seats, SharedSeats
from api.settings import Settings

sockets_open = Gauge("frontdesk_sockets_open", "WebSockets of users that are open")


OF_USER = "At most {most} WebSockets can be open at once."
OF_TENANT = "At most {most} WebSockets can be open at once by all of a company."


class Closable(Protocol):
    """A socket that can be told to end."""

    @property
    def is_busy(self) -> bool:
        """Whether it reads a run, or has been told something that is not done yet."""

    def end(self, code: int) -> None:
        """Close with this code."""


class Sockets:
    """The open sockets of this process."""

    def __init__(self, settings: Settings, *, rates: Shared | None = None, seats: SharedSeats | None = None) -> None:
        most = settings.max_sockets_per_user, settings.max_sockets_per_tenant
        self._seats = Seats("sockets", *most, refusals=(OF_USER, OF_TENANT), shared=seats)
        limit = limit_of(settings.socket_message_limit, name="FRONTDESK_SOCKET_MESSAGE_LIMIT")
        self._rates = Rates({"messages": limit}, rates)
        self._open: set[Closable] = set()
        self.is_draining = False

    @asynccontextmanager
    async def opened(self, socket: Closable, principal: Principal) -> AsyncIterator[None]:
        """Count a socket as its user's meanwhile.

        Raises:
            RateLimitedError: the user, or the tenant, has too many.
        """
        with await self._seats.take(principal.tenant_id, principal.user_id), sockets_open.track_inprogress():
            self._open.add(socket)
            try:
                yield
            finally:
                self._open.discard(socket)

    async def count_message(self, principal: Principal) -> None:
        """Count a message of a user's.

        Raises:
            RateLimitedError: these were too many.
        """
        await self._rates.hit({"messages": (principal.tenant_id, principal.user_id)})

    def drain(self) -> None:
        """Close the sockets that read nothing now and have nothing to do, and from now on each as soon as that is so."""
        self.is_draining = True
        for socket in [one for one in self._open if not one.is_busy]:
            socket.end(CloseCode.SERVICE_RESTART)

    def close(self) -> None:
        """Close all sockets: what they read goes on elsewhere, or later, and they come back for it."""
        for socket in list(self._open):
            socket.end(CloseCode.SERVICE_RESTART)

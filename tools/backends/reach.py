"""Who may be connected to: the servers that definitions and settings name, at addresses of the kind that they had first.

The invariant: an address is checked where it is connected to, not before: what the check saw and what is used are the same.
A name keeps the kind of address that it had first (public, private, this machine). So a name that was public and turns
private later, as in DNS rebinding, reaches nothing any more, until the process starts anew and its operator looks at it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

import structlog

from agent.errors import ConfigurationError
from agent.urls import shown_url
from tools.backends.addresses import Endpoint, Kind, is_localhost, kind_of, read_endpoint

logger = structlog.get_logger()

LEARN_TIMEOUT_S = 2.0
"""How long a start waits for names to be looked up; what was not found by then is learnt at the first connection."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Looks a name up; returns its addresses, the best one first. Raises OSError where it has none."""


class NotAllowedError(OSError):
    """The address is not one of those that may be connected to. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that requests leave through."""

    endpoint: Endpoint
    user: str = ""
    password: str = field(default="", repr=False)


async def look_up(host: str, port: int) -> list[str]:
    """Return a name's addresses as the system has them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Reach:
    """This process's knowledge of the servers that it may call. One for all of its clients."""

    def __init__(self, *, proxy: Proxy | None = None, resolve: Resolve = look_up) -> None:
        self.proxy = proxy
        self._resolve = resolve
        self._kinds: dict[str, Kind] = {}
        """By name. Only names of definitions and settings get here, so it does not grow."""

    def guard(self, endpoint: Endpoint, *, is_inside: bool = False) -> "Guard":
        """Return who watches over connections to this server; with `is_inside` they stay within private networks."""
        proxy = None if _is_here(endpoint) else self.proxy
        return Guard(self, endpoint, proxy, is_inside=is_inside)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name that may be connected to.

        Raises:
            NotAllowedError: it has none of these.
            OSError: it has none at all.
        """
        found = await self._resolve(host, port)
        allowed = [address for address in found if self.allows(host, address, among=found)]
        if not allowed:
            logger.warning("address_refused", host=host, addresses=found[:5], kind=self._kinds.get(host))
            raise NotAllowedError(f"{host} is at an address that it may not have")
        return allowed

    def allows(self, host: str, address: str, *, among: Iterable[str] = ()) -> bool:
        """Return whether a name may be at this address; the first answer, all that it is `among`, says of what kind it is."""
        kind = kind_of(address)
        if kind == "never":
            return False
        if is_localhost(host):
            return kind == "loopback"
        if host not in self._kinds:
            kinds = set(map(kind_of, among)) or {kind}
            self._kinds[host] = "public" if "public" in kinds else "private" if "private" in kinds else "loopback"
        return kind == self._kinds[host]


@dataclass(frozen=True, slots=True)
class Guard:
    """Watches over the connections of one client, which has one server to call, or the proxy on the way to it."""

    reach: Reach
    endpoint: Endpoint
    proxy: Proxy | None = None
    is_inside: bool = False

    @property
    def peer(self) -> Endpoint:
        """Who is at the other end of a connection."""
        return self.endpoint if self.proxy is None else self.proxy.endpoint

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return where to connect to for a name.

        Raises:
            OSError: nowhere.
        """
        if host != self.peer.host or port != self.peer.port:
            raise NotAllowedError(f"{host} is not the server of this client")
        if self.peer.is_address:
            addresses = [host]
        else:
            addresses = await self.reach.resolve(host, port)
        for address in addresses:
            self.check(address)
        return addresses

    def check(self, address: str) -> None:
        """Refuse an address that is about to be connected to.

        Raises:
            NotAllowedError: the server has no business there.
        """
        peer = self.peer
        is_right = address == peer.host if peer.is_address else self.reach.allows(peer.host, address)
        if not is_right or (self.is_inside and self.proxy is None and kind_of(address) == "public"):
            logger.warning("address_refused", host=peer.host, addresses=[address])
            raise NotAllowedError(f"{peer.host} is at an address that it may not have")

    async def learn(self) -> None:
        """Look the server's name up now, so that its kind is known before anybody could have turned it."""
        if self.peer.is_address:
            return
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(LEARN_TIMEOUT_S):
                await self.reach.resolve(self.peer.host, self.peer.port)


def read_proxy(url: str, *, name: str) -> Proxy:
    """Return the proxy of a setting, which may hold a user and a password.

    Raises:
        ConfigurationError: it is no URL of one. The text shows no password.
    """
    scheme, mark, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    endpoint = read_endpoint(f"{scheme}{mark}{host}", name=name)
    if endpoint.path or (at and not userinfo):
        raise ConfigurationError(f"{name} must be http(s)://[user:password@]host[:port], not {shown_url(url)!r}")
    user, _, password = userinfo.partition(":")
    return Proxy(endpoint, unquote(user), unquote(password))


def _is_here(endpoint: Endpoint) -> bool:
    return is_localhost(endpoint.host) or (endpoint.is_address and kind_of(endpoint.host) == "loopback")

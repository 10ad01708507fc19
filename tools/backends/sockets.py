"""The client of a backend at a URL, by aiohttp: the one of the two that costs less per call (`python -m bench clients`).

The invariant: a request leaves once, for one server. aiohttp would send a PUT or a DELETE again by itself when a kept
connection turns out to be closed, and nobody knows then whether the first one arrived.
"""

import socket
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from agent.http import basic_auth, open_session
from tools.backends.answers import Answer, NoAnswerError, plain_headers
from tools.backends.bodies import ACCEPTED, BrokenBodyError, Large, most_of, read_body
from tools.backends.heads import bound_heads
from tools.backends.reach import Guard, Proxy
from tools.backends.transport import Request

CONNECT_TIMEOUT_S = 5.0
POOL_TIMEOUT_S = 15.0
"""Waiting for one of the pool's connections, and connecting."""
READ_TIMEOUT_S = 600.0
"""The tool's own time limit ends a call earlier; this one only frees the socket of a call that nobody awaits."""
CONNECTIONS = 256
"""Of one backend at once. A tenant has a smaller limit of its own, so that it cannot take all of them."""


class SocketTransport:
    """Sends requests to one server over connections that are kept, and checked when they are made."""

    def __init__(
        self,
        guard: Guard,
        *,
        connections: int = CONNECTIONS,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float | None = None,
    ) -> None:
        self._guard = guard
        self._connections = connections
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = READ_TIMEOUT_S if read_timeout_s is None else read_timeout_s
        self._base = guard.endpoint.url
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False
        self._headers, self._proxy = _through(guard.proxy, guard.endpoint.scheme)

    async def send(self, request: Request, *, most_bytes: int, large: Large = nullcontext) -> Answer:
        """Return the answer; of its body at most `most_bytes`.

        Raises:
            NoAnswerError: there is none.
        """
        response = await self._ask(request)
        known = partial(Answer, request.method, response.status, is_change=request.is_change)
        try:
            if response.ok and (response.content_length or 0) > most_bytes:
                return known(b"", "large", headers=plain_headers(response.headers))
            most_bytes = most_of(response.status, most_bytes)
            encoding = response.headers.get("Content-Encoding", "")
            parts = response.content.iter_any()
            body = await read_body(parts, encoding=encoding, most_bytes=most_bytes, large=large)
            return known(*body, headers=plain_headers(response.headers))
        except (aiohttp.ClientError, OSError, BrokenBodyError):  # its status is known all the same
            return known(b"", "lost")
        finally:
            response.close()  # one that was read to its end has given its connection back already

    async def learn(self) -> None:
        """Look the server's name up."""
        await self._guard.learn()

    async def aclose(self) -> None:
        """Close the connections; no request opens one any more."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def _ask(self, request: Request) -> aiohttp.ClientResponse:
        if self._is_closed:
            raise NoAnswerError("it was closed", is_sent=False)
        if self._session is None:
            self._session = self._open()
        target = f"{self._base}{request.path}{'?' if request.query else ''}{request.query}"
        try:
            return await self._session.request(
                request.method,
                URL(target, encoded=True),
                headers={**request.headers, **self._headers},
                data=request.content,
                allow_redirects=False,
                middlewares=_ONCE,
                **self._proxy,
            )
        except NoAnswerError:
            raise
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as exc:
            raise NoAnswerError(type(exc).__name__, is_sent=False) from exc
        except aiohttp.ConnectionTimeoutError as exc:
            raise NoAnswerError(type(exc).__name__, is_sent=False, is_late=True) from exc
        except (aiohttp.ClientError, OSError) as exc:  # a TimeoutError is an OSError
            raise NoAnswerError(type(exc).__name__, is_sent=True, is_late=isinstance(exc, TimeoutError)) from exc

    def _open(self) -> aiohttp.ClientSession:
        session = open_session(
            connect_timeout_s=self._connect_timeout_s,
            pool_timeout_s=POOL_TIMEOUT_S,
            read_timeout_s=self._read_timeout_s,
            connections=self._connections,
            decompress=False,
            resolver=_Resolver(self._guard),
            socket_factory=self._socket,
        )
        bound_heads(session)
        return session

    def _socket(self, address: Any) -> socket.socket:
        """Return a socket for an address that is connected to next."""
        family, kind, protocol, _, place = address
        self._guard.check(str(place[0]))
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Gives aiohttp the addresses that it may connect to."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.resolve(host, port)
        ]

    async def close(self) -> None:
        pass


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request, and hide from aiohttp the failures after which it would send it again."""
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise NoAnswerError(type(exc).__name__, is_sent=True) from exc


_ONCE = (_once,)


def _through(proxy: Proxy | None, scheme: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the headers of each request, and what says to aiohttp which proxy it takes."""
    headers = {"Accept-Encoding": ACCEPTED, "User-Agent": "frontdesk"}
    if proxy is None:
        return headers, {}
    signed = {"Proxy-Authorization": basic_auth(proxy.user, proxy.password)} if proxy.user else {}
    options: dict[str, Any] = {"proxy": URL(proxy.endpoint.url, encoded=True)}
    if scheme == "https":  # a tunnel: only the proxy sees these
        return headers, {**options, "proxy_headers": signed}
    return {**headers, **signed}, options

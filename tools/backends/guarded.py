"""The client of another server that a definition names, by httpx2: for libraries that want one, such as that of MCP.

The invariant: it reaches the one server that it was made for, at an address that was checked, and follows no redirect.
"""

import httpx2

from agent.http import basic_auth, open_client, open_transport
from tools.backends.reach import Guard, NotAllowedError


def open_guarded_client(guard: Guard, *, timeout: httpx2.Timeout) -> httpx2.AsyncClient:
    """Return a client that reaches the guard's server and no other. It brings no token; who uses it gives each request its own."""
    return open_client(transport=GuardedTransport(guard), timeout=timeout)


LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Connects to the address that was checked; the server is asked, and has to prove itself, by its name all the same."""

    def __init__(self, guard: Guard, *, limits: httpx2.Limits = LIMITS) -> None:
        self._guard = guard
        proxy = guard.proxy
        self._inner = open_transport(
            limits=limits,
            proxy=None
            if proxy is None
            else httpx2.Proxy(
                proxy.endpoint.url,
                headers={"Proxy-Authorization": basic_auth(proxy.user, proxy.password)} if proxy.user else None,
            ),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        endpoint, url = self._guard.endpoint, request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        if (url.scheme, url.host, port) != (endpoint.scheme, endpoint.host, endpoint.port):
            raise httpx2.ConnectError("not the server of this client", request=request)
        request.headers["Host"] = endpoint.origin.partition("://")[2]
        if self._guard.proxy is not None:
            return await self._inner.handle_async_request(request)
        return await self._handle_at(await self._addresses(request), request)

    async def _addresses(self, request: httpx2.Request) -> list[str]:
        endpoint = self._guard.endpoint
        try:
            return await self._guard.resolve(endpoint.host, endpoint.port)
        except NotAllowedError:
            raise httpx2.ConnectError("an address that the server may not have", request=request) from None
        except OSError as exc:
            raise httpx2.ConnectError(type(exc).__name__, request=request) from exc

    async def _handle_at(self, addresses: list[str], request: httpx2.Request) -> httpx2.Response:
        extensions = {**request.extensions, "sni_hostname": self._guard.endpoint.host}
        for number, address in enumerate(addresses, 1):
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions=extensions,
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpx2.ConnectError("no address", request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()

"""HTTP clients: the only place that makes one, so that none keeps what a response sets.

A client is shared by all tenants and users. The invariant: nothing that one response sets stands in another request. No
cookie is kept or sent, no redirect is followed, and there is no cache and no sign-in of the client's own.
"""

import re
from base64 import b64encode
from functools import cache
from http.cookiejar import Cookie, CookieJar
from ssl import SSLContext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass

import httpx2

from agent.errors import ConfigurationError
from agent.pooled import keep_quiet
from agent.urls import shown_url

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver
    from aiohttp.connector import SocketFactoryType

KEEPALIVE_S = 60.0
MAX_HEADER_BYTES, MAX_HEADERS = 64 * 1024, 1000
"""Of a response: gateways put what they know of a request into its headers."""


class NoCookies(CookieJar):
    """A jar that takes nothing and gives nothing, whatever a response or a caller puts into it."""

    def extract_cookies(self, response: Any, request: Request) -> None:
        pass

    def set_cookie(self, cookie: Cookie) -> None:
        pass

    def add_cookie_header(self, request: Request) -> None:
        pass


def check_url(url: str, *, name: str) -> None:
    """Refuse what is no address of a server, and one with a password in it: it would take the place of each user's token.

    Raises:
        ConfigurationError: it is none. The text shows no password.
    """
    try:
        parsed = httpx2.URL(url)
        is_address = (
            parsed.scheme in ("http", "https") and bool(parsed.host) and not parsed.query and not parsed.fragment
        )
    except (httpx2.InvalidURL, UnicodeError):
        raise ConfigurationError(f"{name} must be http(s)://host[/path], which this is not") from None
    if "@" in url.partition("://")[2].partition("/")[0] or (is_address and parsed.userinfo):
        raise ConfigurationError(f"{name} must not hold a user or a password: {shown_url(url)!r}")
    if not is_address or not fits_into_header(url) or " " in url:
        raise ConfigurationError(f"{name} must be http(s)://host[/path], not {shown_url(url)!r}")


_REQUEST = re.compile(r"/(?:chat/completions|completions|responses|messages|models|embeddings)$")
"""The address of one request, where that of the provider is wanted."""


def check_provider_url(url: str, *, name: str) -> None:
    """Refuse what is no address of a provider, also that of one of its requests: what is asked for is put behind it.

    Raises:
        ConfigurationError: it is none.
    """
    check_url(url, name=name)
    if (found := _REQUEST.search(url.rstrip("/"))) is not None:
        raise ConfigurationError(f"{name}: leave {found[0]} out; it is put behind the address")


def fits_into_header(text: str) -> bool:
    """Return whether a header can hold this as its value: letters, digits and signs of ASCII, in one line."""
    return text.isascii() and text.isprintable()


def open_client(
    *,
    timeout: httpx2.Timeout,
    base_url: str = "",
    transport: httpx2.AsyncBaseTransport | None = None,
    proxy: str | None = None,
    connections: int | None = 100,
) -> httpx2.AsyncClient:
    """Return a client for requests of many users. No proxy gets to see them but the one that is given.

    `connections` is how many it has at once, None as many as it is asked for. A `transport` takes the place of both.
    """
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=20)
    return httpx2.AsyncClient(
        base_url=base_url,
        transport=transport or open_transport(limits=limits, proxy=proxy),
        timeout=timeout,
        cookies=NoCookies(),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "frontdesk"},
    )


def open_transport(*, limits: httpx2.Limits, proxy: str | httpx2.Proxy | None = None) -> httpx2.AsyncHTTPTransport:
    """Return kept connections for requests of many users, directly or by way of a proxy."""
    return keep_quiet(httpx2.AsyncHTTPTransport(limits=limits, verify=certificates(), trust_env=False, proxy=proxy))


def open_blocking_client(*, timeout: httpx2.Timeout) -> httpx2.Client:
    """Return a client for a command of one user, who may need the environment's proxy to reach the server."""
    return httpx2.Client(timeout=timeout, verify=certificates(), cookies=NoCookies(), follow_redirects=False)


def open_session(
    *,
    connect_timeout_s: float,
    pool_timeout_s: float | None = None,
    read_timeout_s: float | None = None,
    connections: int = 0,
    decompress: bool = True,
    resolver: "AbstractResolver | None" = None,
    socket_factory: "SocketFactoryType | None" = None,
) -> "ClientSession":
    """Return a client with kept connections for all tenants. Unless told otherwise it waits for an answer without a limit.

    `connections` is how many it has at once, 0 as many as it is asked for. A redirect has to be refused with each request:
    `allow_redirects=False`.
    """
    import aiohttp  # only a real model or backend needs it, and it takes its time

    from agent.kept import QuietConnector

    return aiohttp.ClientSession(
        connector=QuietConnector(
            limit=connections,
            keepalive_timeout=KEEPALIVE_S,
            ssl=certificates(),
            resolver=resolver,
            socket_factory=socket_factory,
        ),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=pool_timeout_s, sock_connect=connect_timeout_s, sock_read=read_timeout_s
        ),
        auto_decompress=decompress,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL.

    aiohttp's own `trust_env` would read ~/.netrc too, with every request, and refuse ours where it finds an entry.
    """
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def basic_auth(user: str, password: str) -> str:
    """Return the value of an `Authorization` header of a user with a password."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@cache
def certificates() -> SSLContext:
    """Return whom to believe over TLS. Reading the certificates takes longer than all else that a client needs."""
    return httpx2.create_ssl_context()

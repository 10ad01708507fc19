"""A document at a URL: fetched once at start, by nobody's credentials, from the address that the definition names and no other."""

import asyncio
import re

import httpx2

from agent.errors import ConfigurationError
from agent.urls import shown_url
from tools.backends.addresses import Endpoint, read_endpoint
from tools.backends.guarded import open_guarded_client
from tools.backends.reach import Guard, Reach
from tools.openapi.parsing import MAX_DOCUMENT_BYTES

FETCH_TIMEOUT_S = 20.0
"""For a whole document; longer than that a start should not wait for another host."""
CONNECT_TIMEOUT_S = 5.0


class NotFetchedError(Exception):
    """A document could not be fetched; the text says why, without what may be secret in its address."""


def is_url(source: str) -> bool:
    """Return whether a source is an address, and no file."""
    return source.partition(":")[0].lower() in ("http", "https") and "://" in source


def host_of(url: str) -> Endpoint:
    """Return the server that a document is fetched from.

    Raises:
        ConfigurationError: the address is none, or has a user or a password in it.
    """
    scheme, mark, rest = url.partition("://")
    if "#" in url:
        raise ConfigurationError(f"openapi: {shown_url(url)!r} must be the address of a whole document")
    return read_endpoint(f"{scheme}{mark}{re.split(r'[/?]', rest, maxsplit=1)[0]}", name="openapi")


async def fetch(
    url: str, *, reach: Reach, timeout_s: float = FETCH_TIMEOUT_S, most_bytes: int = MAX_DOCUMENT_BYTES
) -> bytes:
    """Return what is at an address. A redirect is not followed.

    Raises:
        NotFetchedError: it cannot be reached in time, answers anything but 200, or more than `most_bytes`.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _fetch(url, reach.guard(host_of(url)), most_bytes=most_bytes, timeout_s=timeout_s)
    except TimeoutError:
        raise NotFetchedError(f"it did not come within {timeout_s:g} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        raise NotFetchedError(f"nobody answers there as a web server does ({type(exc).__name__})") from None


async def _fetch(url: str, guard: Guard, *, most_bytes: int, timeout_s: float) -> bytes:
    timeout = httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
    headers = {"Accept": "application/json, application/yaml;q=0.9, */*;q=0.5"}
    async with (
        open_guarded_client(guard, timeout=timeout) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if 300 <= response.status_code < 400:
            raise NotFetchedError(
                f"it redirects ({response.status_code}), which is not followed: name where it leads to"
            )
        if response.status_code != 200:
            raise NotFetchedError(f"it answers {response.status_code}")
        parts = bytearray()
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > most_bytes:
                raise NotFetchedError(f"it is larger than {most_bytes} bytes")
        return bytes(parts)

"""Connections that are kept: what comes on one of them unasked, or without end, whatever it is for and however it is reached."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlsplit

import aiohttp
import httpx2
import orjson
import pytest
from support.hostile import caller
from support.http import Connection, Request, head, listen
from support.mcp import called, person, tools_of, toolset
from support.odd_mcp import serving
from support.tls import tls_door

from agent.errors import ToolError
from agent.http import open_client, open_session
from agent.kept import MOST_UNREAD
from agent.pooled import MOST_INTERIM
from tools.backends.addresses import read_endpoint
from tools.backends.backend import Backend
from tools.backends.guarded import open_guarded_client
from tools.backends.reach import Reach, read_proxy

TIMEOUT = httpx2.Timeout(30)
ANOTHER = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n"of somebody"  '
UNASKED = [ANOTHER, ANOTHER[:30], b"\r\n"]
SIZES = [100, 16 * 1024, 64 * 1024]
"""Bytes of an answer with its head: all that came is read at once, or up to what one record of TLS or one read may hold."""


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate of the door that a test opens in its folder."""
    monkeypatch.setattr("agent.http.certificates", lambda: create_default_context(cafile=tmp_path / "certificate.pem"))


def answer_to(path: str, size: int) -> bytes:
    """Return an answer that is its path, of so many bytes."""
    begun = head(200, {"Content-Length": f"{size:05d}"})
    body = f'"{path}"'.encode().ljust(size - len(begun))
    return head(200, {"Content-Length": f"{len(body):05d}"}) + body


WAYS: dict[str, Callable[[str, int], tuple[httpx2.AsyncClient, str]]] = {
    "directly": lambda url, door: (open_client(timeout=TIMEOUT), url),
    "with a certificate": lambda url, door: (open_client(timeout=TIMEOUT), f"https://127.0.0.1:{door}"),
    "as a server of a definition": lambda url, door: (guarded(url), url),
    "through a proxy": lambda url, door: (open_client(timeout=TIMEOUT, proxy=url), "http://models.example"),
    "through the proxy of the settings": lambda url, door: (guarded("http://mcp.example", url), "http://mcp.example"),
}
"""Clients of a server, by its URL and the port of its door that has a certificate, and what they ask."""


def guarded(url: str, proxy: str | None = None) -> httpx2.AsyncClient:
    reach = Reach(proxy=read_proxy(proxy, name="it") if proxy else None)
    return open_guarded_client(reach.guard(read_endpoint(url, name="it")), timeout=TIMEOUT)


@pytest.mark.parametrize("way", WAYS)
async def test_what_came_unasked_is_no_answer_for_whoever_is_next(way: str, tmp_path: Path, trusted: None) -> None:
    """G680: whatever has read it: the socket, TLS, or the parser; and a connection without it is kept."""
    more, size, ports = b"", SIZES[0], list[int]()

    async def respond(request: Request, connection: Connection) -> None:
        ports.append(connection.writer.get_extra_info("peername")[1])
        await connection.send(answer_to(urlsplit(request.path).path, size) + more)

    async with listen(respond) as url, tls_door(tmp_path, urlsplit(url).port or 0) as (door, _):
        opened, asked = WAYS[way](url, door)
        async with opened as client:
            for size in SIZES:  # noqa: B007 (what the server answers with)
                for more in (b"", *UNASKED):
                    ports.clear()
                    for path in ("/a", "/b", "/c"):
                        assert (await client.get(asked + path)).json() == path
                    assert len(set(ports)) == (3 if more else 1)


async def test_a_user_of_an_mcp_server_never_has_the_answer_to_another_ones_call() -> None:
    """G680: of a server that answered the other one twice, with the number that this one's call has, too."""
    async with serving() as server, toolset({"url": server.url, "forward_token": True}) as opened:
        for tenant in ("acme", "globex"):
            await tools_of(opened, person(tenant, token=f"token-of-{tenant}"))

        async def twice(request: Request, connection: Connection) -> None:
            text = request.headers["authorization"].removeprefix("Bearer token-of-")
            result = {"content": [{"type": "text", "text": text}]}
            body = orjson.dumps({"jsonrpc": "2.0", "id": request.json["id"], "result": result})
            lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            await connection.send((head(200, lines) + body) * 2)

        server.odd = twice
        for tenant in ("acme", "globex", "acme"):
            somebody = person(tenant, token=f"token-of-{tenant}")
            assert await called((await tools_of(opened, somebody))["odd"], somebody) == tenant


async def test_interim_answers_without_end_are_not_read_without_end(tmp_path: Path, trusted: None) -> None:
    """G641: from whomever it comes, and so many to each request as some send while they work."""
    many, ports = 0, list[int]()

    async def respond(_request: Request, connection: Connection) -> None:
        ports.append(connection.writer.get_extra_info("peername")[1])
        for number in range(many):
            await connection.send(head(102, {"X-Done": str(number)} if number % 2 else {}))
            await asyncio.sleep(0)
        await connection.respond(200, b'"done"')

    async def gives(ask: Callable[[], Awaitable[object]], error: type[Exception]) -> None:
        nonlocal many
        ports.clear()
        for many in (0, MOST_INTERIM, MOST_INTERIM):  # noqa: B007 (what the server does)
            assert await ask() == "done"
        assert len(set(ports)) == 1
        many = MOST_INTERIM + 1
        with pytest.raises(error):
            await ask()

    async with listen(respond) as url, tls_door(tmp_path, urlsplit(url).port or 0) as (door, _):
        for way in WAYS.values():
            opened, asked = way(url, door)
            async with opened as client:
                await gives(lambda: _json_of(client, f"{asked}/x"), httpx2.RemoteProtocolError)  # noqa: B023 (done at once)
        async with Backend(url) as backend, open_session(connect_timeout_s=5) as session:

            async def ask() -> object:
                async with session.get(url) as answer:
                    return await answer.json()

            await gives(lambda: backend.session(caller()).get("/x"), ToolError)
            await gives(ask, aiohttp.ServerDisconnectedError)


async def _json_of(client: httpx2.AsyncClient, url: str) -> object:
    return (await client.get(url)).json()


async def test_answers_that_come_without_end_on_a_kept_connection_close_it() -> None:
    """G641: nobody reads them, and they would be held in memory."""
    sent, is_kept, is_closed = 0, asyncio.Event(), asyncio.Event()

    async def respond(_request: Request, connection: Connection) -> None:
        nonlocal sent
        await connection.respond(200, b'"done"')
        await is_kept.wait()
        with suppress(ConnectionError):
            while sent < 100 * MOST_UNREAD and not connection.gone.is_set():
                sent += 1
                await connection.respond(200, b"")
                await asyncio.sleep(0)
        is_closed.set()

    async with listen(respond) as url, open_session(connect_timeout_s=5) as session:
        async with session.get(url) as answer:
            assert await answer.json() == "done"
        is_kept.set()
        await is_closed.wait()
    assert MOST_UNREAD < sent < 100 * MOST_UNREAD

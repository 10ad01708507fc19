"""Connections of httpx2 that are kept: what came on one of them unasked is nobody's answer, however the server is reached."""

from collections.abc import Callable
from pathlib import Path
from ssl import create_default_context
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest
from support.http import Connection, Request, head, listen
from support.mcp import called, person, tools_of, toolset
from support.odd_mcp import serving
from support.tls import tls_door

from agent.http import open_client
from tools.backends.addresses import read_endpoint
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

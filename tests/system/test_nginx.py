"""nginx with its defaults in front, gzip on."""

import asyncio
import os
import re
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from support.backend import Route
from support.http import Connection, Request
from support.nginx import nginx
from support.provider import Call
from support.raw import STREAM, RawResponse, raw_request
from support.shown import Screen
from support.world import OpenWorld, World
from websockets.asyncio.client import connect

from agent.errors import ConfigurationError

SILENCE_S = float(os.environ.get("FRONTDESK_TEST_SILENCE_S", "3"))
"""How long the tool is silent. The true figure, 90, takes that long."""
READ_TIMEOUT_S = SILENCE_S * 2 / 3
PING_S = SILENCE_S / 9
LIMIT_S = SILENCE_S + 20
FIRST_TOKEN_S = 5.0


@pytest.fixture
async def world(open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("api.sse.PING_S", PING_S)
    limits = {"tool_timeout_s": LIMIT_S, "first_token_timeout_s": LIMIT_S, "between_tokens_timeout_s": LIMIT_S}
    return await open_frontdesk(assistant={"limits": limits})


@pytest.mark.alone
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_the_first_token_is_not_held_back(world: World, tmp_path: Path, encoding: str) -> None:
    """G26."""
    gate = asyncio.Event()
    world.provider.say("The model is open now.")
    await world.person().ask("hello")
    world.provider.wait_for(gate, "World.", before=["Hello "])
    async with nginx(tmp_path, world.url, read_timeout_s=60) as url, asyncio.timeout(LIMIT_S):
        begun = time.monotonic()
        async with ask(world, url, encoding) as (response, screen):
            while screen.shown.text != "Hello ":
                screen.feed(await response.plain_piece())
            taken = time.monotonic() - begun
            print(f"first token through nginx ({encoding}) after {taken * 1000:.0f} ms")
            assert taken < FIRST_TOKEN_S
            gate.set()
            while not screen.is_done:
                screen.feed(await response.plain_piece())
        assert screen.shown.text == "Hello World."


@pytest.mark.alone
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_silent_tool_is_survived_by_pings(world: World, tmp_path: Path, encoding: str) -> None:
    """G26."""
    world.provider.call(Call("count_orders"))
    world.provider.say("There are 42.")
    world.backend.routes["GET /orders/count"] = answer_after(SILENCE_S)
    async with nginx(tmp_path, world.url, read_timeout_s=READ_TIMEOUT_S) as url, asyncio.timeout(LIMIT_S):
        async with ask(world, url, encoding) as (response, screen):
            begun = time.monotonic()
            while not screen.is_done:
                screen.feed(await response.plain_piece())
        assert time.monotonic() - begun > SILENCE_S * 0.9
        assert screen.shown.text == "There are 42."


@pytest.mark.alone
async def test_without_pings_nginx_would_cut_the_stream(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the one above proves something."""
    monkeypatch.setattr("api.sse.PING_S", 1000)
    world.provider.call(Call("count_orders"))
    world.provider.say("There are 42.")
    gate = asyncio.Event()
    world.backend.routes["GET /orders/count"] = answer_after(gate)
    async with nginx(tmp_path, world.url, read_timeout_s=READ_TIMEOUT_S) as url, asyncio.timeout(LIMIT_S):
        async with ask(world, url, "identity") as (response, screen):
            with pytest.raises((EOFError, ConnectionError)):
                await response.rest()
            screen.feed(response.body)
        assert screen.shown.status is None
        gate.set()
        run = await world.person().events(response.headers["x-run-id"])
        assert run.text == "There are 42."


@pytest.mark.parametrize("passes", ["/", ""], ids=["path taken off", "path left on"])
@pytest.mark.parametrize("root", ["/desk/assistant", "/assistant"], ids=["any path", "a path that is one of ours, too"])
async def test_below_a_path_of_another_host_all_places_are_right(
    open_frontdesk: OpenWorld, tmp_path: Path, passes: str, root: str
) -> None:
    """G403: where an answer goes on, the document and its page, streams and WebSockets."""
    world = await open_frontdesk(root_path=root)
    ann = world.person()
    world.provider.say("Hello World.")
    upgrade = (
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"
    )
    host = "proxy_set_header Host $http_host;"
    async with (
        nginx(tmp_path, world.url, read_timeout_s=60, location=f"{root}/", passes=passes, more=upgrade + host) as url,
        httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {ann.token}"}, verify=False) as client,
    ):
        stream = {"Accept": "text/event-stream"}
        answer = await client.post(f"{root}/chat", json={"message": "hello"}, headers=stream)
        place = answer.headers["location"]
        assert place == f"{root}/runs/{answer.headers['x-run-id']}/events"
        rest = await client.get(place, headers={**stream, "Last-Event-ID": "1-1"})
        assert (rest.status_code, rest.text.endswith("data: [DONE]\n\n")) == (200, True)

        page = await client.get(f"{root}/docs")
        [link] = re.findall(r'href="([^"]+)"', page.text)
        document = (await client.get(page.url.join(link))).json()
        assert document["servers"] == [{"url": root}]
        assert "/chat" in document["paths"]
        assert (await client.get(f"{root}/static/frontdesk-chat.js")).status_code == 200
        assert "greeting" in (await client.get(f"{root}/assistant")).json()
        assert (await client.get(f"{root}/")).status_code == 200

        address = url.replace("http", "ws") + f"{root}/ws"
        async with connect(address, additional_headers={"Authorization": f"Bearer {ann.token}"}) as socket:
            await socket.send('{"type": "nothing"}')
            assert await socket.recv()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/chat", "/chat is a path of Frontdesk's own"),
        ("/runs/x", "/runs is a path"),
        ("/assistant/x", "/assistant is a path"),
    ],
)
async def test_a_path_that_could_be_one_of_ours_is_refused(open_frontdesk: OpenWorld, path: str, said: str) -> None:
    """G403"""
    with pytest.raises(ConfigurationError, match=said):
        await open_frontdesk(root_path=path)


class Response(RawResponse):
    """A response that may be compressed."""

    _unpack: "zlib._Decompress | None" = None

    async def plain_piece(self) -> bytes:
        """Return what the next piece of the body says.

        Raises:
            EOFError, ConnectionError: the response was cut, or is over.
        """
        piece = await self.piece()
        if not piece:
            raise EOFError
        if self.headers.get("content-encoding") != "gzip":
            return piece
        self._unpack = self._unpack or zlib.decompressobj(wbits=31)
        return self._unpack.decompress(piece)


@asynccontextmanager
async def ask(world: World, url: str, encoding: str) -> AsyncIterator[tuple[Response, Screen]]:
    """Post a message through nginx."""
    headers = {**STREAM, "Accept-Encoding": encoding}
    body = {"message": "how many orders?"}
    async with raw_request(url, "POST", "/chat", token=world.person().token, headers=headers, body=body) as raw:
        response = Response(raw.reader, raw.writer)
        await response.begin()
        assert response.status == 200
        assert response.headers.get("content-encoding", "identity") == encoding
        yield response, Screen()


def answer_after(condition: float | asyncio.Event) -> Route:
    """Return a route that says nothing for so long, or until then."""

    async def respond(_request: Request, connection: Connection) -> None:
        if isinstance(condition, asyncio.Event):
            await condition.wait()
        else:
            await asyncio.sleep(condition)  # the silence itself
        await connection.respond(200, b'{"count": 42}')

    return respond

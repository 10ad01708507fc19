"""Streams as gzip: where the operator turned it on and the client takes it; no token waits in it, nor does a ping."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.types import Message
from support.dialects import BROKEN, DIALECTS
from support.each import each
from support.reading import read_native
from support.world import Person, World

from api.encodings import BYTES_PER_STREAM, EMPTY_BLOCK, Gzip, compressed, takes_gzip
from api.protocols import FORMATS
from api.settings import Settings

GZIP = 16 + zlib.MAX_WBITS
OF_OPENAI: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    ("/v1/responses", {"input": "hello"}),
]


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"compress_streams": True}


class Inflated:
    """A stream as its bytes come over the wire, and what can be read of them so far."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.body = b""
        self._raw = response.aiter_raw()
        self._inflate = zlib.decompressobj(wbits=GZIP)

    async def until(self, wanted: bytes) -> None:
        async with asyncio.timeout(40):
            while wanted not in self.body:
                await self._read()

    async def rest(self) -> bytes:
        async with asyncio.timeout(40):
            try:
                while True:
                    await self._read()
            except StopAsyncIteration:
                assert self._inflate.eof, "no end, or no right checksum"
                assert self._inflate.unused_data == b""
                return self.body
            except httpx2.RemoteProtocolError:
                return self.body + BROKEN

    async def _read(self) -> None:
        piece = await anext(self._raw)
        self.body += self._inflate.decompress(piece)


@asynccontextmanager
async def opened(person: Person, path: str, *, accept: str = "gzip", method: str = "POST") -> AsyncIterator[Inflated]:
    headers = {"Accept": "text/event-stream", "Accept-Encoding": accept}
    body = {"message": "hello"} if method == "POST" else None
    async with person.client(**headers) as client, client.stream(method, path, json=body) as response:
        yield Inflated(response)


def test_it_is_turned_off_unless_the_operator_turns_it_on() -> None:
    assert Settings(_env_file=None).compress_streams is False


def test_what_a_stream_takes_is_what_the_settings_page_says() -> None:
    assert BYTES_PER_STREAM == 48 * 1024
    assert "48 KiB" in str(Settings.model_fields["compress_streams"].description)


@pytest.mark.parametrize("dialect", FORMATS)
async def test_no_token_waits_in_the_compressor_and_the_end_has_its_checksum(
    world: World, ann: Person, dialect: str
) -> None:
    """G142"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Two. ", "Grüße.", before=["One. "])
    async with opened(ann, f"/chat?format={dialect}") as stream:
        assert stream.response.headers["content-encoding"] == "gzip"
        assert stream.response.headers["vary"] == "Accept-Encoding"
        await stream.until(b"One. ")
        assert b"Two. " not in stream.body
        gate.set()
        raw = await stream.rest()
    seen = (read_native if dialect == "native" else DIALECTS[dialect])(raw)
    assert (seen.text, seen.end) == ("One. Two. Grüße.", "completed")


@pytest.mark.parametrize(("path", "body"), OF_OPENAI)
async def test_the_streams_of_openais_clients_are_compressed_as_all_are(
    world: World, ann: Person, path: str, body: dict[str, Any]
) -> None:
    """G142"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Two.", before=["One. "])
    async with (
        ann.client(**{"Accept-Encoding": "gzip"}) as client,
        client.stream("POST", path, json={**body, "stream": True}) as response,
    ):
        assert (response.headers["content-encoding"], response.headers["vary"]) == ("gzip", "Accept-Encoding")
        stream = Inflated(response)
        await stream.until(b"One. ")
        gate.set()
        assert b"Two." in await stream.rest()


async def test_pings_come_through_it_at_once(world: World, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """G142"""
    monkeypatch.setattr("api.sse.PING_S", 0.05)
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Tea.")
    async with opened(ann, "/chat") as stream:
        await stream.until(3 * b": ping\n\n")
        gate.set()
        assert b'{"token":"Tea."}' in await stream.rest()


async def test_a_stream_that_was_cut_is_read_on_compressed_or_not(world: World, ann: Person) -> None:
    """G142"""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "Two.", before=["One. "])
    async with opened(ann, "/chat") as stream:
        await stream.until(b"id: 1-1\n")
        path = stream.response.headers["location"]
    gate.set()
    for accept in ("gzip", "identity"):
        async with ann.client(**{"Last-Event-ID": "1-1", "Accept-Encoding": accept}) as client:
            answer = await client.get(path)
        assert ("content-encoding" in answer.headers) is (accept == "gzip")
        assert answer.headers["vary"] == "Accept-Encoding"
        assert (read_native(answer.content).text, read_native(answer.content).end) == ("One. Two.", "completed")


async def test_a_failed_answer_breaks_a_compressed_connection_too(world: World, ann: Person) -> None:
    world.provider.cut("Half of it")
    async with opened(ann, "/chat?format=raw") as stream:
        raw = await stream.rest()
    assert raw == b"Half of it" + BROKEN


@each(
    ("accept", "takes"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip; q=1.0 , deflate", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("", False),
        ("*", False),
        ("br, zstd, deflate", False),
        ("gzipped", False),
    ],
)
def test_a_client_takes_it_that_says_so(accept: str, takes: bool) -> None:
    assert takes_gzip(accept) is takes


async def test_who_does_not_take_it_reads_plain_bytes(world: World, ann: Person) -> None:
    world.provider.say("Tea.")
    async with ann.client(**{"Accept": "text/event-stream", "Accept-Encoding": "br"}) as client:
        answer = await client.post("/chat", json={"message": "hello"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"
    assert read_native(answer.content).text == "Tea."


async def test_no_empty_block_stands_before_the_stream_has_begun() -> None:
    """A ping of no bytes, as `raw` has it, sends no head of gzip."""
    begun: list[bytes] = []
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message["body"])

    send_compressed = compressed(send, lambda: begun.append(b"".join(sent)))
    await send_compressed({"type": "http.response.body", "body": b"", "more_body": True})
    assert (sent, begun) == ([b""], [])
    await send_compressed({"type": "http.response.body", "body": b"One. ", "more_body": True})
    assert zlib.decompressobj(wbits=GZIP).decompress(begun[0] + EMPTY_BLOCK) == b"One. "


def test_an_empty_block_between_two_frames_is_nothing_to_who_reads() -> None:
    """The connection asks a client that ended its side by bytes that mean nothing."""
    gzip, inflate = Gzip(), zlib.decompressobj(wbits=GZIP)
    sent = [gzip.frame(b"One. "), EMPTY_BLOCK, EMPTY_BLOCK, gzip.frame(b"Two."), EMPTY_BLOCK, gzip.end()]
    assert [inflate.decompress(one) for one in sent] == [b"One. ", b"", b"", b"Two.", b"", b""]
    assert inflate.eof

"""Connections over bare sockets: who does not ask, or never ends, is let go; who is slow within the limits, or reads long, is not."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import orjson
import pytest
from support.backend import Route
from support.faults import until
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, World

from api.connections import GRACE_S

LIMIT_S = 1.0
"""The time limits of these tests' servers; a test that measures leaves a wide margin above."""
PATIENT_S = 20.0

Start = Callable[..., Awaitable[World]]


@pytest.fixture
def start(open_frontdesk: OpenWorld) -> Start:
    async def started(**settings: float) -> World:
        names = ("first_request_timeout_s", "header_timeout_s", "body_timeout_s", "keep_alive_s")
        return await open_frontdesk(**{**dict.fromkeys(names, PATIENT_S), **settings})

    return started


class Wire:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.came = b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, wanted: bytes) -> None:
        """Read until this has come."""
        async with asyncio.timeout(PATIENT_S):
            while wanted not in self.came:
                data = await self.reader.read(65536)
                assert data, f"closed after {self.came!r}"
                self.came += data

    async def closed(self) -> bytes:
        """Wait until the server has closed it; return all that came."""
        async with asyncio.timeout(PATIENT_S):
            try:
                while data := await self.reader.read(65536):
                    self.came += data
            except ConnectionError:
                pass
        return self.came

    async def drip(self, data: bytes, *, every_s: float) -> None:
        """Send byte after byte until all are sent or the server has closed."""
        try:
            for byte in data:
                await self.send(bytes([byte]))
                await asyncio.sleep(every_s)
        except ConnectionError:
            pass

    @property
    def is_open(self) -> bool:
        return not self.reader.at_eof()


def is_past(seconds: float) -> Callable[[], bool]:
    """Return a condition that holds once this time has gone by."""
    end = time.monotonic() + seconds * 1.1
    return lambda: time.monotonic() > end


@asynccontextmanager
async def wire(world: World) -> AsyncIterator[Wire]:
    address = urlsplit(world.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


def post(world: World, body: bytes, *, length: int | None = None, path: str = "/chat", accept: str = "*/*") -> bytes:
    """Return a request as it goes over the wire; `length` is what it says of its body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: frontdesk\r\nAuthorization: Bearer {world.person().token}\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    ).encode() + body


LIVE = b"GET /livez HTTP/1.1\r\nHost: frontdesk\r\n\r\n"
HELLO = orjson.dumps({"message": "hello"})
HEALTHY = b'"healthy"'


async def test_a_connection_on_which_nothing_is_asked_is_closed(start: Start) -> None:
    """G40: after its time, and without a word."""
    world = await start(first_request_timeout_s=LIMIT_S)
    async with wire(world) as one, wire(world) as blank:
        begun = time.monotonic()
        dripping = asyncio.create_task(blank.drip(b"\r\n" * 200, every_s=0.05))
        assert await one.closed() == b""
        assert time.monotonic() - begun >= LIMIT_S * 0.9
        await blank.closed()
        await dripping


HALVES = {
    "half a method": b"PO",
    "half a request line": b"POST /chat HT",
    "a line": b"POST /chat HTTP/1.1\r\n",
    "half a header": b"POST /chat HTTP/1.1\r\nHost: front",
    "no empty line": b"POST /chat HTTP/1.1\r\nHost: frontdesk\r\n",
    "half of the second request": LIVE + b"GET /li",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
async def test_a_head_that_never_ends_is_refused_after_its_time(start: Start, half: bytes) -> None:
    """G40: with a 408."""
    world = await start(header_timeout_s=LIMIT_S)
    async with wire(world) as one:
        await one.send(half)
        answer = await one.closed()
    status, _, body = answer[answer.rindex(b"HTTP/1.1") :].partition(b"\r\n")
    assert status.startswith(b"HTTP/1.1 408 ")
    assert orjson.loads(body.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"


async def test_drips_do_not_prolong_a_head(start: Start) -> None:
    """G40: the limit is from the first byte to the last."""
    world = await start(header_timeout_s=LIMIT_S)
    async with wire(world) as one:
        begun = time.monotonic()
        dripping = asyncio.create_task(one.drip(b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, every_s=0.02))
        assert b" 408 " in await one.closed()
        assert time.monotonic() - begun < PATIENT_S / 2
        await dripping


@pytest.mark.parametrize("part", [b"", b'{"mes'], ids=["nothing", "a part"])
async def test_a_body_that_never_comes_is_refused_after_its_time(start: Start, part: bytes) -> None:
    """G40: and nothing of it is stored."""
    world = await start(body_timeout_s=LIMIT_S)
    before = world.rows()
    async with wire(world) as one:
        await one.send(post(world, part, length=100))
        answer = await one.closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert world.rows() == before


async def test_a_body_in_chunks_that_drips_is_refused_after_its_time(start: Start) -> None:
    """G40."""
    world = await start(body_timeout_s=LIMIT_S)
    head = post(world, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    async with wire(world) as one:
        await one.send(head)
        dripping = asyncio.create_task(one.drip(b"1\r\n \r\n" * 1000, every_s=0.02))
        assert (await one.closed()).startswith(b"HTTP/1.1 408 ")
        await dripping


async def test_a_body_that_goes_on_after_its_refusal_keeps_no_connection(start: Start) -> None:
    """G40: it was answered already, and hears nothing else."""
    world = await start(body_timeout_s=LIMIT_S)
    head = post(world, b"", length=100_000, path="/nowhere")
    async with wire(world) as one:
        await one.send(head)
        await one.until(b" 404 ")
        dripping = asyncio.create_task(one.drip(b" " * 10_000, every_s=0.02))
        answer = await one.closed()
        await dripping
    assert answer.count(b"HTTP/1.1") == 1


async def test_an_upload_that_is_slow_within_the_limit_is_answered(start: Start) -> None:
    """G40: nobody is cut for being slow."""
    world = await start(body_timeout_s=PATIENT_S)
    world.provider.say("Hello.")
    async with wire(world) as one:
        request = post(world, HELLO)
        await one.drip(request[:40], every_s=0.005)
        await one.send(request[40 : -len(HELLO)])
        await one.drip(HELLO, every_s=0.02)
        await one.until(b"Hello.")
    assert one.came.startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_is_kept_for_the_next_request_and_then_closed(start: Start) -> None:
    """G40: as a proxy keeps it; empty lines between requests do not prolong it."""
    world = await start(keep_alive_s=LIMIT_S * 2)
    async with wire(world) as one:
        for count in (1, 2, 3):
            await one.send(LIVE)
            async with asyncio.timeout(PATIENT_S):
                while one.came.count(HEALTHY) < count:
                    one.came += await one.reader.read(65536)
        dripping = asyncio.create_task(one.drip(b"\r\n" * 1000, every_s=0.05))
        begun = time.monotonic()
        assert (await one.closed()).count(HEALTHY) == 3
        assert time.monotonic() - begun >= LIMIT_S
        await dripping


async def test_requests_one_after_the_other_on_one_connection_are_all_answered(start: Start) -> None:
    """G40: also when they come at once, and the last one in halves."""
    world = await start(header_timeout_s=PATIENT_S)
    async with wire(world) as one:
        await one.send(LIVE * 5 + LIVE[:20])
        async with asyncio.timeout(PATIENT_S):
            while one.came.count(HEALTHY) < 5:
                one.came += await one.reader.read(65536)
        await one.send(LIVE[20:])
        async with asyncio.timeout(PATIENT_S):
            while one.came.count(HEALTHY) < 6:
                one.came += await one.reader.read(65536)


def held(gate: asyncio.Event) -> Route:
    async def serve(_request: Request, connection: Connection) -> None:
        await gate.wait()
        await connection.respond(200, b'{"count":42}')

    return serve


@pytest.mark.parametrize("behind", [b"", LIVE[:20], LIVE, b"\r\n"], ids=["alone", "half", "whole", "empty line"])
async def test_a_long_stream_lives_on_whatever_stands_behind_it(start: Start, behind: bytes) -> None:
    """G40: no limit of a connection is one of an answer."""
    short = ("first_request_timeout_s", "header_timeout_s", "body_timeout_s", "keep_alive_s")
    world = await start(**dict.fromkeys(short, LIMIT_S))
    gate = asyncio.Event()
    world.backend.routes["GET /orders/count"] = held(gate)
    world.provider.call(Call("count_orders"))
    world.provider.say("42.")
    async with wire(world) as one, wire(world) as other:
        await one.send(post(world, HELLO, accept="text/event-stream"))
        await one.until(b'"running"')
        await one.send(behind)
        await other.closed()  # so much time has passed
        async with wire(world) as third:
            await third.closed()
        assert one.is_open
        gate.set()
        await one.until(b"[DONE]")


async def test_when_all_connections_are_taken_those_that_only_wait_make_room(start: Start) -> None:
    """G40: the one that has waited longest; a stream never."""
    world = await start(max_connections=12)
    world.provider.hang("Hello")
    async with wire(world) as stream:
        await stream.send(post(world, HELLO, accept="text/event-stream"))
        await stream.until(b"Hello")
        idle = [await anext(_opened(world)) for _ in range(11)]
        await until(is_past(GRACE_S))
        idle += [await anext(_opened(world)) for _ in range(5)]
        for one in idle[:5]:
            await one.closed()
        assert all(one.is_open for one in idle[5:])
        await until(is_past(GRACE_S))
        async with wire(world) as late:
            await late.send(LIVE)
            await late.until(HEALTHY)
        assert stream.is_open
        for one in idle:
            one.writer.transport.abort()


async def _opened(world: World) -> AsyncIterator[Wire]:
    address = urlsplit(world.url)
    yield Wire(*await asyncio.open_connection(address.hostname, address.port))


async def test_many_who_come_at_once_are_answered_or_told_to_come_back(start: Start) -> None:
    """G40: none is closed without a word, although they are all accepted before one of them is read."""
    world = await start(max_connections=10)

    async def ask() -> bytes:
        async with wire(world) as one:
            await one.send(LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return await one.closed()

    answers = await asyncio.gather(*(ask() for _ in range(40)))
    statuses = Counter(answer.split(b" ")[1] if answer else b"nothing" for answer in answers)
    assert set(statuses) <= {b"200", b"503"}, statuses
    assert statuses[b"200"] >= 10
    assert all(b"retry-after: 5" in answer for answer in answers if b" 503 " in answer)


REFUSALS = {
    "no HTTP": (b"\x16\x03\x01\x02\x00 hello\r\n\r\n", b"400", "invalid_request"),
    "headers without end": (b"GET / HTTP/1.1\r\n" + b"X-A: " + b"a" * 9000, b"431", "payload_too_large"),
    "half a head": (b"GET / HTTP/1.1\r\nX-A: a", b"408", "request_timeout"),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSALS.values(), ids=REFUSALS)
async def test_what_is_refused_before_it_is_a_request_is_refused_in_the_same_form(
    start: Start, sent: bytes, status: bytes, code: str
) -> None:
    """G40: a problem body, an id, and nothing that is cached or sniffed."""
    world = await start(max_header_bytes=8192, header_timeout_s=LIMIT_S)
    async with wire(world) as one:
        await one.send(sent)
        head, _, body = (await one.closed()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    for field in (b"application/problem+json", b"x-content-type-options: nosniff", b"cache-control: no-store"):
        assert field in head
    assert b"x-request-id: " in head
    assert orjson.loads(body)["code"] == code


async def test_when_all_connections_are_at_work_one_more_is_told_to_come_back(start: Start) -> None:
    """G40: with a 503."""
    world = await start(max_connections=10, max_runs_per_user=20)
    wires = []
    for _ in range(10):
        world.provider.hang("Hello")
        wires.append(await anext(_opened(world)))
        await wires[-1].send(post(world, HELLO, accept="text/event-stream"))
        await wires[-1].until(b"Hello")
    async with wire(world) as late:
        answer = await late.closed()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in answer.lower()
    assert all(one.is_open for one in wires)
    for one in wires:
        one.writer.transport.abort()


async def test_headers_without_end_are_refused_by_their_length(start: Start) -> None:
    """G40: long before their time is over."""
    world = await start(max_header_bytes=8192)
    async with wire(world) as one:
        await one.send(b"GET / HTTP/1.1\r\n" + (b"X-A: " + b"a" * 1000 + b"\r\n") * 9)
        assert b" 431 " in await one.closed()
    async with wire(world) as one:
        await one.send(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 60_000 + b"\r\n\r\n")
        assert b" 431 " in await one.closed(), "also where all of them came at once"
    async with wire(world) as flood:
        dripping = asyncio.create_task(flood.drip(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000, every_s=0))
        await flood.closed()
        await dripping

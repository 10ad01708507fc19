"""Connections over bare sockets: who does not ask, or never ends, is let go; who is slow within the limits, or reads long, is not."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import pytest
from sqlalchemy import insert, select
from support.backend import Route
from support.faults import store_of, until
from support.http import Connection, Request
from support.provider import Call
from support.world import OpenWorld, Person, World

from agent.store.database import new_id
from agent.store.tables import messages
from api.reading import MOST_WAITING
from api.sending import AnswerSender

LIMIT_S = 1.0
"""The time limits of these tests' servers; a test that measures leaves a wide margin above."""
PATIENT_S = 20.0

Start = Callable[..., Awaitable[World]]


@pytest.fixture
def start(open_frontdesk: OpenWorld) -> Start:
    async def started(**settings: Any) -> World:
        names = ("first_request_timeout_s", "header_timeout_s", "body_timeout_s", "keep_alive_s")
        return await open_frontdesk(**{**dict.fromkeys(names, PATIENT_S), **settings})

    return started


class Wire:
    """A connection, byte by byte."""

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
        except (ConnectionError, RuntimeError):  # as asyncio and as uvloop say that it is closed
            pass

    @property
    def is_open(self) -> bool:
        return not self.reader.at_eof()


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
LIST = b"GET /conversations HTTP/1.1\r\nHost: frontdesk\r\nAuthorization: Bearer TOKEN\r\n\r\n"
HELLO = orjson.dumps({"message": "hello"})
HEALTHY = b'"healthy"'


async def test_a_connection_on_which_nothing_is_asked_is_closed(start: Start) -> None:
    """G40: after its time, and without a word."""
    world = await start(first_request_timeout_s=LIMIT_S)
    begun = time.monotonic()
    async with wire(world) as one, wire(world) as blank:
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
        assert time.monotonic() - begun >= LIMIT_S * 0.9
        await dripping


async def test_requests_one_after_the_other_on_one_connection_are_all_answered(start: Start) -> None:
    """G40: also when they come at once, and the last one in halves."""
    world = await start(header_timeout_s=PATIENT_S)
    async with wire(world) as one, asyncio.timeout(2 * PATIENT_S):
        for said, answers in ((LIVE * 5 + LIVE[:20], 5), (LIVE[20:], 6)):
            await one.send(said)
            while one.came.count(HEALTHY) < answers:
                read = await one.reader.read(65536)
                assert read, "closed before all were answered"
                one.came += read


async def test_of_requests_that_come_at_once_only_so_many_wait_for_their_answers(start: Start) -> None:
    """G24: nobody is asked for a token before ten thousand requests of forty bytes are each two thousand here."""
    world = await start()
    async with wire(world) as one:
        await one.send(LIVE * 4000)
        came = await one.closed()
    assert MOST_WAITING <= came.count(HEALTHY) <= MOST_WAITING + 2
    assert b"connection: close" in came.rpartition(b"HTTP/1.1 ")[2].lower()


def held(gate: asyncio.Event) -> Route:
    async def serve(_request: Request, connection: Connection) -> None:
        await gate.wait()
        await connection.respond(200, b'{"count":42}')

    return serve


BEHIND = {
    "alone": b"",
    "half": LIVE[:20],
    "whole": LIVE,
    "empty line": b"\r\n",
    "no HTTP": b"\x00\x01",
    "long": b"GET /" + b"a" * 99_000,
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
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


async def test_when_all_seats_are_taken_those_that_only_wait_make_room(start: Start) -> None:
    """G40 G73: first who was answered and only waits, then who never asked; a stream never."""
    world = await start(max_connections=12, max_runs_per_user=20)
    streams = [await _streaming(world)]
    async with wire(world) as answered:
        await answered.send(LIVE)
        await answered.until(HEALTHY)
        silent = [await anext(_opened(world)) for _ in range(10)]
        for others in (1, 2, 3, 4):
            streams.append(await _streaming(world))
            assert not answered.is_open
            gone = [one.is_open for one in silent].count(False)
            assert gone <= others - 1, "nobody else has to go"
        for one in silent[:3]:
            assert await one.closed() == b""
        assert all(one.is_open for one in (*silent[3:], *streams))
        for one in (*silent, *streams):
            one.writer.transport.abort()


async def _streaming(world: World) -> Wire:
    """Return a connection on which a stream goes on."""
    world.provider.hang("Hello")
    one = await anext(_opened(world))
    await one.send(post(world, HELLO, accept="text/event-stream"))
    await one.until(b"Hello")
    return one


async def _opened(world: World) -> AsyncIterator[Wire]:
    address = urlsplit(world.url)
    yield Wire(*await asyncio.open_connection(address.hostname, address.port))


@asynccontextmanager
async def full(world: World) -> AsyncIterator[list[Wire]]:
    """Let streams take all of ten seats."""
    wires = [await _streaming(world) for _ in range(10)]
    try:
        yield wires
        assert all(one.is_open for one in wires)
    finally:
        for one in wires:
            one.writer.transport.abort()


async def asked(world: World, request: bytes, *, after_s: float = 0) -> bytes:
    """Connect, ask, and return all that comes until the server closes."""
    async with wire(world) as one:
        await asyncio.sleep(after_s)
        await one.send(request)
        return await one.closed()


def read(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return an answer's status, headers and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def assert_refused(answer: bytes, status: int, code: str) -> None:
    """Assert that an answer is a refusal of the form that all have."""
    got, headers, body = read(answer)
    assert (got, orjson.loads(body)["code"], orjson.loads(body)["status"]) == (status, code, status)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32
    assert "date" in headers


async def test_when_all_seats_are_at_work_each_of_many_more_is_told_to_come_back_and_none_is_reset(
    start: Start,
) -> None:
    """G73: with a 503, also where the body comes late and is large; the probes answer, and no stream is cut."""
    world = await start(max_connections=10, max_runs_per_user=20)
    before = world.rows()
    large = post(world, orjson.dumps({"message": "x" * 200_000}))
    async with full(world):
        kinds = [(post(world, HELLO), 0.0), (large, 0.0), (post(world, HELLO), 0.3)]
        answers = await asyncio.gather(*(asked(world, one, after_s=wait_s) for one, wait_s in kinds * 60))
        probes = await asyncio.gather(*(asked(world, LIVE.replace(b"livez", b"readyz")) for _ in range(100)))
    for answer in answers:
        assert_refused(answer, 503, "overloaded")
        assert read(answer)[1]["retry-after"] == "5"
    assert [read(probe)[0] for probe in probes] == [200] * 100
    assert world.rows()["messages"] == before["messages"] + 10


async def test_a_burst_beyond_the_limit_is_answered_to_the_last(start: Start) -> None:
    """G73: whoever has asked keeps the connection until the answer, whoever comes."""
    world = await start(max_connections=10)
    request = LIST.replace(b"TOKEN", world.person().token.encode()).replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
    )
    answers = await asyncio.gather(*(asked(world, request) for _ in range(400)))
    assert {read(answer)[0] for answer in answers} <= {200, 503}


async def test_a_client_that_ends_its_side_behind_its_request_gets_the_answer(start: Start) -> None:
    """G73: JSON, a stream, and requests one behind the other."""
    world = await start()
    asks = {
        "short": (LIVE, 1),
        "three": (LIVE * 3, 3),
        "JSON": (post(world, HELLO), 1),
        "stream": (post(world, HELLO, accept="text/event-stream"), 1),
    }
    for request, answers in asks.values():
        gate = asyncio.Event()
        world.backend.routes["GET /orders/count"] = held(gate)
        world.provider.call(Call("count_orders"))
        world.provider.say("42.")
        async with wire(world) as one:
            await one.send(request)
            one.writer.write_eof()
            asyncio.get_running_loop().call_later(LIMIT_S, gate.set)
            came = await one.closed()
        came = came.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        assert came.startswith(b"HTTP/1.1 200 ")
        assert came.count(HEALTHY) == answers or came.count(b"42.") == answers
        world.provider.forget()


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_client_that_went_is_told_from_one_that_ended_its_side(start: Start, accept: str) -> None:
    """G73 G6: its seat is free again, and not only when its run has failed."""
    patient = {"limits": {"between_tokens_timeout_s": 300}}
    world = await start(max_streams_per_user=1, assistant=patient)
    world.provider.hang("Hello")
    async with wire(world) as one:
        await one.send(post(world, HELLO, accept=accept))
        await until(lambda: bool(world.provider.requests))
        one.writer.close()
        await one.writer.wait_closed()
        world.provider.say("Hi.")

        async def is_free() -> bool:
            return (await world.person().ask("again")).status_code == 200

        await until(is_free)


BEFORE_THE_APP = {
    "no HTTP": (b"hello\r\n\r\n", 400, "invalid_request"),
    "two lengths": (
        b"POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
        "invalid_request",
    ),
    "a length and chunks": (
        b"POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "invalid_request",
    ),
    "a header with a control character": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        400,
        "invalid_request",
    ),
    "a long line": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "payload_too_large"),
    "a long header": (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 66_000 + b"\r\n\r\n", 431, "payload_too_large"),
    "many headers": (b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", 431, "payload_too_large"),
    "long trailers": (
        b"POST /chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: aaaaaaaaaa\r\n" * 20_000,
        431,
        "payload_too_large",
    ),
}


async def test_what_the_server_itself_refuses_looks_like_every_other_refusal(start: Start) -> None:
    """G74: in one piece and in many."""
    world = await start()
    for request, status, code in BEFORE_THE_APP.values():
        for size in (len(request), 1000):
            async with wire(world) as one:
                for at in range(0, len(request), size):
                    one.writer.write(request[at : at + size])
                    await asyncio.sleep(0)
                assert_refused(await one.closed(), status, code)


NO_REQUESTS = {
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    "no name of a host": b"GET /livez HTTP/1.1\r\nHost: a/../b@c\r\nConnection: close\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /chat HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
}


async def test_what_others_on_the_way_may_read_otherwise_is_refused(start: Start) -> None:
    """G74."""
    world = await start()
    for request in NO_REQUESTS.values():
        assert_refused(await asked(world, request), 400, "invalid_request")


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_an_offer_to_speak_another_protocol_is_passed_over(start: Start, protocol: bytes) -> None:
    """G74: by clients in Java, for one; the request that it comes with is read whole, and so is the next."""
    world = await start()
    offer = b"\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: %b\r\n\r\n" % protocol
    request = post(world, HELLO).replace(b"\r\n\r\n", offer, 1)
    for size in (len(request) * 3, 100):
        for _ in range(3):
            world.provider.say("Hello.")
        async with wire(world) as one:
            for at in range(0, len(request) * 3, size):
                await one.send((request * 3)[at : at + size])
            async with asyncio.timeout(PATIENT_S):
                while one.came.count(b'"response":"Hello."') < 3:
                    one.came += await one.reader.read(65536)
            await one.send(offer[2:])
            assert b" 400 " in await one.closed()


async def test_a_host_that_the_request_names_stands_in_no_answer(start: Start) -> None:
    """G74: a path with a slash too much is none of ours, and no redirect to wherever the request came from."""
    world = await start()
    for path in (b"/conversations/", b"/chat/", b"/livez/", b"//evil.example/", b"//evil.example/livez"):
        answer = await asked(
            world,
            b"GET %b HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n"
            % path,
        )
        assert read(answer)[0] == 404
        assert b"evil" not in answer


async def test_a_head_within_the_limit_is_taken_also_behind_a_large_body(start: Start) -> None:
    """G74: bytes of a body, or of another request, are none of a head."""
    world = await start(max_header_bytes=8192)
    head = LIVE.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 7900 + b"\r\n\r\n")
    refused = post(world, b" " * 60_000, path="/nowhere")
    for cut in (len(refused) + 40, len(refused) + 4000):
        async with wire(world) as one:
            both = refused + head + LIVE
            await one.send(both[:cut])
            await one.until(b" 404 ")
            await one.send(both[cut:])
            async with asyncio.timeout(PATIENT_S):
                while one.came.count(HEALTHY) < 2:
                    one.came += await one.reader.read(65536)


async def test_trailers_are_no_headers(start: Start) -> None:
    """G74: a token that stands behind the body proves nobody."""
    world = await start()
    token = world.person().token.encode()
    chunks = b"%x\r\n%b\r\n0\r\nAuthorization: Bearer %b\r\n\r\n" % (len(HELLO), HELLO, token)
    head = post(world, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked\r\nConnection: close")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Authorization"))
    assert read(await asked(world, head + chunks))[0] == 401


async def test_a_last_answer_reaches_a_client_that_is_still_sending(start: Start) -> None:
    """G74: closing at once would reset it."""
    world = await start(max_body_bytes=4096)
    for _ in range(5):
        request = post(world, b" " * 12_000_000).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
        assert read(await asked(world, request))[0] == 413


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


LARGE = ("/conversations/{id}/export", "/conversations/{id}/messages?limit=100", "/files/{file}")


@asynccontextmanager
async def unread(world: World, who: Person, path: str) -> AsyncIterator[socket.socket]:
    """Ask for something, and read nothing of it; little of it fits into what the client's side takes."""
    address, loop = urlsplit(world.url), asyncio.get_running_loop()
    with closing(socket.socket()) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        own.setblocking(False)
        await loop.sock_connect(own, (address.hostname, address.port))
        head = (
            f"GET {path} HTTP/1.1\r\nHost: frontdesk\r\nAuthorization: Bearer {who.token}\r\nConnection: close\r\n\r\n"
        )
        await loop.sock_sendall(own, head.encode())
        yield own


def is_open_there(world: World, own: socket.socket) -> bool:
    """Return whether the server has this connection open, by the kernel's word: whoever reads nothing does not see its end."""
    ends = f":{urlsplit(world.url).port:04X} ", f":{own.getsockname()[1]:04X} 01 "
    return any(all(end in line for end in ends) for line in Path("/proc/self/net/tcp").read_text().splitlines())


async def rest_of(own: socket.socket, *, slowly: bool = False) -> int:
    """Read until the other side ends; return how many bytes that were. Slow is so little that the kernel asks for no more in time."""
    size, begun = 0, time.monotonic()
    async with asyncio.timeout(60):
        try:
            while data := await asyncio.get_running_loop().sock_recv(own, 32768):
                size += len(data)
                await asyncio.sleep(0.1 if slowly and time.monotonic() < begun + 6 * LIMIT_S else 0)
        except ConnectionError:
            pass
    return size


async def test_who_reads_nothing_of_an_answer_is_cut_and_who_reads_slowly_is_not(start: Start) -> None:
    """G24: whatever it is, a list, an export or a file: each would take its memory, and a connection, for ever."""
    world = await start(send_timeout_s=LIMIT_S, assistant={"files": True})
    ann = world.person()
    world.provider.say("Hello.")
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    async with store_of(world).write("acme") as connection:
        said = (await connection.execute(select(messages).where(messages.c.role == "user"))).mappings().one()
        wide = "\U0001f600" * 32_000
        more = [{**said, "id": new_id(), "position": 3 + n, "text": wide} for n in range(100)]
        await connection.execute(insert(messages), more)
    sent = await ann.request("POST", "/files", files={"file": ("a.txt", b"hello world\n" * 1_200_000)})
    paths = [path.format(id=conversation_id, file=sent.json()["id"]) for path in LARGE]

    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(unread(world, ann, path)) for path in paths]
        slow = [await stack.enter_async_context(unread(world, ann, path)) for path in paths]
        read = asyncio.gather(*(rest_of(one, slowly=True) for one in slow))
        await until(lambda: not any(is_open_there(world, one) for one in silent), timeout_s=60)
        taken = [await rest_of(one) for one in silent]
        whole = await read

    assert all(size > 12_000_000 for size in whole)
    assert all(size < 10_000_000 for size in taken), taken


def test_a_kernel_that_does_not_say_what_it_holds_leaves_what_we_hold() -> None:
    """G24: as one does for what is no socket; the look at who reads nothing goes on."""
    with Path(__file__).open("rb") as no_socket:
        transport = SimpleNamespace(get_write_buffer_size=lambda: 7, get_extra_info=lambda _name: no_socket)
        assert AnswerSender._bytes_left(cast("AnswerSender", SimpleNamespace(transport=transport))) == 7

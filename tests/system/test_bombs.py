"""Backends that would take all of a process: endless, huge, packed, slow, many at once. A real process; its memory is measured."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from support.backend import TenantBackend
from support.http import Connection, Request, head
from support.processes import Nursery, Server
from support.provider import Call, Provider
from support.server import machine
from support.world import Person, World

from api.settings import Settings

pytestmark = pytest.mark.timeout(600)

MOST_MB = 32.0
TOOL_S = 4.0
PATIENCE_S = 2.0
"""With answers that only this ends: all of it is waited for."""
PIECE = b"x" * 65_536
HUGE = 200_000_000
READ = "GET /orders/count"

Bomb = Callable[[Request, Connection], Awaitable[None]]


async def hang(_request: Request, connection: Connection) -> None:
    await connection.gone.wait()


async def one_byte_a_second(_request: Request, connection: Connection) -> None:
    await connection.send(head(200, {"Content-Type": "application/json", "Content-Length": "1000000"}))
    while not connection.gone.is_set():
        await connection.send(b" ")
        await asyncio.sleep(1)  # the slowness is the fault


async def a_head_of_one_byte_a_second(_request: Request, connection: Connection) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000:
        if connection.gone.is_set():
            return
        await connection.send(bytes([byte]))
        await asyncio.sleep(1)  # the slowness is the fault


async def huge(_request: Request, connection: Connection) -> None:
    await connection.send(head(200, {"Content-Type": "application/json", "Content-Length": str(HUGE)}))
    await _pour(connection, PIECE, HUGE // len(PIECE))


async def huge_without_a_length(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks("application/json")
    await _pour(connection, b"%x\r\n%b\r\n" % (len(PIECE), PIECE), HUGE // len(PIECE))


async def huge_refusal(_request: Request, connection: Connection) -> None:
    await connection.send(head(400, {"Content-Type": "application/json", "Content-Length": str(HUGE)}))
    await _pour(connection, PIECE, HUGE // len(PIECE))


async def endless_tiny_chunks(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks("application/json")
    await _pour(connection, b"1\r\nx\r\n" * 10_000, 100_000)


async def an_endless_chunk_extension(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks("application/json")
    await connection.send(b"5;a=")
    await _pour(connection, PIECE, HUGE // len(PIECE))


async def endless_trailers(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks("application/json")
    await connection.send(b"2\r\n{}\r\n0\r\n")
    await _pour(connection, b"X-Trailer: something\r\n" * 3000, HUGE // 60_000)


async def endless_headers(_request: Request, connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\n")
    for n in range(4_000_000):
        if connection.gone.is_set():
            return
        await connection.send(b"".join(b"X-%d-%d: something\r\n" % (n, m) for m in range(2000)))


async def one_endless_header(_request: Request, connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nX-A: ")
    await _pour(connection, PIECE, HUGE // len(PIECE))


async def endless_promises(_request: Request, connection: Connection) -> None:
    await _pour(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1000, 100_000)


async def answers_that_nobody_asked_for(_request: Request, connection: Connection) -> None:
    await _pour(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 10_000, 1000)


def packed(coding: str, body: Callable[[], bytes]) -> Bomb:
    async def answer(_request: Request, connection: Connection) -> None:
        headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
        await connection.respond(200, body(), headers=headers)

    return answer


def parsed(body: bytes) -> Bomb:
    async def answer(_request: Request, connection: Connection) -> None:
        await connection.respond(200, body)

    return answer


async def _pour(connection: Connection, data: bytes, times: int) -> None:
    for _ in range(times):
        if connection.gone.is_set():
            return
        await connection.send(data)
        await asyncio.sleep(0)


@cache
def zeros(wbits: int) -> bytes:
    """Return 200 MB of one character, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join([packer.compress(b"0" * 1_000_000) for _ in range(200)]) + packer.flush()


GZIP, DEFLATE, BARE = 31, 15, -15
MIB4 = 4 * 1024 * 1024 - 2
BOMBS: dict[str, dict[str, Bomb]] = {
    "slow": {
        "hang": hang,
        "one byte a second": one_byte_a_second,
        "a head of one byte a second": a_head_of_one_byte_a_second,
        "an endless chunk extension": an_endless_chunk_extension,
        "endless tiny chunks": endless_tiny_chunks,
    },
    "long": {
        "200 MB": huge,
        "200 MB without a length": huge_without_a_length,
        "200 MB of a refusal": huge_refusal,
        "endless trailers": endless_trailers,
        "endless headers": endless_headers,
        "one endless header": one_endless_header,
        "endless promises": endless_promises,
        "answers that nobody asked for": answers_that_nobody_asked_for,
    },
    "packed": {
        "gzip": packed("gzip", partial(zeros, GZIP)),
        "gzip in gzip, said twice": packed("gzip, gzip", lambda: gzip.compress(zeros(GZIP))),
        "gzip in gzip": packed("gzip", lambda: gzip.compress(zeros(GZIP))),
        "deflate": packed("deflate", partial(zeros, DEFLATE)),
        "bare deflate": packed("deflate", partial(zeros, BARE)),
        "brotli": packed("br", partial(zeros, GZIP)),
        "many gzips": packed("gzip", lambda: gzip.compress(b"") * 50_000),
    },
    "parsed": {
        "empty lists": parsed(b"[" + b"[]," * (MIB4 // 3 - 1) + b"[]]"),
        "empty objects": parsed(b"[" + b"{}," * (MIB4 // 3 - 1) + b"{}]"),
        "numbers": parsed(b"[" + b"1," * (MIB4 // 2 - 1) + b"1]"),
        "as many values as there may be": parsed(b"[" + b"[]," * 120_000 + b"[]]"),
        "a text of the greatest length": parsed(b'"' + b"x" * (MIB4 - 10) + b'"'),
        "deep": parsed(b"[" * 1_000_000 + b"]" * 1_000_000),
    },
}


@asynccontextmanager
async def serving(
    folder: Path, provider: Provider, backend: TenantBackend, nursery: Nursery, *, tool_s: float
) -> AsyncIterator[Server]:
    """Yield a process that has worked already, as all memory that is counted later is to be the bombs'."""
    frontdesk = machine(
        folder,
        provider_url=provider.url,
        backend_url=backend.url,
        assistant={"limits": {"tool_timeout_s": tool_s}},
        nursery=nursery,
        backend_failures=1000,
    )
    backend.answer(READ, {"count": 42})
    async with frontdesk as started:
        server = await started.start()
        for _ in range(3):
            await turn(person_at(server, provider, backend), calls=16)
        yield server


def person_at(server: Server, provider: Provider, backend: TenantBackend) -> Person:
    """Return somebody who asks this process."""
    return World(server.url, FastAPI(), Settings(_env_file=None), provider, backend).person()


def peak_mb(server: Server) -> float:
    """Return the most memory that the process has had since `begin_peak`."""
    return _status_mb(server, "VmHWM")


def begin_peak(server: Server) -> float:
    """Return the memory that the process has now; its peak is counted from here."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    return _status_mb(server, "VmRSS")


def _status_mb(server: Server, name: str) -> float:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


async def turn(ann: Person, *, calls: int = 1) -> list[str]:
    """Let the model ask for calls at once; return the results that it was given."""
    provider = ann.world.provider
    provider.call(*(Call("count_orders", {}, f"call-{n}") for n in range(calls)))
    provider.say("Well.")
    async with asyncio.timeout(120):
        stream = await ann.stream("count")
    assert (stream.text, stream.first("status")) == ("Well.", "completed")
    return [one["content"] for one in provider.requests[-1]["messages"] if one["role"] == "tool"][-calls:]


@pytest.mark.parametrize(
    ("kind", "is_whole"),
    [
        *(("slow", False), ("long", False), ("packed", True), ("parsed", True)),
        *(pytest.param(kind, True, marks=pytest.mark.long) for kind in ("slow", "long")),
    ],
)
async def test_no_answer_of_a_backend_takes_the_process_with_it(
    provider: Provider, backend: TenantBackend, nursery: Nursery, tmp_path: Path, kind: str, is_whole: bool
) -> None:
    """G229: the turn ends, memory grows by at most 32 MB, the next turn works; also of sixteen at once. Of the slow and the long every other one gates."""
    grown: dict[str, float] = {}
    tool_s = PATIENCE_S if kind == "slow" else TOOL_S
    async with serving(tmp_path, provider, backend, nursery, tool_s=tool_s) as server:
        ann = person_at(server, provider, backend)
        for name, bomb in [*BOMBS[kind].items()][:: 1 if is_whole else 2]:
            for calls in (1, 16):
                backend.routes[READ] = bomb
                before = begin_peak(server)
                results = await turn(ann, calls=calls)
                grown[f"{name}, {calls} at once"] = peak_mb(server) - before
                assert max(map(len, results)) < 40_000
                backend.answer(READ, {"count": 42})
                assert await turn(ann) == ['{"count":42}'], name
    for name, mb in grown.items():
        print(f"{mb:6.1f} MB  {name}")
    assert max(grown.values()) <= MOST_MB, {name: mb for name, mb in grown.items() if mb > MOST_MB}


async def test_128_calls_at_once_are_answered_in_turn(
    provider: Provider, backend: TenantBackend, nursery: Nursery, tmp_path: Path
) -> None:
    """G226"""
    async with serving(tmp_path, provider, backend, nursery, tool_s=TOOL_S) as server:
        ann = person_at(server, provider, backend)
        before = begin_peak(server)
        assert await turn(ann, calls=128) == ['{"count":42}'] * 128
        backend.routes[READ] = hang
        results = await turn(ann, calls=128)
        assert len(results) == 128
        assert all("took longer" in one or "was not sent" in one for one in results)
        assert peak_mb(server) - before <= MOST_MB
        backend.answer(READ, {"count": 42})
        assert await turn(ann) == ['{"count":42}']

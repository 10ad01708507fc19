"""The client of real backends: each request once, bounded bytes, connections that are kept and left in time."""

import asyncio
import gzip
import os
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import pytest
from support.backend import Route, TenantBackend, scripted_backend
from support.each import each
from support.faults import until
from support.hostile import caller
from support.http import Connection, Request, head, listen

from agent.errors import ToolError
from agent.http import open_session
from tools.backends.answers import UNKNOWN
from tools.backends.backend import Backend
from tools.backends.caution import Caution
from tools.backends.heads import MOST_HEAD_BYTES, bound_heads
from tools.backends.limits import USUAL, BackendLimits
from tools.backends.transport import Request as Asked


def answering(body: bytes, **headers: str) -> Route:
    async def respond(_request: Request, connection: Connection) -> None:
        lines = {"Content-Length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}}
        with suppress(ConnectionError):
            await connection.send(head(200, lines) + body)

    return respond


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("is_reset", [True, False])
async def test_a_request_whose_kept_connection_was_closed_is_not_sent_again(
    backend: TenantBackend, method: str, is_reset: bool
) -> None:
    """G223: nobody knows whether the first one was carried out."""

    async def close(_request: Request, connection: Connection) -> None:
        if is_reset:
            connection.cut()
        else:
            connection.writer.close()

    backend.answer("GET /first", {})
    backend.routes[f"{method} /x"] = close
    async with Backend(backend.url) as made:
        await made.session(caller()).get("/first")
        with pytest.raises(Exception, match=r"."):
            await made.send(Asked(method, "/x"), caller())
    assert [request.path for request in backend.requests] == ["/first", "/x"]


async def test_a_connection_is_kept_for_the_next_request(backend: TenantBackend) -> None:
    """G223: also after a refusal, and in the name of somebody else."""
    ports = []

    async def respond(_request: Request, connection: Connection) -> None:
        ports.append(connection.writer.get_extra_info("peername")[1])
        await connection.respond(404, b"{}")

    backend.routes["GET /x"] = respond
    async with Backend(backend.url) as made:
        for user in ("ann", "bob", "ann"):
            await made.session(caller(user=user)).get("/x")
    assert len(set(ports)) == 1


async def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again(backend: TenantBackend) -> None:
    """G223: the rest of one answer is never the beginning of another's."""
    backend.routes["GET /large"] = answering(b'"' + b"x" * (2 * USUAL.response_bytes) + b'"')
    arrived = asyncio.Event()

    async def late(_request: Request, connection: Connection) -> None:
        arrived.set()
        await connection.send(head(200, {"Content-Length": "20"}) + b'"of somebody')
        await connection.gone.wait()

    backend.routes["GET /late"] = late
    backend.answer("GET /x", {"mine": 1})
    async with Backend(backend.url, caution=Caution(BackendLimits(connections=1))) as made:
        with pytest.raises(ToolError, match="larger than"):
            await made.session(caller()).get("/large")
        assert await made.session(caller()).get("/x") == {"mine": 1}
        async with asyncio.TaskGroup() as calls:
            stopped = calls.create_task(made.session(caller(user="bob")).get("/late"))
            await arrived.wait()
            stopped.cancel()
        assert await made.session(caller()).get("/x") == {"mine": 1}


@pytest.mark.parametrize(
    "more", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"]
)
@pytest.mark.parametrize("is_at_once", [True, False])
async def test_what_came_unasked_is_no_answer_for_whoever_is_next(
    backend: TenantBackend, more: bytes, is_at_once: bool
) -> None:
    """G223: behind the answer before it, or while the connection was kept."""
    kept: list[Connection] = []

    async def respond(request: Request, connection: Connection) -> None:
        mine = f'"{request.path}"'.encode()
        unasked = more + b'"of somebody" ' if more else b"\r\n"
        await connection.send(head(200, {"Content-Length": str(len(mine))}) + mine + (unasked if is_at_once else b""))
        if not is_at_once:
            kept.append(connection)

    for path in ("/a", "/b", "/c"):
        backend.routes[f"GET {path}"] = respond
    async with Backend(backend.url) as made:
        for path in ("/a", "/b", "/c"):
            with suppress(ToolError):  # of half an answer nobody knows where the next one begins
                assert await made.session(caller(user=path)).get(path) == path
            for connection in kept:
                if not connection.writer.is_closing():  # one that was dropped for what came before
                    connection.writer.write(more + b'"of somebody" ' if more else b"\r\n")


@each("version", [b"1.1", b"1.0"])
@each(
    "rest",
    [
        b"Content-Length: 2\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n<html>",
        b"X: y\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_204_says_that_it_is_done_whatever_comes_behind_it(version: bytes, rest: bytes) -> None:
    """G640: also behind another head, and cut where it is; and what comes is not the answer to the next request."""
    async with scripted_backend() as backend, Backend(backend.url) as made:
        answer, cut = b"HTTP/%b 204 Done\r\n%b" % (version, rest), 0

        async def done(_request: Request, connection: Connection) -> None:
            with suppress(ConnectionError):
                await connection.send(answer[:cut])
                await asyncio.sleep(0.01 if cut else 0)  # two reads of the client's, mostly
                await connection.send(answer[cut:])

        backend.routes["PATCH /x"] = done
        backend.answer("GET /x", {"mine": 1})
        for before in (b"", b"HTTP/1.1 103 Early\r\n\r\n"):
            answer = before + answer
            end = answer.index(b"\r\n\r\n", len(before))
            for cut in (0, end, end + 2, end + 3):  # noqa: B007 (where the answer is cut)
                assert await made.session(caller()).patch("/x", {}) == {"ok": True}
                assert await made.session(caller("globex")).get("/x") == {"mine": 1}


async def test_a_long_body_that_is_read_slowly_is_gone_on_with() -> None:
    """G640: what its reader had no room for waits in the parser, and comes with what was read of the socket: nothing."""
    body = gzip.compress(b'"' + b"x" * 5_000_000 + b'"')
    async with listen(answering(body, Content_Encoding="gzip")) as url, open_session(connect_timeout_s=5) as session:
        bound_heads(session)
        async with asyncio.timeout(30), session.get(url) as answer:
            assert len(await answer.json(content_type=None)) == 5_000_000


@each("lines", [{}, {"Upgrade": "x"}, {"Connection": "upgrade", "Upgrade": "x"}, {"Content-Length": "9"}])
async def test_behind_a_switch_of_protocols_that_nobody_asked_for_a_connection_is_not_kept(
    lines: dict[str, str],
) -> None:
    """G680: the answer that was meant may still come, and would be the next one's; with the client of models it is the same."""
    ports = list[int]()

    async def respond(request: Request, connection: Connection) -> None:
        ports.append(connection.writer.get_extra_info("peername")[1])
        if request.path == "/a":
            await connection.send(head(101, lines))
        else:
            await connection.respond(200, b'"mine"')

    async with listen(respond) as url, Backend(url) as made, open_session(connect_timeout_s=5) as session:
        with pytest.raises(ToolError):
            await made.session(caller()).get("/a")
        assert await made.session(caller("globex")).get("/b") == "mine"
        async with session.get(f"{url}/a"):
            pass
        async with session.get(f"{url}/b") as answer:
            assert await answer.json() == "mine"
    assert len(set(ports)) == 4


def with_head(headers: int, each_bytes: int, body: bytes) -> Route:
    """Answer with so many headers of that size."""

    async def respond(_request: Request, connection: Connection) -> None:
        with suppress(ConnectionError):
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body))
            for number in range(headers):
                await connection.send(b"X-%d: %b\r\n" % (number, b"a" * each_bytes))
            await connection.send(b"\r\n" + body)

    return respond


async def test_all_headers_of_an_answer_together_have_a_size(backend: TenantBackend) -> None:
    """G223: and bodies, and answers one after another on one connection, do not count for it."""
    long = b'"' + b"b" * 20_000 + b'"'
    backend.routes["GET /much"] = with_head(4, MOST_HEAD_BYTES // 5, long)
    backend.routes["GET /more"] = with_head(900, 60_000, b"{}")
    backend.routes["GET /large"] = with_head(1, 10, b'"' + b"c" * 2 * MOST_HEAD_BYTES + b'"')
    async with Backend(backend.url) as made:
        for _ in range(20):
            assert len(await made.session(caller()).get("/much")) == 20_000
        assert len(await made.session(caller()).get("/large")) == 2 * MOST_HEAD_BYTES
        with pytest.raises(ToolError, match="cannot be reached right now"):
            await made.session(caller()).get("/more")
        assert len(await made.session(caller()).get("/much")) == 20_000


async def test_a_connection_that_was_closed_while_it_was_kept_is_not_used(backend: TenantBackend) -> None:
    """G223: a change is made on a new one, and not lost."""
    kept: list[Connection] = []

    async def respond(_request: Request, connection: Connection) -> None:
        kept.append(connection)
        await connection.respond(200, b"{}")

    backend.routes["GET /x"] = backend.routes["POST /x"] = respond
    async with Backend(backend.url) as made:
        for _ in range(20):
            await made.session(caller()).get("/x")
            kept[-1].cut()
            with suppress(ConnectionError):
                await kept[-1].writer.wait_closed()
            await made.session(caller()).post("/x")
            # The system knows it at once, and the loop in which the client runs does not.
            with socket.socket(fileno=os.dup(kept[-1].writer.get_extra_info("socket").fileno())) as own:
                own.shutdown(socket.SHUT_WR)
            await made.session(caller()).post("/x")
    assert len(backend.requests) == 60


async def test_a_backend_has_so_many_connections_and_no_more(backend: TenantBackend) -> None:
    """G223: whoever comes then waits for one."""
    at_once, most, gate = 0, 0, asyncio.Event()

    async def respond(_request: Request, connection: Connection) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == 3:
            gate.set()
        await gate.wait()
        at_once -= 1
        await connection.respond(200, b"{}")

    backend.routes["GET /x"] = respond
    async with (
        Backend(backend.url, caution=Caution(BackendLimits(connections=3))) as made,
        asyncio.TaskGroup() as calls,
    ):
        for _ in range(20):
            calls.create_task(made.session(caller()).get("/x"))
    assert most == 3


@cache
def bomb() -> bytes:
    return gzip.compress(b" " * (200 * 1024 * 1024), 9)


@pytest.mark.parametrize(
    "made",
    [
        bomb,
        lambda: gzip.compress(b" ") * 300_000,
        lambda: gzip.compress(b"[" + b" " * USUAL.response_bytes + b"]"),
        lambda: bomb()[: len(bomb()) // 2],
    ],
    ids=["one", "many small ones", "a little too large", "half of one"],
)
async def test_what_is_small_only_while_it_is_compressed_is_not_unpacked(
    backend: TenantBackend, made: Callable[[], bytes]
) -> None:
    """G223: the limit counts bytes as they are read."""
    body = made()
    backend.routes["GET /x"] = answering(body, Content_Encoding="gzip")
    async with Backend(backend.url) as opened:
        with pytest.raises(ToolError, match=r"larger than|not JSON"):
            await opened.session(caller()).get("/x")


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b'{"a": 1}', mtime=0), "gzip"),
        (gzip.compress(b'{"a": 1}', mtime=0), " GZip "),
        (gzip.compress(b'{"a"', mtime=0) + gzip.compress(b": 1}", mtime=0), "x-gzip"),
        (gzip.compress(b'{"a": 1}', mtime=0) + bytes(512), "gzip"),
        (b'{"a": 1}', "identity"),
        (b'{"a": 1}', ""),
    ],
)
async def test_a_compressed_answer_is_read(backend: TenantBackend, body: bytes, encoding: str) -> None:
    async def by_the_byte(_request: Request, connection: Connection) -> None:
        await connection.send(head(200, {"Content-Length": str(len(body)), "Content-Encoding": encoding}))
        for at in range(len(body)):
            await connection.send(body[at : at + 1])

    backend.routes["GET /x"] = by_the_byte
    async with Backend(backend.url) as made:
        assert await made.session(caller()).get("/x") == {"a": 1}
    assert backend.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b'{"a": 1}', "gzip"),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-4], "gzip"),
        (zlib.compress(b'{"a": 1}'), "deflate"),
        (b"\x0b\x02\x80\x00\x00\x03", "br"),
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "gzip, gzip"),
    ],
)
async def test_a_compressed_answer_that_cannot_be_read_is_told_as_such(
    backend: TenantBackend, body: bytes, encoding: str
) -> None:
    """G46: a change that was made stays told as made."""
    backend.routes["GET /x"] = backend.routes["POST /x"] = answering(body, Content_Encoding=encoding)
    async with Backend(backend.url) as made:
        with pytest.raises(ToolError, match=r"broke off|not JSON"):
            await made.session(caller()).get("/x")
        assert (await made.session(caller()).post("/x"))["ok"] is True


async def test_what_opens_doors_is_not_among_the_headers_of_an_answer(backend: TenantBackend) -> None:
    """G222: whoever makes a result of them shows none of these."""
    backend.routes["GET /x"] = answering(
        b"{}", Set_Cookie="a=SECRET", WWW_Authenticate="SECRET", Authorization="SECRET", Link="<b>"
    )
    async with Backend(backend.url) as made:
        answer = await made.send(Asked("GET", "/x"), caller())
    assert "SECRET" not in repr(answer)
    assert answer.headers["link"] == "<b>"


@pytest.mark.parametrize(
    ("path", "sent"), [("/a b", "/a%20b"), ("/ä", "/%C3%A4"), ("/a%20b", "/a%20b"), ("/a:b@c,d;e=f", "/a:b@c,d;e=f")]
)
async def test_a_path_is_sent_as_it_is_meant(backend: TenantBackend, path: str, sent: str) -> None:
    async with Backend(f"{backend.url}/api") as made:
        await made.send(Asked("GET", path, "q=%2F%20a+b"), caller())
    assert backend.requests[0].path == f"/api{sent}?q=%2F%20a+b"


async def test_a_hundred_calls_that_are_under_way_end_with_the_backend(backend: TenantBackend) -> None:
    """G223: those that are out and those that wait for a turn; none is made again, and a change is told as unknown or not made."""
    backend.hang("POST /x")
    backend.hang("GET /x")
    made = Backend(backend.url)
    await made.__aenter__()
    sessions = [made.session(caller(f"tenant-{number % 9}")) for number in range(100)]
    calls = [
        asyncio.create_task(one.post("/x") if number % 2 else one.get("/x")) for number, one in enumerate(sessions)
    ]
    await until(lambda: len(backend.requests) == 100)
    await made.__aexit__(None, None, None)
    async with asyncio.timeout(60):
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, ToolError) for one in ended)
    assert all(UNKNOWN in str(one) for one in ended[1::2])
    assert len(backend.requests) == 100
    with pytest.raises(ToolError, match="cannot be reached"):  # nor does it open a connection of its own
        await made.session(caller("somebody-else")).get("/x")

"""Requests that leave for a backend, and what its answers can bring about: one request to one server, and nothing after it."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from support.each import each
from support.hostile import caller, two_backends
from support.http import Connection, Request, head

from agent.errors import ToolError
from tools.backends.backend import Backend
from tools.backends.transport import Request as Asked

LOCATIONS = [
    *(
        "http://{other}/steal",
        "https://{other}/steal",
        "//{other}/steal",
        "/\\{other}/steal",
        "http:{other}",
        "/elsewhere",
    ),
    *(
        "/",
        "http://ann:b@{other}/",
        "http://{own}/",
        "http://{own}@{other}/",
        "http://169.254.169.254/latest/meta-data",
    ),
    *("http://[::1]:1/", "file:///etc/passwd", "http://2130706433/", "", "ftp://{other}/", "http://{other}\r\nX: y"),
]


@each("status", [300, 301, 302, 303, 305, 307, 308])
@each("location", LOCATIONS)
async def test_no_redirect_is_followed_wherever_it_goes(status: int, location: str) -> None:
    """G220: nor is the same server asked again."""
    async with two_backends() as (backend, other), Backend(backend.url) as made:
        hosts = {"own": urlsplit(backend.url).netloc, "other": urlsplit(other.url).netloc}
        answer = head(
            status, {"Location": location.format(**hosts), "Content-Length": "0", "Refresh": f"0; {other.url}"}
        )

        async def redirect(_request: Request, connection: Connection) -> None:
            await connection.send(answer)

        backend.routes["GET /x"] = backend.routes["POST /x"] = redirect
        with pytest.raises(ToolError, match="redirect"):
            await made.session(caller()).get("/x")
        with pytest.raises(ToolError, match="redirect"):
            await made.session(caller()).post("/x")
        assert not other.requests
        assert len(backend.requests) == 2


PATHS = [
    *(
        "//{other}/x",
        "///{other}",
        "/\\{other}",
        "\\\\{other}",
        "http://{other}/x",
        "{other}",
        "@{other}/",
        "/..//{other}",
    ),
    *("/%2e%2e/x", "/a/..%2f..%2fx", "/a/%2e%2e%2fx", "/..;/x", "/a/..\\x", "/a%5c..%5cx", "/.%2e/x", "/%252e%252e/x"),
    *("/x HTTP/1.1\r\nHost: {other}\r\n\r\nGET /y", "/x%0d%0aHost:%20{other}", "/x\nHost: {other}", "/x\r\n", "/x\x00"),
    *(
        "/x?next=http://{other}",
        "/x#@{other}",
        "/\u2215\u2215{other}",
        "/a%00",
        "/x\u0085y",
        "/a%2f%2f{other}",
        "/x\\@{other}",
    ),
]


@each("path", PATHS)
async def test_no_path_leads_elsewhere(path: str) -> None:
    """G220: nothing is sent at all."""
    async with two_backends() as (backend, other), Backend(backend.url) as made:
        with pytest.raises(ToolError, match="Not a path of the backend"):
            await made.send(Asked("GET", path.format(other=urlsplit(other.url).netloc)), caller())
        assert not backend.requests + other.requests


@pytest.mark.parametrize("query", ["a=b c", "a=\r\nHost: x", "a=\x00", "a#b", "a=ä", "a=\u2028", "a=\ud800"])
async def test_a_query_that_is_not_encoded_is_not_sent(query: str) -> None:
    """G220: it could end the line that it stands in."""
    async with two_backends() as (backend, _), Backend(backend.url) as made:
        with pytest.raises(ToolError, match="cannot be sent"):
            await made.send(Asked("GET", "/x", query), caller())
        assert not backend.requests


@pytest.mark.parametrize(
    "method", ["get", "GET /y HTTP/1.1\r\nA: b\r\n\r\nGET", "", "G T", "CONNECT\r\n", "GÉT", "X" * 40]
)
async def test_what_is_no_method_is_not_sent(method: str) -> None:
    """G220: it stands at the beginning of the request."""
    async with two_backends() as (backend, _), Backend(backend.url) as made:
        with pytest.raises(ToolError, match="Not a method"):
            await made.send(Asked(method, "/x"), caller())
        assert not backend.requests


OURS = [
    *(
        "Host",
        "host",
        "HOST",
        "Authorization",
        "authorization",
        "Cookie",
        "Cookie2",
        "Proxy-Authorization",
        "X-Forwarded-For",
    ),
    *("X-Forwarded-Host", "Forwarded", "Connection", "Transfer-Encoding", "Content-Length", "Upgrade", "Expect", "TE"),
    *("Trailer", "Via", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy-Connection", "X-Branch-Id"),
    *("Sec-Fetch-Site", "Origin", "Referer", "Accept-Encoding", "X-Real-IP"),
]


@each("name", OURS)
async def test_no_tool_sets_a_header_that_says_where_a_request_goes_or_who_asks(name: str) -> None:
    """G220: an operation of a document may want it."""
    async with two_backends() as (backend, other), Backend(backend.url) as made:
        backend.answer("GET /x", {})
        evil = urlsplit(other.url).netloc
        await made.send(Asked("GET", "/x", headers={name: evil, "X-Own": "1"}), caller())
        headers = backend.requests[0].headers
        assert evil not in headers.values()
        assert headers["host"] == urlsplit(backend.url).netloc
        assert headers["authorization"] == "Bearer token-of-acme-ann"
        assert headers["x-own"] == "1"


@each("name", ["X Own", "X-Own:", "X-Own\r\nHost", "", "X-Öwn", "X\x00"])
@each("value", ["1", "1\r\nHost: evil.example"])
async def test_a_header_that_is_none_is_not_sent(name: str, value: str) -> None:
    """G220: neither by its name nor by its value."""
    async with two_backends() as (backend, _), Backend(backend.url) as made:
        for headers in ({name: value}, {"X-Own": "a\nb"}, {"X-Own": "a\x00b"}, {"X-Own": "\ud800"}):
            with pytest.raises(ToolError, match="cannot be sent"):
                await made.send(Asked("GET", "/x", headers=headers), caller())
        assert not backend.requests


ANSWERS = [
    *(
        b"hello\r\n\r\n",
        b"<html>steal</html>",
        b"\x00\xff\x16\x03\x01",
        b"HTTP/1.1 abc\r\n\r\n",
    ),
    *(
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    ),
    *(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ),
    *(
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ),
]


@each("answer", ANSWERS)
async def test_what_is_no_answer_is_told_as_such(answer: bytes) -> None:
    """G220: garbage, as a service that speaks something else says it; and a change may have been made."""
    async with two_backends() as (backend, _), Backend(backend.url) as made:

        async def garbage(_request: Request, connection: Connection) -> None:
            with suppress(ConnectionError):
                await connection.send(answer)
            connection.writer.close()

        backend.routes["GET /x"] = backend.routes["POST /x"] = garbage
        with pytest.raises(ToolError, match=r"cannot be reached|broke off"):
            await made.session(caller()).get("/x")
        with suppress(ToolError):
            assert "note" in await made.session(caller()).post("/x")


async def test_a_body_that_is_none_breaks_off_at_once_where_its_head_came_before_it() -> None:
    """G220: who reads it hears of that, and does not wait until the time of the call is over."""
    async with two_backends() as (backend, _), Backend(backend.url, read_timeout_s=600) as made:

        async def garbage(_request: Request, connection: Connection) -> None:
            await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            await connection.send(b"zz\r\n")
            await connection.gone.wait()

        backend.routes["GET /x"] = garbage
        with pytest.raises(ToolError, match="broke off"):
            await made.session(caller()).get("/x")


async def test_a_switch_of_protocols_is_an_answer_like_any_other_and_ends_the_connection() -> None:
    """G220: nobody speaks anything else over it afterwards."""
    async with two_backends() as (backend, _), Backend(backend.url) as made:

        async def switch(_request: Request, connection: Connection) -> None:
            await connection.send(head(101, {"Connection": "upgrade", "Upgrade": "evil"}))
            await connection.gone.wait()

        backend.routes["GET /x"] = switch
        with pytest.raises(ToolError):
            async with asyncio.timeout(30):
                await made.session(caller()).get("/x")

"""MCP servers over HTTP that do what no good one does: each is the trouble of the one call that meets it."""

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
import structlog
from support.each import each
from support.http import Connection, Request, listen
from support.mcp import called, person, refusal, tools_of, toolset
from support.odd_mcp import TOOL, Odd, Server, answer_well, reply, serving

from agent.errors import ConfigurationError, CredentialRefusedError
from tools.mcp import wire


def status(number: int, body: bytes = b"{}", **headers: str) -> Odd:
    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(
            number, body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return respond


async def cut(_request: Request, connection: Connection) -> None:
    connection.cut()


async def cut_in_the_middle(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks("application/json")
    await connection.chunk(b'{"jsonrpc": "2.0", ')
    connection.cut()


async def end_early(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks()
    await connection.chunk(b": nothing\n\n")
    await connection.end_chunks()


async def go_on_and_on(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks()
    while not connection.gone.is_set():
        await connection.chunk(b"data: " + b"x" * 65536)


async def many_events(_request: Request, connection: Connection) -> None:
    await connection.begin_chunks()
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%b"}}\n\n' % (
        b"x" * 60_000
    )
    while not connection.gone.is_set():
        await connection.chunk(note)


def saying(**message: Any) -> Odd:
    """Answer with a message of the protocol that is no answer to what was asked."""

    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(200, orjson.dumps({"jsonrpc": "2.0", **message}))

    return respond


REACHED = "The server of this tool cannot be reached right now"
LARGE = "The answer is larger than may be read. Ask for less: filter or page."
ODDITIES: dict[str, tuple[Odd, str]] = {
    "a redirect within the host": (status(307, Location="/other"), "answered with a redirect"),
    "a redirect to another host": (status(302, Location="http://127.0.0.1:9/"), "answered with a redirect"),
    "a refused sign-in": (status(401), "did not accept the sign-in"),
    "a broken server": (status(500), "refused the call"),
    "a bad request": (status(400), "refused the call"),
    "no JSON": (status(200, b"<html>hello"), "cannot be read"),
    "another kind of content": (status(200, b"hello", Content_Type="text/html"), "refused the call"),
    "a kind of content in other letters": (status(200, b"hello", Content_Type="t\u00e9xt/html"), "refused the call"),
    "a compressed answer": (status(200, gzip.compress(b"{}"), Content_Encoding="gzip"), "cannot be read"),
    "a compressed stream": (
        status(200, gzip.compress(b"data: {}\n\n"), Content_Type="text/event-stream", Content_Encoding="gzip"),
        "cannot be read",
    ),
    "no answer at all": (cut, REACHED),
    "half an answer": (cut_in_the_middle, REACHED),
    "a stream without an answer": (end_early, REACHED),
    "an answer of 200 KB": (status(200, b"x" * 200_000), LARGE),
    "an endless event": (go_on_and_on, LARGE),
    "endless events": (many_events, LARGE),
    "the answer to something else": (saying(id=9999, result={"content": []}), "cannot be read"),
    "news in place of an answer": (saying(method="notifications/progress", params={}), "cannot be read"),
    "a question in place of an answer": (saying(method="ping", id=1), "cannot be read"),
    "a refusal that names no request": (saying(id=None, error={"code": -1, "message": "too bad"}), "too bad"),
    "several answers": (status(200, b"[]"), "cannot be read"),
    "a number": (status(200, b"1"), "cannot be read"),
    "deep JSON": (status(200, b"[" * 90_000), "cannot be read"),
}


@each("name", ODDITIES)
async def test_an_odd_answer_is_the_trouble_of_the_call_that_it_answers(name: str) -> None:
    """G237, G643."""
    async with (
        serving() as server,
        toolset({"url": server.url, "result_bytes": 100_000, "trust_hints": True}) as opened,
    ):
        tools = await tools_of(opened)
        odd, text = ODDITIES[name]
        waits = asyncio.Event()

        async def answer(request: Request, connection: Connection) -> None:
            if request.json["params"].get("arguments") == {"odd": True}:
                await odd(request, connection)
            else:
                await waits.wait()
                await answer_well(request, connection)

        server.odd = answer
        others = asyncio.gather(*(called(tools["odd"], person(user=f"user-{at}")) for at in range(3)))
        assert text in await refusal(tools["odd"], odd=True)
        waits.set()
        assert await others == ["well"] * 3
        assert await called(tools["odd"]) == "well"
        assert server.sessions == 1
        assert not any("cookie" in request.headers for request in server.requests)


@pytest.mark.parametrize("number", [400, 404])
async def test_a_session_that_the_server_has_forgotten_is_begun_anew_and_the_call_with_it(number: int) -> None:
    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)

        async def answer(request: Request, connection: Connection) -> None:
            if request.headers["mcp-session-id"] == "session-1":
                await connection.respond(
                    number, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No session"}}'
                )
            else:
                await answer_well(request, connection)

        server.odd = answer
        assert await called(tools["odd"]) == "well"
        assert server.sessions == 2


@pytest.mark.parametrize("own", ["s\u00e9ance", "a\x01b", "a\x7f"])
async def test_a_session_whose_id_cannot_be_sent_is_told_as_that(own: str) -> None:
    """G643: in the log, and to a call whose server has become such a one; one that says so behind an answer has answered."""
    bad: dict[str, str] = {}

    async def handle(request: Request, connection: Connection) -> None:
        message = request.json if request.method == "POST" else {}
        if bad and message.get("method") == "initialize":
            version = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            await reply(connection, message, {**version, "serverInfo": {"name": "odd", "version": "1"}}, bad)
        else:
            await server.handle(request, connection)

    async def forget(_request: Request, connection: Connection) -> None:
        await connection.respond(404, b"")

    async def answer(request: Request, connection: Connection) -> None:
        await reply(connection, request.json, {"content": [{"type": "text", "text": "well"}]}, {"Mcp-Session-Id": own})

    server = Server()
    async with listen(handle) as url, toolset({"url": url}) as opened:
        tools = await tools_of(opened)
        server.odd = answer
        assert await called(tools["odd"]) == "well"
        server.odd, bad["Mcp-Session-Id"] = forget, own
        with structlog.testing.capture_logs() as logs:
            assert "an id that cannot be sent. The change was not made." in await refusal(tools["odd"])
        assert "session_bad" in [line.get("trouble") for line in logs if line["event"] == "mcp_lost"]
        server.odd = answer
        bad.clear()
        assert await called(tools["odd"]) == "well"


@pytest.mark.parametrize("value", [float("nan"), "\ud800", {"a": [float("inf")]}])
async def test_an_argument_that_cannot_be_sent_ends_no_connection(value: Any) -> None:
    """G237."""
    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        assert await refusal(tools["odd"], value=value) == "An argument holds something that cannot be sent."
        assert await called(tools["odd"], value="\u00e4\U0001f600", number=10**30) == "well"
        assert server.sessions == 1


@pytest.mark.parametrize("value", [10**30, -(2**70), "x", 1e300, None])
async def test_structured_content_of_any_kind_is_a_result(value: Any) -> None:
    content = json.dumps({"value": value})

    async def answer(request: Request, connection: Connection) -> None:
        answered = request.json["id"]
        body = f'{{"jsonrpc":"2.0","id":{answered},"result":{{"content":[],"structuredContent":{content}}}}}'
        await connection.respond(200, body.encode())

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = answer
        result = await called(tools["odd"])
        assert result == {"value": value} or result == content


async def test_a_token_that_is_refused_is_asked_for_anew() -> None:
    """G235."""
    async with serving() as server, toolset({"url": server.url, "forward_token": True}) as opened:
        tools = await tools_of(opened)
        server.odd = status(401)
        with pytest.raises(CredentialRefusedError):
            await called(tools["odd"])
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer a-token-of-somebody"}


async def test_who_asks_without_a_token_takes_it_from_nobody() -> None:
    """G235: as a run that waits for its user, whose other runs go on."""
    async with serving() as server:
        async with toolset({"url": server.url, "forward_token": True}) as opened:
            await tools_of(opened)
            await opened.tools(replace(person(), credential=None))
        assert {request.headers.get("authorization") for request in server.requests} == {"Bearer a-token-of-somebody"}
        assert [request.method for request in server.requests][-1] == "DELETE"


async def test_a_user_sees_the_list_that_the_server_gives_to_that_user() -> None:
    """G235."""

    async def handle(request: Request, connection: Connection) -> None:
        if request.method == "POST" and request.json["method"] == "tools/list":
            name = request.headers.get("authorization", "nobody").removeprefix("Bearer token-of-")
            await reply(connection, request.json, {"tools": [{**TOOL, "name": f"tool_of_{name}"}]})
        else:
            await server.handle(request, connection)

    server = Server()
    async with listen(handle) as url, toolset({"url": url, "forward_token": True}) as opened:
        for tenant, user in (("acme", "ann"), ("acme", "bob"), ("globex", "ann"), ("acme", "ann")):
            somebody = person(tenant, user, token=f"token-of-{tenant}_{user}")
            assert list(await tools_of(opened, somebody)) == [f"tool_of_{tenant}_{user}"]


async def test_a_server_that_hangs_ends_with_the_call_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """G233."""
    monkeypatch.setattr(wire, "NOTE_TIMEOUT_S", 0.2)
    arrived = asyncio.Event()

    async def hang(_request: Request, connection: Connection) -> None:
        arrived.set()
        await connection.gone.wait()

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = hang
        call = asyncio.create_task(called(tools["odd"]))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.odd = answer_well
        assert await called(tools["odd"]) == "well"
        cancels = [one for one in server.requests if b"notifications/cancelled" in one.body]
        assert len(cancels) == 1


@pytest.mark.parametrize("where", ["connect", "list"])
async def test_a_server_that_does_not_say_what_it_has_is_waited_for_a_bounded_time(where: str) -> None:
    async def handle(request: Request, connection: Connection) -> None:
        if where == "connect" or b"tools/list" in request.body:
            await connection.gone.wait()
        else:
            await server.handle(request, connection)

    server = Server()
    async with listen(handle) as url:
        mcp = {"url": url, "connect_timeout_s": 0.3 if where == "connect" else 10, "list_timeout_s": 0.3}
        async with toolset(mcp) as opened:
            assert await opened.tools(person()) == ()


async def test_what_a_server_says_of_its_tools_is_made_valid_and_small() -> None:
    """G238."""

    def tool(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "inputSchema": {"type": "object"}, **more}

    deep: dict[str, Any] = {"type": "object"}
    for _ in range(60):
        deep = {"type": "object", "properties": {"a": deep}}
    async with serving() as server:
        server.tools = [
            tool("get.it"), tool("get it"), tool("get_it"), tool("x" * 100), tool("x" * 101), tool("1st"), tool("größe"),
            tool("wordy", description="word " * 5000),
            tool("deep", inputSchema=deep),
            tool("outside", inputSchema={"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/x"}, "b": {"$ref": "#/$defs/b"}, "c": {"$ref": "#/no"}}, "$defs": {"b": {"type": "string"}}}),
            tool("huge", inputSchema={"type": "object", "properties": {f"p{at}": {"type": "string", "description": "d" * 500} for at in range(100)}}),
            tool("vast", inputSchema={"type": "object", "properties": {f"p{at}": {} for at in range(5000)}}),
        ]  # fmt: skip
        async with toolset({"url": server.url}, prefix="their_") as opened:
            tools = await tools_of(opened)
        async with toolset({"url": server.url}, prefix="their_") as opened:
            assert list(await tools_of(opened)) == list(tools)
    assert "vast" not in tools
    assert len(tools) == 11
    assert all(len(f"their_{name}") <= 64 and name.replace("_", "a").isascii() for name in tools)
    assert len(tools["wordy"].description) <= 1024
    assert all(len(orjson.dumps(dict(one.schema))) <= 16 * 1024 for one in tools.values())
    assert tools["outside"].schema["properties"] == {"a": {}, "b": {"$ref": "#/$defs/b"}, "c": {}}
    assert set(tools["huge"].schema["properties"]) == {f"p{at}" for at in range(100)}


async def test_pages_that_do_not_end_are_read_to_a_bound() -> None:
    pages = 0

    async def handle(request: Request, connection: Connection) -> None:
        nonlocal pages
        if request.method == "POST" and request.json["method"] == "tools/list":
            pages += 1
            await reply(
                connection, request.json, {"tools": [{**TOOL, "name": f"tool-{pages}"}], "nextCursor": f"{pages}"}
            )
        else:
            await server.handle(request, connection)

    server = Server()
    async with listen(handle) as url, toolset({"url": url}) as opened:
        assert len(await tools_of(opened)) == 50


@pytest.mark.parametrize("url", ["ftp://a/b", "http://user:secret@host/mcp", "nothing", "http://host/?key=secret"])
def test_a_url_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        toolset({"url": url})
    assert "secret" not in str(refused.value)

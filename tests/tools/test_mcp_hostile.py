"""MCP servers that say more than anybody wants to hear, or want something back: nobody else waits for what they do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import anyio
import httpx2
import orjson
import pytest
import structlog
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage, jsonrpc_message_adapter
from support.each import each
from support.http import Connection, Request, head
from support.mcp import called, person, tools_of, toolset, until
from support.odd_mcp import TOOL, answer_well, serving

from agent.masking import Mask
from agent.prompt.results import result_text
from tools.mcp import stream, wire
from tools.mcp.pace import MESSAGES_A_SECOND, MOST_ASKED, READ_A_SECOND, Pace, paced
from tools.mcp.stream import PARTS_A_SECOND, PARTS_AT_ONCE, BoundedStream, parts_of


def event(answered: Any, text: str = "well") -> bytes:
    """Return an event with the answer to a call."""
    result = {"content": [{"type": "text", "text": text}]}
    return b"data: %b\n\n" % orjson.dumps({"jsonrpc": "2.0", "id": answered, "result": result})


async def turns(most: int) -> None:
    """Let the loop have so many turns, a fiftieth of a second apart."""
    had = 0

    async def are_had() -> bool:
        nonlocal had
        had += 1
        return had > most

    await until(are_had, limit_s=45)


@pytest.mark.parametrize("wish", [b"0", b"-5", b"9" * 400, b"soon"])
async def test_an_answer_that_comes_in_pieces_comes_whenever_its_server_wishes(
    wish: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G670"""
    monkeypatch.setattr(stream, "SHORTEST_RETRY_MS", 20)
    monkeypatch.setattr(stream, "LONGEST_RETRY_MS", 20)
    asked: list[Any] = []

    async def begin(request: Request, connection: Connection) -> None:
        if request.json["params"].get("arguments"):
            await answer_well(request, connection)
            return
        asked.append(request.json["id"])
        await connection.begin_chunks()
        await connection.chunk(b"id: 7\nretry: %b\ndata: \n\n" % wish)
        await connection.end_chunks()

    async def go_on(request: Request, connection: Connection) -> None:
        if "last-event-id" not in request.headers:
            await connection.respond(405, b"")
            return
        await connection.begin_chunks()
        await connection.chunk(event(asked[-1]))
        await connection.end_chunks()

    async with serving() as server, toolset({"url": server.url}) as opened:
        server.odd, server.get = begin, go_on
        tools = await tools_of(opened)
        assert await called(tools["odd"]) == "well"
        assert await called(tools["odd"], person(user="bob"), x=1) == "well"
        assert server.sessions == 1


async def test_the_rest_of_an_answer_that_nobody_waits_for_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """G670"""
    monkeypatch.setattr(stream, "SHORTEST_RETRY_MS", 20)
    monkeypatch.setattr(stream, "LONGEST_RETRY_MS", 20)

    async def end_early(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        await connection.chunk(b"id: 7\nretry: 0\ndata: \n\n")
        await connection.end_chunks()

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = server.get = end_early

        def asked() -> int:
            return sum("last-event-id" in request.headers for request in server.requests)

        async def is_asked_often() -> bool:
            return asked() > 3

        call = asyncio.create_task(called(tools["odd"]))
        await until(is_asked_often)
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
        before = asked()
        await turns(25)  # with each of which it was asked once more
        assert asked() <= before + 1


PARTS: list[tuple[list[bytes], bytes]] = [
    ([b"retry: 1000\n\n"], b"retry: 1000\n\n"),
    ([b"retry:0\n\n"], b"retry: 500\n\n"),
    ([b"re", b"try: ", b"5", b"\r\ndata: x\r\n\r\n"], b"retry: 500\r\ndata: x\r\n\r\n"),
    ([b"data: a\n\nretry: 99999999999\rdata: b\r\r"], b"data: a\n\nretry: 60000\rdata: b\r\r"),
    ([b"retry: -1\nretry: 1e9\nretry\nretry: \n"], b":\n:\nretry\n:\n"),
    ([b"data: retry: 0\n", b" retry: 0\n\n"], b"data: retry: 0\n retry: 0\n\n"),
    ([b"data: no end", b" yet"], b"data: no end yet"),
    ([b"x\n" * 3, b"retry: 0"], b"x\nx\nx\nretry: 500"),
]


@each("parts, read", PARTS)
async def test_a_stream_is_read_as_it_is_but_for_wishes_that_cannot_be_kept(parts: list[bytes], read: bytes) -> None:
    """G670"""

    async def given() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    response = httpx2.Response(200, content=given())
    bounded = BoundedStream(response, on_too_large=lambda: None, most_of_event=1000, most=1000)
    assert b"".join([part async for part in bounded]) == read


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
async def test_an_events_size_is_its_own_wherever_its_end_is_cut(end: bytes) -> None:
    """G676: where servers send the end by itself all events were one, and the stream broke off."""

    async def of(*parts: bytes) -> bytes:
        async def given() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        response = httpx2.Response(200, content=given())
        bounded = BoundedStream(response, on_too_large=lambda: None, most_of_event=100, most=1_000_000)
        return b"".join([part async for part in bounded])

    for cut in range(len(end) + 1):
        parts = [b"data: x" + end[:cut], end[cut:]] * 50
        assert await of(*parts) == b"".join(parts)
        assert await of(*b"".join(parts).split(b"x")) == b"".join(parts).replace(b"x", b"")
    for parts in ([b"data: ", b"x" * 50, b"y" * 60, end], [b"x" * 101 + end[:1]], [end, b"x" * 99, b"yz"]):
        with pytest.raises(httpx2.ReadError):
            await of(*parts)


async def test_a_server_that_asks_something_and_takes_no_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """G671"""
    monkeypatch.setattr(wire, "NOTE_TIMEOUT_S", 0.2)

    async def ask(request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        await connection.chunk(b'data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n')
        await connection.chunk(event(request.json["id"]))
        await connection.end_chunks()

    async def hang(_request: Request, connection: Connection) -> None:
        await connection.gone.wait()

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd, server.answered = ask, hang
        async with asyncio.timeout(30):
            for _ in range(3):
                assert await called(tools["odd"]) == "well"
        assert any("method" not in request.json for request in server.requests if request.method == "POST")


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "rot13", "utf-16", "nothing"])
async def test_a_stream_is_utf8_whatever_it_says(charset: str) -> None:
    """G671: some that Python knows take time without bound."""

    async def answer(request: Request, connection: Connection) -> None:
        headers = {"Content-Type": f"text/event-stream; charset={charset}", "Transfer-Encoding": "chunked"}
        await connection.send(head(200, headers))
        await connection.chunk(event(request.json["id"], "größe +AGE- abc"))
        await connection.end_chunks()

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = answer
        assert await called(tools["odd"]) == "größe +AGE- abc"


def message(**said: Any) -> JSONRPCMessage:
    return jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **said}, by_name=False)


async def test_what_a_server_asks_piles_up_nowhere() -> None:
    """G671"""
    incoming, received = anyio.create_memory_object_stream[SessionMessage | Exception](1000)
    outgoing, sent = anyio.create_memory_object_stream[SessionMessage](1000)
    with incoming, sent:
        heard, said = paced((received, outgoing))

        async def ids() -> list[Any]:
            incoming.send_nowait(SessionMessage(message(id="end", result={})))
            found: list[Any] = []
            while True:
                item = await heard.receive()
                assert isinstance(item, SessionMessage)
                if getattr(item.message, "id", None) == "end":
                    return found
                found.append(getattr(item.message, "id", None))

        def ask(*asked: int) -> None:
            for one in asked:
                incoming.send_nowait(SessionMessage(message(id=one, method="ping")))

        ask(*range(100))
        assert await ids() == list(range(MOST_ASKED))
        await said.send(SessionMessage(message(id=3, result={})))
        await said.send(SessionMessage(message(id=4, error={"code": 1, "message": "no"})))
        ask(200, 201, 202)
        assert await ids() == [200, 201]
        incoming.send_nowait(SessionMessage(message(method="notifications/cancelled", params={"requestId": 200})))
        ask(300, 301)
        assert await ids() == [None, 300]
        await heard.aclose()
        await said.aclose()


async def test_whoever_says_much_waits_until_the_second_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """G671"""
    now, slept = 100.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(round(seconds, 6))

    monkeypatch.setattr("tools.mcp.pace.time.monotonic", lambda: now)
    monkeypatch.setattr("tools.mcp.pace.asyncio.sleep", sleep)
    bounded = Pace(3)
    for _ in range(3):
        await bounded.next()
        now += 0.1
    assert slept == []
    await bounded.next()
    assert slept == [0.7]
    await bounded.next(3)
    assert slept == [0.7]
    await bounded.next()
    assert slept == [0.7, 1.0]


@each("method", ["notifications/progress", "notifications/message"])
async def test_an_answer_waits_for_no_more_news_than_are_read_in_a_second(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G671: behind five thousand of them it came after ten seconds, and everybody's."""
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    monkeypatch.setattr("tools.mcp.pace.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("tools.mcp.pace.asyncio.sleep", sleep)
    incoming, received = anyio.create_memory_object_stream[SessionMessage | Exception](2 * READ_A_SECOND)
    outgoing, sent = anyio.create_memory_object_stream[SessionMessage](1)
    with incoming, sent:
        heard, said = paced((received, outgoing))

        async def passed(news: int) -> int:
            for number in range(news):
                params = {"progressToken": 1, "progress": number, "level": "info", "data": number}
                incoming.send_nowait(SessionMessage(message(method=method, params=params)))
            incoming.send_nowait(SessionMessage(message(id="end", result={})))
            count = 0
            while True:
                item = await heard.receive()
                assert isinstance(item, SessionMessage)
                if getattr(item.message, "id", None) == "end":
                    return count
                count += 1

        assert (await passed(READ_A_SECOND), slept) == (MESSAGES_A_SECOND, [])
        assert (await passed(2), slept) == (0, [1.0, 1.0])
        incoming.send_nowait(SessionMessage(message(method="notifications/tools/list_changed")))
        assert isinstance(await heard.receive(), SessionMessage)
        assert slept == [1.0] * 3  # that is no news, and comes when there is room
        await heard.aclose()
        await said.aclose()


@pytest.mark.parametrize("is_stream", [True, False])
async def test_a_body_in_pieces_of_a_byte_leaves_the_loop_its_turns(
    monkeypatch: pytest.MonkeyPatch, *, is_stream: bool
) -> None:
    """G671: each piece costs as much as a large one."""
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    async def given() -> AsyncIterator[bytes]:
        for _ in range(PARTS_A_SECOND + 2):
            yield b" "

    monkeypatch.setattr("tools.mcp.pace.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("tools.mcp.stream.asyncio.sleep", sleep)
    response = httpx2.Response(200, content=given())
    bounded = BoundedStream(response, on_too_large=lambda: None, most_of_event=9**9, most=9**9)
    read = [part async for part in (bounded if is_stream else parts_of(response))]
    assert b"".join(read) == b" " * (PARTS_A_SECOND + 2)
    assert slept == [0.0] * (PARTS_A_SECOND // PARTS_AT_ONCE) + [1.0, 1.0]


async def test_an_answer_in_pieces_of_a_byte_is_counted_by_its_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """G671: one that is no stream, too."""
    counted = 0

    class Counted(Pace):
        async def next(self, count: int = 1) -> None:
            nonlocal counted
            counted += count
            await super().next(count)

    async def answer(request: Request, connection: Connection) -> None:
        await connection.begin_chunks("application/json")
        for byte in event(request.json["id"]).removeprefix(b"data: "):
            await connection.chunk(bytes([byte]))
        await connection.end_chunks()

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = answer
        monkeypatch.setattr(stream, "Pace", Counted)
        assert await called(tools["odd"]) == "well"
    assert counted >= len(event(1)) - len(b"data: ")


async def test_programs_that_print_without_end_leave_the_loop_its_turns() -> None:
    """G671"""
    commands = ("yes", "yes ''", "yes something >&2")
    with structlog.testing.capture_logs() as logs:
        async with AsyncExitStack() as stack:
            opened = [
                await stack.enter_async_context(toolset({"command": ["sh", "-c", command]})) for command in commands
            ]
            await asyncio.gather(*(one.tools(person()) for one in opened))

            async def are_read() -> bool:
                return {"mcp_program_not_understood", "mcp_program_said"} <= {line["event"] for line in logs}

            await until(are_read)
            await turns(100)  # each took a second


async def test_a_tool_that_is_none_takes_no_other_with_it() -> None:
    """G672"""
    async with serving() as server:
        server.tools = [
            TOOL,
            *({}, {"name": 5}, {"name": "x" * 2000}),
            {"name": "without_schema"},
            {"name": "of_text", "inputSchema": {"type": "string"}},
            {"name": "of_nothing", "inputSchema": None, "description": 7, "title": [], "icons": 1, "_meta": "x"},
            {"name": "strange", "inputSchema": {"properties": {"a": 5, "b": True}, "required": "a", "$schema": 5}},
            {"name": "hinted", "inputSchema": {}, "annotations": {"readOnlyHint": "yes", "title": 5}, "execution": 1},
            {"name": "said", "inputSchema": {}, "outputSchema": {"type": "array"}, "description": "Says so."},
            {"name": "large", "inputSchema": {"type": "object", "properties": {"a": {"maximum": 2**100}}}},
        ]
        server.tools += [None, "text", [TOOL]]  # type: ignore[list-item] # which no server should
        async with toolset({"url": server.url, "trust_hints": True}) as opened:
            tools = await tools_of(opened)
            assert list(tools) == [
                *("odd", "without_schema", "of_text", "of_nothing", "strange", "hinted", "said", "large")
            ]
            assert [tools[name].risk for name in ("odd", "hinted")] == ["read", "write"]
            assert tools["said"].description == "Says so."
            assert tools["strange"].schema["properties"] == {"a": {}, "b": {}}
            assert await called(tools["of_text"]) == "well"


@pytest.mark.parametrize(
    "text", ["[" * 400 + "]" * 400, '{"a":' * 100 + "1" + "}" * 100, "[" + "[]," * 300_000 + "[]]"]
)
async def test_a_text_that_is_more_json_than_is_taken_stays_a_text(text: str) -> None:
    """G672"""

    async def answer(request: Request, connection: Connection) -> None:
        content = [{"type": "text", "text": text}]
        await connection.respond(
            200, orjson.dumps({"jsonrpc": "2.0", "id": request.json["id"], "result": {"content": content}})
        )

    async with serving() as server, toolset({"url": server.url}) as opened:
        tools = await tools_of(opened)
        server.odd = answer
        result = await called(tools["odd"])
        assert result == text
        assert result_text(result, Mask(), most_bytes=1000).startswith(text[:20])

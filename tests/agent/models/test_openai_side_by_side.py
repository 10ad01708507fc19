"""Our streaming beside `ChatOpenAI`'s: the same bytes, cut at every offset, give the same message."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2
import orjson
import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.outputs import ChatGenerationChunk, LLMResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from support.http import Connection, Request, listen

from agent.assistant.models import ModelDefinition
from agent.http import open_session
from agent.models.compatible import open_model
from agent.models.delta import Delta
from agent.models.openai import OpenAICompatibleModel, generation


def _event(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": [choice],
        **more,
    }


def _call(index: int, arguments: str, **named: str) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": named["name"]} if "name" in named else {})
    return {"index": index, "function": function} | ({"id": named["id"], "type": "function"} if "id" in named else {})


USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 7,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
STREAMS: dict[str, list[dict[str, Any]]] = {
    "text": [
        _event({"role": "assistant", "content": "", "refusal": None}),
        _event({"content": "Grüße, "}),
        _event({"content": "世界 😀 "}),
        _event({"content": "\u2028end"}),
        _event({}, "stop", system_fingerprint="fp_1", service_tier="default"),
        {**_event({}), "choices": [], "usage": USAGE},
    ],
    "a tool call in pieces": [
        _event({"role": "assistant", "content": None, "tool_calls": [_call(0, "", name="find", id="call_a")]}),
        _event({"tool_calls": [_call(0, '{"num')]}),
        _event({"tool_calls": [_call(0, 'ber": 7}')]}),
        _event({}, "tool_calls"),
        {**_event({}), "choices": [], "usage": USAGE},
    ],
    "two interleaved tool calls after text": [
        _event({"role": "assistant", "content": "Let me look."}),
        _event({"tool_calls": [_call(0, "", name="find", id="call_a"), _call(1, "", name="count", id="call_b")]}),
        _event({"tool_calls": [_call(1, "{}"), _call(0, '{"n"')]}),
        _event({"tool_calls": [_call(0, ": 1}")]}),
        _event({}, "tool_calls"),
    ],
    "usage with every event": [
        _event({"role": "assistant", "content": "a"}, usage=None),
        _event({"content": "b"}, usage=None),
        _event({"content": ""}, "length", usage=USAGE),
    ],
    "log probabilities": [
        {
            **_event({"role": "assistant", "content": "a"}),
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": "a"},
                    "finish_reason": None,
                    "logprobs": {
                        "content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}],
                        "refusal": None,
                    },
                }
            ],
        },
        _event({}, "stop"),
    ],
}
EVERY_OFFSET = {"text", "a tool call in pieces"}
"""Cut at every byte; the others at every eleventh, which is often enough to hit each kind of place. A seventh of both gates."""
FRAMINGS = {
    "plain": (b"", b"data: %b\n\n", b"data: [DONE]\n\n"),
    "crlf and comments": (b": hello\r\n\r\n", b"data: %b\r\n\r\n: keep-alive\r\n\r\n", b"data: [DONE]\r\n\r\n"),
    "without done": (b"", b"data: %b\n\n", b""),
}


def _bytes(stream: list[dict[str, Any]], framing: str) -> bytes:
    before, frame, end = FRAMINGS[framing]
    return before + b"".join(frame % orjson.dumps(event) for event in stream) + end


class Replayer:
    """Answers every request with the same bytes, cut in two where the test says."""

    def __init__(self) -> None:
        self.body = b""
        self.cut = 0

    async def handle(self, _request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for piece in (self.body[: self.cut], self.body[self.cut :]):
            if piece:
                await connection.chunk(piece)
        await connection.end_chunks()


@pytest.fixture
async def replayer() -> AsyncIterator[tuple[Replayer, str]]:
    replayer = Replayer()
    async with listen(replayer.handle) as url:
        yield replayer, f"{url}/v1"


@pytest.fixture
async def ours(replayer: tuple[Replayer, str]) -> AsyncIterator[OpenAICompatibleModel]:
    async with open_session(connect_timeout_s=5) as session:
        yield _model(session, replayer[1])


def _model(session: aiohttp.ClientSession, url: str) -> OpenAICompatibleModel:
    return open_model(
        ModelDefinition(spec="openai:m-1"), api_key=None, base_url=url, session=session, connect_timeout_s=10
    )


async def _merged(model: ChatOpenAI) -> dict[str, Any]:
    """Return what a whole stream merges to, without ids that are made anew each time."""
    whole: AIMessageChunk | None = None
    async for chunk in model.astream([HumanMessage("hi")]):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    shown = whole.model_dump()
    shown.pop("id")
    return shown


async def _reference(url: str) -> dict[str, Any]:
    async with httpx2.AsyncClient() as client:
        theirs = ChatOpenAI(
            model="m-1", api_key=SecretStr("none"), base_url=url, http_async_client=client, stream_usage=True
        )
        return await _merged(theirs)


@pytest.mark.parametrize("nth", [7, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", STREAMS)
async def test_the_same_bytes_give_the_same_message_as_chat_openai(
    replayer: tuple[Replayer, str], ours: OpenAICompatibleModel, name: str, framing: str, nth: int
) -> None:
    server, url = replayer
    server.body = _bytes(STREAMS[name], framing)
    expected = await _reference(url)
    step = 1 if framing == "plain" and name in EVERY_OFFSET else 11
    for cut in range(0, len(server.body), step * nth):
        server.cut = cut
        assert await _merged(ours) == expected, cut


@pytest.mark.sample(2)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", STREAMS)
async def test_the_pieces_that_the_loop_reads_are_the_same_answer(
    replayer: tuple[Replayer, str], ours: OpenAICompatibleModel, name: str, framing: str
) -> None:
    server, url = replayer
    server.body = _bytes(STREAMS[name], framing)
    expected = await _reference(url)
    for cut in range(0, len(server.body), 37):
        server.cut = cut
        pieces = [piece async for piece in ours.stream_pieces([HumanMessage("hi")])]
        deltas = [Delta(piece) if isinstance(piece, str) else piece for piece in pieces]
        chunks = [chunk for delta in deltas if isinstance(chunk := generation(delta).message, AIMessageChunk)]
        merged = add_ai_message_chunks(*chunks).model_dump()
        for field in ("content", "tool_calls", "invalid_tool_calls", "usage_metadata", "additional_kwargs"):
            assert merged[field] == expected[field], (cut, field)
        assert [delta.finish_reason for delta in deltas if delta.finish_reason] == [
            expected["response_metadata"]["finish_reason"]
        ]


class Handler(AsyncCallbackHandler):
    """Keeps what tracing and metrics learn of an answer besides its message."""

    def __init__(self) -> None:
        self.generation_info: dict[str, Any] | None = None

    async def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        self.generation_info = response.generations[0][0].generation_info


async def _told(model: ChatOpenAI) -> tuple[object, object]:
    """Return what a handler is told at the end, and the metadata of the chunks that the model itself makes."""
    handler = Handler()
    async for _ in model.astream([HumanMessage("hi")], config={"callbacks": [handler]}):
        pass
    chunks: list[ChatGenerationChunk] = [chunk async for chunk in model._astream([HumanMessage("hi")])]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return handler.generation_info, (whole.generation_info, whole.message.response_metadata)


@pytest.mark.parametrize("name", STREAMS)
async def test_handlers_are_told_the_same_of_a_generation_as_by_chat_openai(
    replayer: tuple[Replayer, str], ours: OpenAICompatibleModel, name: str
) -> None:
    server, url = replayer
    server.body = _bytes(STREAMS[name], "plain")
    async with httpx2.AsyncClient() as client:
        theirs = ChatOpenAI(model="m-1", api_key=SecretStr("none"), base_url=url, http_async_client=client)
        expected = await _told(theirs)
    assert await _told(ours) == expected


async def test_reasoning_comes_beside_the_text(replayer: tuple[Replayer, str], ours: OpenAICompatibleModel) -> None:
    server, _ = replayer
    events = [
        _event({"reasoning_content": "Hm, "}),
        _event({"reasoning": "well."}),
        _event({"content": "Yes."}, "stop"),
    ]
    server.body = _bytes(events, "plain")

    merged = await _merged(ours)

    assert merged["content"] == "Yes."
    assert merged["additional_kwargs"]["reasoning_content"] == "Hm, well."


async def test_tool_calls_without_an_index_are_told_apart(
    replayer: tuple[Replayer, str], ours: OpenAICompatibleModel
) -> None:
    server, _ = replayer
    whole = [
        {"id": "a", "type": "function", "function": {"name": "find", "arguments": '{"n":1}'}},
        {"id": "b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
    ]
    server.body = _bytes([_event({"tool_calls": whole}), _event({}, "tool_calls")], "plain")

    merged = await _merged(ours)

    assert [(call["name"], call["args"]) for call in merged["tool_calls"]] == [("find", {"n": 1}), ("count", {})]

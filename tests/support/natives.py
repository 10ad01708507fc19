"""Providers that speak no dialect of OpenAI's, byte by byte as they do: Anthropic, Google, Ollama, Bedrock.

Each function returns what such a provider sends for a step. One server speaks all of them: what is asked for tells a test by its
path and its body, and what is answered is the next script.
"""

import zlib
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from support.http import Connection, Request, listen

Script = Callable[[Connection], Awaitable[None]]
STREAM = "text/event-stream"
LINES = "application/x-ndjson"
FRAMES = "application/vnd.amazon.eventstream"


@dataclass(slots=True)
class NativeProvider:
    """A native provider: what it was asked, and what it answers next."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    scripts: deque[Script] = field(default_factory=deque)

    def then(self, script: Script) -> None:
        """Answer the next request so."""
        self.scripts.append(script)

    def stream(self, body: bytes, content_type: str = STREAM, *, cut: bool = False) -> None:
        """Answer with a stream, in two pieces; `cut` ends it with the connection, without its last chunk."""

        async def script(connection: Connection) -> None:
            await connection.begin_chunks(content_type)
            half = len(body) // 2
            for piece in (body[:half], body[half:]):
                if piece:
                    await connection.chunk(piece)
            if cut:
                connection.writer.close()
            else:
                await connection.end_chunks()

        self.then(script)

    def refuse(self, status: int, body: Mapping[str, Any], **headers: str) -> None:
        """Answer with an error."""

        async def script(connection: Connection) -> None:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            await connection.respond(status, orjson.dumps(body), headers=sent)

        self.then(script)

    async def handle(self, request: Request, connection: Connection) -> None:
        self.requests.append(request)
        if not self.scripts:
            await connection.respond(500, b'{"error": {"message": "nothing is scripted"}}')
            return
        await self.scripts.popleft()(connection)

    @property
    def last(self) -> Any:
        """The body of the last request."""
        return self.requests[-1].json

    def forget(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.scripts.clear()


@asynccontextmanager
async def native_provider() -> AsyncIterator[NativeProvider]:
    """Serve a provider on the loopback."""
    provider = NativeProvider()
    async with listen(provider.handle) as url:
        provider.url = url
        yield provider


def anthropic(
    *blocks: Mapping[str, Any], reason: str = "end_turn", given: int = 25, said: int = 15, counts_early: bool = False
) -> bytes:
    """Return a message of Anthropic's: each block in pieces, with a ping behind the first. `counts_early`: as some gateways count."""
    started: dict[str, Any] = {
        "model": "claude-sonnet-4-5-20250929",
        "id": "msg_01Y6V41gqPaKWEw7iPouH7iW",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": given,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
            "service_tier": "standard",
        },
    }
    events: list[dict[str, Any]] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(blocks):
        events += _anthropic_block(index, block)
        if index == 0:
            events.append({"type": "ping"})
    counted = {"output_tokens": said} if counts_early else {"input_tokens": given, "output_tokens": said}
    events.append({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": counted})
    events.append({"type": "message_stop"})
    return anthropic_events(*events)


def anthropic_events(*events: Mapping[str, Any]) -> bytes:
    """Return these events as Anthropic sends them."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), orjson.dumps(one)) for one in events)


def _anthropic_block(index: int, block: Mapping[str, Any]) -> list[dict[str, Any]]:
    match block["type"]:
        case "text":
            begun: dict[str, Any] = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in in_two(block["text"])]
        case "thinking":
            begun = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in in_two(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use":
            begun = {**block, "input": {}}
            whole = orjson.dumps(block["input"]).decode()
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *in_two(whole))]
        case _:
            begun, deltas = dict(block), []
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def google(*parts: Mapping[str, Any], reason: str = "STOP", given: int = 29, said: int = 15, thought: int = 0) -> bytes:
    """Return a stream of Gemini's: each part an event of its own, calls whole, the end with an empty text."""
    usage: dict[str, Any] = {
        "promptTokenCount": given,
        "candidatesTokenCount": said,
        "totalTokenCount": given + said + thought,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": given}],
    }
    if thought:
        usage["thoughtsTokenCount"] = thought
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], "usageMetadata": usage}
        for part in parts
    ]
    end = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": reason, "index": 0}
    events.append({"candidates": [end], "usageMetadata": usage})
    return google_events(*events)


def google_events(*events: Mapping[str, Any]) -> bytes:
    """Return these events as Google sends them."""
    beside = {"modelVersion": "gemini-3-pro-preview", "responseId": "QHiLaa6LBrb8vdIPoNztsAg"}
    return b"".join(b"data: %b\r\n\r\n" % orjson.dumps({**one, **beside}) for one in events)


def ollama(*messages: Mapping[str, Any], reason: str = "stop", given: int = 26, said: int = 12) -> bytes:
    """Return a stream of Ollama's: a line for each message, and the last one with what it took."""
    named = {"model": "qwen3", "created_at": "2026-10-26T17:15:24.097767Z"}
    lines: list[dict[str, Any]] = [
        {**named, "message": {"role": "assistant", "content": "", **message}, "done": False} for message in messages
    ]
    lines.append(
        {
            **named,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": reason,
            "total_duration": 4883583458,
            "load_duration": 1334875,
            "prompt_eval_count": given,
            "prompt_eval_duration": 342546000,
            "eval_count": said,
            "eval_duration": 4535599000,
        }
    )
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def bedrock(*blocks: Mapping[str, Any], reason: str = "end_turn", given: int = 31, said: int = 9) -> bytes:
    """Return a stream of Bedrock's Converse: frames of AWS's event stream."""
    frames = [frame("messageStart", {"role": "assistant"})]
    for index, block in enumerate(blocks):
        if "toolUse" in block:
            use = block["toolUse"]
            named = {"toolUseId": use["toolUseId"], "name": use["name"]}
            frames.append(frame("contentBlockStart", {"start": {"toolUse": named}, "contentBlockIndex": index}))
            whole = orjson.dumps(use["input"]).decode()
            deltas: list[dict[str, Any]] = [{"toolUse": {"input": piece}} for piece in in_two(whole)]
        elif "reasoningContent" in block:
            said_of = block["reasoningContent"]
            deltas = [{"reasoningContent": {"text": piece}} for piece in in_two(said_of["text"])]
            deltas.append({"reasoningContent": {"signature": said_of["signature"]}})
        else:
            deltas = [{"text": piece} for piece in in_two(block["text"])]
        frames += [frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}) for delta in deltas]
        frames.append(frame("contentBlockStop", {"contentBlockIndex": index}))
    frames.append(frame("messageStop", {"stopReason": reason}))
    usage = {"inputTokens": given, "outputTokens": said, "totalTokens": given + said}
    frames.append(frame("metadata", {"usage": usage, "metrics": {"latencyMs": 800}}))
    return b"".join(frames)


def frame(kind: str, payload: Mapping[str, Any], *, message_type: str = "event") -> bytes:
    """Return a frame of AWS's event stream: lengths, their checksum, headers, payload, and the checksum of all."""
    name = b":event-type" if message_type == "event" else b":exception-type"
    headers = b"".join(
        bytes([len(key)]) + key + b"\x07" + len(value).to_bytes(2) + value
        for key, value in (
            (name, kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", message_type.encode()),
        )
    )
    body = orjson.dumps(payload)
    lengths = (16 + len(headers) + len(body)).to_bytes(4) + len(headers).to_bytes(4)
    begun = lengths + zlib.crc32(lengths).to_bytes(4) + headers + body
    return begun + zlib.crc32(begun).to_bytes(4)


def signed(text: str) -> str:
    """Return a signature as providers make them: bytes that nobody else understands, in base64."""
    return b64encode(f"signature of {text}".encode()).decode()


def in_two(text: str) -> tuple[str, ...]:
    """Return a text in two pieces."""
    half = len(text) // 2
    return tuple(piece for piece in (text[:half], text[half:]) if piece)

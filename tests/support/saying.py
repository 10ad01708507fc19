"""Responses that providers were reported to send, in few words: events, whole answers, calls, and how a response ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from support.http import Connection, Request, head

DONE = b"data: [DONE]\n\n"
ANSWER = "There are **42** orders."


def event(delta: object = None, finish_reason: object = None, **choice: Any) -> bytes:
    """Return an event with one choice; `delta` left out is an empty one."""
    whole = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish_reason, **choice}
    return data({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [whole]})


def bare(**choice: Any) -> bytes:
    """Return an event whose one choice has these fields and no others."""
    return data({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]})


def data(body: object) -> bytes:
    """Return an event with this JSON."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


def words(text: str = ANSWER, *, pieces: int = 3) -> bytes:
    """Return events that say a text in pieces."""
    step = -(-len(text) // pieces)
    return b"".join(event({"content": text[at : at + step]}) for at in range(0, len(text), step))


def usage(*counts: Any, **more: Any) -> bytes:
    """Return an event with prompt and completion tokens and no choice."""
    return data(
        {
            "id": "c",
            "choices": [],
            "usage": dict(zip(("prompt_tokens", "completion_tokens"), counts, strict=False)),
            **more,
        }
    )


def end(reason: str = "stop") -> bytes:
    """Return the finishing event and `[DONE]`."""
    return event({}, reason) + DONE


def answer(text: str = ANSWER) -> bytes:
    """Return a whole, ordinary answer."""
    return words(text) + end()


def call(
    name: object = None, arguments: object = None, *, index: object = 0, call_id: object = None, **beside: Any
) -> dict[str, Any]:
    """Return a piece of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    place = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return {**place, "type": "function", "function": function, **beside}


def calling(*calls: dict[str, Any], **delta: Any) -> bytes:
    """Return an event with pieces of calls."""
    return event({"tool_calls": list(calls), **delta})


@dataclass(frozen=True, slots=True)
class Said:
    """A response. `ends`: as HTTP wants it, with the connection cut, or held open until the client goes."""

    body: bytes
    status: int = 200
    ends: str = "well"
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    split: int = 0
    """Bytes in each piece that is sent; 0 sends all at once."""

    async def respond(self, _request: Request, connection: Connection) -> None:
        """Send it."""
        if self.status != 200 or self.ends == "sized":
            await connection.respond(
                self.status, self.body, headers={"Content-Type": self.content_type, **self.headers}
            )
            return
        fields = {"Content-Type": self.content_type, "Transfer-Encoding": "chunked", **self.headers}
        step = self.split or max(1, len(self.body))
        chunks = [self.body[at : at + step] for at in range(0, len(self.body), step)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        match self.ends:
            case "well":
                await connection.send(head(200, fields) + framed + b"0\r\n\r\n")
            case "cut":
                await connection.send(head(200, fields) + framed)
                connection.writer.close()
            case "held":
                await connection.send(head(200, fields) + framed)
                await connection.gone.wait()


@dataclass(frozen=True, slots=True)
class Paced:
    """A response that comes in steps: bytes, and pauses in seconds. Its last chunk comes at the end."""

    steps: tuple[bytes | float, ...]
    content_type: str = "text/event-stream"
    status: int = 200

    async def respond(self, _request: Request, connection: Connection) -> None:
        """Send it."""
        fields = {"Content-Type": self.content_type, "Transfer-Encoding": "chunked"}
        await connection.send(head(self.status, fields))
        for step in self.steps:
            if isinstance(step, bytes):
                await connection.chunk(step)
            else:
                await asyncio.sleep(step)
        await connection.end_chunks()


Check = Callable[[list[dict[str, Any]]], None]
Script = Callable[[Request, Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a provider: what it says to one question, and what is to become of it.

    `calls` are the tool calls that clients see, with how they ended; `check` looks at the requests that the provider got.
    """

    name: str
    said: tuple[Said | bytes, ...]
    text: str = ANSWER
    status: str = "completed"
    error: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    asked: tuple[dict[str, Any], ...] | None = None
    """The arguments of the calls, where they matter."""
    usage: tuple[int, int] | None = None
    finish_reason: str | None = None
    reasoning: str | None = None
    check: Check | None = None
    report: str = ""

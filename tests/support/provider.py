"""A scripted OpenAI-compatible provider over real HTTP. It is strict: it refuses what real ones refuse.

A test says what the next calls get; the provider records every request. A call that no script expects, and a transcript
that a strict provider would refuse, are violations, and the fixture fails the test for them.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from support.http import Connection, Request, listen

from agent.prompt.history import LOST_RESULT
from agent.prompt.words import (
    FENCE,
    FENCE_END,
    SUGGESTIONS_REQUEST,
    SUMMARY_REQUEST,
    TITLE_REQUEST,
    unfenced,
    without_mark,
)

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

Script = Callable[[Request, Connection], Awaitable[None]]


@dataclass(slots=True)
class Call:
    """A tool call that the provider asks for. `arguments` may be broken JSON on purpose."""

    name: str
    arguments: str | dict[str, object] = "{}"
    id: str = "call_1"

    @property
    def json(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else orjson.dumps(self.arguments).decode()


@dataclass(slots=True)
class Provider:
    """A provider, as the test scripts and reads it."""

    url: str = ""
    scripts: deque[Script] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of the same requests."""
    violations: list[str] = field(default_factory=list)
    suggestions: str = ""
    title: str = ""
    summary: str = "So far, in short."
    summaries: list[dict[str, Any]] = field(default_factory=list)
    """Requests for a summary of a long conversation."""
    fold: Script | None = None
    """Answers these instead of `summary`."""
    asides: list[dict[str, Any]] = field(default_factory=list)
    """Requests for follow-up questions and titles."""
    aside: Script | None = None
    """Answers these instead of `suggestions` and `title`."""
    cancelled: int = 0
    """Streams that the client closed before they ended."""

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.scripts.clear()
        self.requests.clear()
        self.headers.clear()
        self.violations.clear()
        self.suggestions = self.title = ""
        self.summary = "So far, in short."
        self.asides.clear()
        self.summaries.clear()
        self.aside = self.fold = None
        self.cancelled = 0

    def check(self) -> None:
        """Fail where the provider was asked what it would refuse, or not asked what the test expected."""
        assert not self.violations, self.violations
        assert not self.scripts, f"{len(self.scripts)} scripted answers were never asked for"

    def then(self, script: Script) -> None:
        """Answer the next call with `script`."""
        self.scripts.append(script)

    def say(self, *pieces: str, finish_reason: str = "stop") -> None:
        """Answer the next call with text, a chunk per piece."""
        self.then(_chunks([_delta({"content": piece}) for piece in pieces] + _ending(finish_reason)))

    def call(self, *calls: Call, text: Iterable[str] = ()) -> None:
        """Answer the next call by asking for tools, after some text; arguments come in two pieces each."""
        self.then(_chunks([_delta({"content": piece}) for piece in text] + _calling(calls) + _ending("tool_calls")))

    def stream(self, *deltas: dict[str, Any], finish_reason: str = "stop") -> None:
        """Answer the next call with these deltas."""
        self.then(_chunks([_delta(delta) for delta in deltas] + _ending(finish_reason)))

    def fail(self, status: int, *, retry_after: str | None = None, code: str = "scripted") -> None:
        """Refuse the next call."""
        headers = {"Retry-After": retry_after} if retry_after is not None else {}
        body = orjson.dumps({"error": {"message": "SECRET-PROVIDER-TEXT", "type": "scripted", "code": code}})

        async def script(_request: Request, connection: Connection) -> None:
            await connection.respond(status, body, headers=headers)

        self.then(script)

    def hang(self, *pieces: str) -> None:
        """Say the pieces, then nothing more until the client goes away."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks()
            for piece in pieces:
                await connection.chunk(_event(_delta({"content": piece})))
            await connection.gone.wait()
            self.cancelled += 1

        self.then(script)

    def wait_for(self, gate: asyncio.Event, *pieces: str, before: Iterable[str] = ()) -> None:
        """Say `before`, wait for the gate, say the pieces, end."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks()
            for piece in before:
                await connection.chunk(_event(_delta({"content": piece})))
            waiting = [asyncio.create_task(gate.wait()), asyncio.create_task(connection.gone.wait())]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            if connection.gone.is_set():
                self.cancelled += 1
                return
            for event in [_delta({"content": piece}) for piece in pieces] + _ending("stop"):
                await connection.chunk(_event(event))
            await connection.chunk(b"data: [DONE]\n\n")
            await connection.end_chunks()

        self.then(script)

    def slowly(self, *pieces: str, pause_s: float) -> None:
        """Answer the next call with text, some time before each piece."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks()
            for piece in pieces:
                await asyncio.sleep(pause_s)
                await connection.chunk(_event(_delta({"content": piece})))
            for event in _ending("stop"):
                await connection.chunk(_event(event))
            await connection.chunk(b"data: [DONE]\n\n")
            await connection.end_chunks()

        self.then(script)

    def cut(self, *pieces: str, midway: bytes = b'data: {"choices":[{"del') -> None:
        """Say the pieces, send half an event, drop the connection."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks()
            for piece in pieces:
                await connection.chunk(_event(_delta({"content": piece})))
            await connection.send(b"%x\r\n%b" % (len(midway) + 100, midway))
            connection.cut()

        self.then(script)

    def raw(self, data: bytes, *, split: int = 0) -> None:
        """Answer the next call with these bytes as the body, in pieces of `split` bytes where given."""

        async def script(_request: Request, connection: Connection) -> None:
            await connection.begin_chunks()
            step = split or max(1, len(data))
            for start in range(0, len(data), step):
                await connection.chunk(data[start : start + step])
            await connection.end_chunks()

        self.then(script)

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        body = request.json
        last = body["messages"][-1].get("content")
        if (script := self._beside(last, body)) is not None:
            self.violations += violations(body)
            await script(request, connection)
            return
        problems = list(violations(body))
        for message in body["messages"]:
            if message["role"] == "tool":
                message["content"] = unfenced(message["content"])  # that it was fenced is looked at for each request
        self.requests.append(body)
        self.headers.append(request.headers)
        if not self.scripts:
            problems.append("a call that no script expects")
        if problems:
            self.violations += problems
            refusal = orjson.dumps({"error": {"message": "; ".join(problems), "code": "invalid_request"}})
            await connection.respond(400, refusal)
            return
        await self.scripts.popleft()(request, connection)

    def _beside(self, last: object, body: dict[str, Any]) -> Script | None:
        """Return what answers a question beside a run's own; None where it is no such."""
        if isinstance(last, str) and last.endswith(SUMMARY_REQUEST):
            self.summaries.append(body)
            return self.fold or scripted(self.summary)
        if last not in (SUGGESTIONS_REQUEST, TITLE_REQUEST):
            return None
        self.asides.append(body)
        answer = self.suggestions if last == SUGGESTIONS_REQUEST else self.title
        return self.aside or scripted(answer)


@asynccontextmanager
async def scripted_provider() -> AsyncIterator[Provider]:
    """Start a provider on a free port."""
    provider = Provider()
    async with listen(provider.handle) as url:
        provider.url = f"{url}/v1"
        yield provider


def violations(body: dict[str, Any]) -> Iterable[str]:
    """Yield what a strict provider would refuse in a request."""
    open_calls: list[str] = []
    previous = ""
    if "tool_choice" in body and not body.get("tools"):
        yield "a tool choice without tools"
    for number, message in enumerate(body["messages"]):
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                yield f"message {number}: a result without its call"
            else:
                open_calls.remove(message["tool_call_id"])
            if not is_fenced(message["content"]):
                yield f"message {number}: a result that is not fenced: {message['content'][:80]!r}"
        elif open_calls:
            yield f"message {number}: calls without results: {open_calls}"
            open_calls = []
        if role == "system" and number > 0:
            yield f"message {number}: a system message that is not the first"
        if role == "user" and previous == "user":
            yield f"message {number}: two user messages in a row"
        if role == "assistant":
            if not (message.get("content") or "").strip() and not message.get("tool_calls"):
                yield f"message {number}: an empty assistant message"
            for call in message.get("tool_calls") or ():
                if not NAME.fullmatch(call["function"]["name"]):
                    yield f"message {number}: not a function's name: {call['function']['name']!r}"
                if not isinstance(orjson.loads(call["function"]["arguments"]), dict):
                    yield f"message {number}: arguments that are no object"
            open_calls = [call["id"] for call in message.get("tool_calls") or ()]
            if len(set(open_calls)) != len(open_calls):
                yield f"message {number}: the same tool call id twice"
        previous = role
    if open_calls:
        yield f"calls without results at the end: {open_calls}"
    if previous not in ("user", "tool"):
        yield f"the last message is of {previous}"


def is_fenced(content: str) -> bool:
    """Return whether a result stands in a fence that it does not close itself; what is only ours to say needs none."""
    inner = content.removeprefix(FENCE).removesuffix(FENCE_END)
    return content == LOST_RESULT or (content == f"{FENCE}{inner}{FENCE_END}" and without_mark(inner) == inner)


def scripted(text: str) -> Script:
    """Return what says a text, in one piece."""
    return _chunks([_delta({"content": text}), *_ending("stop")])


def _chunks(events: list[dict[str, Any]]) -> Script:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for event in events:
            await connection.chunk(_event(event))
        await connection.chunk(b"data: [DONE]\n\n")
        await connection.end_chunks()

    return script


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"


def _delta(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def _calling(calls: Iterable[Call]) -> list[dict[str, Any]]:
    events = []
    for index, call in enumerate(calls):
        half = len(call.json) // 2
        named = {"index": index, "id": call.id, "type": "function"}
        events.append(
            _delta({"tool_calls": [{**named, "function": {"name": call.name, "arguments": call.json[:half]}}]})
        )
        events.append(_delta({"tool_calls": [{"index": index, "function": {"arguments": call.json[half:]}}]}))
    return events


def _ending(finish_reason: str) -> list[dict[str, Any]]:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    final = {**_delta({}), "choices": [], "usage": usage}
    return [_delta({}, finish_reason), final]

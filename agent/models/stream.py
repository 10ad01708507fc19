"""One call of a model, streamed: time limits, retries before the first token, and the reply put together.

The invariant: what `on_text` got, joined, is `Reply.text`; after the first piece nothing is tried again.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Any, cast

import orjson
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.runnables import Runnable, RunnableBinding

from agent.assistant import Limits
from agent.errors import ModelRateLimitedError, ModelRefusedError, ModelTimeoutError, ModelUnavailableError
from agent.events import Usage
from agent.models.text import Cleaner, clean

MAX_RETRY_AFTER_S = 30.0
"""A provider that wants us to wait longer is not waited for; the client is told instead."""
FIRST_BACKOFF_S = 0.5
PIECE_CHARACTERS = 4096
"""A provider that sends more at once is passed on in pieces of this size, so that no reader has to hold more."""
MOST_CALLS = 128
"""Tool calls in one reply."""

NAME_CHARACTERS = 64
REASON_CHARACTERS = 32
WITHHELD = "content_filter"
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")

Sink = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call as the model asked for it. `arguments` is None where it wrote something that is no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(slots=True)
class Reply:
    """What one model call gave. While it streams, it is what there is so far."""

    pieces: list[str] = field(default_factory=list)
    requests: tuple[ToolRequest, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = "stop"

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def stream_reply(
    model: Runnable[LanguageModelInput, Any],
    messages: Sequence[BaseMessage],
    reply: Reply,
    *,
    limits: Limits,
    on_text: Sink,
    on_reasoning: Sink,
) -> None:
    """Ask the model and fill `reply` while the answer streams, handing each piece on as it comes.

    Raises:
        RunError: one of the Model… errors, or ContextTooLongError. What came before it is in `reply`.
    """
    for retry in range(limits.model_retries + 1):
        collector = _Collector(reply, on_text, on_reasoning, limits.answer_characters)
        try:
            await _stream_once(model, messages, collector, limits)
        except (ModelUnavailableError, ModelRateLimitedError) as error:
            delay = _delay(error, retry)
            if collector.started or retry == limits.model_retries or delay is None:
                raise
            await asyncio.sleep(delay)
        else:
            return


async def _stream_once(
    model: Runnable[LanguageModelInput, Any], messages: Sequence[BaseMessage], collector: "_Collector", limits: Limits
) -> None:
    try:
        async with _patience(limits) as patience, aclosing(_pieces_of(model, list(messages))) as pieces:
            async for piece in pieces:
                patience.renew()
                await collector.add(piece)
                if collector.full:
                    break
    except TimeoutError as exc:
        what = "the next token" if collector.started else "the first token"
        raise ModelTimeoutError(f"waited too long for {what}") from exc
    await collector.finish()


@asynccontextmanager
async def _patience(limits: Limits) -> AsyncIterator["_Patience"]:
    """Limit the time to the first token and between two of them.

    Raises:
        TimeoutError: the wait was too long.
    """
    async with asyncio.timeout(None) as limit:
        patience = _Patience(limit, limits)
        try:
            yield patience
        finally:
            patience.end()


class _Patience:
    """Moves a deadline with every token at the price of one reading of the clock: the timer looks when it is due."""

    def __init__(self, limit: asyncio.Timeout, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._between_s = limits.between_tokens_timeout_s
        self._until = self._loop.time() + limits.first_token_timeout_s
        self._timer = self._loop.call_at(self._until, self._look)
        self._has_begun = False

    def renew(self) -> None:
        """Wait as long again."""
        self._until = self._loop.time() + self._between_s
        if not self._has_begun:
            self._has_begun = True
            self._look()

    def end(self) -> None:
        """Wait no more."""
        self._timer.cancel()

    def _look(self) -> None:
        self._timer.cancel()
        now = self._loop.time()
        if now >= self._until:
            self._limit.reschedule(now)
        else:
            self._timer = self._loop.call_at(self._until, self._look)


def _pieces_of(
    model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage]
) -> AsyncGenerator[str | AIMessageChunk]:
    """Return a model's answer as it streams; plain text as it is, where the model can give it so.

    LangChain's `astream` makes two objects of every piece and looks at each of them three times.
    """
    bound, arguments = (model.bound, model.kwargs) if isinstance(model, RunnableBinding) else (model, {})
    stream_pieces = getattr(bound, "stream_pieces", None)
    stream = model.astream(messages) if stream_pieces is None else stream_pieces(messages, **arguments)
    return cast("AsyncGenerator[str | AIMessageChunk]", stream)


def _delay(error: ModelUnavailableError | ModelRateLimitedError, retry: int) -> float | None:
    """Return the seconds to wait before the next try, or None where waiting is pointless."""
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= MAX_RETRY_AFTER_S else None
    return FIRST_BACKOFF_S * (1 << retry) * uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)


class _Collector:
    """Puts chunks together. All text is kept in lists and joined once: nothing here is quadratic.

    What the model says, thinks and asks for shares one budget of characters; a model that never ends is cut there.
    """

    def __init__(self, reply: Reply, on_text: Sink, on_reasoning: Sink, most_characters: int) -> None:
        self.started = False
        self.full = False
        self._reply = reply
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._room = most_characters
        self._text = Cleaner()
        self._reasoning = Cleaner()
        self._calls: list[_CallParts] = []

    async def add(self, chunk: str | AIMessageChunk) -> None:
        if isinstance(chunk, str):
            await self._take_text(self._text.feed(chunk))
            return
        text = chunk.content if isinstance(chunk.content, str) else str(chunk.text)
        if text:
            await self._take_text(self._text.feed(text))
        if reasoning := _reasoning_of(chunk):
            self.started = True
            for piece in _pieces(self._within_budget(self._reasoning.feed(reasoning))):
                await self._on_reasoning(piece)
        for part in chunk.tool_call_chunks:
            self.started = True
            self._take_call(part)
        if chunk.usage_metadata:
            counted = chunk.usage_metadata
            self._reply.usage += Usage(counted["input_tokens"], counted["output_tokens"])
        if reason := chunk.response_metadata.get("finish_reason"):
            self._reply.finish_reason = clean(str(reason))[:REASON_CHARACTERS]

    async def finish(self) -> None:
        await self._take_text(self._text.flush())
        self._reply.requests = self._requests()
        if not self._reply.pieces and not self._reply.requests:
            kind = ModelRefusedError if self._reply.finish_reason == WITHHELD else ModelUnavailableError
            raise kind(f"an empty answer, finish reason {self._reply.finish_reason}")

    async def _take_text(self, text: str) -> None:
        for piece in _pieces(self._within_budget(text)):
            self.started = True
            self._reply.pieces.append(piece)
            await self._on_text(piece)

    def _take_call(self, part: ToolCallChunk) -> None:
        """Add to the call that this is a part of, or begin another one."""
        call = next((call for call in self._calls if call.takes(part)), None)
        if call is None:
            if len(self._calls) == MOST_CALLS:
                self._cut()
                return
            call = _CallParts(part["index"])
            self._calls.append(call)
        call.id = call.id or part["id"]
        if part["name"]:
            call.name.append(self._within_budget(part["name"]))
        if part["args"]:
            call.arguments.append(self._within_budget(part["args"]))

    def _within_budget(self, text: str) -> str:
        """Return what of `text` there is still room for."""
        if len(text) > self._room:
            text = text[: self._room]
            self._cut()
        self._room -= len(text)
        return text

    def _cut(self) -> None:
        self.full, self._reply.finish_reason = True, "length"

    def _requests(self) -> tuple[ToolRequest, ...]:
        if self.full:
            return ()
        return tuple(
            ToolRequest(_name("".join(call.name)), _arguments("".join(call.arguments))) for call in self._calls
        )


@dataclass(slots=True)
class _CallParts:
    """A tool call as it comes in: parts with the same index, unless they name another id."""

    index: int | str | None
    id: str | None = None
    name: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def takes(self, part: ToolCallChunk) -> bool:
        if part["index"] is None or part["index"] != self.index:
            return False
        return not (self.id and part["id"]) or self.id == part["id"]


def _pieces(text: str) -> Iterable[str]:
    if len(text) <= PIECE_CHARACTERS:
        return (text,) if text else ()
    return (text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS))


def _name(text: str) -> str:
    """Return a tool's name as the model wrote it, made one that a provider takes back in the transcript."""
    return _NO_NAME.sub("_", text)[:NAME_CHARACTERS] or "unnamed"


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(text or "{}")
        orjson.dumps(parsed)  # what is nested too deeply can be read, but not stored or sent
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _reasoning_of(chunk: AIMessageChunk) -> str:
    """Return the thinking in a chunk, as the common integrations carry it."""
    if isinstance(chunk.content, str):
        found = chunk.additional_kwargs.get("reasoning_content") if chunk.additional_kwargs else None
        return found if isinstance(found, str) else ""
    return "".join(
        str(block.get("reasoning") or block.get("thinking") or "")
        for block in chunk.content
        if isinstance(block, dict) and block.get("type") in ("reasoning", "thinking")
    )

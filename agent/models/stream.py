"""One call of a model, streamed: time limits, retries before the first token, and the reply put together.

The invariant: what `on_text` got, joined, is `Reply.text`; after the first piece nothing is tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import uniform
from typing import Any

import orjson
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.runnables import Runnable

from agent.assistant import Limits
from agent.errors import ModelRateLimitedError, ModelTimeoutError, ModelUnavailableError
from agent.events import Usage
from agent.models.text import Cleaner

MAX_RETRY_AFTER_S = 30.0
"""A provider that wants us to wait longer is not waited for; the client is told instead."""
FIRST_BACKOFF_S = 0.5

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
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(limits.first_token_timeout_s) as limit:
            stream = model.astream(list(messages))
            try:
                async for chunk in stream:
                    limit.reschedule(loop.time() + limits.between_tokens_timeout_s)
                    await collector.add(chunk)
                    if collector.full:
                        break
            finally:
                await stream.aclose()  # type: ignore[attr-defined] # an async generator, typed as an iterator
    except TimeoutError as exc:
        what = "the next token" if collector.started else "the first token"
        raise ModelTimeoutError(f"waited too long for {what}") from exc
    await collector.finish()


def _delay(error: ModelUnavailableError | ModelRateLimitedError, retry: int) -> float | None:
    """Return the seconds to wait before the next try, or None where waiting is pointless."""
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= MAX_RETRY_AFTER_S else None
    return FIRST_BACKOFF_S * (1 << retry) * uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)


class _Collector:
    """Puts chunks together. Text is kept in a list and joined once: nothing here is quadratic."""

    def __init__(self, reply: Reply, on_text: Sink, on_reasoning: Sink, most_characters: int) -> None:
        self.started = False
        self.full = False
        self._reply = reply
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._room = most_characters
        self._text = Cleaner()
        self._reasoning = Cleaner()
        self._calls: list[AIMessageChunk] = []

    async def add(self, chunk: AIMessageChunk) -> None:
        text = chunk.content if isinstance(chunk.content, str) else str(chunk.text)
        if text:
            await self._take_text(self._text.feed(text))
        if reasoning := _reasoning_of(chunk):
            self.started = True
            await self._on_reasoning(self._reasoning.feed(reasoning))
        if chunk.tool_call_chunks:
            self.started = True
            self._calls.append(AIMessageChunk(content="", tool_call_chunks=chunk.tool_call_chunks))
        if chunk.usage_metadata:
            counted = chunk.usage_metadata
            self._reply.usage += Usage(counted["input_tokens"], counted["output_tokens"])
        if reason := chunk.response_metadata.get("finish_reason"):
            self._reply.finish_reason = str(reason)

    async def finish(self) -> None:
        await self._take_text(self._text.flush())
        self._reply.requests = self._requests()
        if not self._reply.pieces and not self._reply.requests:
            raise ModelUnavailableError(f"an empty answer, finish reason {self._reply.finish_reason}")

    async def _take_text(self, text: str) -> None:
        if len(text) >= self._room:
            text, self.full, self._reply.finish_reason = text[: self._room], True, "length"
        if not text:
            return
        self.started = True
        self._room -= len(text)
        self._reply.pieces.append(text)
        await self._on_text(text)

    def _requests(self) -> tuple[ToolRequest, ...]:
        if not self._calls or self.full:
            return ()
        merged = add_ai_message_chunks(*self._calls) if len(self._calls) > 1 else self._calls[0]
        return tuple(ToolRequest(call["name"] or "", _arguments(call["args"])) for call in merged.tool_call_chunks)


def _arguments(text: str | None) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
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

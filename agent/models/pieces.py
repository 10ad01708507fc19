"""A model's answer as it streams, whatever makes it: text as it is, all else as deltas."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableBinding

from agent.events.schema import Usage
from agent.models.completion import joined_text
from agent.models.delta import CallPart, Delta


def pieces_of(model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage]) -> AsyncGenerator[str | Delta]:
    """Return a model's answer as it streams; plain text as it is, where the model can give it so.

    LangChain's `astream` makes two objects of every piece and looks at each of them three times.
    """
    bound, arguments = (model.bound, model.kwargs) if isinstance(model, RunnableBinding) else (model, {})
    stream_pieces = getattr(bound, "stream_pieces", None)
    stream = _deltas(model, messages) if stream_pieces is None else stream_pieces(messages, **arguments)
    return cast("AsyncGenerator[str | Delta]", stream)


async def _deltas(model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage]) -> AsyncGenerator[Delta]:
    """Yield what any other LangChain model says. Its chunks say what they alone have cost, so the usage is added up here."""
    usage, cached = Usage(), 0
    async with aclosing(cast("AsyncGenerator[AIMessageChunk]", model.astream(messages))) as chunks:
        async for chunk in chunks:
            if chunk.usage_metadata:
                usage += Usage(chunk.usage_metadata["input_tokens"], chunk.usage_metadata["output_tokens"])
                cached += int(chunk.usage_metadata.get("input_token_details", {}).get("cache_read") or 0)
            yield Delta(
                chunk.content if isinstance(chunk.content, str) else str(chunk.text),
                _reasoning_of(chunk),
                tuple(_call_part(part) for part in chunk.tool_call_chunks),
                usage if chunk.usage_metadata else None,
                str(chunk.response_metadata.get("finish_reason") or ""),
                cached_tokens=max(0, min(cached, usage.input_tokens)),
            )


def _call_part(part: Any) -> CallPart:
    index = part["index"]
    return CallPart(index if isinstance(index, int) else None, part["id"] or "", part["name"] or "", part["args"] or "")


def _reasoning_of(chunk: AIMessageChunk) -> str:
    """Return the thinking in a chunk, as the common integrations carry it."""
    if isinstance(chunk.content, str):
        found = chunk.additional_kwargs.get("reasoning_content") if chunk.additional_kwargs else None
        return found if isinstance(found, str) else ""
    return "".join(
        joined_text(block.get("reasoning") or block.get("thinking"))
        for block in chunk.content
        if isinstance(block, dict) and block.get("type") in ("reasoning", "thinking")
    )

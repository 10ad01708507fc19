"""A model's answer as it streams, whatever makes it: text as it is, all else as deltas."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableBinding

from agent.models.chunks import ChunkReader
from agent.models.delta import Delta


def pieces_of(model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage]) -> AsyncGenerator[str | Delta]:
    """Return a model's answer as it streams; plain text as it is, where the model can give it so.

    LangChain's `astream` makes two objects of every piece and looks at each of them three times.
    """
    bound, arguments = (model.bound, model.kwargs) if isinstance(model, RunnableBinding) else (model, {})
    stream_pieces = getattr(bound, "stream_pieces", None)
    stream = _deltas(model, messages) if stream_pieces is None else stream_pieces(messages, **arguments)
    return cast("AsyncGenerator[str | Delta]", stream)


async def _deltas(model: Runnable[LanguageModelInput, Any], messages: list[BaseMessage]) -> AsyncGenerator[Delta]:
    """Yield what any other chat model of LangChain says."""
    reader = ChunkReader()
    async with aclosing(cast("AsyncGenerator[AIMessageChunk]", model.astream(messages))) as chunks:
        async for chunk in chunks:
            yield reader.read(chunk)

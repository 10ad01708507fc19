"""The offline model as a LangChain chat model: what `reply` decides, streamed word by word."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import anyio
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from demo.manner import Manner
from demo.reply import reply
from demo.turn import text_of

_PIECE = re.compile(r"\|[^\n]*\n?|\s*\S+\s*|\s+")
"""A table's row, or a word with the space around it; the pieces joined are the text."""


class DemoChatModel(BaseChatModel):
    """Answers from the bound tools by matching words, with no network, no key and no state. Arguments that it has none of are refused.

    The same messages and tools give the same reply, except for the ids of tool calls, which are always new. A reply
    has text or tool calls, never both, and its last chunk carries approximate usage and the finish reason.
    """

    model_config = ConfigDict(extra="forbid")

    provider: ClassVar[str] = "demo"
    manner: Manner = "thorough"
    """How the same is said; of two of these models that answer beside each other one is brief."""
    delay_s: float = Field(default=0.02, ge=0)
    """Seconds between two pieces of a streamed text; without streaming there is no wait."""

    @property
    def _llm_type(self) -> str:
        return "frontdesk-demo"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools; `tool_choice` is "none" to forbid them, and otherwise ignored."""
        bound = [] if tool_choice == "none" else [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=bound, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(_chunks(messages, kwargs.get("tools"), self.manner))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(messages, kwargs.get("tools"), self.manner):
            yield chunk
            if self.delay_s and chunk.message.content:
                await anyio.sleep(self.delay_s)


def _chunks(messages: list[BaseMessage], tools: object, manner: Manner) -> Iterator[ChatGenerationChunk]:
    answer = reply(messages, tools, manner)
    for piece in _PIECE.findall(answer.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    for index, call in enumerate(answer.calls):
        arguments, identity = json.dumps(call.arguments), f"call_{uuid4().hex}"
        part = tool_call_chunk(name=call.name, args=arguments, id=identity, index=index)
        yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[part]))
    read = sum(_tokens(text_of(message)) for message in messages)
    written = _tokens(answer.text) + sum(_tokens(f"{call.name}{call.arguments}") for call in answer.calls)
    last = AIMessageChunk(
        content="",
        usage_metadata=UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written),
        response_metadata={"finish_reason": "tool_calls" if answer.calls else "stop", "model_name": "demo"},
        chunk_position="last",
    )
    yield ChatGenerationChunk(message=last)


def _tokens(text: str) -> int:
    """Estimate tokens: about four characters each."""
    return (len(text) + 3) // 4

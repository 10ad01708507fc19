"""Asking a model through `stream_reply`, and a model that yields what a test gives it."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from agent.assistant.definition import Limits
from agent.models.stream import Reply, Sinks, stream_reply


@dataclass(slots=True)
class Heard:
    """The reply to one call, and what was handed on while it streamed."""

    reply: Reply = field(default_factory=Reply)
    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)

    @property
    def sinks(self) -> Sinks:
        return Sinks(self.on_text, self.on_reasoning, self.on_retract)

    def on_text(self, text: str) -> None:
        self.pieces.append(text)

    async def on_retract(self) -> None:
        self.pieces.clear()

    def on_reasoning(self, text: str) -> None:
        self.reasoning.append(text)


async def ask(
    model: Runnable[LanguageModelInput, Any],
    heard: Heard | None = None,
    *,
    after: Sequence[BaseMessage] = (),
    tools: Collection[str] = (),
    **limits: Any,
) -> Heard:
    """Ask the model one thing, perhaps `after` earlier steps, under these limits; what it says is in `heard` also where it raises.

    `tools` are the names that it was offered.
    """
    heard = heard or Heard()
    await stream_reply(
        model,
        [HumanMessage("hi"), *after],
        heard.reply,
        heard.sinks,
        limits=Limits(**limits),
        tools=tools,
    )
    return heard


class ScriptedModel(BaseChatModel):
    """Yields these chunks, or raises what stands among them; each call takes the next script, the last one stays."""

    scripts: list[list[Any]]
    calls: int = 0
    closed: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError  # LangChain wants it to be there; nobody asks for a whole answer

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        script = self.scripts[min(self.calls, len(self.scripts) - 1)]
        self.calls += 1
        try:
            for chunk in script:
                if isinstance(chunk, Exception):
                    raise chunk
                yield ChatGenerationChunk(message=chunk)
        finally:
            self.closed += 1


def scripted(*chunks: AIMessageChunk | Exception) -> ScriptedModel:
    """Return a model that always says this."""
    return ScriptedModel(scripts=[list(chunks)])


def chunk(content: str | Sequence[str | dict[str, Any]] = "", **fields: Any) -> AIMessageChunk:
    """Return a chunk of text or of blocks."""
    return AIMessageChunk(content=content if isinstance(content, str) else list(content), **fields)


def calling(index: int, arguments: str = "", *, name: str | None = None, call_id: str | None = None) -> AIMessageChunk:
    """Return a part of a tool call."""
    part = {"name": name, "args": arguments, "id": call_id, "index": index, "type": "tool_call_chunk"}
    return AIMessageChunk(content="", tool_call_chunks=[part])

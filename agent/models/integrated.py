"""A chat model of any of LangChain's packages as Frontdesk asks it: our stream, our errors, and what goes back.

The rule of the end is that of `openai.py`: once a finish reason was said, nothing that follows can fail the answer. Where the
package always says one, a stream without it was cut. Retries are not made here, and time limits are the caller's.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, PrivateAttr, SkipValidation

from agent.assistant.models import ModelAbilities
from agent.errors import ModelUnavailableError, RunError
from agent.masking import Mask
from agent.models.chunks import ChunkReader
from agent.models.delta import Delta
from agent.models.failures import failure
from agent.models.manners import ANY, Manner
from agent.models.replay import told
from agent.models.threads import only_waits, streamed

Asked = Runnable[LanguageModelInput, Any]


class IntegratedModel(BaseChatModel):
    """A chat model of a package, whose stream either ends as it said or raises one of our errors."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: SkipValidation[BaseChatModel] = Field(exclude=True, repr=False)
    provider: str = "_OTHER"
    model_name: str = ""
    manner: SkipValidation[Manner] = Field(default=ANY, exclude=True)
    abilities: ModelAbilities = Field(default_factory=ModelAbilities, exclude=True)
    _mask: Mask = PrivateAttr(default_factory=Mask)

    def hide(self, secret: str) -> None:
        """Hide a secret from now on wherever the provider says it back in an error."""
        self._mask.learn(secret)

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        """Return the model with tools; without them where it cannot use any."""
        if not self.abilities.tools:
            return self.bind()
        return self.bind(asked=self.inner.bind_tools(tools))

    async def stream_pieces(
        self,
        messages: list[BaseMessage],
        *,
        asked: Asked | None = None,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[str | Delta]:
        """Yield the answer as it comes. With the `tool_choice` none the model that is `asked` has its tools, and calls none.

        Raises:
            RunError: the provider refused, failed, or did not end what it began.
        """
        more = self.manner.no_calls if asked is not None and tool_choice == "none" else {}
        reader = ChunkReader(self.manner)
        failed: RunError | None = None
        try:
            model, sent = asked or self.inner, told(messages, self.manner, self.abilities)
            stream = streamed(model, sent, **more) if only_waits(self.inner) else model.astream(sent, **more)
            async with aclosing(cast("AsyncGenerator[AIMessageChunk]", stream)) as chunks:
                async for chunk in chunks:
                    yield reader.read(chunk)
        except Exception as exc:  # noqa: BLE001 (a package of others: whatever it raises is an error of the run)
            failed = None if reader.ended else failure(exc, self._mask)
        if failed is not None:
            raise failed  # outside of the block, so that it carries nothing that may hold a key
        if self.manner.says_end and not reader.ended:
            raise ModelUnavailableError("the stream was cut: its end was never said")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self.stream_pieces(messages, **kwargs)) as pieces:
            async for piece in pieces:
                text = piece if isinstance(piece, str) else piece.text
                yield ChatGenerationChunk(message=AIMessageChunk(content=text))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("it only streams")  # LangChain wants it to be there; nobody asks for a whole answer

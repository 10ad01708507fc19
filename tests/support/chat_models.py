"""Chat models of LangChain that a definition may name by their class."""

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import SecretStr


class Parrot(BaseChatModel):
    """Says its words, and of whom it has a key. It can only wait, as packages without `async` do."""

    words: str
    api_key: SecretStr | None = None
    base_url: str | None = None
    max_retries: int = 5

    @property
    def _llm_type(self) -> str:
        return "parrot"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if self.words == "broken":
            raise RuntimeError(f"broken with {self.api_key and self.api_key.get_secret_value()}")
        for word in self.words.split():
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))


class NoModel:
    """No chat model."""

"""Any OpenAI-compatible server as a chat model, with its errors turned into ours.

The only room that knows the `openai` package. Retries are off here: `agent.models.stream` retries, and only before the
first token.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agent.assistant import Limits
from agent.errors import (
    ContextTooLongError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
    RunError,
)

TOO_LONG = {"context_length_exceeded", "string_above_max_length"}
WRITE_TIMEOUT_S = 30.0


class OpenAICompatibleModel(ChatOpenAI):
    """`ChatOpenAI` whose stream either ends with a finish reason or raises one of our errors."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        stream_usage: bool | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        finished = False
        try:
            async for chunk in super()._astream(messages, stop, run_manager, stream_usage=stream_usage, **kwargs):
                finished = finished or bool((chunk.generation_info or {}).get("finish_reason"))
                yield chunk
        except openai.OpenAIError as exc:
            raise translate(exc) from exc
        except httpx2.TimeoutException as exc:
            raise ModelTimeoutError(type(exc).__name__) from exc
        except httpx2.HTTPError as exc:
            raise ModelUnavailableError(type(exc).__name__) from exc
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            # What the two libraries raise for bytes that are no chat completion.
            raise ModelUnavailableError(f"unreadable stream: {type(exc).__name__}") from exc
        if not finished:
            raise ModelUnavailableError("the stream was cut: it ended without a finish reason")


def open_model(
    name: str, *, api_key: SecretStr | None, base_url: str | None, http_client: httpx2.AsyncClient, limits: Limits
) -> OpenAICompatibleModel:
    """Return the model `name` of an OpenAI-compatible server; without `base_url` it is OpenAI's own.

    Servers that want no key get a placeholder, because the client insists on one.
    """
    return OpenAICompatibleModel(
        model=name,
        api_key=api_key or SecretStr("none"),
        base_url=base_url,
        http_async_client=http_client,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=limits.connect_timeout_s, write=WRITE_TIMEOUT_S),
        stream_usage=True,
        stream_chunk_timeout=None,
        use_responses_api=False,
    )


def translate(error: openai.OpenAIError) -> RunError:
    """Return our error for one of the client's. The provider's text goes no further than the exception chain."""
    match error:
        case openai.APITimeoutError():
            return ModelTimeoutError("connecting to the provider took too long")
        case openai.APIStatusError():
            return _from_status(error)
        case openai.APIConnectionError():
            return ModelUnavailableError("the provider cannot be reached")
        case openai.APIError(code=code) if code in TOO_LONG:
            return ContextTooLongError(f"provider code {code}")
        case _:
            return ModelUnavailableError(f"the provider failed: {type(error).__name__}")


def _from_status(error: openai.APIStatusError) -> RunError:
    status = error.status_code
    if error.code in TOO_LONG:
        return ContextTooLongError(f"status {status}, {error.code}")
    match status:
        case 429:
            return ModelRateLimitedError(f"status {status}", retry_after_s=_retry_after(error.response))
        case 408 | 409 | 425:
            return ModelUnavailableError(f"status {status}")
        case _ if status < 500:
            return ModelRefusedError(f"status {status}, code {error.code}")
        case _:
            failure = ModelUnavailableError(f"status {status}")
            failure.retry_after_s = _retry_after(error.response)
            return failure


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of a Retry-After header; the date form is rare among providers and not read."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None

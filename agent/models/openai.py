"""Any OpenAI-compatible server as a chat model: `ChatOpenAI`'s requests, our own streaming.

`ChatOpenAI` builds the request, binds tools and knows the parameters. Its stream is replaced, because that is where the time
of a token goes: the bytes of one network read become one chunk, and plain text is not looked at by pydantic twice. What it
yields for the same bytes merges to the same message (`tests/agent/models/test_openai_side_by_side.py`), and two things more:
`reasoning_content`, and tool calls without an index.

Retries are not made here: `agent.models.stream` makes them, and only before the first token.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from httpx2 import Timeout
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import Field, SecretStr, SkipValidation

from agent.assistant import Limits
from agent.errors import (
    ContextTooLongError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
    RunError,
)
from agent.http import open_blocking_client, open_client
from agent.masking import Mask
from agent.models.sse import EventSplitter

TOO_LONG = {"context_length_exceeded", "string_above_max_length"}
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What parsers raise for bytes that are no chat completion."""
DONE = b"[DONE]"
MAX_ERROR_BYTES = 64 * 1024
OPENAI_URL = "https://api.openai.com/v1"
DRAIN_S = 0.02
PROVIDER = {"model_provider": "openai"}


class OpenAICompatibleModel(ChatOpenAI):
    """`ChatOpenAI` whose stream either ends with a finish reason or raises one of our errors.

    Closing the stream closes the connection to the provider at once. `stream_pieces` is the same stream without
    LangChain around each piece of text.
    """

    session: SkipValidation[aiohttp.ClientSession] = Field(exclude=True)
    proxy: str | None = Field(default=None, exclude=True, repr=False)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self.stream_pieces(messages, stop=stop, **kwargs)) as pieces:
            async for piece in pieces:
                chunk = _generation_of(_text_chunk(piece) if isinstance(piece, str) else piece)
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    async def stream_pieces(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        stream_usage: bool | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[str | AIMessageChunk]:
        """Yield the answer as it comes: plain text as it is, everything else as the chunk that `astream` yields."""
        payload = self._get_request_payload(messages, stop=stop, stream=True, **kwargs)
        if self._should_stream_usage(stream_usage, **kwargs):
            payload["stream_options"] = {"include_usage": True}
        splitter, state = EventSplitter(), _StreamState()
        try:
            async with self._respond(payload) as response:
                while data := await response.content.readany():
                    for piece in self._convert(splitter.feed(data), state):
                        yield piece
                    if state.done:
                        await _drain(response)
                        break
                if not state.finished:
                    raise ModelUnavailableError("the stream was cut: it ended without a finish reason")
        except aiohttp.ServerTimeoutError as exc:
            raise ModelTimeoutError("connecting to the provider took too long") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise ModelUnavailableError(type(exc).__name__) from exc
        except UNREADABLE as exc:
            raise ModelUnavailableError(f"unreadable stream: {type(exc).__name__}") from exc

    @asynccontextmanager
    async def _respond(self, payload: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and give its response; what is not read of it by the end is dropped with the connection."""
        client = self.root_async_client
        extra = payload.pop("extra_body", {})
        body = {**payload, **extra}
        headers = {**client.auth_headers, "Content-Type": "application/json", "Accept": "text/event-stream"}
        headers |= {**(self.default_headers or {}), **body.pop("extra_headers", {})}
        if self.openai_organization:
            headers["OpenAI-Organization"] = self.openai_organization
        async with self.session.post(
            f"{client.base_url}chat/completions",
            data=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS),
            headers=headers,
            params={name: str(value) for name, value in (self.default_query or {}).items()},
            proxy=self.proxy,
            allow_redirects=False,
        ) as response:
            if response.status >= 300:
                raise self._refusal(response, await response.content.read(MAX_ERROR_BYTES))
            try:
                yield response
            finally:
                if not response.content.at_eof():
                    response.close()

    def _convert(self, events: list[bytes], state: "_StreamState") -> Iterator[str | AIMessageChunk]:
        """Yield the text of one read as one piece, and every other event as a chunk of its own.

        What came before an unreadable event is not lost.
        """
        pieces: list[str] = []
        try:
            for data in events:
                if data == DONE:
                    state.done = True
                    break
                event = _parsed(data)
                text = _plain_text(event)
                if text is not None:
                    pieces.append(text)
                    continue
                if pieces:
                    yield "".join(pieces)
                    pieces = []
                yield from self._convert_other(event, state)
        except UNREADABLE:
            if pieces:
                yield "".join(pieces)
            raise
        if pieces:
            yield "".join(pieces)

    def _convert_other(self, event: dict[str, Any], state: "_StreamState") -> list[AIMessageChunk]:
        """Return the chunk for an event that is not plain text, as `ChatOpenAI` makes it."""
        if error := event.get("error"):
            raise self._error(error.get("code") if isinstance(error, dict) else None, status=None)
        choices = event.get("choices") or []
        delta = (choices[0].get("delta") or {}) if choices else {}
        if calls := delta.get("tool_calls"):
            state.number(calls)
        chunk = self._convert_chunk_to_generation_chunk(event, AIMessageChunk, None)
        if chunk is None:
            return []
        message = _message_of(chunk)
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str):
            message.additional_kwargs["reasoning_content"] = reasoning
        state.finished = state.finished or bool(choices and choices[0].get("finish_reason"))
        return [message]

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes) -> RunError:
        """Return our error for a response that is one. The provider's text goes no further."""
        try:
            parsed = orjson.loads(body)
            code = parsed["error"]["code"]
        except (ValueError, KeyError, TypeError):
            code = None
        return self._error(code, status=response.status, retry_after_s=_retry_after(response))

    def _error(self, code: object, *, status: int | None, retry_after_s: float | None = None) -> RunError:
        """Return our error for a provider's code, which is logged: without the key, where a provider says it back."""
        mask = Mask()
        mask.learn(self.root_async_client.api_key)
        return _error_of(mask(code) if isinstance(code, str) else code, status=status, retry_after_s=retry_after_s)


class _StreamState:
    """What has to be remembered from one read to the next."""

    def __init__(self) -> None:
        self.done = False
        self.finished = False
        self._last_index = -1

    def number(self, calls: list[dict[str, Any]]) -> None:
        """Give calls without an index the one that they mean: a call with a name begins, one without goes on."""
        for call in calls:
            if call.get("index") is None:
                begins = bool(call.get("id") or (call.get("function") or {}).get("name"))
                call["index"] = max(0, self._last_index + begins)
            self._last_index = max(self._last_index, call["index"])


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # Half of a surrogate pair, as `\ud83d`, whose other half comes with the next event: JSON, but not to orjson.
        return json.loads(data)


def _plain_text(event: dict[str, Any]) -> str | None:
    """Return the text of an event that holds nothing else; None for every other one."""
    choices = event.get("choices")
    if not choices or event.get("usage") or len(choices) != 1:
        return None
    choice = choices[0]
    delta = choice.get("delta")
    if not delta or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    text = delta.get("content")
    if not isinstance(text, str) or (len(delta) > 1 and not _adds_nothing(delta)):
        return None
    return text


def _adds_nothing(delta: dict[str, Any]) -> bool:
    """Say whether a delta holds nothing but its content, the role and empty fields."""
    return all(
        not value or name == "content" or (name == "role" and value == "assistant") for name, value in delta.items()
    )


def _text_chunk(text: str) -> AIMessageChunk:
    return AIMessageChunk(content=text, response_metadata=dict(PROVIDER))


def _message_of(chunk: ChatGenerationChunk) -> AIMessageChunk:
    """Return a chunk's message with what is known of its generation, as `astream` gives it."""
    message = chunk.message
    assert isinstance(message, AIMessageChunk)
    message.response_metadata = {**(chunk.generation_info or {}), **message.response_metadata}
    return message


def _generation_of(message: AIMessageChunk) -> ChatGenerationChunk:
    """Return a message's chunk as `_astream` gives it: what is known of its generation is beside it, where handlers look."""
    known = {name: value for name, value in message.response_metadata.items() if name not in PROVIDER}
    message.response_metadata = dict(PROVIDER)
    return ChatGenerationChunk(message=message, generation_info=known or None)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Wait a moment for the end of a response, so that the connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await response.content.read()


def open_model(
    name: str, *, api_key: SecretStr | None, base_url: str | None, session: aiohttp.ClientSession, limits: Limits
) -> OpenAICompatibleModel:
    """Return the model `name` of an OpenAI-compatible server; without `base_url` it is OpenAI's own.

    Servers that want no key get a placeholder, because the client insists on one.
    """
    return OpenAICompatibleModel(
        model=name,
        api_key=api_key or SecretStr("none"),
        base_url=base_url,
        session=session,
        proxy=_proxy_for(base_url or OPENAI_URL),
        # LangChain's own ones are asked nothing here; its defaults would be shared, and keep cookies.
        http_client=open_blocking_client(timeout=Timeout(limits.deadline_s)),
        http_async_client=open_client(timeout=Timeout(limits.deadline_s)),
        openai_proxy=None,
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
    )


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for a URL.

    aiohttp's own `trust_env` would read ~/.netrc too, with every request, and refuse ours where it finds an entry.
    """
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def _error_of(code: object, *, status: int | None, retry_after_s: float | None) -> RunError:
    reason = f"status {status}, code {str(code)[:64]}"
    if isinstance(code, str) and code in TOO_LONG:
        return ContextTooLongError(reason)
    match status:
        case 429:
            return ModelRateLimitedError(reason, retry_after_s=retry_after_s)
        case 408 | 409 | 425 | None:
            return ModelUnavailableError(reason)
        case _ if status < 500:
            return ModelRefusedError(reason)
        case _:
            failure = ModelUnavailableError(reason)
            failure.retry_after_s = retry_after_s
            return failure


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Return the seconds of a Retry-After header; the date form is rare among providers and not read."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None

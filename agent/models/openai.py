"""Any OpenAI-compatible server as a chat model: `ChatOpenAI`'s requests, our own streaming.

`ChatOpenAI` builds the request, binds tools and knows the parameters. What a provider said beside a step goes back into it as
it came, and only to the model that said it. The stream is read by `completion.py`: the bytes of one network read become one
piece, and neither pydantic nor LangChain looks at it. What `astream` yields for well-formed bytes merges to what
`ChatOpenAI` yields for them (`tests/agent/models/test_openai_side_by_side.py`).

The rule of the end: once a finish reason was said, or `[DONE]` behind words or calls, nothing that follows can fail the answer:
neither the connection nor silence nor what cannot be read. Without either the stream was cut.

Retries are not made here: `agent.models.stream` makes them, and only before the first token.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import orjson
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import _create_usage_metadata
from pydantic import Field, PrivateAttr, SkipValidation

from agent.assistant.models import ModelAbilities
from agent.errors import ModelTimeoutError, ModelUnavailableError
from agent.masking import Mask
from agent.models.body import EventBody, error_body
from agent.models.completion import CompletionReader, UnreadableError
from agent.models.delta import Delta
from agent.models.echo import send_back, with_cache_mark, without_calls, without_system
from agent.models.refusals import refusal
from agent.models.sse import EventTooLargeError
from agent.models.usage import cached_in, counted
from agent.spans import traceparent

SIGN_OF_LIFE = ""
"""Yielded for bytes that say nothing: the provider is at work, but this is no token."""
PROVIDER = {"model_provider": "openai"}
REFUSES_USAGE = {400, 422}


class OpenAICompatibleModel(ChatOpenAI):
    """`ChatOpenAI` whose stream either ends as it said or raises one of our errors.

    Closing the stream closes the connection to the provider at once. `stream_pieces` is the same stream without
    LangChain around each piece of text.
    """

    provider: str = Field(default="openai", exclude=True)
    session: SkipValidation[aiohttp.ClientSession] = Field(exclude=True)
    proxy: str | None = Field(default=None, exclude=True, repr=False)
    connect_timeout_s: float = Field(default=10.0, exclude=True)
    abilities: ModelAbilities = Field(default_factory=ModelAbilities, exclude=True)
    parameters: dict[str, Any] = Field(default_factory=dict, exclude=True)
    """Fields of each request, in the spelling that the server wants."""
    key_header: str = Field(default="Authorization", exclude=True)
    keeps_empty_properties: bool = Field(default=True, exclude=True)
    """Whether a tool's schema has them where there are none."""
    _usage_is_refused: bool = PrivateAttr(default=False)
    """The server refused a request because of `stream_options`; it is not asked with them again."""
    _mask: Mask = PrivateAttr(default_factory=Mask)

    def hide(self, secret: str) -> None:
        """Hide a secret from now on wherever the provider says it back in an error."""
        self._mask.learn(secret)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(self.stream_pieces(messages, stop=stop, **kwargs)) as pieces:
            async for piece in pieces:
                chunk = generation(Delta(piece) if isinstance(piece, str) else piece)
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
    ) -> AsyncGenerator[str | Delta]:
        """Yield the answer as it comes: plain text as it is, everything else as what it adds to the reply.

        `SIGN_OF_LIFE` stands for bytes that say nothing. The usage comes last, once.

        Raises:
            RunError: the provider refused, failed, or did not end what it began.
        """
        payload = self._payload(messages, stop=stop, stream_usage=stream_usage, **kwargs)
        reader = CompletionReader(self._mask)
        try:
            async with self._respond(payload) as response:
                body = EventBody(response.content, reader)
                while (events := await body.next()) is not None:
                    said = False
                    for piece in reader.read(events):
                        said = True
                        yield piece
                    if not said:
                        yield SIGN_OF_LIFE
                if not reader.ended:
                    raise ModelUnavailableError("the stream was cut: its end was never said")
                if (usage := counted(reader.usage)) is not None:
                    yield Delta(usage=usage, metadata={"usage": reader.usage}, cached_tokens=cached_in(reader.usage))
        except aiohttp.ServerTimeoutError as exc:
            raise ModelTimeoutError("connecting to the provider took too long") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise ModelUnavailableError(type(exc).__name__) from exc
        except (UnreadableError, EventTooLargeError) as exc:
            raise ModelUnavailableError(f"unreadable stream: {type(exc).__name__}") from exc

    def _payload(
        self, messages: list[BaseMessage], *, stop: list[str] | None, stream_usage: bool | None, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the body of the request."""
        payload = self._get_request_payload(messages, stop=stop, stream=True, **kwargs)
        send_back(messages, payload["messages"])
        if not self.abilities.tools:
            payload["messages"] = without_calls(payload["messages"])
            for name in ("tools", "tool_choice", "parallel_tool_calls"):
                payload.pop(name, None)
        if not self.abilities.system:
            payload["messages"] = without_system(payload["messages"])
        elif self.abilities.cache_control:
            payload["messages"] = with_cache_mark(payload["messages"])
        if not self.keeps_empty_properties and "tools" in payload:
            payload["tools"] = [_without_empty_properties(tool) for tool in payload["tools"]]
        counts = self.abilities.usage and not self._usage_is_refused
        if counts and self._should_stream_usage(stream_usage, **kwargs):
            payload["stream_options"] = {"include_usage": True}
        return {**payload, **self.parameters}

    @asynccontextmanager
    async def _respond(self, payload: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request and give its response; what is not read of it by the end is dropped with the connection.

        Raises:
            RunError: the provider refused it.
        """
        response = await self._post(payload)
        try:
            if response.status >= 300:
                body = await error_body(response.content)
                if (
                    response.status not in REFUSES_USAGE
                    or "stream_options" not in payload
                    or b"stream_options" not in body
                ):
                    raise refusal(response.status, response.headers, body, mask=self._mask)
                self._usage_is_refused = True
                del payload["stream_options"]
                response.close()
                response = await self._post(payload)
                if response.status >= 300:
                    body = await error_body(response.content)
                    raise refusal(response.status, response.headers, body, mask=self._mask)
            yield response
        finally:
            if not response.content.at_eof():
                response.close()
            response.release()

    async def _post(self, payload: dict[str, Any]) -> aiohttp.ClientResponse:
        client = self.root_async_client
        body = {**payload, **payload.get("extra_body", {})}
        body.pop("extra_body", None)
        key = client.auth_headers["Authorization"]
        told = key if self.key_header == "Authorization" else key.removeprefix("Bearer ")
        headers = {self.key_header: told, "Content-Type": "application/json", "Accept": "text/event-stream"}
        headers |= {**(self.default_headers or {}), **body.pop("extra_headers", {})}
        if self.openai_organization:
            headers["OpenAI-Organization"] = self.openai_organization
        headers |= traceparent(client.base_url.host)
        return await self.session.post(
            f"{str(client.base_url).rstrip('/')}/chat/completions",
            data=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS),
            headers=headers,
            params={name: str(value) for name, value in (self.default_query or {}).items()},
            proxy=self.proxy,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.connect_timeout_s, sock_read=None),
        )


def _without_empty_properties(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool without the empty `properties` that some servers refuse, and OpenAI itself insists on."""
    function = tool.get("function", {})
    parameters = function.get("parameters", {})
    if parameters.get("properties") != {}:
        return tool
    kept = {name: value for name, value in parameters.items() if name != "properties"}
    return {**tool, "function": {**function, "parameters": kept}}


def generation(delta: Delta) -> ChatGenerationChunk:
    """Return what a delta adds, as `ChatOpenAI` gives it."""
    known = dict(delta.metadata)
    usage: UsageMetadata | None = None
    if (raw := known.pop("usage", None)) is not None and delta.usage is not None:
        whole = {name: value for name, value in raw.items() if isinstance(value, int | dict)}
        tokens = {"prompt_tokens": delta.usage.input_tokens, "completion_tokens": delta.usage.output_tokens}
        usage = _create_usage_metadata({**whole, **tokens})
        return ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage))
    beside: dict[str, Any] = {"reasoning_content": delta.reasoning} if delta.reasoning else {}
    message = AIMessageChunk(
        content=delta.text,
        additional_kwargs=beside,
        tool_call_chunks=[
            tool_call_chunk(name=part.name or None, args=part.arguments, id=part.id or None, index=part.index)
            for part in delta.calls
        ],
        response_metadata=dict(PROVIDER),
    )
    return ChatGenerationChunk(message=message, generation_info=known or None)

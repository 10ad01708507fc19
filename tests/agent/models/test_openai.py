"""A real HTTP provider as a chat model: whatever it sends, the outcome is an answer or one of our errors."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import orjson
import pytest
from langchain_core.language_models import BaseChatModel
from support.http import Connection, Request
from support.provider import Call, Provider, scripted_provider
from support.replies import Heard, ask

from agent.assistant.definition import Limits
from agent.assistant.models import ModelDefinition
from agent.errors import (
    ContextTooLongError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
    RunError,
)
from agent.events.schema import Usage
from agent.models.assembly import ToolRequest
from agent.models.catalog import Catalog
from agent.models.refusals import refusal
from api.settings import Settings

SECRETS = ("SECRET-PROVIDER-TEXT", "SECRET-KEY")


class Shelf:
    """The scripted provider and the models of it: opening one takes longer than most tests."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.catalogs: list[Catalog] = []

    def open(self, base_url: str, **limits: float) -> BaseChatModel:
        settings = Settings(_env_file=None, openai_api_key="SECRET-KEY", openai_base_url=base_url)
        self.catalogs.append(Catalog(settings))
        return self.catalogs[-1].open(ModelDefinition(spec="openai:scripted"), Limits.model_validate(limits))


@pytest.fixture(scope="module")
async def shelf() -> AsyncIterator[Shelf]:
    async with scripted_provider() as provider:
        shelf = Shelf(provider)
        yield shelf
        for catalog in shelf.catalogs:
            await catalog.close()


@pytest.fixture(scope="module")
async def model(shelf: Shelf) -> BaseChatModel:
    return shelf.open(shelf.provider.url)


@pytest.fixture
def provider(shelf: Shelf) -> Iterator[Provider]:
    shelf.provider.forget()
    yield shelf.provider
    shelf.provider.check()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so, at most five seconds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (the other side of a socket sets no event of ours)
            await asyncio.sleep(0.005)


def said(text: str, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return (
        b"data: " + orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}) + b"\n\n"
    )


END = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


async def test_text_usage_and_finish_reason_come_through(provider: Provider, model: BaseChatModel) -> None:
    provider.say("Grüße, ", "世界 ", "😀", finish_reason="stop")
    heard = await ask(model)
    assert heard.reply.text == "Grüße, 世界 😀"
    assert (heard.reply.usage, heard.reply.finish_reason) == (Usage(10, 5), "stop")


async def test_the_request_asks_for_a_stream_with_usage_by_the_models_own_name(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.say("Hi")
    await ask(model)
    request = provider.requests[0]
    assert request["model"] == "scripted"
    assert request["stream"] is True
    assert request["stream_options"] == {"include_usage": True}
    assert request["messages"] == [{"role": "user", "content": "hi"}]


async def test_the_key_goes_into_the_header_and_nowhere_else(model: BaseChatModel, provider: Provider) -> None:
    seen: list[Request] = []

    async def script(request: Request, connection: Connection) -> None:
        seen.append(request)
        await connection.begin_chunks()
        await connection.chunk(said("Hi") + END)
        await connection.end_chunks()

    provider.then(script)
    await ask(model)
    assert seen[0].headers["authorization"] == "Bearer SECRET-KEY"
    assert b"SECRET-KEY" not in seen[0].body
    assert "SECRET-KEY" not in f"{model!r} {model}"


async def test_a_netrc_file_does_not_come_between_us_and_the_provider(
    provider: Provider, model: BaseChatModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password SECRET-NETRC\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    provider.say("Hi")
    assert (await ask(model)).reply.text == "Hi"


async def test_the_proxy_of_the_environment_is_used_but_where_it_says_not_to(
    provider: Provider, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", provider.url.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "direct.invalid")
    provider.say("Through the proxy.")
    assert (await ask(shelf.open("http://model.invalid/v1"))).reply.text == "Through the proxy."
    with pytest.raises(ModelUnavailableError):
        await ask(shelf.open("http://direct.invalid/v1"), model_retries=0)


async def test_parallel_tool_calls_come_with_their_arguments(provider: Provider, model: BaseChatModel) -> None:
    calls = [Call("find_order", {"number": 7}, "a"), Call("count_orders", {}, "b"), Call("find_order", '{"n', "c")]
    provider.call(*calls, text=["Let me ", "look."])
    heard = await ask(model)
    assert heard.reply.text == "Let me look."
    assert heard.reply.requests == (
        ToolRequest("find_order", {"number": 7}),
        ToolRequest("count_orders", {}),
        ToolRequest("find_order", None),
    )


async def test_thinking_comes_apart_from_the_text(provider: Provider, model: BaseChatModel) -> None:
    provider.stream({"reasoning_content": "Hm, "}, {"reasoning_content": "well."}, {"content": "Yes."})
    heard = await ask(model)
    assert ("".join(heard.reasoning), heard.reply.text) == ("Hm, well.", "Yes.")


@pytest.mark.parametrize("split", range(1, 12))
async def test_bytes_cut_anywhere_also_inside_a_character_give_the_same_text(
    provider: Provider, model: BaseChatModel, split: int
) -> None:
    provider.raw(said("Grüße, ") + said("世界 😀\u2028") + said("\n\ndata: x") + END, split=split)
    heard = await ask(model)
    assert heard.reply.text == "Grüße, 世界 😀\u2028\n\ndata: x"


async def test_a_surrogate_pair_over_two_chunks_and_a_nul_are_made_good(
    provider: Provider, model: BaseChatModel
) -> None:
    raw = said("HIGH").replace(b"HIGH", b"a\\ud83d") + said("LOW").replace(b"LOW", b"\\ude00\\u0000b")
    provider.raw(raw + END)
    assert (await ask(model)).reply.text == "a😀b"


async def test_too_many_requests_are_tried_again_after_what_the_provider_says(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.fail(429, retry_after="0.4")
    provider.say("Hi")
    begun = time.monotonic()
    assert (await ask(model)).reply.text == "Hi"
    assert 0.39 <= time.monotonic() - begun < 20  # a timer counts in milliseconds
    assert len(provider.requests) == 2


async def test_too_long_a_wait_is_left_to_the_client(provider: Provider, model: BaseChatModel) -> None:
    provider.fail(429, retry_after="120")
    async with asyncio.timeout(60):
        with pytest.raises(ModelRateLimitedError) as failed:
            await ask(model)
    assert failed.value.retry_after_s == 120
    assert len(provider.requests) == 1


@pytest.mark.parametrize("header", ["soon", "-1", "nan", "inf", "Wed, 21 Oct 2099 07:28:00 GMT", "1e999"])
async def test_a_retry_after_that_says_nothing_is_not_believed(
    provider: Provider, model: BaseChatModel, header: str
) -> None:
    provider.fail(429, retry_after=header)
    with pytest.raises(ModelRateLimitedError) as failed:
        await ask(model, model_retries=0)
    assert failed.value.retry_after_s is None


@pytest.mark.parametrize("status", [500, 502, 503, 529, 408])
async def test_a_failure_of_the_provider_is_tried_again(provider: Provider, model: BaseChatModel, status: int) -> None:
    provider.fail(status)
    provider.say("Hi")
    assert (await ask(model)).reply.text == "Hi"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_final_and_says_nothing_of_the_providers_text(
    provider: Provider, model: BaseChatModel, status: int
) -> None:
    provider.fail(status)
    with pytest.raises(ModelRefusedError) as refused:
        await ask(model)
    assert str(status) in str(refused.value)
    assert not [secret for secret in SECRETS if secret in f"{refused.value!r} {refused.value.public}"]
    assert len(provider.requests) == 1


def test_a_code_of_a_provider_steers_no_terminal() -> None:
    """The code as `frontdesk models` prints it, and the log."""
    said = orjson.dumps({"error": {"code": "\x1b]0;mine\x07", "type": "\u202ebad\u2028\r"}})
    assert str(refusal(400, {}, said)) == "status 400, code ??0?mine?, ?bad??"


async def test_a_conversation_that_is_too_long_is_named_so(provider: Provider, model: BaseChatModel) -> None:
    provider.fail(400, code="context_length_exceeded")
    with pytest.raises(ContextTooLongError):
        await ask(model)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"code": ["x"]}}', b"\xff\xfe"]
)
@pytest.mark.parametrize(("status", "expected"), [(400, ModelRefusedError), (500, ModelUnavailableError)])
async def test_an_unreadable_refusal_is_judged_by_its_status(
    provider: Provider, model: BaseChatModel, status: int, expected: type[RunError], body: bytes
) -> None:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.respond(status, body)

    provider.then(script)
    with pytest.raises(expected):
        await ask(model, model_retries=0)


async def test_a_provider_that_is_not_there_is_unavailable(shelf: Shelf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ModelUnavailableError):
        await ask(shelf.open(f"http://127.0.0.1:{port}/v1"), model_retries=0)


async def test_a_provider_that_takes_no_connections_is_waited_for_no_longer_than_allowed(shelf: Shelf) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        has_the_only_place = socket.create_connection(address)
        filling = [has_the_only_place, *(socket.socket() for _ in range(4))]
        for one in filling[1:]:
            one.setblocking(False)
            one.connect_ex(address)
        begun = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            await ask(shelf.open(f"http://127.0.0.1:{address[1]}/v1", connect_timeout_s=0.3))
        assert time.monotonic() - begun < 30
        for one in filling:
            one.close()


async def test_a_stream_that_is_cut_in_the_middle_of_an_event_is_an_error_and_keeps_what_came(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.cut("Half an ", "ans")
    heard = Heard()
    with pytest.raises(ModelUnavailableError):
        await ask(model, heard)
    assert heard.reply.text == "Half an ans"
    assert len(provider.requests) == 1


async def test_a_stream_that_is_cut_before_its_first_word_is_tried_again(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.cut()
    provider.say("Hi")
    assert (await ask(model)).reply.text == "Hi"


async def test_a_stream_that_ends_without_having_said_so_was_cut(provider: Provider, model: BaseChatModel) -> None:
    provider.raw(said("Half"))
    with pytest.raises(ModelUnavailableError):
        await ask(model)


GARBAGE = {
    "html": b"<html>502 Bad Gateway</html>",
    "binary": bytes(range(256)) * 20,
    "not json": b"data: {not json}\n\n",
    "a list": b"data: [1, 2]\n\n",
    "a number": b"data: 7\n\n",
    "null": b"data: null\n\n",
    "a text": b'data: "hi"\n\n',
    "choices are a number": b'data: {"choices": 5}\n\n',
    "choices are texts": b'data: {"choices": ["a"]}\n\n',
    "a choice of null": b'data: {"choices": [null]}\n\n',
    "a delta that is a list": b'data: {"choices": [{"delta": [1]}]}\n\n',
    "content that is a number": b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
    "content that is an object": b'data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n',
    "calls that are a number": b'data: {"choices": [{"delta": {"tool_calls": 5}}]}\n\n',
    "a call of null": b'data: {"choices": [{"delta": {"tool_calls": [null]}}]}\n\n',
    "an index that is a text": b'data: {"choices": [{"delta": {"tool_calls": [{"index": "a", "function": {}}]}}]}\n\n',
    "arguments that are an object": b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]}}]}\n\n',
    "usage that is a text": b'data: {"choices": [], "usage": "many"}\n\n',
    "usage of texts": b'data: {"choices": [], "usage": {"prompt_tokens": "x", "completion_tokens": 1}}\n\n',
    "bad utf-8": b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
    "a lone surrogate": b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n\n',
    "nested too deeply": b'data: {"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n",
    "an endless line": b"data: " + b"x" * 6_000_000,
    "nothing": b"",
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_makes_the_model_unavailable_and_nothing_else(
    provider: Provider, model: BaseChatModel, what: str
) -> None:
    provider.raw(GARBAGE[what])
    with pytest.raises(ModelUnavailableError):
        await ask(model, model_retries=0)


async def test_garbage_before_the_first_word_is_tried_again(provider: Provider, model: BaseChatModel) -> None:
    provider.raw(GARBAGE["html"])
    provider.say("Hi")
    assert (await ask(model)).reply.text == "Hi"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"message": "SECRET-PROVIDER-TEXT", "code": "context_length_exceeded"}, ContextTooLongError),
        ({"message": "SECRET-PROVIDER-TEXT", "code": "server_error"}, ModelUnavailableError),
        ({"message": "SECRET-PROVIDER-TEXT", "code": 500}, ModelUnavailableError),
        ("SECRET-PROVIDER-TEXT", ModelUnavailableError),
    ],
)
async def test_an_error_inside_a_good_response_is_an_error(
    provider: Provider, model: BaseChatModel, error: object, expected: type[RunError]
) -> None:
    provider.raw(said("Half") + b"data: " + orjson.dumps({"error": error}) + b"\n\n")
    with pytest.raises(expected) as failed:
        await ask(model)
    assert "SECRET" not in str(failed.value)
    assert len(provider.requests) == 1


async def test_silence_before_the_first_token_is_waited_for_no_longer_than_allowed(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.hang()
    with pytest.raises(ModelTimeoutError, match="first token"):
        await ask(model, first_token_timeout_s=1)
    assert len(provider.requests) == 1
    await until(lambda: provider.cancelled == 1)


async def test_no_answer_at_all_is_waited_for_no_longer_than_allowed(provider: Provider, model: BaseChatModel) -> None:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.gone.wait()
        provider.cancelled += 1

    provider.then(script)
    with pytest.raises(ModelTimeoutError):
        await ask(model, first_token_timeout_s=1)
    await until(lambda: provider.cancelled == 1)


async def test_silence_between_tokens_is_waited_for_no_longer_than_allowed(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.hang("Half an ", "ans")
    heard = Heard()
    with pytest.raises(ModelTimeoutError, match="next token"):
        await ask(model, heard, between_tokens_timeout_s=1)
    assert heard.reply.text == "Half an ans"
    await until(lambda: provider.cancelled == 1)


async def test_comments_alone_do_not_count_as_tokens(provider: Provider, model: BaseChatModel) -> None:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        while not connection.gone.is_set():
            await connection.chunk(b": keep-alive\n\n")
            await asyncio.sleep(0.02)

    provider.then(script)
    with pytest.raises(ModelTimeoutError):
        await ask(model, first_token_timeout_s=0.2, between_tokens_timeout_s=0.2, working_timeout_s=0.5)


async def test_empty_lines_in_front_of_an_answer_are_none_and_take_no_memory(
    provider: Provider, model: BaseChatModel
) -> None:
    """G616: some servers send them for as long as they are at work, before a stream as before one object."""
    begun = asyncio.Event()

    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for _ in range(64):
            await connection.chunk(b"\n \r\n" * 65_536)
        begun.set()
        await connection.chunk(b"  \n" + said("Hello."))
        await connection.chunk(END)
        await connection.end_chunks()

    provider.then(script)
    spent = time.process_time()
    heard = await ask(model)
    assert heard.reply.text == "Hello."
    assert begun.is_set()
    assert time.process_time() - spent < 5  # of 16 MB; of what is held whole, each piece would be looked at anew

    async def drip(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for _ in range(10):
            await connection.chunk(b"\n")
            await asyncio.sleep(0.2)
        await connection.chunk(said("Hello."))
        await connection.chunk(END)
        await connection.end_chunks()

    provider.then(drip)
    assert (await ask(model, first_token_timeout_s=1.5, working_timeout_s=60)).reply.text == "Hello."


async def test_a_line_of_white_space_that_has_no_end_is_no_answer(provider: Provider, model: BaseChatModel) -> None:
    """G616"""

    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        while not connection.gone.is_set():
            await connection.chunk(b" " * 65_536)

    provider.then(script)
    with pytest.raises(ModelUnavailableError, match="EventTooLargeError"):
        await ask(model, model_retries=0)


async def test_a_slow_stream_may_take_longer_in_all_than_any_of_its_limits(
    provider: Provider, model: BaseChatModel
) -> None:
    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for _ in range(16):
            await connection.chunk(said("x"))
            await asyncio.sleep(0.1)
        await connection.chunk(END)
        await connection.end_chunks()

    provider.then(script)
    heard = await ask(model, first_token_timeout_s=1.2, between_tokens_timeout_s=1.2)
    assert heard.reply.text == "x" * 16


async def test_a_cancel_closes_the_providers_connection(provider: Provider, model: BaseChatModel) -> None:
    provider.hang("Half")
    heard = Heard()
    task = asyncio.create_task(ask(model, heard))
    await until(lambda: heard.reply.text == "Half")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: provider.cancelled == 1)


async def test_an_answer_that_is_cut_at_its_limit_closes_the_providers_connection(
    provider: Provider, model: BaseChatModel
) -> None:
    provider.hang("x" * 500)
    heard = await ask(model, answer_characters=100)
    assert (len(heard.reply.text), heard.reply.finish_reason) == (100, "length")
    await until(lambda: provider.cancelled == 1)


async def test_connections_are_used_again(provider: Provider, model: BaseChatModel) -> None:
    peers: set[object] = set()

    async def script(_request: Request, connection: Connection) -> None:
        peers.add(connection.writer.get_extra_info("peername"))
        await connection.begin_chunks()
        await connection.chunk(said("Hi") + END)
        await connection.end_chunks()

    for _ in range(5):
        provider.then(script)
        await ask(model)
    assert len(peers) == 1


async def test_many_calls_at_once_do_not_wait_for_each_other(provider: Provider, model: BaseChatModel) -> None:
    gate = asyncio.Event()
    for _ in range(30):
        provider.wait_for(gate, "Hi")
    tasks = [asyncio.create_task(ask(model)) for _ in range(30)]
    await until(lambda: len(provider.requests) == 30)
    gate.set()
    assert {(await task).reply.text for task in tasks} == {"Hi"}

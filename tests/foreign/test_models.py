"""Models that a package of their own speaks with, each against its provider's own bytes over HTTP: what becomes of an answer, of
thinking and its signatures, of calls, errors, cuts and stops.

`scripts/foreign` makes an environment with all of these packages, as `requirements-models.lock` pins them; the server runs in
it. What providers send is in `support/natives.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import orjson
import pytest
from support.backend import TenantBackend, scripted_backend
from support.faults import until
from support.http import Connection
from support.natives import (
    FRAMES,
    LINES,
    STREAM,
    NativeProvider,
    anthropic,
    anthropic_events,
    bedrock,
    frame,
    google,
    google_events,
    native_provider,
    ollama,
    signed,
)
from support.processes import Machine
from support.server import machine, token_of
from support.world import Person, World

PYTHON = Path(__file__).parents[2] / ".foreign" / "models" / "bin" / "python"
pytestmark = pytest.mark.timeout(240)
ANSWER = "There are 42 orders."
THOUGHT = "I should count them."
SIGNED = signed("the thought")
KEY = "SECRET-KEY-OF-A-PROVIDER"
LIMITS = {"model_retries": 0, "first_token_timeout_s": 60, "between_tokens_timeout_s": 6, "connect_timeout_s": 10}


@dataclass(frozen=True)
class Kind:
    """A kind of provider: what it sends."""

    name: str
    spec: str
    content_type: str
    says: Callable[..., bytes]
    text: Callable[[str], Mapping[str, Any]]
    step: tuple[Mapping[str, Any], ...]
    """Thinking, a word, and two calls: of `count_orders` and `find_order`."""
    calls: str
    """The finish reason behind calls."""
    cut: str
    more: Mapping[str, Any]
    """Options of the model."""

    @property
    def key(self) -> dict[str, str]:
        """The option that names its key: AWS signs requests with keys of the machine's own, and sends none."""
        return {} if self.name == "bedrock" else {"api_key_env": "KEY_OF_TESTS"}

    def begun(self, text: str) -> bytes:
        """Return what comes of a reply until its text is said, in whole events."""
        whole = self.says(self.text(text))
        at = whole.rindex(text[len(text) // 2 :].encode())
        if self.content_type == FRAMES:
            return _frames_until(whole, at)
        end = {STREAM: b"\r\n\r\n" if b"\r\n" in whole else b"\n\n", LINES: b"\n"}[self.content_type]
        return whole[: whole.index(end, at) + len(end)]


def _frames_until(whole: bytes, at: int) -> bytes:
    """Return the frames of an event stream up to and with the one that a place is in."""
    end = 0
    while end < at:
        end += int.from_bytes(whole[end : end + 4])
    return whole[:end]


KINDS = {
    one.name: one
    for one in (
        Kind(
            "claude",
            "anthropic:claude-sonnet-4-5",
            STREAM,
            anthropic,
            lambda text: {"type": "text", "text": text},
            (
                {"type": "thinking", "thinking": THOUGHT, "signature": SIGNED},
                {"type": "redacted_thinking", "data": "ENCRYPTED-BY-THE-PROVIDER"},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_01A", "name": "count_orders", "input": {}},
                {"type": "tool_use", "id": "toolu_01B", "name": "find_order", "input": {"number": 7}},
            ),
            "tool_use",
            "max_tokens",
            {"parameters": {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 2048}}},
        ),
        Kind(
            "gemini",
            "google:gemini-3-pro-preview",
            STREAM,
            google,
            lambda text: {"text": text},
            (
                {"text": THOUGHT, "thought": True},
                {"text": "Let me look."},
                {"functionCall": {"name": "count_orders", "args": {}}, "thoughtSignature": SIGNED},
                {"functionCall": {"name": "find_order", "args": {"number": 7}}},
            ),
            "STOP",
            "MAX_TOKENS",
            {},
        ),
        Kind(
            "vertex",
            "vertex:gemini-3-pro-preview",
            STREAM,
            google,
            lambda text: {"text": text},
            (
                {"text": THOUGHT, "thought": True},
                {"text": "Let me look."},
                {"functionCall": {"name": "count_orders", "args": {}}, "thoughtSignature": SIGNED},
                {"functionCall": {"name": "find_order", "args": {"number": 7}}},
            ),
            "STOP",
            "MAX_TOKENS",
            {},
        ),
        Kind(
            "local",
            "ollama:qwen3",
            LINES,
            ollama,
            lambda text: {"content": text},
            (
                {"thinking": THOUGHT[:9]},
                {"thinking": THOUGHT[9:]},
                {"content": "Let me look."},
                {"tool_calls": [{"function": {"name": "count_orders", "arguments": {}}}]},
                {"tool_calls": [{"function": {"name": "find_order", "arguments": {"number": 7}}}]},
            ),
            "stop",
            "length",
            {"parameters": {"reasoning": True}},
        ),
        Kind(
            "bedrock",
            "bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            FRAMES,
            bedrock,
            lambda text: {"text": text},
            (
                {"reasoningContent": {"text": THOUGHT, "signature": SIGNED}},
                {"text": "Let me look."},
                {"toolUse": {"toolUseId": "tooluse_A", "name": "count_orders", "input": {}}},
                {"toolUse": {"toolUseId": "tooluse_B", "name": "find_order", "input": {"number": 7}}},
            ),
            "tool_use",
            "max_tokens",
            {"parameters": {"region_name": "eu-central-1"}},
        ),
    )
}
CLASS = {"name": "class", "spec": "langchain_ollama:ChatOllama", "parameters": {"model": "qwen3"}}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@dataclass
class Desk:
    """A server with a model of each kind, and what its users ask."""

    server: Machine
    provider: NativeProvider
    backend: TenantBackend

    def person(self) -> Person:
        tenant = f"tenant-{uuid4().hex[:12]}"
        return Person(cast("World", SimpleNamespace(url=self.server.url)), token_of(tenant=tenant), tenant)


def definition(url: str) -> dict[str, Any]:
    """Return what the assistant says of its models."""
    models = [
        {"name": kind.name, "spec": kind.spec, "base_url": url, **kind.key, **kind.more} for kind in KINDS.values()
    ]
    return {"models": [*models, {**CLASS, "base_url": url}], "public": None, "limits": LIMITS}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """The server of all tests: what it imports takes seconds."""
    assert PYTHON.exists(), "scripts/foreign installs what these tests need"
    folder = tmp_path_factory.mktemp("models")
    async with (
        native_provider() as provider,
        scripted_backend() as backend,
        machine(
            folder, provider_url="", backend_url=backend.url, assistant=definition(provider.url), log_level="debug"
        ) as server,
    ):
        server.python = PYTHON
        server.environment |= {"KEY_OF_TESTS": KEY, "OLLAMA_API_KEY": "SECRET-KEY-OF-ANOTHER"}
        server.environment |= {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": KEY}
        await server.start()
        yield Desk(server, provider, backend)
        assert KEY not in server.logs()


@pytest.fixture
def ann(desk: Desk) -> Person:
    desk.provider.forget()
    desk.backend.routes.clear()
    desk.backend.answer("GET /orders/count", {"count": 42})
    desk.backend.answer("GET /orders/7", {"number": 7})
    return desk.person()


@every_kind
async def test_an_answer_is_whole_and_counted_once(desk: Desk, ann: Person, kind: Kind) -> None:
    """G430"""
    desk.provider.stream(kind.says(kind.text(ANSWER), given=31, said=9), kind.content_type)
    stream = await ann.stream("how many orders?", model=kind.name)
    assert (stream.text, stream.first("status")) == (ANSWER, "completed"), stream.events
    assert stream.first("usage") == {"input_tokens": 31, "output_tokens": 9}
    assert stream.first("finish_reason") == "stop"


@every_kind
async def test_calls_are_made_at_once_and_what_a_step_said_beside_them_goes_back(
    desk: Desk, ann: Person, kind: Kind
) -> None:
    """G431: in the next step and in the next turn, in the provider's own form; readers see the thinking and nothing opaque."""
    desk.provider.stream(kind.says(*kind.step, reason=kind.calls), kind.content_type)
    for text in (ANSWER, "Forty-two."):
        desk.provider.stream(kind.says(kind.text(text)), kind.content_type)
    first = await ann.stream("how many orders?", model=kind.name)
    assert first.text.endswith(ANSWER), first.events
    done = [event["tool_call"] for event in first.events if "tool_call" in event]
    assert sorted(one["name"] for one in done if one["status"] == "ok") == ["count_orders", "find_order"]
    assert "".join(event["reasoning"] for event in first.events if "reasoning" in event) == THOUGHT
    conversation = first.first("conversation_id")
    later = await ann.stream("in words?", conversation_id=conversation, model=kind.name)
    assert later.text == "Forty-two.", later.events
    for request in desk.provider.requests[1:]:
        GOES_BACK[kind.name](request.json)
    stored = (await ann.request("GET", f"/conversations/{conversation}/messages")).content
    for opaque in (SIGNED, "ENCRYPTED-BY-THE-PROVIDER"):
        assert opaque.encode() not in first.raw + later.raw + stored


def _anthropic_goes_back(body: Any) -> None:
    step = next(one for one in body["messages"] if one["role"] == "assistant")
    thought, redacted, text, *calls = step["content"]
    assert thought == {"type": "thinking", "thinking": THOUGHT, "signature": SIGNED}
    assert redacted == {"type": "redacted_thinking", "data": "ENCRYPTED-BY-THE-PROVIDER"}
    assert text == {"type": "text", "text": "Let me look."}
    assert [(one["type"], one["id"], one["input"]) for one in calls] == [
        ("tool_use", "toolu_01A", {}),
        ("tool_use", "toolu_01B", {"number": 7}),
    ]
    results = body["messages"][body["messages"].index(step) + 1]["content"]
    assert [one["tool_use_id"] for one in results] == ["toolu_01A", "toolu_01B"]


def _google_goes_back(body: Any) -> None:
    step = next(one for one in body["contents"] if one["role"] == "model")
    calls = [part for part in step["parts"] if "functionCall" in part]
    assert [part["functionCall"]["name"] for part in calls] == ["count_orders", "find_order"]
    assert [part.get("thoughtSignature") for part in calls] == [SIGNED, None]
    assert any(part.get("text") == "Let me look." and not part.get("thought") for part in step["parts"])


def _ollama_goes_back(body: Any) -> None:
    step = next(one for one in body["messages"] if one["role"] == "assistant")
    assert step["thinking"] == THOUGHT
    assert [call["function"] for call in step["tool_calls"]] == [
        {"name": "count_orders", "arguments": {}},
        {"name": "find_order", "arguments": {"number": 7}},
    ]


def _bedrock_goes_back(body: Any) -> None:
    step = next(one for one in body["messages"] if one["role"] == "assistant")
    thought, text, *calls = step["content"]
    assert thought == {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNED}}}
    assert text == {"text": "Let me look."}
    assert [(one["toolUse"]["toolUseId"], one["toolUse"]["input"]) for one in calls] == [
        ("tooluse_A", {}),
        ("tooluse_B", {"number": 7}),
    ]


GOES_BACK: dict[str, Callable[[Any], None]] = {
    "claude": _anthropic_goes_back,
    "gemini": _google_goes_back,
    "vertex": _google_goes_back,
    "local": _ollama_goes_back,
    "bedrock": _bedrock_goes_back,
}


@every_kind
async def test_a_step_of_one_model_goes_to_another_without_what_is_its_own(desk: Desk, ann: Person, kind: Kind) -> None:
    """G431: signatures of one provider mean nothing to another."""
    desk.provider.stream(kind.says(*kind.step, reason=kind.calls), kind.content_type)
    desk.provider.stream(kind.says(kind.text(ANSWER)), kind.content_type)
    first = await ann.stream("how many orders?", model=kind.name)
    for other in KINDS.values():
        if other is not kind:
            desk.provider.stream(other.says(other.text("Forty-two.")), other.content_type)
            asked = {"conversation_id": first.first("conversation_id"), "model": other.name}
            assert (await ann.stream("in words?", **asked)).text == "Forty-two."
            body = desk.provider.requests[-1].body
            assert b"Let me look." in body
            for own in (SIGNED, THOUGHT, "ENCRYPTED-BY-THE-PROVIDER"):
                assert own.encode() not in body


@every_kind
async def test_a_step_that_was_cut_says_so(desk: Desk, ann: Person, kind: Kind) -> None:
    """G430: under its one name."""
    desk.provider.stream(kind.says(kind.text("There are"), reason=kind.cut), kind.content_type)
    stream = await ann.stream("how many orders?", model=kind.name)
    assert (stream.text, stream.first("finish_reason")) == ("There are", "length")


@every_kind
async def test_a_stream_that_ends_before_its_end_was_said_is_no_answer(desk: Desk, ann: Person, kind: Kind) -> None:
    """G430: also where its connection is closed in good order; behind the end nothing fails it."""
    whole = kind.says(kind.text(ANSWER))
    for cut in (False, True):
        desk.provider.stream(kind.begun(ANSWER), kind.content_type, cut=cut)
        stream = await ann.stream("how many orders?", model=kind.name)
        assert stream.first("error")["code"] == "model_unavailable", stream.events
        assert stream.text == ANSWER
    desk.provider.stream(whole, kind.content_type, cut=True)
    stream = await ann.stream("how many orders?", model=kind.name)
    assert (stream.text, stream.first("status")) == (ANSWER, "completed"), stream.events


@every_kind
async def test_a_provider_that_falls_silent_is_waited_for_as_long_as_the_definition_says(
    desk: Desk, ann: Person, kind: Kind
) -> None:
    """G430: and no longer."""

    async def hang(connection: Connection) -> None:
        await connection.begin_chunks(kind.content_type)
        await connection.chunk(kind.begun(ANSWER))
        await connection.gone.wait()

    desk.provider.then(hang)
    stream = await ann.stream("how many orders?", model=kind.name)
    assert stream.first("error")["code"] == "model_timeout", stream.events


@pytest.mark.parametrize("kind", [one for one in KINDS.values() if one.name != "bedrock"], ids=lambda one: one.name)
async def test_a_stop_closes_the_connection_to_the_provider(desk: Desk, ann: Person, kind: Kind) -> None:
    """G430: what nobody reads any more costs nothing more."""
    gone = asyncio.Event()

    async def hang(connection: Connection) -> None:
        await connection.begin_chunks(kind.content_type)
        await connection.chunk(kind.begun(ANSWER))
        await connection.gone.wait()
        gone.set()

    desk.provider.then(hang)
    async with ann.open_stream("how many orders?", model=kind.name) as live:
        await live.until("token")
        run_id = live.so_far.first("run_id")
        assert (await ann.request("POST", f"/runs/{run_id}/cancel")).status_code == 200
    await until(gone.is_set)


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


def google_error(code: int, status: str, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
TOO_MANY = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
REFUSALS: dict[str, tuple[str, int, dict[str, Any], dict[str, str], str]] = {
    "anthropic: key": (
        "claude",
        401,
        anthropic_error("authentication_error", f"invalid x-api-key {KEY}"),
        {},
        "model_unauthorized",
    ),
    "anthropic: rights": ("claude", 403, anthropic_error("permission_error", "not for you"), {}, "model_unauthorized"),
    "anthropic: no such model": (
        "claude",
        404,
        anthropic_error("not_found_error", "model: claude-x"),
        {},
        "model_refused",
    ),
    "anthropic: rate": (
        "claude",
        429,
        anthropic_error("rate_limit_error", "slow down"),
        {"retry_after": "40"},
        "model_rate_limited",
    ),
    "anthropic: overloaded": (
        "claude",
        529,
        anthropic_error("overloaded_error", "Overloaded"),
        {},
        "model_unavailable",
    ),
    "anthropic: too long": (
        "claude",
        400,
        anthropic_error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        {},
        "context_too_long",
    ),
    "anthropic: too large": (
        "claude",
        413,
        anthropic_error("request_too_large", "Request exceeds the maximum size"),
        {},
        "context_too_long",
    ),
    "anthropic: account": (
        "claude",
        400,
        anthropic_error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        {},
        "model_quota",
    ),
    "anthropic: content": (
        "claude",
        400,
        anthropic_error("invalid_request_error", "Output blocked by content filtering policy"),
        {},
        "model_refused",
    ),
    "anthropic: elsewhere": ("claude", 302, {}, {"location": "http://127.0.0.1:9/"}, "model_refused"),
    "google: key": (
        "gemini",
        400,
        google_error(400, "INVALID_ARGUMENT", f"API key not valid: {KEY}", BAD_KEY),
        {},
        "model_unauthorized",
    ),
    "google: rights": ("gemini", 403, google_error(403, "PERMISSION_DENIED", "no"), {}, "model_unauthorized"),
    "google: no such model": (
        "gemini",
        404,
        google_error(404, "NOT_FOUND", "models/x is not found"),
        {},
        "model_refused",
    ),
    "google: rate": (
        "gemini",
        429,
        google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded", RETRY),
        {},
        "model_rate_limited",
    ),
    "google: overloaded": (
        "gemini",
        503,
        google_error(503, "UNAVAILABLE", "The model is overloaded."),
        {},
        "model_unavailable",
    ),
    "google: too long": ("gemini", 400, google_error(400, "INVALID_ARGUMENT", TOO_MANY), {}, "context_too_long"),
    "ollama: no such model": ("local", 404, {"error": "model 'qwen3' not found"}, {}, "model_refused"),
    "ollama: no tools": (
        "local",
        400,
        {"error": "gemma does not support tools"},
        {},
        "model_refused",
    ),
    "ollama: broken": ("local", 500, {"error": "model runner has unexpectedly stopped"}, {}, "model_unavailable"),
    "ollama: key": ("local", 401, {"error": f"unauthorized {KEY}"}, {}, "model_unauthorized"),
    "bedrock: rights": (
        "bedrock",
        403,
        {"message": "You don't have access to the model."},
        {"x_amzn_errortype": "AccessDeniedException"},
        "model_unauthorized",
    ),
    "bedrock: rate": (
        "bedrock",
        429,
        {"message": "Too many requests"},
        {"x_amzn_errortype": "ThrottlingException"},
        "model_rate_limited",
    ),
    "bedrock: too long": (
        "bedrock",
        400,
        {"message": "The model returned the following errors: Input is too long for requested model."},
        {"x_amzn_errortype": "ValidationException"},
        "context_too_long",
    ),
    "bedrock: no such model": (
        "bedrock",
        400,
        {"message": "The provided model identifier is invalid."},
        {"x_amzn_errortype": "ValidationException"},
        "model_refused",
    ),
}


@pytest.mark.parametrize("said", REFUSALS)
async def test_a_providers_error_is_told_by_its_code_and_without_its_words(desk: Desk, ann: Person, said: str) -> None:
    """G432"""
    model, status, body, headers, code = REFUSALS[said]
    desk.provider.refuse(status, body, **headers)
    stream = await ann.stream("how many orders?", model=model)
    error = stream.first("error")
    assert error["code"] == code, stream.events
    assert len(desk.provider.requests) == 1
    assert KEY.encode() not in stream.raw
    if code == "model_rate_limited" and model != "bedrock":
        assert error["retry_after_s"] == pytest.approx(37, abs=3)


IN_STREAMS = {
    "anthropic": ("claude", anthropic_events(anthropic_error("overloaded_error", "Overloaded")), "model_unavailable"),
    "anthropic: rate": (
        "claude",
        anthropic_events(anthropic_error("rate_limit_error", "slow down")),
        "model_rate_limited",
    ),
    "anthropic: refusal": ("claude", anthropic(reason="refusal"), "model_refused"),
    "google: the prompt": (
        "gemini",
        google_events({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
        "model_refused",
    ),
    "google: the answer": ("gemini", google(reason="SAFETY"), "model_refused"),
    "google: a slip": ("gemini", google(reason="MALFORMED_FUNCTION_CALL"), "model_unavailable"),
    "ollama": ("local", b'{"error":"an error was encountered while running the model"}\n', "model_unavailable"),
    "ollama: no JSON": ("local", b"<html>\n", "model_unavailable"),
    "bedrock": (
        "bedrock",
        frame("throttlingException", {"message": "Too many"}, message_type="exception"),
        "model_rate_limited",
    ),
    "bedrock: the answer": ("bedrock", bedrock(reason="guardrail_intervened"), "model_refused"),
}


@pytest.mark.parametrize("said", IN_STREAMS)
async def test_what_is_wrong_within_a_stream_is_told_as_what_is_wrong_before_it(
    desk: Desk, ann: Person, said: str
) -> None:
    """G432"""
    model, body, code = IN_STREAMS[said]
    desk.provider.stream(body, KINDS[model].content_type)
    stream = await ann.stream("how many orders?", model=model)
    assert stream.first("error")["code"] == code, stream.events


async def test_a_gateway_that_counts_what_was_given_in_its_first_event_is_believed(desk: Desk, ann: Person) -> None:
    """G430: it says nothing of it again."""
    desk.provider.stream(anthropic({"type": "text", "text": ANSWER}, given=77, said=5, counts_early=True))
    stream = await ann.stream("how many orders?", model="claude")
    assert stream.first("usage") == {"input_tokens": 77, "output_tokens": 5}


async def test_each_model_gets_its_own_key_and_no_cookie(desk: Desk, ann: Person) -> None:
    """G433: nor a key that the environment has for somebody else."""
    for kind in KINDS.values():
        for _ in range(2):

            async def script(connection: Connection, kind: Kind = kind) -> None:
                sent = {"Content-Type": kind.content_type, "Set-Cookie": "who=somebody"}
                await connection.respond(200, kind.says(kind.text(ANSWER)), headers=sent)

            desk.provider.then(script)
            assert (await ann.stream("how many orders?", model=kind.name)).text == ANSWER
            headers = desk.provider.requests[-1].headers
            assert "cookie" not in headers
            assert sum(KEY in value for value in headers.values()) == len(kind.key)
            assert not any("SECRET-KEY-OF-ANOTHER" in value for value in headers.values())
    desk.provider.stream(ollama({"content": ANSWER}), LINES)
    assert (await ann.stream("how many orders?", model="class")).text == ANSWER
    assert KEY.encode() not in b"".join(request.body for request in desk.provider.requests)


async def test_the_command_asks_each_model_and_tells_what_works(desk: Desk, ann: Person) -> None:
    """G435"""
    for kind in KINDS.values():
        _script_trial(desk.provider, kind)
    desk.provider.refuse(404, {"error": "model 'qwen3' not found"})
    command = await desk.server.command("models", "--json")
    found = {one["name"]: one for one in orjson.loads(command.output.read_bytes())}
    assert command.status == 0
    for kind in KINDS.values():
        told = {name: found[kind.name][name] for name in ("text", "tools", "parallel_tools", "usage", "reasoning")}
        assert told == dict.fromkeys(told, True), found
    assert (found["class"]["text"], found["class"]["code"]) == (False, "model_refused")


def _script_trial(provider: NativeProvider, kind: Kind) -> None:
    renamed = orjson.loads(
        orjson.dumps(kind.step).replace(b"count_orders", b"get_weather").replace(b"find_order", b"get_weather")
    )
    provider.stream(kind.says(kind.text("yes")), kind.content_type)
    provider.stream(kind.says(*renamed[:-1], reason=kind.calls), kind.content_type)
    provider.stream(kind.says(kind.text("It is clear.")), kind.content_type)
    provider.stream(kind.says(*renamed, reason=kind.calls), kind.content_type)

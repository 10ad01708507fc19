"""LiteLLM's proxy between Frontdesk and the scripted provider: what the most used gateway makes of answers, calls and errors.

`scripts/foreign` installs it into an environment of its own. It reads its own list of prices and calls nobody but the
scripted provider; answers of its own (`mock_response`) need none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

import orjson
import pytest
from support.backend import scripted_backend
from support.http import Connection, Request, listen
from support.programs import free_port, program
from support.provider import Call, Provider
from support.saying import ANSWER, answer, call, calling, end, event, usage, words
from support.world import Person, World, open_world

ROOT = Path(__file__).parents[2]
PROXY = ROOT / ".foreign" / "litellm" / "bin" / "litellm"
MODELS = ("openai:scripted", "openai:mock", "openai:mock-limit", "openai:mock-long")
pytestmark = pytest.mark.timeout(180)


def config(provider: Provider) -> dict[str, object]:
    """Return the proxy's configuration, which is YAML and so may be JSON."""

    def model(name: str, **more: object) -> dict[str, object]:
        to = {"model": f"openai/{name}", "api_base": provider.url, "api_key": "none", **more}
        return {"model_name": name, "litellm_params": to}

    return {
        "model_list": [
            model("scripted"),
            model("mock", mock_response=ANSWER),
            model("mock-limit", mock_response="litellm.RateLimitError"),
            model("mock-long", mock_response="litellm.ContextWindowExceededError"),
        ],
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


@asynccontextmanager
async def provider_beside_questions() -> AsyncIterator[Provider]:
    """Give a provider that answers the proxy's own questions, which are GET, with nothing."""
    provider = Provider()

    async def handle(request: Request, connection: Connection) -> None:
        if request.method == "GET":
            await connection.respond(404, b"{}")
        else:
            await provider.handle(request, connection)

    async with listen(handle) as url:
        provider.url = f"{url}/v1"
        yield provider


@asynccontextmanager
async def litellm(folder: Path, provider: Provider, key: str) -> AsyncIterator[str]:
    """Start the proxy and give its URL when it answers."""
    assert PROXY.exists(), "scripts/foreign installs what these tests need"
    path, url = folder / "litellm.yaml", f"http://127.0.0.1:{(port := free_port())}"
    path.write_bytes(orjson.dumps(config(provider)))
    command: list[str | Path] = [PROXY, "--config", path, "--host", "127.0.0.1", "--port", str(port)]
    said = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MASTER_KEY": key, "NO_PROXY": "*"}
    async with program(*command, folder=folder, until=f"{url}/health/liveliness", **said):
        yield f"{url}/v1"


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The proxy of all tests: it takes many seconds to start."""
    folder, key = tmp_path_factory.mktemp("litellm"), f"sk-{token_hex(16)}"  # it does not start without one
    async with (
        provider_beside_questions() as provider,
        scripted_backend() as backend,
        litellm(folder, provider, key) as url,
        open_world(
            folder, provider, backend, assistant={"models": list(MODELS)}, openai_base_url=url, openai_api_key=key
        ) as world,
    ):
        yield world


@pytest.fixture
def ann(gateway: World) -> Person:
    gateway.provider.forget()
    gateway.backend.routes.clear()
    gateway.backend.answer("GET /orders/count", {"count": 42})
    return gateway.person(tenant=f"tenant-{uuid4().hex[:12]}")


async def test_an_answer_comes_through_whole_and_is_counted_once(ann: Person) -> None:
    """G56: the proxy's own pieces and its usage. G72: counted once."""
    ann.world.provider.raw(words() + event({}, "stop") + usage(7, 8) + b"data: [DONE]\n\n")
    stream = await ann.stream("how many orders?")
    assert stream.text == ANSWER
    assert stream.first("status") == "completed"
    assert stream.first("usage") == {"input_tokens": 7, "output_tokens": 8}


async def test_an_answer_of_the_proxy_itself_is_read(ann: Person) -> None:
    """G56: nobody stands behind it."""
    stream = await ann.stream("how many orders?", model="openai:mock")
    assert (stream.text, stream.first("status")) == (ANSWER, "completed")


async def test_tools_are_called_through_the_proxy_and_ids_and_signatures_come_back(ann: Person) -> None:
    """G58: in the same turn and in the next."""
    signed = {"google": {"thought_signature": "c2lnbmVk"}}
    step = calling(call("count_orders", "{}", call_id="VvvODy9mT", extra_content=signed)) + end("tool_calls")
    for body in (step, answer(), answer("Forty-two.")):
        ann.world.provider.raw(body)
    first = await ann.stream("how many orders?")
    assert first.text == ANSWER, first.events
    later = await ann.stream("in words?", conversation_id=first.first("conversation_id"))
    assert later.text == "Forty-two."
    ann.world.provider.check()
    for request in ann.world.provider.requests[1:]:
        [asked] = [one for message in request["messages"] for one in message.get("tool_calls") or ()]
        assert (asked["id"], asked.get("extra_content")) == ("VvvODy9mT", signed)


async def test_two_calls_of_a_step_come_through_the_proxy(ann: Person) -> None:
    """G57: each with its own arguments."""
    ann.world.backend.answer("GET /orders/7", {"number": 7})
    ann.world.provider.call(Call("count_orders", id="a"), Call("find_order", {"number": 7}, id="b"))
    ann.world.provider.say("Both.")
    stream = await ann.stream("both?")
    assert stream.text == "Both."
    done = [event["tool_call"] for event in stream.events if "tool_call" in event]
    assert sorted(one["name"] for one in done if one["status"] == "ok") == ["count_orders", "find_order"]


REFUSALS = {
    "context_too_long": (400, {"error": {"code": "context_length_exceeded", "message": "maximum context length is 5"}}),
    "model_unauthorized": (401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}),
    "model_quota": (
        429,
        {"error": {"code": "insufficient_quota", "type": "insufficient_quota", "message": "Insufficient quota"}},
    ),
    "model_rate_limited": (429, {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
    "model_refused": (400, {"error": {"code": "content_filter", "message": "content management policy"}}),
}


@pytest.mark.parametrize("code", REFUSALS)
async def test_the_providers_error_means_the_same_behind_the_proxy(ann: Person, code: str) -> None:
    """G70: whatever the proxy makes of its words and headers."""
    status, body = REFUSALS[code]

    async def refuse(_request: Request, connection: Connection) -> None:
        await connection.respond(status, orjson.dumps(body), headers={"Retry-After": "40"})

    ann.world.provider.then(refuse)
    stream = await ann.stream("how many orders?")
    assert stream.first("error")["code"] == code
    if code == "model_rate_limited":
        assert stream.first("error")["retry_after_s"] == 40


@pytest.mark.parametrize(("model", "code"), [("mock-limit", "model_rate_limited"), ("mock-long", "context_too_long")])
async def test_errors_of_the_proxy_itself_are_read(ann: Person, model: str, code: str) -> None:
    """G70: nobody stands behind them."""
    stream = await ann.stream("how many orders?", model=f"openai:{model}")
    assert stream.first("error")["code"] == code, stream.events


async def test_thinking_comes_through_the_proxy_as_thinking(ann: Person) -> None:
    """G71: in its field."""
    ann.world.provider.raw(event({"reasoning_content": "Hm."}) + answer())
    stream = await ann.stream("how many orders?")
    assert stream.text == ANSWER
    assert "".join(one["reasoning"] for one in stream.events if "reasoning" in one) == "Hm."

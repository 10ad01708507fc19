"""Traces: what they show of a turn, what they never hold, and that nobody waits for whoever collects them."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx2
import pytest
from support.backend import TenantBackend
from support.faults import until
from support.processes import Nursery
from support.provider import Call, Provider
from support.schema import give_schema
from support.server import machine, token_of
from support.spans import Collector, Seen, collecting
from support.world import OpenWorld, World

from agent import metrics
from agent.spans import Span
from api.traces import END_S, WAITING, Traces

WORDS = "zebra-in-the-shop"


@pytest.fixture(name="collector")
async def a_collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    async with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        yield collector


async def ask(world: World, **headers: str) -> str:
    """Have a turn with two calls of tools, one of which the model made up, a title and follow-up questions."""
    world.backend.answer("GET /orders/count", {"count": 42, "note": WORDS})
    world.provider.call(Call("count_orders"), Call(f"call_{WORDS}", id="b"), text=[WORDS])
    world.provider.say(f"Forty-two {WORDS}.")
    world.provider.suggestions, world.provider.title = f"{WORDS}?", WORDS
    person = world.person(tenant="acme", user="ann")
    answer = await person.request("POST", "/chat", json={"message": WORDS}, headers=headers)
    return str(answer.json()["run_id"])


FOLLOWED = {"suggestions": {"enabled": True}, "title": "model"}


async def test_a_turn_is_a_tree_from_the_request_to_its_calls(collector: Collector, open_frontdesk: OpenWorld) -> None:
    """G353."""
    world = await open_frontdesk(traces="on", assistant=FOLLOWED)
    run_id = await ask(world)
    await collector.until(POST=1, invoke_agent=1, chat=4, execute_tool=2, step=2)
    [request], [run] = collector.named("POST"), collector.named("invoke_agent")
    first, second = collector.named("step")
    assert (request.name, request.kind, request.parent_id) == ("POST /chat", "server", "")
    assert run.parent_id == request.span_id
    assert collector.children(run) == ["chat scripted", "chat scripted", "step", "step"]  # questions and title
    assert collector.children(first) == ["chat scripted", "execute_tool count_orders", "execute_tool unknown"]
    assert collector.children(second) == ["chat scripted"]
    assert {span.trace_id for span in collector.spans} == {run.trace_id}
    assert all(span.lasted_ns > 0 for span in collector.spans)
    assert run.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.conversation.id": run.attributes["gen_ai.conversation.id"],
        "gen_ai.request.model": "openai:scripted",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": run.attributes["gen_ai.usage.input_tokens"],
        "gen_ai.usage.output_tokens": run.attributes["gen_ai.usage.output_tokens"],
        "frontdesk.tenant": "acme",
        "frontdesk.run": run_id,
        "frontdesk.attempt": 1,
        "frontdesk.end": "completed",
    }
    [made], [unknown] = collector.named("execute_tool count_orders"), collector.named("execute_tool unknown")
    assert (made.is_error, unknown.is_error, unknown.attributes["error.type"]) == (False, True, "tool_error")
    assert collector.resources[0]["service.name"] == "frontdesk"


async def test_what_a_model_was_asked_and_took_is_told_by_the_conventions(
    collector: Collector, open_frontdesk: OpenWorld
) -> None:
    """G353: a retry is a request of its own, with why it failed."""
    world = await open_frontdesk(traces="on")
    world.provider.fail(500)
    world.provider.say("Hello.")
    await world.person().ask("hello")
    await collector.until(chat=2, POST=1)
    failed, answered = collector.named("chat")
    assert failed.attributes["error.type"] == "model_unavailable"
    assert failed.is_error
    assert not answered.is_error
    assert answered.kind == "client"
    assert answered.attributes["gen_ai.provider.name"] == "openai"
    assert answered.attributes["gen_ai.request.model"] == "scripted"
    assert answered.attributes["gen_ai.response.model"]
    assert answered.attributes["gen_ai.usage.output_tokens"] > 0


async def test_a_run_that_fails_says_why_by_its_code(collector: Collector, open_frontdesk: OpenWorld) -> None:
    """G353."""
    world = await open_frontdesk(traces="on", assistant={"limits": {"model_retries": 0}})
    world.provider.fail(401, code="invalid_api_key")
    await world.person().ask("hello")
    await collector.until(invoke_agent=1, step=1)
    [run], [step] = collector.named("invoke_agent"), collector.named("step")
    assert run.attributes["error.type"] == step.attributes["error.type"] == "model_unauthorized"
    assert run.attributes["frontdesk.end"] == "failed"


@pytest.mark.parametrize("traces", ["on", "words"])
async def test_what_is_said_is_in_a_trace_only_where_that_is_wanted_and_a_token_never(
    collector: Collector, open_frontdesk: OpenWorld, traces: str
) -> None:
    """G354: prompts, answers, arguments, results, questions, titles, and names that a model makes up."""
    world = await open_frontdesk(traces=traces, assistant=FOLLOWED)
    await ask(world)
    token = token_of()
    world.provider.call(Call("echo", {"text": token}), text=[token])
    world.provider.say(f"Your token is {token}.")
    await world.person().request("POST", f"/chat?access={token}", json={"message": f"I am {token}"})
    await collector.until(invoke_agent=2, chat=6, POST=2)
    sent = b"".join(collector.bodies)
    assert (WORDS.encode() in sent) == (traces == "words")
    assert token.encode() not in sent
    assert world.settings.secret.encode() not in sent
    words = {name for span in collector.spans for name in span.attributes if name.endswith((".messages", ".arguments"))}
    assert bool(words) == (traces == "words")


async def test_what_a_caller_says_of_its_trace_is_a_link_and_no_more(
    collector: Collector, open_frontdesk: OpenWorld
) -> None:
    """G355: it neither names our trace nor decides whether it is kept."""
    world = await open_frontdesk(traces="on")
    theirs = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await ask(world, traceparent=f"00-{theirs[0]}-{theirs[1]}-00", tracestate=f"a={WORDS}", baggage=f"a={WORDS}")
    for wrong in ("00-zz", f"00-{'0' * 32}-{theirs[1]}-01", f"ff-{theirs[0]}-{theirs[1]}-01"):
        await world.person().request("GET", "/conversations", headers={"traceparent": wrong})
    await collector.until(POST=1, GET=3)
    [asked] = collector.named("POST")
    assert asked.links == (theirs,)
    assert asked.trace_id != theirs[0]
    assert [span.links for span in collector.named("GET")] == [()] * 3


@pytest.mark.parametrize("hosts", [(), ("127.0.0.1",)])
async def test_backends_and_providers_learn_of_a_trace_only_where_their_host_is_named(
    collector: Collector, open_frontdesk: OpenWorld, hosts: tuple[str, ...]
) -> None:
    """G355: each is told of the span that asks it."""
    world = await open_frontdesk(traces="on", trace_hosts=hosts)
    await ask(world, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    await collector.until(execute_tool=2, chat=2)
    told = [world.backend.requests[-1].headers.get("traceparent"), world.provider.headers[0].get("traceparent")]
    if not hosts:
        assert told == [None, None]
        return
    spans = [collector.named("execute_tool count_orders")[0], collector.named("chat")[0]]
    assert told == [f"00-{span.trace_id}-{span.span_id}-01" for span in spans]


async def test_of_a_trace_that_is_not_kept_nothing_is_sent(
    collector: Collector, open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G355: every process decides alike, by the run."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    world = await open_frontdesk(traces="on")
    runs = set()
    for _ in range(20):
        world.provider.say("Hello.")
        runs.add((await world.person().ask("hello")).json()["run_id"])
    await world.person().request("GET", "/conversations")
    await until(lambda: len(collector.named("invoke_agent")) == len(collector.named("POST")) > 0)
    kept = {span.attributes["frontdesk.run"] for span in collector.named("invoke_agent")}
    assert kept < runs


def spans(outcome: str) -> float:
    return float(metrics.spans.labels(outcome)._value.get())


@pytest.mark.parametrize("how", ["silent", "gone"])
async def test_a_collector_that_is_away_costs_its_spans_and_nothing_else(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], how: str
) -> None:
    """G356: no turn waits for it, what waits is bounded, and the log has a line of it and no more."""
    monkeypatch.setattr("api.traces.WAITING", 64)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with collecting(answers=False) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url if how == "silent" else "http://127.0.0.1:9")
        lost = spans("lost")
        world = await open_frontdesk(traces="on")
        for _ in range(25):
            world.provider.say("Hello.")
            assert (await world.person().ask("hello")).json()["response"] == "Hello."
        await until(lambda: spans("lost") - lost >= 100 - 64)
        said: list[str] = []

        def is_said() -> bool:
            said.extend(capfd.readouterr())
            return "traces_are_lost" in "".join(said)

        await until(is_said)
        assert "".join(said).count("traces_are_lost") == 1
        assert "opentelemetry" not in "".join(said)
        if how == "silent":
            collector.gate.set()
            sent = spans("sent")
            await until(lambda: spans("sent") > sent)


async def test_what_waits_for_the_collector_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """G356."""
    async with collecting(answers=False) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        lost = spans("lost")
        async with Traces(wants_words=False, hosts=()) as traces:
            for number in range(WAITING + 100):
                span = Span("step", 1, number + 1)
                span.end()
                traces.recorder.send(span)
            assert spans("lost") - lost == 100
            collector.gate.set()


async def test_the_end_of_a_server_waits_two_seconds_for_what_is_left(
    open_frontdesk: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G356."""
    async with collecting(answers=False) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        begun = 0.0
        async with Traces(wants_words=False, hosts=()) as traces:
            span = Span("step", 1, 2)
            span.end()
            traces.recorder.send(span)
            begun = time.monotonic()
        assert END_S * 0.99 <= time.monotonic() - begun < 10 * END_S  # a timer counts in milliseconds


@pytest.mark.timeout(240)
async def test_what_another_process_goes_on_with_is_of_the_same_trace_and_linked_to_the_first(
    tmp_path: Path, provider: Provider, backend: TenantBackend, nursery: Nursery, collector: Collector
) -> None:
    """G357: nothing is stored for it."""
    prepared = machine(tmp_path, provider_url=provider.url, backend_url=backend.url, nursery=nursery, traces="on")
    async with prepared as made:
        made.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
        await give_schema(anyio.Path(made.database))
        await made.start()
        backend.answer("GET /orders/count", {"count": 42})
        provider.call(Call("count_orders"))
        provider.hang("Forty")
        asking = asyncio.create_task(_post(made.url or ""))
        await collector.until(execute_tool=1, step=1, chat=1)
        await until(lambda: len(provider.requests) == 2)
        assert made.server is not None
        await made.server.kill()
        await asyncio.gather(asking, return_exceptions=True)
        provider.say("Forty-two.")
        await made.start()
        await collector.until(invoke_agent=1, chat=2)
    [run] = collector.named("invoke_agent")
    before: Seen = collector.named("step")[0]
    assert run.attributes["frontdesk.attempt"] == 2
    assert run.trace_id == before.trace_id
    assert run.links == ((before.trace_id, before.parent_id),)
    assert run.parent_id == ""
    assert (run.attributes["frontdesk.end"], run.attributes.get("error.type")) == ("completed", None), made.logs()


async def _post(url: str) -> None:
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        await client.post("/chat", json={"message": "hi"}, headers={"Authorization": f"Bearer {token_of()}"})

"""The metrics: what is counted and what stands, by whom they can be read, and that nothing of anybody's is in them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from support.programs import free_port
from support.provider import Call
from support.saying import DONE, event, usage, words
from support.world import OpenWorld, World

from agent.metrics import OTHER, Names
from agent.store.database import Store
from api import logs
from api.metrics_port import MetricsPort

TOKEN = SecretStr("metrics-token-of-the-tests")
LIMIT_S = 60.0
STANDING = ("streams_open", "runs_active", "runs_working")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Return the values of Frontdesk's own metrics by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("frontdesk_")
    }


async def read(world: World) -> Samples:
    return parsed((await world.person().request("GET", "/metrics")).text)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def fetch(port: int, *, path: str = "/metrics", token: SecretStr | None = None) -> str:
    """Return what the metrics' own port answers; made for a thread."""
    headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
    request = Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with build_opener(ProxyHandler({})).open(request, timeout=LIMIT_S) as response:
        return str(response.read().decode())


async def fetched(port: int, holds: Callable[[str], bool] = bool) -> str:
    """Wait until the port answers, and what it says is so."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                if holds(text := await asyncio.to_thread(fetch, port)):
                    return text
            except URLError:
                pass  # it does not listen yet


@pytest.fixture(name="port")
def a_free_port() -> int:
    return free_port()


async def test_what_a_run_takes_is_counted_by_its_kind_and_names_nobody(world: World) -> None:
    """G330: times, tokens, tools and problems."""
    ann = world.person(tenant="tenant-of-the-metrics", user="user-of-the-metrics")
    before = await read(world)
    world.backend.answer("GET /orders/count", {"count": 42})
    world.provider.call(Call("count_orders"), Call("made_up_by_the_model", id="b"))
    world.provider.raw(words("Forty-two.") + event({}, "stop") + usage(7, 8) + DONE)
    run = (await ann.ask("how many?")).json()["run_id"]
    await ann.request("GET", f"/runs/{run[:-1]}{'0' if run[-1] != '0' else '1'}")

    after = await read(world)

    def grown(name: str, **labels: str) -> float:
        return value(after, f"frontdesk_{name}", **labels) - value(before, f"frontdesk_{name}", **labels)

    assert grown("tokens_total", model="openai:scripted", kind="input") >= 7
    assert grown("tokens_total", model="openai:scripted", kind="output") >= 8
    assert grown("tool_seconds_count", tool="count_orders") == 1
    assert grown("tool_calls_total", tool="unknown", outcome="error") == 1
    assert grown("run_wait_seconds_count") == grown("first_token_seconds_count") == 1
    assert grown("problems_total", code="not_found") == 1
    labels = {text for _, pairs in after for _, text in pairs}
    assert not [text for text in labels if "of-the-metrics" in text or "made_up" in text or run in text]


async def test_what_tokens_cost_is_counted_where_the_definition_has_a_price(open_frontdesk: OpenWorld) -> None:
    """G330: by the model and the currency."""
    price = {"input": 2_000_000, "output": 3_000_000, "currency": "CHF"}
    world = await open_frontdesk(assistant={"models": [{"spec": "openai:scripted", "name": "priced", "price": price}]})
    world.provider.raw(words("Hello.") + event({}, "stop") + usage(7, 8) + DONE)
    await world.person().ask("hello")
    assert value(await read(world), "frontdesk_cost_total", model="priced", currency="CHF") == 7 * 2 + 8 * 3


async def test_what_stands_is_read_when_somebody_asks(world: World) -> None:
    """G330: streams, runs at work, and that the server is well."""
    gate = asyncio.Event()
    world.provider.wait_for(gate, "World.", before=["Hello "])
    async with world.person().open_stream("hello") as live:
        await live.until("token")
        during = await read(world)
        gate.set()
        await live.rest()
    for name in (*STANDING, "ready", "whole"):
        assert value(during, f"frontdesk_{name}") == 1, name
    assert value(during, "frontdesk_log_lag_seconds") == 0
    async with asyncio.timeout(LIMIT_S):
        while any(value(after, f"frontdesk_{name}") for after in [await read(world)] for name in STANDING):
            pass


@asynccontextmanager
async def all_taken(store: Store, pool: str) -> AsyncIterator[asyncio.Task[None]]:
    """Use up the connections of turns; give a task that waits for one."""

    async def one_more() -> None:
        async with store.read("acme"):
            pass

    async with AsyncExitStack() as stack:
        for _ in range(store.pools[pool].use.size):
            await stack.enter_async_context(store.read("acme"))
        waiting = asyncio.create_task(one_more())
        async with asyncio.timeout(LIMIT_S):
            while not store.pools[pool].use.waiting:
                await asyncio.wait([waiting], timeout=0.01)
        yield waiting
    await waiting


async def test_who_waits_for_a_connection_shows(world: World) -> None:
    store = world.app.state.services.store
    async with all_taken(store, "turns"):
        assert store.pools["turns"].use == (5, 5, 1)
    assert store.pools["turns"].use == (0, 5, 0)
    samples = await read(world)
    assert value(samples, "frontdesk_database_connections_max", pool="turns") == 5
    assert value(samples, "frontdesk_database_waiting", pool="writes") == 0


def test_a_label_has_a_bound_behind_which_all_is_other() -> None:
    """G330."""
    names = Names(2)
    assert [names.of(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


async def test_tenants_are_told_apart_only_as_far_as_the_operator_allows(open_frontdesk: OpenWorld) -> None:
    """G330."""
    world = await open_frontdesk(metrics_tenants=2)
    for tenant in ("metered-1", "metered-2", "metered-3"):
        world.provider.raw(words("Hello.") + event({}, "stop") + usage(7, 8) + DONE)
        await world.person(tenant=tenant).ask("hello")
    samples = await read(world)
    counted = {
        dict(pairs)["tenant"]
        for name, pairs in samples
        if name in ("frontdesk_tenant_runs_ended_total", "frontdesk_tenant_tokens_total")
    }
    assert counted == {"metered-1", "metered-2", OTHER}


def test_what_an_operator_should_know_of_is_counted_by_the_name_of_what_happened() -> None:
    """G330: and the words of libraries by none."""
    logs.configure("info")
    before = logs.logged.labels("error", "something_of_the_tests")._value.get()
    logger = structlog.get_logger()
    logger.error("something_of_the_tests", tenant="acme")
    logger.info("nothing_of_note")
    assert logs.logged.labels("error", "something_of_the_tests")._value.get() == before + 1
    assert not [labels for labels in logs.logged._metrics if "nothing_of_note" in labels]


async def test_a_port_of_their_own_answers_while_the_event_loop_hangs(open_frontdesk: OpenWorld, port: int) -> None:
    """G331: and says that it does. The other port does not answer then."""
    world = await open_frontdesk(metrics_port=port)
    assert "frontdesk_ready 1.0" in await fetched(port, lambda text: "frontdesk_ready" in text)
    assert (await world.person().request("GET", "/metrics")).status_code == 404
    with ThreadPoolExecutor(1) as pool:
        until = time.monotonic() + LIMIT_S
        late_s = 0.0
        while late_s < 0.5 and time.monotonic() < until:  # in the loop's own thread, which does nothing else meanwhile
            late_s = value(parsed(pool.submit(fetch, port).result(LIMIT_S)), "frontdesk_loop_late_seconds")
    assert late_s >= 0.5


@pytest.mark.parametrize(("path", "token"), [("/metrics", None), ("/metrics", SecretStr("x" * 30)), ("/", TOKEN)])
def test_their_own_port_asks_for_the_same_token_and_has_nothing_else(
    port: int, path: str, token: SecretStr | None
) -> None:
    """G331."""
    with MetricsPort("127.0.0.1", port, token=TOKEN, read=lambda: b"all is well"):
        asyncio.run(fetched_with_token(port))
        with pytest.raises(HTTPError) as refused:
            fetch(port, path=path, token=token)
        refused.value.close()
        assert refused.value.code == (404 if path == "/" else 401)


async def fetched_with_token(port: int) -> None:
    """Wait until the port answers who has the token."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                assert await asyncio.to_thread(fetch, port, token=TOKEN) == "all is well"
            except URLError:
                continue
            return


async def test_a_port_that_the_process_before_still_has_is_waited_for(port: int) -> None:
    """G331: a restart that starts the next one first fails because of nothing."""
    with MetricsPort("127.0.0.1", port, token=None, read=lambda: b"the first"):
        assert await fetched(port) == "the first"
        second = MetricsPort("127.0.0.1", port, token=None, read=lambda: b"the second")
        second.__enter__()
    try:
        assert await fetched(port, lambda text: text == "the second")
    finally:
        second.__exit__(None, None, None)

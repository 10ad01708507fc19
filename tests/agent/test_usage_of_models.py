"""The usage of a run whose model failed on the way: it is counted where it was used, also by who takes the run over."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from support.faults import HEIR, ZOMBIE, rows, store_of
from support.pairs import at
from support.provider import Call, Provider, scripted_provider
from support.world import OpenWorld, World

from agent.assistant.models import ModelPrice
from agent.store import overview
from agent.store.tables import runs
from api.operator.sights import Prices, Span, Sums

NOW = datetime.now(UTC)
TODAY = Span(NOW - timedelta(days=1), NOW + timedelta(days=1))
PRICES: Prices = {
    (None, "first"): ModelPrice(input=1e5, output=0.0),
    (None, "second"): ModelPrice(input=1e6, output=0.0),
}


@pytest.fixture
async def second() -> AsyncIterator[Provider]:
    """Another provider. Each answer counts 10 tokens and 5."""
    async with scripted_provider() as other:
        yield other
        other.check()


def definition(first: Provider, second: Provider) -> dict[str, Any]:
    models = [
        {"name": name, "spec": f"openai:{name}", "base_url": one.url}
        for name, one in (("first", first), ("second", second))
    ]
    limits = {"model_retries": 0, "first_token_timeout_s": 300, "between_tokens_timeout_s": 300}
    return {"models": models, "fallback": {"restart": True}, "limits": limits}


async def used(world: World, *by: str) -> list[tuple[Any, ...]]:
    """Return what was used: by what, runs, tokens, cost, and runs of which a model has no price."""
    sums = Sums(by, PRICES, TODAY)
    await sums.add(store_of(world), "acme")
    return [
        (
            *(one[key] for key in by),
            *(one["runs"], one["input_tokens"], one["output_tokens"]),
            *(one["cost"].get("USD", 0.0), one["unpriced_runs"]),
        )
        for one in sums.told()
    ]


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs of several models be read one by one."""
    monkeypatch.setattr(overview, "CHANGED_AT_ONCE", 1)


@pytest.mark.usefixtures("one_at_a_time")
async def test_tokens_are_of_the_model_that_used_them(
    open_frontdesk: OpenWorld, database_url: str, provider: Provider, second: Provider
) -> None:
    """G510: and the run of the one that ended it; all sums add up to the whole."""
    world = await open_frontdesk(assistant=definition(provider, second), database_url=database_url)
    ann = world.person()
    world.backend.answer("GET /orders/AB-1", {})
    for _ in range(2):
        provider.call(Call("find_order", {"number": "AB-1"}))
        provider.stream({"content": "Half"}, finish_reason="error")
        second.say("All.")
        assert (await ann.stream("how many?")).text.endswith("All.")
    provider.fail(503)
    second.say("Here.")  # nothing was used before it
    await ann.stream("how many?")
    assert await used(world, "model") == [("first", 0, 40, 20, 4.0, 0), ("second", 3, 30, 15, 30.0, 0)]
    assert await used(world, "tenant") == [("acme", 3, 70, 35, 34.0, 0)]
    kept = [row["used_before"] for row in await rows(world, runs)]
    assert kept == [*[{"step": 2, "models": {"first": [20, 10]}}] * 2, None]
    async with store_of(world).write("acme") as connection:  # one whose price nobody knows any more, of long ago
        gone = {"step": 2, "models": {"gone": [20, 10], "second": [1, 1]}}
        await connection.execute(update(runs).where(runs.c.used_before.is_not(None)).values(used_before=gone))
    assert await used(world, "model") == [("gone", 0, 40, 20, 0.0, 2), ("second", 3, 30, 15, 30.0, 0)]


async def test_who_takes_over_counts_what_was_taken_back_of_a_model_that_failed(
    open_frontdesk: OpenWorld, database_url: str, provider: Provider, second: Provider
) -> None:
    """G510: no message of the run has it."""
    assistant = definition(provider, second)
    zombie = await open_frontdesk(assistant=assistant, database_url=database_url, **ZOMBIE)
    ann = zombie.person()
    zombie.backend.answer("GET /orders/AB-1", {})
    provider.call(Call("find_order", {"number": "AB-1"}))
    provider.stream({"content": "Half"}, finish_reason="error")
    second.hang("Half of ")
    async with ann.open_stream("hi") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half of ")
        second.say("All of it.")
        heir = await open_frontdesk(assistant=assistant, database_url=database_url, **HEIR)
        stream = await at(heir, ann).events(run_id)
    assert stream.text.endswith("All of it.")
    assert await used(heir, "model") == [("first", 0, 20, 10, 2.0, 0), ("second", 1, 10, 5, 10.0, 0)]

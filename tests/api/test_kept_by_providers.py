"""The parts of prompts that a provider keeps: what it is asked to keep, what it says that it had kept, and what that costs."""

from typing import Any
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from support.faults import store_of
from support.saying import DONE, data, words
from support.world import World

from agent.store.budget_tables import spendings

MODEL = {
    "spec": "openai:scripted",
    "name": "keeper",
    "price": {"input": 4, "output": 10, "cached": 1},
    "abilities": {"cache_control": True},
}


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    return {"assistant": {"models": [MODEL], "budgets": {"tenant": {"month": {"cost": 1}}}}}


async def counted(world: World) -> tuple[float, float]:
    """Return how many kept tokens were counted so far, and what all cost."""
    text = (await world.person().request("GET", "/metrics")).text
    found = {
        (sample.name, sample.labels.get("kind")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("model") == "keeper"
    }
    return found.get(("frontdesk_tokens_total", "cached"), 0), found.get(("frontdesk_cost_total", None), 0)


@pytest.mark.parametrize(
    ("said", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 80}}, 80),
        ({"cached_tokens": 80}, 80),
        ({"prompt_cache_hit_tokens": 80, "prompt_cache_miss_tokens": 20}, 80),
        ({"cache_read_input_tokens": 80}, 80),
        ({"prompt_tokens_details": {"cached_tokens": 1000}}, 100),
        ({"prompt_tokens_details": {"cached_tokens": "80"}, "cached_tokens": -1}, 80),
        ({"prompt_tokens_details": {"cached_tokens": "many"}, "cached_tokens": -1}, 0),
        ({"prompt_tokens_details": None}, 0),
    ],
)
async def test_what_a_provider_had_kept_is_counted_and_costs_its_own_price(
    world: World, said: dict[str, Any], cached: int
) -> None:
    """G448: in metrics and in budgets, under any of its names, and at most what was given."""
    ann = world.person(tenant=f"tenant-{uuid4().hex[:12]}")
    before = await counted(world)
    usage = {"prompt_tokens": 100, "completion_tokens": 5, **said}
    world.provider.raw(words("Hi.") + data({"choices": [], "usage": usage}) + DONE)
    assert (await ann.stream("Hello")).text == "Hi."
    after = await counted(world)
    cost = (100 - cached) * 4 + cached * 1 + 5 * 10
    assert after[0] - before[0] == cached
    assert after[1] - before[1] == pytest.approx(cost / 1_000_000)
    async with store_of(world).read(ann.tenant) as connection:
        spent = (
            await connection.execute(select(spendings.c.cost).where(spendings.c.tenant_id == ann.tenant))
        ).scalars()
        assert list(spent) == [cost]


async def test_a_server_is_asked_to_keep_the_instructions_where_the_definition_says_so(world: World) -> None:
    """G448"""
    world.provider.say("Hi.")
    await world.person().stream("Hello")
    first, *rest = world.provider.requests[-1]["messages"]
    [block] = first["content"]
    assert block["cache_control"] == {"type": "ephemeral"}
    assert block["text"].startswith("You help the staff of a shop.")
    assert all(isinstance(one["content"], str) for one in rest)

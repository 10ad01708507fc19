"""Answers as real providers were reported to send them, over real HTTP: how clients see them, and what is sent next."""

import asyncio
from uuid import uuid4

import pytest
from providers.cases import CASES
from providers.siblings import SIBLINGS
from support.faults import rows
from support.saying import Case, Said
from support.world import Person, World

from agent.store.tables import messages


@pytest.fixture
def ann(shared_world: World) -> Person:
    shared_world.provider.forget()
    shared_world.backend.routes.clear()
    shared_world.backend.effects.clear()
    for route in ("GET /orders/count", "GET /orders/7", "GET /orders/8", "POST /orders"):
        shared_world.backend.answer(route, {"answer": route})
    return shared_world.person(tenant=f"tenant-{uuid4().hex[:12]}")


@pytest.mark.parametrize("case", [*CASES, *SIBLINGS], ids=lambda case: case.name)
async def test_what_a_provider_says_becomes_what_it_means(ann: Person, case: Case) -> None:
    """G56: no answer is lost for what comes beside it. G57: no call is made of what came broken.

    G70: errors mean the same wherever they stand. G71: thinking is not the answer. G72: usage counts once.
    """
    provider = ann.world.provider
    for said in case.said:
        provider.then((said if isinstance(said, Said) else Said(said)).respond)
    async with asyncio.timeout(60):
        stream = await ann.stream("how many orders?")
    end = next(event for event in stream.events if "status" in event)
    assert (end["status"], stream.first("error")["code"] if case.error else None) == (case.status, case.error)
    assert _joined(stream.events, "token") == case.text
    if case.reasoning is not None:
        assert _joined(stream.events, "reasoning") == case.reasoning
    if case.finish_reason is not None:
        assert end["finish_reason"] == case.finish_reason
    if case.usage is not None:
        assert (end["usage"]["input_tokens"], end["usage"]["output_tokens"]) == case.usage
    calls = [event["tool_call"] for event in stream.events if "tool_call" in event]
    assert tuple((call["name"], call["status"]) for call in calls if call["status"] != "running") == case.calls
    if case.asked is not None:
        assert tuple(call["arguments"] for call in calls if call["status"] == "running") == case.asked
    if ("create_order", "ok") not in case.calls:
        assert not ann.world.backend.effects
    stored = await rows(ann.world, messages, tenant_id=ann.tenant, role="assistant")
    assert "\n\n".join(row["text"] for row in stored if row["text"]) == case.text
    if case.check is not None:
        case.check(provider.requests)
    provider.check()


def _joined(events: list[dict[str, object]], key: str) -> str:
    """Return what a reader shows under a key in the end."""
    return "".join(str(event[key]) for event in _after_snapshot(events) if key in event)


def _after_snapshot(events: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return what a reader shows: a snapshot takes the place of what was shown before."""
    places = [number for number, event in enumerate(events) if "snapshot" in event]
    if not places:
        return events
    kept = events[places[-1] + 1 :]
    snapshot = events[places[-1]]["snapshot"]
    assert isinstance(snapshot, dict)
    return [{"token": snapshot["text"]}, *kept]

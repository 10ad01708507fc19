"""A run is stopped by a process that does not hold it, and ends as if its own had been asked."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update
from support.faults import HEIR, ZOMBIE, cancel, execute, keep_leases, let_die, reaches, rows, state, texts, until
from support.world import OpenWorld, Person, World

from agent.store.tables import messages, runs

PATIENT: dict[str, Any] = {"assistant": {"limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300}}}
"""A model that is waited for, however slow the machine is."""
LIVELY: dict[str, Any] = {**PATIENT, "renew_every_s": 0.2, "lease_s": 60, "lease_lost_after_s": 50}
"""Settings of a process that looks at its rows often, and whose lease nobody takes however slow the machine is."""


@pytest.fixture
async def pair(open_frontdesk: OpenWorld, database_url: str) -> tuple[World, World]:
    """Two living processes on one database, on each kind of database."""
    first = await open_frontdesk(database_url=database_url, **LIVELY)
    return first, await open_frontdesk(database_url=database_url, **LIVELY)


def at(world: World, person: Person) -> Person:
    """Return the same person, with the same token, at another process."""
    return Person(world, person.token, person.tenant)


def ended(status: str, code: str = "") -> float:
    """Return how many runs ended so, as an operator sees it."""
    return REGISTRY.get_sample_value("frontdesk_runs_ended_total", {"status": status, "code": code}) or 0.0


@contextmanager
def counts_one_end(status: str, code: str = "") -> Iterator[None]:
    """Check that one more run is counted as ended so."""
    before = ended(status, code)
    yield
    assert ended(status, code) == before + 1


async def answers(world: World) -> list[tuple[str, str]]:
    return [(row["text"], row["status"]) for row in await rows(world, messages, role="assistant")]


async def test_a_run_that_another_living_process_has_keeps_what_it_said_and_sends_its_end(
    pair: tuple[World, World],
) -> None:
    """G61 G3 G4: its reader hears of it, its partial answer is stored, and it counts once."""
    first, second = pair
    ann = first.person()
    first.provider.hang("Half of ")
    with counts_one_end("cancelled"):
        async with ann.open_stream("tell me") as live:
            run_id = await live.until("run_id")
            await live.until_bytes(b"Half of ")
            assert (await cancel(at(second, ann), run_id))["state"] == "cancelled"
            told = await live.rest()
    assert told.first("status") == "cancelled"
    assert told.is_done
    assert await answers(first) == [("Half of ", "partial")]
    stream = await at(second, ann).events(run_id)
    assert "Half of " in str(stream.first("snapshot"))
    assert stream.first("status") == "cancelled"
    assert (await cancel(at(second, ann), run_id))["state"] == "cancelled", "and once more changes nothing"


async def test_a_message_that_interrupts_at_another_process_keeps_what_was_said(pair: tuple[World, World]) -> None:
    """G61 G7 G4."""
    first, second = pair
    ann = first.person()
    first.provider.hang("Old")
    with counts_one_end("cancelled"):
        async with ann.open_stream("first") as live:
            conversation_id = await live.until("conversation_id")
            await live.until_bytes(b"Old")
            first.provider.say("New.")
            asked = {"conversation_id": conversation_id, "when_active": "interrupt"}
            assert (await at(second, ann).stream("second", **asked)).text == "New."
            told = await live.rest()
    assert (told.first("status"), told.is_done) == ("cancelled", True)
    assert await answers(second) == [("Old", "partial"), ("New.", "complete")]
    assert texts(second.provider.requests[-1])[0] == ("user", "first")
    assert "Old" in texts(second.provider.requests[-1])[1][1]


async def test_a_run_that_waits_at_another_process_can_be_stopped(pair: tuple[World, World]) -> None:
    """G61 G3: it is never asked of the model."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, "Yes.")
    async with ann.open_stream("first") as live:
        conversation_id = await live.until("conversation_id")
        async with ann.open_stream("second", conversation_id=conversation_id) as waiting:
            run_id = await waiting.until("run_id")
            assert (await cancel(at(second, ann), run_id))["state"] == "cancelled"
            assert (await waiting.rest()).first("status") == "cancelled"
        gate.set()
        assert (await live.rest()).text == "Yes."
    assert len(first.provider.requests) == 1


async def test_a_stranger_asks_for_no_stop(pair: tuple[World, World]) -> None:
    """G61 G3."""
    first, second = pair
    ann, gate = first.person(), asyncio.Event()
    first.provider.wait_for(gate, "Yes.")
    async with ann.open_stream("first") as live:
        run_id = await live.until("run_id")
        for stranger in (second.person(user="ben"), second.person(tenant="rival")):
            assert (await stranger.request("POST", f"/runs/{run_id}/cancel")).status_code == 404
        assert [row["cancel_requested_at"] for row in await rows(first, runs)] == [None]
        gate.set()
        assert (await live.rest()).text == "Yes."


async def test_a_run_without_a_living_process_is_ended_from_outside(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G61 G12 G13: with its events and its metric, and what its process still writes is refused."""
    zombie = await open_frontdesk(database_url=database_url, **PATIENT, **ZOMBIE)
    ann, gate = zombie.person(), asyncio.Event()
    zombie.provider.wait_for(gate, "too late")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await until(lambda: len(zombie.provider.requests) == 1)
        await keep_leases(zombie)
        other = await open_frontdesk(database_url=database_url, reap_every_s=60)
        await let_die(zombie, other=other)
        reading = asyncio.create_task(at(other, ann).events(run_id))
        with counts_one_end("cancelled"):
            assert (await cancel(at(other, ann), run_id))["state"] == "cancelled"
            async with asyncio.timeout(60):
                assert (await reading).first("status") == "cancelled"
            gate.set()
            assert "status" not in (await live.rest()).keys
    assert await answers(other) == []


async def test_a_stop_that_was_asked_for_is_heard_by_whoever_takes_the_run_over(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G61: its process died before it looked."""
    zombie = await open_frontdesk(database_url=database_url, **PATIENT, **ZOMBIE)
    ann = zombie.person()
    zombie.provider.hang("Half")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half")
        await execute(zombie, update(runs).values(cancel_requested_at=datetime.now(UTC)))
        with counts_one_end("cancelled"):
            heir = await open_frontdesk(database_url=database_url, **HEIR)
            await reaches(at(heir, ann), run_id, "cancelled")
    assert len(zombie.provider.requests) == 1, "the model is not asked again"


async def test_a_cancel_that_nobody_hears_answers_with_the_run_as_it_is(
    open_frontdesk: OpenWorld, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G61: a living process that hangs is not overruled; it ends the run when it looks again."""
    monkeypatch.setattr("agent.runs.stops.STOP_WAIT_S", 0.3)
    deaf = await open_frontdesk(database_url=database_url, **PATIENT, **ZOMBIE)
    ann = deaf.person()
    deaf.provider.hang("Half")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Half")
        await keep_leases(deaf)
        other = await open_frontdesk(database_url=database_url, reap_every_s=60)
        assert (await cancel(at(other, ann), run_id))["state"] == "running"
        await deaf.app.state.services.runner._leases._compare()
        assert (await live.rest()).first("status") == "cancelled"
    assert await state(ann, run_id) == "cancelled"
    assert await answers(other) == [("Half", "partial")]


async def test_a_run_that_used_up_its_attempts_is_counted_as_ended(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G61 G16: once, as failed."""
    zombie = await open_frontdesk(database_url=database_url, **PATIENT, **ZOMBIE)
    ann = zombie.person()
    zombie.provider.hang("Well, ")
    async with ann.open_stream("tell me") as live:
        run_id = await live.until("run_id")
        await live.until_bytes(b"Well, ")
        with counts_one_end("failed", "interrupted"):
            heir = await open_frontdesk(database_url=database_url, **HEIR, max_attempts=1)
            await open_frontdesk(database_url=database_url, **HEIR, max_attempts=1)
            await reaches(at(heir, ann), run_id, "failed")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/chat", {"message": "tell me"}),
        ("/v1/chat/completions", {"model": "assistant", "messages": [{"role": "user", "content": "tell me"}]}),
    ],
)
async def test_who_waits_for_json_is_told_that_the_conversation_was_deleted_at_another_process(
    pair: tuple[World, World], path: str, asked: dict[str, Any]
) -> None:
    """G390: there is nothing to come back for, so nobody is told to."""
    first, second = pair
    ann = first.person()
    first.provider.hang("Half of ")
    posted = asyncio.create_task(ann.request("POST", path, json=asked))
    found: list[Any] = []

    async def is_there() -> bool:
        found[:] = (await ann.request("GET", "/conversations")).json()["items"]
        return bool(found and first.provider.requests)

    await until(is_there)
    gone = await at(second, ann).request("DELETE", f"/conversations/{found[0]['id']}")
    assert gone.status_code == 200
    async with asyncio.timeout(60):
        answer = await posted
    assert (answer.status_code, "Retry-After" in answer.headers) == (404, False)

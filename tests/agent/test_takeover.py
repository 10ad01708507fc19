"""Many runs that dead processes left: they are taken over as there is room, and everybody's turn comes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from support.faults import HEIR, execute, rows, store_of, until
from support.rows import in_one
from support.world import OpenWorld, World

from agent.principal import Principal, RunKey
from agent.runs.admission import HERE, Place
from agent.runs.held import HeldRun
from agent.runs.roster import Roster
from agent.store.tables import conversations, messages, runs
from agent.store.workers import renew_lease
from api.settings import Settings

NOW = datetime.now(UTC)
PATIENT = {"limits": {"first_token_timeout_s": 300, "between_tokens_timeout_s": 300}}


class Past:
    """Work that was begun before: conversations with their messages and runs, put into the tables at once."""

    def __init__(self) -> None:
        self._rows: dict[Any, list[dict[str, Any]]] = {conversations: [], runs: [], messages: []}

    def leave(self, tenant: str, user: str, *, turns: int = 1, age_s: float = 0.0, worker: str = "dead") -> UUID:
        """Leave a conversation whose first turn is at work, and the others behind it."""
        conversation_id, at = uuid4(), NOW - timedelta(seconds=age_s)
        scope = {"tenant_id": tenant, "conversation_id": conversation_id, "created_at": at}
        self._rows[conversations].append(
            {"tenant_id": tenant, "id": conversation_id, "user_id": user, "title": "t", "last_position": turns}
            | {"last_turn": turns, "created_at": at, "updated_at": at}
        )
        for turn in range(1, turns + 1):
            run_id, is_first = uuid4(), turn == 1
            self._rows[runs].append(
                {**scope, "id": run_id, "user_id": user, "turn": turn, "state": "running" if is_first else "queued"}
                | {"attempt": 1, "begun_attempts": int(is_first), "message_id": uuid4(), "model": "openai:gpt-test"}
                | {"worker_id": worker if is_first else "dead", "input_tokens": 0, "output_tokens": 0}
            )
            self._rows[messages].append(
                {**scope, "id": uuid4(), "run_id": run_id, "turn": turn, "position": turn, "step": 0, "role": "user"}
                | {"text": f"message {turn}", "is_error": False, "status": "complete"}
            )
        return conversation_id

    async def store(self, world: World) -> None:
        """Put it into the database in one transaction."""
        async with store_of(world).write("acme") as connection:
            for table, values in self._rows.items():
                await connection.execute(table.insert(), values)


def roster_of(world: World) -> Roster:
    roster = world.app.state.services.runner._roster
    assert isinstance(roster, Roster)
    return roster


async def taken(world: World) -> list[dict[str, Any]]:
    return [row for row in await rows(world, runs) if row["attempt"] > 1]


@pytest.mark.timeout(240)
async def test_a_burst_of_abandoned_runs_enters_as_there_is_room(open_frontdesk: OpenWorld) -> None:
    """G60: five thousand of them. G15: from when there is room. A tenant with one run does not wait behind a thousand."""
    most, answered = 4 + 40, 60
    limits = {"max_runs": 4, "max_queued_runs": 40, "max_queued_per_tenant": 10}
    world = await open_frontdesk(assistant=PATIENT, **HEIR, **limits, shutdown_grace_s=0)
    past, roster, gate = Past(), roster_of(world), asyncio.Event()
    for n in range(4999):
        past.leave(f"tenant-{n % 4}", f"user-{n % 100}", age_s=10_000 - n)
    past.leave("small", "sam")
    held: list[int] = []
    add = roster.add

    def counting(run: HeldRun) -> None:
        add(run)
        held.append(len(roster))

    roster.add = counting  # type: ignore[method-assign]
    for _ in range(answered):
        world.provider.wait_for(gate, "Yes.")
    for _ in range(4):
        world.provider.hang("Well, ")
    await past.store(world)
    await until(lambda: len(roster) == most, timeout_s=60)
    assert len(await taken(world)) == most, "what does not fit stays in its row"
    assert "small" in {row["tenant_id"] for row in await taken(world)}
    gate.set()

    async def completed() -> bool:
        return len(await rows(world, runs, state="completed")) == answered

    await until(completed, timeout_s=120)
    await until(lambda: len(roster) == most, timeout_s=60)
    assert max(held) == most
    assert len(await taken(world)) == answered + most


async def test_those_who_wait_never_keep_out_the_turn_that_they_wait_for(
    open_frontdesk: OpenWorld, database_url: str
) -> None:
    """G60 G15: also where they fill what their conversation, their user and their tenant may have."""
    world = await open_frontdesk(
        **HEIR, database_url=database_url, max_runs=2, max_queued_per_conversation=2, max_queued_per_user=3
    )
    past, roster = Past(), roster_of(world)
    for _ in range(2):
        past.leave("acme", "ann", turns=4, worker="alive")
    await in_one(store_of(world), renew_lease, "alive", lease_s=600)
    await past.store(world)
    await until(lambda: len(roster) == 3)
    for _ in range(8):
        world.provider.say("Yes.")
    await execute(world, update(runs).where(runs.c.worker_id == "alive").values(worker_id=None))

    async def all_completed() -> bool:
        return {row["state"] for row in await rows(world, runs)} == {"completed"}

    await until(all_completed)


async def test_runs_that_used_up_their_attempts_are_ended_although_there_is_no_room(open_frontdesk: OpenWorld) -> None:
    """G60 G16: that takes none."""
    world = await open_frontdesk(
        assistant=PATIENT, **HEIR, max_attempts=1, max_runs=1, max_queued_runs=0, shutdown_grace_s=0
    )
    ann = world.person()
    world.provider.hang("Well, ")
    async with ann.open_stream("busy") as live:
        await live.until("run_id")
        past = Past()
        for n in range(30):
            past.leave("acme", f"user-{n}")
        await past.store(world)

        async def all_failed() -> bool:
            return len(await rows(world, runs, state="failed")) == 30

        await until(all_failed)


async def test_room_that_was_made_and_not_used_is_given_back() -> None:
    """G60: or it would be lost for good."""
    roster = Roster(Settings(_env_file=None, max_runs=1, max_queued_runs=1))
    for _ in range(3):
        first, second, third = ((RunKey("acme", uuid4()), Place("acme", "ann", uuid4())) for _ in range(3))
        assert await roster.make_room(*first, is_first=True) == HERE
        assert await roster.make_room(*second, is_first=True) == "waiting"
        assert await roster.make_room(*third, is_first=True) is None
        roster.give_room_back(*first, HERE)
        roster.give_room_back(*second, "waiting")
    assert roster.try_admit(Principal("acme", "ann"))

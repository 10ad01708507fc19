"""Readers who are cut and come back: the same events, or one explicit snapshot, and the same answer in the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shutil import copy
from typing import cast

import pytest
from support.histories import OWNER, Generated, generate
from support.shown import Screen, Shown, joined
from support.world import write_assistant

from agent.assistant import load_assistant
from agent.log.memory import MemoryLog, RunKey
from agent.models.catalog import Catalog
from agent.runner import Runner
from agent.settings import Settings
from agent.store.database import Store
from api.dependencies import get_after
from api.protocols import native
from api.sse import event_stream

HISTORIES = 2000
AT_ONCE = 100
GARBAGE = ["abc", "1-", "-1", "-", "1-1-1", "1.5-2", "１-２", "0-3", "1-0", f"{'9' * 20}-1", "99-1", "undefined"]


@dataclass(slots=True)
class Process:
    """One process: its log, whose clock the test holds, and what readers ask."""

    log: MemoryLog
    runner: Runner


@dataclass(slots=True)
class Stage:
    """Two processes over one database."""

    store: Store
    processes: tuple[Process, Process]
    now: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


@pytest.fixture
async def stage(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Stage]:
    path = tmp_path / "frontdesk.db"
    copy(sqlite_template, path)
    settings = Settings(_env_file=None, data=tmp_path, assistant=write_assistant(tmp_path))
    store, assistant = Store(settings.database, pool_size=5), load_assistant(settings.assistant)

    def process() -> Process:
        log = MemoryLog(keep_s=60, clock=lambda: made.now)
        catalog = Catalog(settings)
        parts = {"catalog": catalog, "assistant": assistant, "tools": {}, "settings": settings}
        return Process(log, Runner(store=store, log=log, **parts))  # type: ignore[arg-type] # a dict of different things

    made = Stage(store, (process(), process()))
    yield made
    await store.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(HISTORIES // AT_ONCE))
async def test_whatever_cuts_a_reader_and_whatever_it_asks_for_it_ends_with_the_same_answer(
    stage: Stage, seed: int
) -> None:
    """G2: right, old, future, foreign and unreadable ids."""
    randoms = [Random(f"{seed}.{number}") for number in range(AT_ONCE)]
    for number, generated in enumerate(await generate(stage.store, randoms)):
        try:
            async with asyncio.timeout(10):
                await _Play(stage, generated, randoms[number]).perform()
        except Exception as exc:
            exc.add_note(f"history {seed}.{number}")
            raise
    assert min(stage.counts[kind] for kind in ("right", "old", "stray", "afresh", "snapshot", "expired")) > 10, (
        stage.counts
    )


class _Play:
    """One history: it is written while some read it, and others come when it is over."""

    def __init__(self, stage: Stage, generated: Generated, random: Random) -> None:
        self._stage = stage
        self._generated = generated
        self._random = random
        self._key = RunKey(OWNER.tenant_id, generated.run_id)
        self._now_at = stage.processes[0]
        self._left = asyncio.Event()
        self._moved = asyncio.Event()
        self._expected = Screen()
        for attempt in generated.attempts:
            for logged in attempt.events:
                self._expected.feed(native.frame(logged))

    async def perform(self) -> None:
        begun = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(begun))
            await begun.wait()
            for _ in range(self._random.choice([1, 1, 2, 3])):
                group.create_task(self._read())
        if self._random.random() < 0.5:
            if self._random.random() < 0.7:
                self._stage.now += 61
                self._stage.counts["expired"] += 1
            await self._read()

    async def _write(self, begun: asyncio.Event) -> None:
        random = self._random
        for number, attempt in enumerate(self._generated.attempts):
            if number > 0:
                self._now_at.log.leave(self._key)
                self._now_at = random.choice(self._stage.processes)
            for logged in attempt.events:
                await self._now_at.log.append(self._key, *logged)
                begun.set()
                if number > 0:
                    self._moved.set()
                if random.random() < 0.02:
                    await self._stage.store.ping()
                elif random.random() < 0.3:
                    await asyncio.sleep(0)

    async def _read(self) -> None:
        """Read to the end through cuts, and end with what an uninterrupted reader has."""
        screen, random = Screen(), self._random
        cuts = random.choice([0, 1, 2, 4])
        while not screen.is_done:
            kinds = ["right", "right", "stray", "afresh", *(["old"] if screen.at else [])]
            kind = random.choice(kinds) if screen.last_id else "right"
            self._come_back(screen, kind)
            seen = screen.snapshots
            budget = random.choice([0, random.randint(1, 600), random.randint(200, 3000)]) if cuts > 0 else None
            cuts -= 1
            whole = await self._visit(screen, budget, is_lost=kind == "stray")
            self._stage.counts[kind] += 1
            self._stage.counts["snapshot"] += screen.snapshots - seen
            if whole and not screen.is_done:
                await self._moved.wait()
        assert screen.shown == self._expected.shown
        if screen.begun_at == self._expected.begun_at:
            assert joined(screen.told) == joined(self._expected.told)
        else:
            assert "snapshot" in screen.told[0]

    def _come_back(self, screen: Screen, kind: str) -> None:
        """Put the screen into the state that goes with what it asks for."""
        match kind:
            case "old":
                screen.go_back(self._random.choice(list(screen.at)))
            case "stray":
                screen.shown = Shown(text="of another run", actions=(("navigate", "/", "x"),))
                screen.told, screen.at = [], {}
                screen.last_id = self._stray()
            case "afresh":
                screen.begin_again()

    def _stray(self) -> str:
        """Return an id that this run's log has not: garbage, another run's, of the future, or that of its close."""
        attempts = self._generated.attempts
        number = self._random.randrange(len(attempts))
        beyond = len(attempts[number].events) + (number < len(attempts) - 1) + self._random.choice([0, 1, 500])
        return self._random.choice([*GARBAGE, f"{number + 1}-{beyond}"])

    async def _visit(self, screen: Screen, budget: int | None, *, is_lost: bool) -> bool:
        """Read until the connection is cut; return whether the server ended it instead."""
        reader = await self._now_at.runner.attach(OWNER, self._generated.run_id, after=get_after(screen.last_id))
        response = event_stream(reader, headers={}, send_timeout_s=5)
        async with aclosing(cast("AsyncGenerator[bytes]", response.body_iterator)) as chunks:
            async for chunk in chunks:
                screen.feed(chunk if budget is None else chunk[:budget])
                if is_lost and screen.told:
                    keys = [next(iter(event)) for event in screen.told]
                    assert keys[0] == "snapshot" or keys == ["conversation_id"], keys
                if budget is not None and (budget := budget - len(chunk)) <= 0:
                    screen.drop()
                    return False
        return True

"""Readers who are cut and come back: the same events, or one explicit snapshot, and the same answer in the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from shutil import copy
from uuid import uuid4

import pytest
from support.histories import OWNER, Generated, generate
from support.logs import write
from support.provider import Call
from support.raw import STREAM, RawResponse, raw_request
from support.shown import Screen, Shown, joined
from support.world import OpenWorld, Person, World, write_assistant

from agent.assistant.definition import load_assistant
from agent.assistant.source import only
from agent.events.schema import START
from agent.log.contract import Segment
from agent.log.memory import MemoryLog
from agent.models.catalog import Catalog
from agent.principal import RunKey
from agent.runs.runner import Runner
from agent.runs.signals import MemorySignals
from agent.store.database import Store
from api.dependencies import get_after
from api.protocols import native
from api.settings import Settings
from api.sse import frames_of

HISTORIES = 1000
AT_ONCE = 100
GARBAGE = ["abc", "1-", "-1", "-", "1-1-1", "1.5-2", "１-２", "0-3", "1-0", f"{'9' * 20}-1", "99-1", "undefined"]


@dataclass(slots=True)
class Process:
    """A process: its log, whose clock the test holds, and what readers ask."""

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
        parts = {"catalog": catalog, "assistants": only(assistant), "settings": settings}
        return Process(log, Runner(store=store, log=log, signals=MemorySignals(), **parts))  # type: ignore[arg-type] # a dict of different things

    made = Stage(store, (process(), process()))
    yield made
    await store.close()


@pytest.mark.sample(2)
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(HISTORIES // AT_ONCE))
async def test_whatever_cuts_a_reader_and_whatever_it_asks_for_it_ends_with_the_same_answer(
    stage: Stage, seed: int
) -> None:
    """G2: right, old, future, foreign and unreadable ids."""
    randoms = [Random(f"{seed}.{number}") for number in range(AT_ONCE)]
    for number, generated in enumerate(await generate(stage.store, randoms)):
        try:
            async with asyncio.timeout(60):
                await _Play(stage, generated, randoms[number]).perform()
        except Exception as exc:  # whatever failed goes on, and says in which history
            exc.add_note(f"history {seed}.{number}")
            raise
    assert min(stage.counts[kind] for kind in ("right", "old", "stray", "afresh", "snapshot", "expired")) > 10, (
        stage.counts
    )


class _Play:
    """A history: it is written while some read it, and others come when it is over."""

    def __init__(self, stage: Stage, generated: Generated, random: Random) -> None:
        self._stage = stage
        self._generated = generated
        self._random = random
        self._run = replace(generated.run, state="running")
        self._key = RunKey(OWNER.tenant_id, generated.run.id)
        self._now_at = stage.processes[0]
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
        self._run = self._generated.run
        if self._random.random() < 0.5:
            if self._random.random() < 0.7:
                self._stage.now += 61
                self._stage.counts["expired"] += 1
            await self._read()

    async def _write(self, begun: asyncio.Event) -> None:
        random = self._random
        segment: Segment | None = None
        for number, attempt in enumerate(self._generated.attempts):
            if segment is not None:
                await segment.close("moved")
                self._now_at = random.choice(self._stage.processes)
            segment = self._now_at.log.open(self._key, number + 1)
            for logged in attempt.events:
                await write(segment, [logged])
                begun.set()
                if number > 0:
                    self._moved.set()
                for _ in range(random.choice([0, 0, 1, 1, 3])):
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
        if (screen.begun_at, screen.told[0].keys()) == (self._expected.begun_at, self._expected.told[0].keys()):
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
        return self._random.choice([self._random.choice(GARBAGE), f"{number + 1}-{beyond}"])

    async def _visit(self, screen: Screen, budget: int | None, *, is_lost: bool) -> bool:
        """Read until the connection is cut; return whether the server ended it instead."""
        reader = self._now_at.runner.follow(OWNER, self._run, after=await get_after(screen.last_id))
        async with aclosing(frames_of(reader, native.PROTOCOL, START)) as chunks:
            async for chunk in chunks:
                screen.feed(chunk if budget is None else chunk[:budget])
                if is_lost and screen.told:
                    keys = [next(iter(event)) for event in screen.told]
                    assert keys[0] == "snapshot" or keys == ["conversation_id"], keys
                if budget is not None and (budget := budget - len(chunk)) <= 0:
                    screen.drop()
                    return False
        return True


async def test_readers_before_during_and_after_a_run_read_the_same(world: World) -> None:
    gate, ann = asyncio.Event(), world.person()
    world.provider.call(Call("find_order", {"number": 7}), text=["Let me ", "look."])
    world.provider.wait_for(gate, "There ", "it ", "is.", before=["Well: "])
    world.backend.answer("GET /orders/7", {"number": 7})
    async with AsyncExitStack() as stack, asyncio.timeout(60):

        async def join(method: str, path: str, body: object = None) -> RawResponse:
            opened = raw_request(world.url, method, path, token=ann.token, headers=STREAM, body=body)
            response = await stack.enter_async_context(opened)
            await response.begin()
            await response.until(b'"conversation_id"')
            return response

        asker = await join("POST", "/chat", {"message": "where is order 7?"})
        events = f"/runs/{asker.headers['x-run-id']}/events"
        early = await join("GET", events)
        await asker.until(b"Well: ")
        late = await join("GET", events)
        by_conversation = await join("GET", f"/conversations/{asker.headers['x-conversation-id']}/stream")
        gate.set()
        bodies = [await one.rest() for one in (asker, early, late, by_conversation)]
        bodies.append(await (await join("GET", events)).rest())
    screens = [screen_of(body) for body in bodies]
    assert all(screen.is_done for screen in screens)
    assert [joined(screen.told) for screen in screens] == [joined(screens[0].told)] * len(screens)
    assert len({tuple(sorted(screen.frames.items())) for screen in screens}) == 1
    assert screens[0].shown.text == "Let me look.\n\nWell: There it is."


@pytest.mark.parametrize("seed", range(3))
async def test_over_http_a_stream_cut_at_random_bytes_and_resumed_with_any_id_shows_the_same_in_the_end(
    world: World, seed: int
) -> None:
    random, ann = Random(seed), world.person()
    for _ in range(10):
        gate = asyncio.Event()
        pieces = [f"{random.randint(0, 9999)}é " for _ in range(random.randint(2, 40))]
        half = random.randint(0, len(pieces))
        world.provider.wait_for(gate, *pieces[half:], "end", before=pieces[:half])
        async with ann.open_stream("talk") as first:
            run_id = await first.until("run_id")
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(read_through_cuts(ann, run_id, Random(random.random()), "".join(pieces) + "end"))
            gate.set()


async def test_a_run_whose_log_has_expired_is_told_from_the_transcript(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(log_keep_s=0.001)
    ann = world.person()
    world.provider.call(Call("find_order", {"number": 7}), text=["Let me look."])
    world.provider.say("There it is.")
    world.backend.answer("GET /orders/7", {"number": 7})
    whole = screen_of((await ann.stream("where is order 7?")).raw)
    run_id = whole.told[0]["run_id"]

    for after in ("", whole.last_id, "1-2", "abc", "99-9"):
        again = await ann.events(run_id, headers={"Last-Event-ID": after} if after else {})
        screen = screen_of(again.raw)
        assert [next(iter(event)) for event in again.events] == ["conversation_id", "snapshot", "status"]
        assert screen.is_done
        assert screen.shown == whole.shown
    status = again.frames[-2]
    assert status.id is not None
    rest = await ann.events(run_id, headers={"Last-Event-ID": status.id})
    assert rest.raw == b"retry: 2000\ndata: [DONE]\n\n"


async def test_an_id_that_the_log_never_gave_gets_a_snapshot_and_not_silence(world: World) -> None:
    world.provider.say("Hello.")
    ann = world.person()
    whole = await ann.stream("hello")
    attempt, _, number = str(whole.frames[-2].id).partition("-")
    of_the_close = f"{attempt}-{int(number) + 1}"
    for after in (of_the_close, f"{attempt}-0", "0-1", "99-1", "garbage"):
        stream = await ann.events(whole.first("run_id"), headers={"Last-Event-ID": after})
        assert [next(iter(event)) for event in stream.events] == ["conversation_id", "snapshot", "status"], after
        assert stream.is_done


async def test_unknown_and_foreign_runs_are_not_found(world: World) -> None:
    world.provider.say("Hello.")
    run_id = (await world.person().stream("hello")).first("run_id")
    people = [world.person(user="ben"), world.person(tenant="rival"), world.person(tenant="rival", user="eve")]
    refused = [await person.events(run_id) for person in people]
    unknown = await world.person().events(str(uuid4()))
    assert {stream.status for stream in [*refused, unknown]} == {404}
    assert len({stream.raw for stream in [*refused, unknown]}) == 1


async def read_through_cuts(person: Person, run_id: str, random: Random, text: str) -> None:
    """Read a run to its end, cut at random bytes, and come back with any id."""
    screen, cuts = Screen(), random.randint(0, 4)
    while not screen.is_done:
        kind = (
            random.choice(["right", "right", "stray", *(["old"] if screen.at else [])]) if screen.last_id else "right"
        )
        if kind == "old":
            screen.go_back(random.choice(list(screen.at)))
        if kind == "stray":
            screen.shown, screen.told, screen.at = Shown(text="of another run"), [], {}
            screen.last_id = random.choice(["garbage", "1-999", "9-1", "1-0", "0-4"])
        headers = {"Last-Event-ID": screen.last_id} if screen.last_id else {}
        budget = random.randint(0, 1200) if cuts > 0 else 10**9
        cuts -= 1
        path = f"/runs/{run_id}/events"
        async with (
            asyncio.timeout(60),
            raw_request(person.world.url, "GET", path, token=person.token, headers=headers) as response,
        ):
            await response.begin()
            while budget > 0 and (piece := await response.piece()):
                screen.feed(piece[:budget])
                budget -= len(piece)
        screen.drop()
    assert screen.shown.text == text
    assert screen.shown.status == "completed"


def screen_of(raw: bytes) -> Screen:
    """Return what a whole stream shows."""
    screen = Screen()
    screen.feed(raw)
    return screen

"""The process dies at each commit point, one by one; the next one finishes what was acknowledged, and nothing is done twice.

The settings are the default ones. The file has one server at a time, so the next one knows that the last is dead.
At each point it dies in one shape of turn, around an effect with one call and with several; the whole proof has every shape that
comes to it.
"""

import asyncio
from pathlib import Path

import pytest
from support.checker import check
from support.clients import Habits, RefusedError, Visitor, until
from support.databases import Database, read_sqlite
from support.history import Post, Reader
from support.processes import QUICK, Nursery
from support.scenario import ASIDE, Plan, Scene, open_scene

from agent.failpoints import EXIT_STATUS, FAILPOINTS

SHAPES: dict[str, Plan] = {
    "no call": Plan("no-call", pause_ms=5),
    "a read": Plan("a-read", steps=((1, 0, 0),), words=True),
    "a write": Plan("a-write", steps=((0, 1, 0),)),
    "three reads": Plan("three-reads", steps=((3, 0, 0),)),
    "three writes": Plan("three-writes", steps=((0, 3, 0),), words=True),
    "a question": Plan("a-question", steps=((1, 1, 0),), asks=True),
    "three questions": Plan("three-questions", steps=((0, 3, 0), (0, 1, 0)), words=True, asks=True),
    "a page": Plan("a-page", steps=((1, 0, 0),), pages=True),
    "another model": Plan("another-model", steps=((1, 1, 0),), failures=1),
    "all kinds": Plan("all-kinds", steps=((0, 1, 0), (1, 1, 1)), words=True),
}
SIZES = (
    ("no call",),
    ("a read", "a write"),
    ("three reads", "three writes", "all kinds"),
    ("a question", "three questions"),
    ("a page",),
    ("another model",),
)
WITH_CALLS = {"reply.before_commit", "reply.after_commit", "call.after_effect"}
WITH_CALLS |= {"results.before_commit", "results.after_commit"}
WITH_WRITES = {"call.before_start", "call.after_start", "unknown.before_commit", "unknown.after_commit"}
WITH_QUESTIONS = {"pause.before_commit", "pause.after_commit", "decide.before_commit", "decide.after_commit"}
WITH_OTHERS = {"resume.before_commit", "resume.after_commit"}
WITH_PAGES = {"page_claim.before_commit", "page_claim.after_commit", "result.before_commit", "result.after_commit"}
WITH_CHANGES = {"change.before_commit", "change.after_commit"}
ELSEWHERE = {"memory.before_commit", "summary.after_claim", "summary.before_commit", "summary.after_commit"}
"""Where no turn of these shapes comes to: `test_memory_deaths.py` and `test_summary_deaths.py` have them."""
PRELUDE = {
    "takeover.before_commit": "model.after_first_token",
    "takeover.after_commit": "end.before_commit",
    "unknown.before_commit": "call.after_start",
    "unknown.after_commit": "call.after_effect",
}
"""Where an earlier process has to die for a later one to come to the failpoint."""
RECOVERY_LIMIT_S = 10.0
"""From the death of the process to the end of its run, where that is asked."""
SLOW_START_LIMIT_S = 90.0
"""Where the libraries are loaded anew, perhaps on a busy machine."""

pytestmark = pytest.mark.timeout(600)


def shapes_of(failpoint: str, *, is_whole: bool) -> list[str]:
    """Return the shapes of turns that come to a failpoint: all of them, or one, of sizes that take turns; two around an effect."""
    coming = [
        name
        for name, plan in SHAPES.items()
        if (failpoint not in WITH_CALLS or plan.steps)
        and (failpoint not in WITH_WRITES or plan.writes)
        and (failpoint not in WITH_QUESTIONS or plan.asks or (plan.pages and failpoint.startswith("pause.")))
        and (failpoint not in WITH_OTHERS or (plan.asks and plan.writes > 1))
        and (failpoint not in WITH_PAGES or plan.pages)
        and (failpoint in WITH_CHANGES) == bool(plan.failures)
    ]
    if is_whole:
        return coming
    number = FAILPOINTS.index(failpoint)
    by_size = [names for size in SIZES if (names := [name for name in size if name in coming])]
    chosen = by_size[:2] if failpoint.startswith("call.") else [by_size[number % len(by_size)]]
    return [names[number % len(names)] for names in chosen]


@pytest.mark.parametrize("is_whole", [False, pytest.param(True, marks=pytest.mark.long)], ids=["one", "every shape"])
@pytest.mark.parametrize("failpoint", [one for one in FAILPOINTS if one not in ELSEWHERE])
async def test_a_death_at_any_commit_point_loses_and_repeats_nothing(
    failpoint: str, nursery: Nursery, tmp_path: Path, is_whole: bool
) -> None:
    """G1 G10 G12 G372 G15 G250 G251 G265 G260 G266 G298: I1 to I8, I10 and I14 to I16, with no, one and three calls at once, reads, writes and questions. A failpoint that is not reached fails."""
    problems: dict[str, str] = {}

    async def play(shape: str) -> None:
        folder = tmp_path / shape.replace(" ", "-")
        folder.mkdir()
        async with open_scene(folder, nursery=nursery, has_spare=failpoint in WITH_CHANGES) as scene:
            problems[shape] = await _play(scene, failpoint, SHAPES[shape])

    shapes = shapes_of(failpoint, is_whole=is_whole)
    assert shapes, "no scenario comes to this failpoint"
    await asyncio.gather(*map(play, shapes))
    assert problems == dict.fromkeys(shapes, "")


@pytest.mark.alone
async def test_a_run_is_recovered_within_ten_seconds_with_default_settings(nursery: Nursery, tmp_path: Path) -> None:
    """I7: with the start of the next process."""
    async with open_scene(tmp_path, nursery=nursery) as scene:
        problem = await _play(scene, "results.before_commit", SHAPES["all kinds"], recovery_limit_s=RECOVERY_LIMIT_S)
    assert problem == ""


@pytest.mark.long
async def test_a_process_that_an_operator_starts_again_recovers_its_runs(tmp_path: Path) -> None:
    """As above, with `python -m api.cli serve` and nothing loaded beforehand."""
    async with open_scene(tmp_path, nursery=None, environment=QUICK) as scene:
        problem = await _play(scene, "call.after_effect", SHAPES["three writes"], recovery_limit_s=SLOW_START_LIMIT_S)
    assert problem == ""


async def _play(scene: Scene, failpoint: str, plan: Plan, *, recovery_limit_s: float | None = None) -> str:
    """Let the process die at the failpoint in a turn of `plan`, start it again, and return what is wrong then."""
    machine, history = scene.machine, scene.history
    chain = [PRELUDE[failpoint], failpoint] if failpoint in PRELUDE else [failpoint]
    await machine.start(failpoint=chain[0])
    earlier: list[asyncio.Task[Reader]] = []
    async with Visitor(machine, history, "acme", "ann") as ann, Visitor(machine, history, "globex", "ann") as eve:
        conversation_id = await _occupied_conversation(ann, earlier) if failpoint.startswith("claim.") else None
        post = ann.post(plan, conversation_id)
        # Half of the turns are asked for as JSON: such a client has only its key to come back with.
        asks_for_json = plan.name in ("a-read", "three-writes", "three-questions")
        answered = asyncio.create_task(_answer(ann, post) if asks_for_json else _read(ann, post))
        try:
            for following in [*chain[1:], None]:
                assert machine.server is not None
                if (status := await machine.server.exited()) != EXIT_STATUS:
                    return f"ended with {status} instead of at the failpoint"
                history.deaths.append(machine.server.exited_at or 0)
                await machine.start(failpoint=following)
            await asyncio.gather(answered, *earlier)
        except TimeoutError:
            return "the failpoint was not reached, or the answer did not come"
        except RefusedError:
            return str(history.found)
        finally:
            for task in (answered, *earlier):
                task.cancel()
            await asyncio.gather(answered, *earlier, return_exceptions=True)
        assert post.run_id is not None
        late = await ann.watch(post.run_id, Habits(cut=0.3, go_back=0.3, forget=0.2, stray=0.2), name="a late reader")
        if late.shown.status != "completed":
            return f"the run is {late.shown.status}, {late.shown.error}"
        again = await ann.stream(ann.post(Plan("afterwards", steps=((1, 1, 0),)), post.conversation_id))
        other = await eve.stream(eve.post(plan))
        if (again.shown.status, other.shown.status) != ("completed", "completed"):
            return "the conversation cannot be gone on with"
    await machine.stop()
    history.logs = machine.logs()
    database = read_sqlite(machine.database)
    verdict = check(history, database, end_limit_s=recovery_limit_s)
    return verdict.details() or _spent(database)


def _spent(database: Database) -> str:
    """Return what is wrong with the budgets: their sums are those of the runs, and what is held has its reservation.

    Of a death while questions are made a reservation stays, until its time is over.
    """
    for tenant in {one["tenant_id"] for one in database.runs}:
        mine = [one for one in database.runs if one["tenant_id"] == tenant]
        tokens = sum(one["input_tokens"] + one["output_tokens"] for one in mine)
        held = [one for one in database.reservations if one["tenant_id"] == tenant]
        if any(one["attempt"] for one in held):
            return f"{tenant}: something is held for a step that is over"
        for one in database.spendings:
            if one["tenant_id"] != tenant:
                continue
            own = sum(each["tokens"] for each in held if [one["user_id"], one["period"]] in each["counters"])
            found = one["runs"], one["tokens"] % (ASIDE + 5), one["held_tokens"]
            if found != (len(mine), tokens, own):
                return f"{tenant}: {found} is counted in {one['period']}, of {len(mine)} runs with {tokens}, {own} held"
    return "" if database.spendings else "nothing was counted"


async def _read(visitor: Visitor, post: Post) -> None:
    await visitor.stream(post)


async def _answer(visitor: Visitor, post: Post) -> None:
    await visitor.ask(post)


async def _occupied_conversation(visitor: Visitor, tasks: list[asyncio.Task[Reader]]) -> str:
    """Return a conversation in which an answer is under way, so that the next message has to wait its turn."""
    first = visitor.post(Plan("earlier", pieces=5, pause_ms=200))
    tasks.append(asyncio.create_task(visitor.stream(first)))
    await until(lambda: first.conversation_id is not None, limit_s=60, what="an answer under way")
    assert first.conversation_id is not None
    return first.conversation_id

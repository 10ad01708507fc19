"""Connections cut anywhere: the run goes on, the stored answer is whole, and nothing of the cut stays behind."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson
import pytest
from support.cutting import cutting_proxy
from support.faults import until
from support.http import Connection, Request, head
from support.raw import STREAM, raw_request
from support.rows import in_use
from support.shown import Screen
from support.world import Person, World

CUTS = [60, pytest.param(250, marks=pytest.mark.long)]
RESETS = [20, pytest.param(100, marks=pytest.mark.long)]
"""Cuts at one and the same place need fewer."""
AT_ONCE = 10
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Open:
    """Counts of what a process holds open."""

    tasks: int
    sockets: int
    checked_out: int


def what_is_open(world: World) -> Open:
    """Count this process's tasks, sockets and borrowed database connections."""
    sockets = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            sockets += entry.readlink().name.startswith("socket:")
    return Open(len(asyncio.all_tasks()), sockets, in_use(world.app.state.services.store))


async def wait_until_only(world: World, baseline: Open) -> None:
    """Wait until nothing more is open than at the baseline."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while what_is_open(world) != baseline:  # noqa: ASYNC110 (nothing tells when a socket is closed)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what_is_open(world)} open, at first {baseline}: {asyncio.all_tasks()}") from None


async def answer(request: Request, connection: Connection) -> None:
    """Answer with words that follow from the question, a few at a time, and close the connection."""
    question = next(m["content"] for m in reversed(request.json["messages"]) if m["role"] == "user")
    await connection.send(head(200, {"Content-Type": "text/event-stream", "Connection": "close"}))
    for word in [*words_for(question.split()[0]), None]:
        choice = {"index": 0, "delta": {"content": word} if word else {}, "finish_reason": None if word else "stop"}
        await connection.send(b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n")
        await asyncio.sleep(0)
    await connection.send(b"data: [DONE]\n\n")
    connection.writer.close()


def words_for(question: str) -> list[str]:
    """Return the answer to a question."""
    random = Random(question)
    return [f"{question}-{random.randint(0, 999)}é " for _ in range(random.randint(1, 12))]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("cuts", CUTS)
async def test_a_socket_cut_at_any_byte_loses_nothing_and_leaves_nothing_behind(world: World, cuts: int) -> None:
    """G2: and the stored answer is whole."""
    random = Random(1)
    # The head of the response has some 450 bytes, the body between 400 and 1,500.
    assert await ask_through_cuts(world, cuts, lambda: random.randint(1, 1000)) > 0.8 * cuts


@pytest.mark.timeout(600)
@pytest.mark.parametrize("resets", RESETS)
async def test_a_reset_before_the_first_byte_loses_nothing_and_leaves_nothing_behind(world: World, resets: int) -> None:
    """G2: not even the first frame."""
    assert await ask_through_cuts(world, resets, lambda: 0) == resets


async def ask_through_cuts(world: World, count: int, cut: Callable[[], int]) -> int:
    """Ask `count` questions, each on a connection that is cut; come back until all is read; return how many were cut."""
    world.provider.scripts.extend([answer] * (AT_ONCE + count))
    await ask_all(world, range(AT_ONCE), world.url)
    await asyncio.gather(*(world.app.state.services.store.ping() for _ in range(world.settings.database_pool_size)))
    await until(lambda: not what_is_open(world).checked_out)
    baseline = what_is_open(world)
    async with cutting_proxy(world.url, cut) as proxy:
        cuts = await ask_all(world, range(AT_ONCE, AT_ONCE + count), proxy)
    await wait_until_only(world, baseline)
    stored = stored_answers(world)
    assert stored == {
        f"question-{n}": [("complete", "".join(words_for(f"question-{n}")))] for n in range(AT_ONCE + count)
    }
    return cuts


async def ask_all(world: World, numbers: range, url: str) -> int:
    """Ask questions, ten at once, each first at `url`; return how many connections were cut."""
    waiting = list(reversed(numbers))
    cuts: list[int] = []

    async def ask_some() -> None:
        while waiting:
            cuts.append(await ask(world.person(), waiting.pop(), url))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask_some())
    return sum(cuts)


async def ask(person: Person, number: int, url: str) -> int:
    """Ask one question and read the whole answer, whatever happens to the connection; return how often it was cut."""
    screen, question, key = Screen(), f"question-{number}", {"Idempotency-Key": f"key-{number}"}
    run_id, cuts = "", 0
    while not screen.is_done:
        after = {"Last-Event-ID": screen.last_id} if screen.last_id else {}
        method, path, body = (
            ("GET", f"/runs/{run_id}/events", None)
            if run_id and number % 2
            else ("POST", "/chat", {"message": question})
        )
        headers = {**STREAM, **key, **after}
        async with (
            asyncio.timeout(LIMIT_S),
            raw_request(url, method, path, token=person.token, headers=headers, body=body) as response,
        ):
            try:
                await response.begin()
                assert response.status == 200
                run_id = response.headers["x-run-id"]
                while piece := await response.piece():
                    screen.feed(piece)
            except (EOFError, ConnectionError):
                screen.drop()
                url = person.world.url
                cuts += 1
    assert screen.shown.status == "completed"
    assert screen.shown.text == "".join(words_for(question))
    assert screen.snapshots == 0
    return cuts


def stored_answers(world: World) -> dict[str, list[tuple[str, str]]]:
    """Return the stored answers to each stored question."""
    found: dict[str, list[tuple[str, str]]] = {}
    with closing(sqlite3.connect(world.settings.data / "frontdesk.db")) as connection:
        rows = connection.execute(
            "SELECT asked.text, answer.status, answer.text FROM messages asked LEFT JOIN messages answer"
            " ON answer.run_id = asked.run_id AND answer.role = 'assistant' WHERE asked.role = 'user'"
        )
        for question, status, text in rows:
            found.setdefault(question, []).append((status, text))
    return found

"""A small run of the bench works and prints every figure. What the figures are is not looked at.

Each starts several servers, so one gates: what it starts and measures with is what the others do it with.
"""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from api.protocols import FORMATS
from bench import processes
from bench.load import BrokenStreamError
from bench.protocols import ways
from bench.shares import shares
from bench.table import GOALS, NAMES, ROWS
from bench.turns import FIGURES, FLOORS
from bench.upstream import Script, read_script

ROOT = Path(__file__).parents[2]
LIMIT_S = 110


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_quick_run_prints_and_writes_every_figure(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"

    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    for words in [*ROWS.values(), *(goal.words for goal in GOALS)]:
        assert words in done.stdout
    written = orjson.loads(output.read_bytes())
    (run,) = written["runs"]
    assert set(run) >= set(ROWS)
    for figure in ROWS:
        assert set(run[figure]) >= (
            set(NAMES) - ({"passthrough"} if figure in {"first_short_ms", "first_long_ms"} else set())
        )
    assert [goal["goal"] for goal in written["goals"]] == [goal.words for goal in GOALS]


def test_the_last_script_of_a_request_counts_and_a_tool_is_asked_for_once() -> None:
    earlier, asked = Script(tokens=7), Script(tokens=3, rate=50, tool=1)
    body = (
        f'[{{"role": "user", "content": "{earlier.words}"}}, {{"content": "{asked.words}", "role": "user"}}]'.encode()
    )

    assert read_script(body) == asked
    assert read_script(body + b'{"role":"tool"}') == asked._replace(tool=0)


def test_the_samples_of_a_profile_are_added_up_by_library() -> None:
    stacks = "main (api/cli.py:1);execute (sqlalchemy/engine/base.py:9) 3\nmain (api/cli.py:1) 1\n"
    assert shares(stacks) == [("sqlalchemy", 0.75), ("api", 0.25)]


async def test_what_a_server_refuses_is_measured_again_and_told_where_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a busy machine's database: it answers some, and the connection of the others stays open."""
    monkeypatch.setattr(processes, "AGAIN_S", 0.0)
    refusals, asked = 0, 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(
            b"HTTP/1.1 503 Service Unavailable\r\n\r\n" if asked <= refusals else b"HTTP/1.1 200 OK\r\n\r\ntoken"
        )
        await reader.read()
        writer.close()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            return await processes._until(reader, b"token")
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        refusals = processes.TRIES - 1
        assert (await processes.measured(ask)).endswith(b"token")
        said = capsys.readouterr().err
        assert said.count("broken off at a load of") == processes.TRIES - 1
        assert "503 Service Unavailable" in said
        refusals, asked = processes.TRIES, 0
        with pytest.raises(BrokenStreamError, match="503 Service Unavailable"):
            await processes.measured(ask)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_small_measurement_beside_searches_prints_a_line_for_each_database() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.beside", "--talks", "5", "--answers", "5", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == ["SQLite", "PostgreSQL"]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_small_measurement_of_protocols_prints_a_line_for_each() -> None:
    measured = ("ai-sdk", "openai-chat")
    small = ["--streams", "3", "--seconds", "0.2", "--rounds", "1", "--only", *measured]
    done = subprocess.run(
        [sys.executable, "-m", "bench.protocols", *small],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [re.split(" {2,}| framing", line)[0] for line in done.stdout.splitlines()]
    assert lines == ["native", *measured]
    assert {way.name for way in ways()} >= set(FORMATS) - {"native"}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_small_measurement_of_turns_prints_every_figure_over_both_pass_throughs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.turns", "--rounds", "1", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines())
    assert head[2::2] == [f"over the {floor}" for floor in FLOORS.values()]
    assert [row[0] for row in rows] == [figure.words for figure in FIGURES]
    assert {cell for row in rows for cell in row[3::2]} <= {"yes", "NO", "–"}


def test_a_small_measurement_of_sockets_prints_both_ways_and_their_ratio() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.sockets", "--users", "1", "--seconds", "0.2", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for words in ("| streams |", "| WebSockets |", "A WebSocket with 20 answers costs"):
        assert words in done.stdout


def test_a_turn_costs_the_same_however_long_the_conversation_is() -> None:
    """G558: in a small form: a model is given no more at message 400 than at message 60, and what it is given begins with a summary."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.long", "--lengths", "60", "400", "--turns", "11"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[2:]]
    assert [(row[0], row[1]) for row in rows] == [("60", "no"), ("400", "no"), ("60", "yes"), ("400", "yes")]
    tokens = {(row[0], row[1]): float(row[2]) + float(row[3]) for row in rows}
    assert tokens["400", "yes"] <= 1.2 * tokens["60", "yes"]
    assert [int(row[5]) for row in rows] == [0, 0, 11, 11]


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        ("bench.idle", ["--sizes", "30"], ["30 idle streams:"]),
        ("bench.sizes", ["--turns", "5"], ["fill a core", "PostgreSQL:", "Redis:", "1,000,000 daily users"]),
        ("bench.request", ["--rounds", "1"], ["now", "ready", "ready-made tools and system prompt save"]),
        (
            "bench.processes",
            ["--quick"],
            ["CPU of a process that nobody asks", "without upkeep", "a takeover: median"],
        ),
        (
            "bench.refused",
            ["--users", "5", "--answers", "5", "--rounds", "1"],
            ["SQLite, ms: alone", "PostgreSQL, ms: alone", " refusals of "],
        ),
    ],
)
def test_a_small_run_prints_its_figures(module: str, arguments: list[str], words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for one in words:
        assert one in done.stdout

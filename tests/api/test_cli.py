"""The command line, as a process: the demo from nothing, tokens, the document, and errors that a person can read."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import httpx2
import jwt
import orjson
import pytest
from support.processes import ROOT, Done, Machine, Nursery
from support.studio import give_demo
from support.world import SECRET
from typer.testing import CliRunner, Result

from api import __version__
from api.cli import cli

NOBODY = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "OPENAI_", "PYTEST"))}
COMMAND_LIMIT_S = 120


async def command(nursery: Nursery, folder: Path, *arguments: str, typed: str = "", **environment: str) -> Done:
    """Run a command in a process of its own, in `folder`, with nothing configured but what is given."""
    return await nursery.run(folder, *arguments, variables={**NOBODY, "COLUMNS": "200", **environment}, typed=typed)


@pytest.fixture(scope="module")
async def demo(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    """The demo, started with nothing configured but where it keeps its data."""
    folder = tmp_path_factory.mktemp("demo")
    machine = Machine(folder, {"FRONTDESK_DATA": str(folder / "data")}, nursery)
    await give_demo(folder / "data")
    await machine.start()
    yield machine
    await machine.stop()


async def talk(nursery: Nursery, demo: Machine, *arguments: str, typed: str = "") -> Done:
    """Run `frontdesk chat` against the demo."""
    assert demo.url
    places = {"FRONTDESK_DATA": str(demo.folder / "data"), "FRONTDESK_URL": demo.url}
    return await command(nursery, demo.folder, "chat", *arguments, typed=typed, **places)


def clients_of_aurora(demo: Machine) -> int:
    with closing(sqlite3.connect(demo.folder / "data" / "studio.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM clients WHERE tenant = 'aurora'").fetchone()
    return int(count)


async def test_the_demo_answers_with_a_number_of_the_studios_database(nursery: Nursery, demo: Machine) -> None:
    answer = await talk(nursery, demo, "how many clients?")

    assert (answer.status, answer.errors) == (0, "")
    numbers = {int(number.replace(",", "")) for number in re.findall(r"\*\*([\d,]+)\*\*", answer.output)}
    assert clients_of_aurora(demo) in numbers, answer.output
    assert "Looking up: " in answer.output


async def test_a_conversation_in_the_terminal_goes_on(nursery: Nursery, demo: Machine) -> None:
    first = await talk(nursery, demo, typed="how many clients?\nswitch to dark mode\n\n")
    second = await talk(nursery, demo, "--continue", "how many trainers?")

    assert (first.status, second.status) == (0, 0)
    assert "Action: change_theme → dark" in first.output
    assert (first.errors, second.errors) == ("", "")
    with closing(sqlite3.connect(demo.database)) as connection:
        turns = connection.execute(
            "SELECT max(turn) FROM runs GROUP BY conversation_id ORDER BY max(created_at) DESC"
        ).fetchone()
    assert turns == (3,)


async def test_the_demo_says_where_it_is_and_how_to_ask(demo: Machine) -> None:
    assert demo.server is not None
    announced = demo.server.output.read_text().splitlines()

    assert re.fullmatch(r"Frontdesk is on http://127\.0\.0\.1:\d+", announced[0])
    assert announced[1].endswith(f'chat "how many clients?" --url {demo.url}')
    assert len(announced) == 2


async def test_a_token_from_the_command_line_is_good_for_curl(nursery: Nursery, demo: Machine) -> None:
    printed = await command(nursery, demo.folder, "token", FRONTDESK_DATA=str(demo.folder / "data"))
    headers = {"Authorization": f"Bearer {printed.output.strip()}", "Accept": "text/event-stream"}

    async with httpx2.AsyncClient(base_url=str(demo.url), headers=headers, timeout=30, verify=False) as client:
        stream = (await client.post("/chat", json={"message": "how many clients?"})).content
        answer = (await client.post("/chat", json={"message": "how many clients?"}, headers={"Accept": "*/*"})).json()

    assert stream.startswith(b'retry: 2000\nid: 1-1\ndata: {"conversation_id":"')
    assert stream.endswith(b"data: [DONE]\n\n")
    assert answer["success"] is True
    assert answer["suggested_questions"]


async def test_the_demo_serves_its_business_and_what_operators_ask_for(demo: Machine) -> None:
    async with httpx2.AsyncClient(base_url=str(demo.url), verify=False) as client:
        statuses = {
            path: (await client.get(path)).status_code
            for path in ("/", "/health", "/livez", "/readyz", "/metrics", "/assistant", "/openapi.json")
        }
        studio = await client.get("/studio/openapi.json")
        guarded = await client.get("/studio/clients")

    assert set(statuses.values()) == {200}, statuses
    assert "/clients/stats" in studio.json()["paths"]
    assert guarded.status_code == 401


@pytest.fixture
def frontdesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run commands in this process, in an empty folder and with nothing configured but what is given."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("FRONTDESK_", "OPENAI_"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(cli, arguments, env={"COLUMNS": "200", **environment}, catch_exceptions=False)

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"tenant_id": "aurora", "sub": "owner", "role": "owner"}),
        (["--user", "trainer"], {"tenant_id": "aurora", "sub": "trainer", "role": "trainer"}),
        (
            ["--tenant", "kinetic", "--user", "u", "--role", "client", "--branch", "2", "--ttl", "60"],
            {"tenant_id": "kinetic", "sub": "u", "role": "client", "branchId": 2},
        ),
        (["--branch", "north"], {"tenant_id": "aurora", "sub": "owner", "role": "owner", "branchId": "north"}),
    ],
)
def test_a_token_holds_what_was_asked_for(
    frontdesk: Callable[..., Result], arguments: list[str], expected: dict[str, object]
) -> None:
    printed = frontdesk("token", *arguments, FRONTDESK_JWT_SECRET=SECRET)

    assert (printed.exit_code, printed.stderr) == (0, "")
    claims = jwt.decode(printed.stdout.strip(), SECRET, algorithms=["HS256"])
    lives_s = claims.pop("exp") - claims.pop("iat")
    assert claims == expected
    assert lives_s == (60 if "--ttl" in arguments else 7 * 86_400)


def test_a_token_is_for_the_audience_and_issuer_of_the_installation(frontdesk: Callable[..., Result]) -> None:
    strict = {
        "FRONTDESK_JWT_AUDIENCE": "frontdesk",
        "FRONTDESK_JWT_ISSUER": "me",
        "FRONTDESK_JWT_ALGORITHMS": '["HS512"]',
    }

    printed = frontdesk("token", FRONTDESK_JWT_SECRET=SECRET * 2, **strict)

    claims = jwt.decode(printed.stdout.strip(), SECRET * 2, algorithms=["HS512"], audience="frontdesk", issuer="me")
    assert claims["sub"] == "owner"


def test_a_token_is_signed_with_the_secret_that_the_server_made_or_with_none(
    frontdesk: Callable[..., Result], tmp_path: Path
) -> None:
    """G401: in another folder than the server's it is said where the secret was looked for, and none is made."""
    folder = tmp_path / "data"
    refused = [frontdesk("token"), frontdesk("chat", "hello", "--url", "http://127.0.0.1:1")]
    for done in refused:
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"there is no secret to sign with: {folder / 'jwt-secret'} is not there" in done.stderr
        assert "FRONTDESK_DATA" in done.stderr
    assert not folder.exists()

    folder.mkdir()
    (folder / "jwt-secret").write_text(SECRET)
    token = frontdesk("token").stdout.strip()
    assert jwt.decode(token, SECRET, algorithms=["HS256"])["tenant_id"] == "aurora"


def test_the_openapi_document_is_printed_as_json(frontdesk: Callable[..., Result]) -> None:
    printed = frontdesk("openapi")

    document = json.loads(printed.stdout)
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert document["openapi"].startswith("3.")
    assert {"/chat", "/runs/{run_id}/events", "/conversations"} <= document["paths"].keys()


def test_migrating_makes_the_schema_and_can_be_repeated(frontdesk: Callable[..., Result], tmp_path: Path) -> None:
    for _ in range(2):
        done = frontdesk("migrate", FRONTDESK_DATA=str(tmp_path / "elsewhere"))
        assert (done.exit_code, done.stdout, done.stderr) == (0, "The database is up to date.\n", "")

    with closing(sqlite3.connect(tmp_path / "elsewhere" / "frontdesk.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("openapi", {"FRONTDESK_ASSISTANT": "/nowhere.yaml"}, "/nowhere.yaml"),
    ("openapi", {"FRONTDESK_MAX_BODY_BYTES": "many"}, "FRONTDESK_MAX_BODY_BYTES"),
    ("openapi", {"FRONTDESK_JWT_ALGORITHMS": '["none"]'}, "FRONTDESK_JWT_ALGORITHMS"),
    ("openapi", {"FRONTDESK_JWT_ALGORITHMS": "HS256"}, "FRONTDESK_JWT_ALGORITHMS: write it as JSON"),
    ("openapi", {"FRONTDESK_PUBLIC_LIMIT": "often"}, "FRONTDESK_PUBLIC_LIMIT"),
    ("migrate", {"FRONTDESK_DATABASE_URL": "mysql://u:hunter2@127.0.0.1/x"}, "FRONTDESK_DATABASE_URL"),
    ("migrate", {"FRONTDESK_DATABASE_URL": "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"}, "cannot be reached"),
    ("migrate", {"FRONTDESK_DATA": "/dev/null/data"}, "/dev/null"),
    ("token", {"FRONTDESK_JWT_ALGORITHMS": '["RS256"]'}, "public key"),
]


@pytest.mark.parametrize(("command", "environment", "said"), WRONG)
def test_what_is_wrong_with_the_configuration_is_said_in_a_line(
    frontdesk: Callable[..., Result], command: str, environment: dict[str, str], said: str
) -> None:
    done = frontdesk(command, **environment)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("frontdesk: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert "hunter2" not in done.stderr


SHARING = {
    "FRONTDESK_DATABASE_URL": "postgresql+psycopg://u:hunter2@127.0.0.1:1/x",
    "FRONTDESK_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0",
    "FRONTDESK_HANDOVER_KEY": "hunter2-" * 4,
}


@pytest.mark.parametrize("arguments", [("serve", "--no-execute"), ("worker",)])
@pytest.mark.parametrize("missing", SHARING)
def test_who_hands_over_or_only_works_says_in_a_line_what_that_takes(
    frontdesk: Callable[..., Result], arguments: tuple[str, ...], missing: str
) -> None:
    """G317: each of the three; without a word of what is secret."""
    done = frontdesk(*arguments, **{name: value for name, value in SHARING.items() if name != missing})
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"frontdesk: {'frontdesk worker' if len(arguments) == 1 else 'serve --no-execute'} needs "
    )
    assert [name for name in SHARING if name in done.stderr] == [missing]
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("name", ["FRONTDESK_HANDOVER_KEY", "FRONTDESK_HANDOVER_OTHER_KEY"])
def test_a_key_that_is_too_short_is_said_and_not_shown(frontdesk: Callable[..., Result], name: str) -> None:
    """G317"""
    done = frontdesk("worker", **(SHARING | {name: "hunter2-" * 3}))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{name}: " in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "need PostgreSQL; name one in FRONTDESK_DATABASE_URL"),
        (
            {"FRONTDESK_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x"},
            "need Redis; name one in FRONTDESK_REDIS_URL",
        ),
    ],
)
def test_several_processes_are_refused_at_the_door_where_they_cannot_share(
    frontdesk: Callable[..., Result], environment: dict[str, str], said: str
) -> None:
    done = frontdesk("serve", "--workers", "2", **environment)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"frontdesk: --workers: several processes {said}\n"
    assert frontdesk("serve", FRONTDESK_WORKERS="2", **environment).stderr == done.stderr


def test_a_document_that_cannot_be_had_is_said_in_a_line(frontdesk: Callable[..., Result], tmp_path: Path) -> None:
    """G208: the first start has no copy of it."""
    file = tmp_path / "desk.yaml"
    file.write_text(
        "{name: Desk, persona: You help., models: [demo], backend: {url: 'http://127.0.0.1:1'},"
        " toolsets: [{openapi: 'http://127.0.0.1:1/openapi.json?key=hunter2'}]}"
    )
    done = frontdesk("serve", FRONTDESK_ASSISTANT=str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        done.stderr
        == "frontdesk: toolset http://127.0.0.1:1/openapi.json: it cannot be had: nobody answers there as a web server does (ConnectError)\n"
    )


@pytest.mark.parametrize("arguments", [["fly"], ["serve", "--port", "70000"], ["token", "--ttl", "0"], ["--fly"]])
def test_an_unknown_command_or_option_is_a_usage_error(frontdesk: Callable[..., Result], arguments: list[str]) -> None:
    done = frontdesk(*arguments)

    assert done.exit_code == 2
    assert "Usage" in done.stderr


def test_a_chat_without_a_server_says_so_and_fails(frontdesk: Callable[..., Result]) -> None:
    done = frontdesk("chat", "hello", "--url", "http://127.0.0.1:1", FRONTDESK_JWT_SECRET=SECRET)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "There is no server at http://127.0.0.1:1. Start one with scripts/serve --port 1.\n"


def test_the_version_is_told(frontdesk: Callable[..., Result]) -> None:
    """G401"""
    assert frontdesk("--version").stdout == f"frontdesk {__version__}\n"


@pytest.mark.sample(4)
@pytest.mark.parametrize("arguments", [("chat", "how many clients?"), ("openapi",), ("token",), ("doctor",)])
async def test_a_pipe_that_is_closed_is_no_error(demo: Machine, arguments: tuple[str, ...]) -> None:
    """G401: as `head -1` closes it, before anything is read of it or in the middle."""
    folder = str(demo.folder / "data")
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "api.cli", *arguments),
        cwd=demo.folder,
        env={**NOBODY, "PYTHONPATH": str(ROOT), "FRONTDESK_DATA": folder, "FRONTDESK_URL": str(demo.url)},
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    async with asyncio.timeout(COMMAND_LIMIT_S):
        _, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, "")


async def test_for_whoever_writes_an_assistant_each_turn_is_told_in_lines_to_read(
    nursery: Nursery, tmp_path: Path
) -> None:
    """G402: what was asked of the model and of tools, what came of it, how long it took; with the place where a tool broke."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "tools.py").write_text(
        "from pydantic import BaseModel\nfrom tools import ToolContext, tool\n\n\nclass Nothing(BaseModel):\n    pass\n\n\n"
        "@tool()\nasync def count_apples(context: ToolContext, arguments: Nothing) -> object:\n"
        '    """Count the apples."""\n    return {"apples": 7}\n\n\n'
        "@tool()\nasync def count_pears(context: ToolContext, arguments: Nothing) -> object:\n"
        '    """Count the pears."""\n    return 1 / 0\n'
    )
    (own / "desk.yaml").write_text(
        "{name: Desk, persona: p, models: [demo], toolsets: [tools], backend: {url: 'http://127.0.0.1:9'}}"
    )
    variables = {"FRONTDESK_ASSISTANT": "own/desk.yaml", "FRONTDESK_JWT_SECRET": SECRET}
    machine = Machine(tmp_path, variables, nursery, words=("dev",))
    await machine.start()
    for message in ("how many apples?", "how many pears?"):
        own_place = {"FRONTDESK_URL": str(machine.url), "FRONTDESK_JWT_SECRET": SECRET}
        done = await command(nursery, tmp_path, "chat", message, **own_place)
        assert (done.status, done.errors) == (0, ""), done
    assert machine.server is not None
    told = machine.server.errors.read_text()
    await machine.stop()

    for line in (
        r"^\w{8} aurora +0\.\d{3} s  turn of conversation \S+, model demo$",
        r" s  step 1: the model is asked$",
        r" s    count_apples \{\}$",
        r' s    count_apples: ok in \d+ ms: \{"apples":7\}$',
        r" s    count_pears: error in \d+ ms: The tool failed unexpectedly\.$",
        r" s    said: .*7",
        r" s  completed \(stop\), \d+ tokens in, \d+ out$",
        rf"tool_failed .*error=ZeroDivisionError .*message='division by zero' .*where={own}/tools\.py:18",
    ):
        assert re.search(line, told, re.MULTILINE), f"{line} is not in\n{told}"
    assert not any(line.startswith("{") for line in told.splitlines())


async def test_a_server_that_cannot_start_says_why_in_a_line(nursery: Nursery, tmp_path: Path) -> None:
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"

    done = await command(nursery, tmp_path, "serve", "--port", "0", FRONTDESK_DATABASE_URL=url)

    assert (done.status, done.output) == (2, "")
    assert done.errors.startswith("frontdesk: the database cannot be reached")
    assert done.errors.count("\n") == 1
    assert "hunter2" not in done.errors


async def test_the_server_ends_on_a_signal_with_status_0(demo: Machine) -> None:
    assert demo.server is not None
    demo.server.send(signal.SIGTERM)

    assert await demo.server.exited() == 0
    lines = [orjson.loads(line) for line in demo.server.errors.read_bytes().splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical")] == []

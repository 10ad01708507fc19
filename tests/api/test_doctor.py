"""`frontdesk doctor`: each check fails with the real thing, says what to do, and shows no secret."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from pathlib import Path

import psycopg
import pytest
from support.faults import coming_and_going, until
from support.http import Connection, Request, listen
from support.nginx import nginx
from support.postgres import as_application, new_database, sqlalchemy_url
from support.processes import ROOT, wrong_clock
from support.redis import RedisServer, open_cluster, open_redis
from support.world import SECRET, OpenWorld, World, write_assistant
from typer.testing import CliRunner

from agent.redis.examining import Examined
from api.cli import cli
from api.doctor import redis as redis_checks
from api.doctor.definitions import check_definitions
from api.doctor.finding import Finding
from api.doctor.report import Wanted, findings
from api.settings import Settings

HIDDEN = "hunter2"
COMMAND_LIMIT_S = 120

Look = Callable[..., "asyncio.Future[dict[str, Finding]]"]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Look]:
    """Look at an installation with nothing set but what is given, and return the findings by what was looked at.

    Its assistant is a small one, unless another one is given or `is_demo`: the demo makes its data for each look.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk").mkdir()
    small = write_assistant(tmp_path / "desk", models=["demo"], toolsets=[])
    for name in [name for name in os.environ if name.startswith(("FRONTDESK_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    before = os.umask(0o077)

    async def examine(
        wanted: Wanted | None = None, /, *, is_demo: bool = False, **environment: str
    ) -> dict[str, Finding]:
        own = {} if is_demo or "FRONTDESK_ASSISTANT" in os.environ else {"FRONTDESK_ASSISTANT": str(small)}
        for name, value in (own | environment).items():
            monkeypatch.setenv(name, value)
        found = {one.check: one async for one in findings({}, wanted or Wanted())}
        assert HIDDEN not in repr(found)
        assert all(one.do for one in found.values() if one.level != "ok"), "a problem without what to do"
        assert not (tmp_path / "data").exists() or environment.get("FRONTDESK_DATA"), "a look made something"
        return found

    yield examine  # type: ignore[misc]
    os.umask(before)


SETTINGS: list[tuple[dict[str, str], str, str, str]] = [
    ({"FRONTDESK_MAX_BODY_BYTES": HIDDEN}, "settings: FRONTDESK_MAX_BODY_BYTES", "FAIL", "integer"),
    ({"FRONTDESK_MAX_RUNS": HIDDEN, "FRONTDESK_LEASE_S": "0"}, "settings: FRONTDESK_LEASE_S", "FAIL", "greater"),
    ({"FRONTDESK_CORS_ORIGINS": HIDDEN}, "settings: FRONTDESK_CORS_ORIGINS", "FAIL", "cannot be read"),
    ({"FRONTDESK_CORS_ORIGINS": '["https://x/"]'}, "settings: FRONTDESK_CORS_ORIGINS", "FAIL", "no origin"),
    ({"FRONTDESK_JWT_SECERT": HIDDEN}, "settings: FRONTDESK_JWT_SECERT", "FAIL", "did you mean FRONTDESK_JWT_SECRET?"),
    ({"frontdesk_nothing_like_it": HIDDEN}, "settings: FRONTDESK_NOTHING_LIKE_IT", "FAIL", "no setting"),
    ({"FRONTDESK_PUBLIC_LIMIT": HIDDEN}, "settings: FRONTDESK_PUBLIC_LIMIT", "FAIL", "10/minute"),
    ({"FRONTDESK_TICKET_LIMIT": HIDDEN}, "settings: FRONTDESK_TICKET_LIMIT", "FAIL", "10/minute"),
    ({"FRONTDESK_TENANT_LIMIT": HIDDEN}, "settings: FRONTDESK_TENANT_LIMIT", "FAIL", "10/minute"),
    ({"FRONTDESK_TRUSTED_PROXIES": '["nginx"]'}, "settings: FRONTDESK_TRUSTED_PROXIES", "FAIL", "10.0.0.0/8"),
    ({"FRONTDESK_BACKEND_SHOP_URL": "http://a"}, "settings: FRONTDESK_BACKEND_SHOP_URL", "FAIL", "no setting"),
    ({"FRONTDESK_JWT_SECRET": HIDDEN}, "settings: FRONTDESK_JWT_SECRET", "FAIL", "32"),
    ({"FRONTDESK_JWT_ALGORITHMS": '["RS256"]'}, "settings: tokens", "FAIL", "FRONTDESK_JWT_PUBLIC_KEY"),
    ({"FRONTDESK_REDIS_URL": f"http://:{HIDDEN}@x"}, "settings: FRONTDESK_REDIS_URL", "FAIL", "redis://"),
    (
        {"FRONTDESK_DATABASE_URL": f"mysql://u:{HIDDEN}@x/y"},
        "settings: FRONTDESK_DATABASE_URL",
        "FAIL",
        "sqlite+aiosqlite:////",
    ),
    ({"FRONTDESK_WORKERS": "2"}, "settings: FRONTDESK_WORKERS", "FAIL", "PostgreSQL and Redis"),
    ({"FRONTDESK_REDIS_URL": "redis://127.0.0.1:1"}, "settings: Redis beside SQLite", "warn", "one process"),
    ({"FRONTDESK_LEASE_S": "4"}, "settings: FRONTDESK_LEASE_S", "FAIL", "LEASE_LOST_AFTER_S"),
    ({"FRONTDESK_ASSISTANT": "/nowhere.yaml"}, "assistants", "FAIL", "/nowhere.yaml"),
    ({"FRONTDESK_MODEL": "openai:gpt"}, "assistant assistant: models", "FAIL", "OPENAI_API_KEY"),
    ({"FRONTDESK_DATA": "/dev/null"}, "files: writing", "FAIL", "no folder"),
    (
        {"FRONTDESK_DATABASE_URL": f"postgresql+psycopg://u:{HIDDEN}@127.0.0.1:1/x"},
        "database: reachable",
        "FAIL",
        "refused",
    ),
    ({"FRONTDESK_REDIS_URL": f"redis://:{HIDDEN}@127.0.0.1:1"}, "Redis: reachable", "FAIL", "start it"),
]


@pytest.mark.parametrize(("environment", "check", "level", "said"), SETTINGS, ids=[row[1] + row[3] for row in SETTINGS])
async def test_what_is_wrong_with_settings_and_places_is_told_for_each(
    look: Look, environment: dict[str, str], check: str, level: str, said: str
) -> None:
    """G309."""
    found = (await look(**environment))[check]
    assert (found.level, said in f"{found.says} {found.do}") == (level, True), found


async def test_each_wrong_setting_is_told_also_of_the_file(look: Look, tmp_path: Path) -> None:
    """G309."""
    (tmp_path / ".env").write_text(f"FRONTDESK_MAX_RUNS={HIDDEN}\nFRONTDESK_WROKERS={HIDDEN}\n")
    found = await look(FRONTDESK_LEASE_S=HIDDEN)
    wrong = {name: one.level for name, one in found.items() if one.level != "ok"}
    assert wrong == {
        "settings: FRONTDESK_MAX_RUNS": "FAIL",
        "settings: FRONTDESK_LEASE_S": "FAIL",
        "settings: FRONTDESK_WROKERS": "FAIL",
    }


async def test_a_look_beside_a_server_that_keeps_what_it_read_of_documents_counts(tmp_path: Path) -> None:
    """G309: what the server renames meanwhile is left out."""
    (tmp_path / "openapi").mkdir()
    settings = Settings(data=tmp_path, assistant=write_assistant(tmp_path, models=["demo"], toolsets=[]))
    with coming_and_going(tmp_path / "openapi" / "one.read"):
        for _ in range(50):
            equipment, _ = await check_definitions(settings)
            assert equipment is not None


async def test_the_demo_is_well(look: Look, tmp_path: Path) -> None:
    """G309."""
    found = await look(is_demo=True)
    assert [name for name, one in found.items() if one.level != "ok"] == ["assistant assistant: models"], found
    assert "until then demo answers" in found["assistant assistant: models"].do
    assert found["settings: names"].says == "0 are set, all known"


async def test_a_definition_names_variables_and_toolsets_that_cannot_be_had(look: Look, tmp_path: Path) -> None:
    """G309: a variable that a definition names is known."""
    backends = {"books": {"url": "http://127.0.0.1:1", "auth": {"header": {"secret_env": "FRONTDESK_BOOKS_KEY"}}}}
    toolset = {"openapi": f"http://127.0.0.1:1/openapi.json?key={HIDDEN}", "backend": "books"}
    path = write_assistant(tmp_path, models=["demo"], toolsets=[toolset], backends=backends)
    found = await look(FRONTDESK_ASSISTANT=str(path), FRONTDESK_BOOKS_KEY=HIDDEN)
    [one] = [one for one in found.values() if one.level != "ok"]
    assert (one.level, "cannot be opened" in one.says) == ("FAIL", True), found


async def test_files_that_others_may_read_and_a_full_disk_are_told(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G309."""
    data = tmp_path / "kept"
    data.mkdir(mode=0o700)
    (data / "jwt-secret").write_text(SECRET)
    (data / "jwt-secret").chmod(0o644)
    monkeypatch.setattr("api.doctor.files.LITTLE_BYTES", 2**70)
    found = await look(FRONTDESK_DATA=str(data))
    private, space = found["files: who may read them"], found["files: space"]
    assert (private.level, "chmod" in private.do, "jwt-secret" in private.says) == ("FAIL", True, True)
    assert (space.level, "make room" in space.do) == ("warn", True)
    assert (data / "jwt-secret").stat().st_mode & 0o777 == 0o644, "a look changed something"


def test_the_command_tells_people_and_programs_and_ends_with_a_status(tmp_path: Path) -> None:
    """G309: here as a process that may open few files."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    small = write_assistant(tmp_path, models=["demo"], toolsets=[])
    environment |= {"PYTHONPATH": str(ROOT), "FRONTDESK_PUBLIC_LIMIT": HIDDEN, "FRONTDESK_ASSISTANT": str(small)}
    command = ["sh", "-c", 'ulimit -n 500; exec "$0" -m api.cli doctor --json', sys.executable]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
    )
    told = json.loads(done.stdout)
    levels = {one["check"]: one["level"] for one in told["checks"]}
    assert (done.returncode, told["ok"], done.stderr) == (1, False, "")
    assert levels["settings: FRONTDESK_PUBLIC_LIMIT"] == "FAIL"
    assert levels["files: how many may be open"] == "warn"
    assert HIDDEN not in done.stdout


def test_people_read_a_line_for_each_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G309."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRONTDESK_WROKERS", "2")
    done = CliRunner().invoke(cli, ["doctor"])
    assert done.exit_code == 1
    assert "FAIL  settings: FRONTDESK_WROKERS" in done.stdout
    assert "\n      -> did you mean FRONTDESK_WORKERS?\n" in done.stdout
    assert "ok    database" in done.stdout


@contextmanager
def asking_for_a_password(url: str, role: str) -> Iterator[None]:
    """Let the server ask this role for its password meanwhile."""
    with psycopg.connect(url, autocommit=True) as connection:
        [path] = connection.execute("SHOW hba_file").fetchone() or [""]
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
        text = Path(path).read_text()
        Path(path).write_text(f"local all {role} scram-sha-256\n{text}")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            Path(path).write_text(text)
            connection.execute("SELECT pg_reload_conf()")


def of_role(url: str, role: str, password: str = "") -> str:
    """Return the URL of the same database for somebody else."""
    return sqlalchemy_url(url).replace("postgres:@", f"{role}:{password}@", 1)


async def test_a_database_that_lets_nobody_in_says_why(look: Look, postgres: str) -> None:
    """G309."""
    url = new_database(postgres)
    assert "postgres:@" in url
    nobody = (await look(FRONTDESK_DATABASE_URL=of_role(url, "nobody")))["database: reachable"]
    assert (nobody.level, "no such user" in nobody.says, "FRONTDESK_DATABASE_URL" in nobody.do) == ("FAIL", True, True)
    gone = (await look(FRONTDESK_DATABASE_URL=sqlalchemy_url(url).replace("/test_", "/gone_")))["database: reachable"]
    assert (gone.level, "no such database" in gone.says, "create" in gone.do) == ("FAIL", True, True)
    with asking_for_a_password(url, "careful"):
        wrong = (await look(FRONTDESK_DATABASE_URL=of_role(url, "careful", HIDDEN)))["database: reachable"]
    assert (wrong.level, "password is wrong" in wrong.says, "password" in wrong.do) == ("FAIL", True, True)


@pytest.mark.parametrize(
    ("damage", "check", "level", "said"),
    [
        ("UPDATE alembic_version SET version_num = '0003'", "database: schema", "FAIL", "frontdesk migrate"),
        ("UPDATE alembic_version SET version_num = '9999'", "database: schema", "FAIL", "newer Frontdesk"),
        ("DROP TABLE alembic_version", "database: schema", "FAIL", "none yet"),
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "database: writing", "FAIL", "primary"),
        ("SELECT 1", "database: roles", "warn", "FRONTDESK_DATABASE_UPKEEP_URL"),
    ],
)
async def test_what_a_database_lacks_is_told(
    look: Look, postgres: str, damage: str, check: str, level: str, said: str
) -> None:
    """G309."""
    url = new_database(postgres)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(damage.format(name=connection.info.dbname))
    found = (await look(FRONTDESK_DATABASE_URL=sqlalchemy_url(url)))[check]
    assert (found.level, said in f"{found.says} {found.do}") == (level, True), found


async def test_roles_room_and_time_of_a_database_are_looked_at(
    look: Look, postgres: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G309."""
    url = sqlalchemy_url(new_database(postgres))
    right = {"FRONTDESK_DATABASE_URL": as_application(url), "FRONTDESK_DATABASE_UPKEEP_URL": url}
    shared = {"FRONTDESK_REDIS_URL": redis_server.url, "FRONTDESK_HANDOVER_KEY": SECRET, "FRONTDESK_WORKERS": "2"}
    well = await look(**right, **shared, FRONTDESK_JWT_SECRET=SECRET)
    own = [one for name, one in well.items() if not name.startswith("assistant")]
    assert {one.level for one in own} == {"ok"}, own
    swapped = {"FRONTDESK_DATABASE_URL": url, "FRONTDESK_DATABASE_UPKEEP_URL": as_application(url)}
    monkeypatch.setattr("api.doctor.database.SLOW_S", 0.0)
    found = await look(**swapped, FRONTDESK_DATABASE_POOL_SIZE="60")
    roles, room, slow = (found[f"database: {name}"] for name in ("roles", "connections", "time"))
    assert (roles.level, "FRONTDESK_DATABASE_UPKEEP_URL" in roles.says) == ("FAIL", True)
    assert (room.level, "max_connections" in room.do) == ("FAIL", True)
    assert (slow.level, "nearer" in slow.do) == ("warn", True)


@pytest.mark.parametrize(
    ("change", "check", "level", "said"),
    [
        ({"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}, "maxmemory-policy", "FAIL", "noeviction"),
        ({"maxmemory-policy": "volatile-ttl"}, "maxmemory-policy", "warn", "noeviction"),
        ({"maxmemory": "100kb"}, "writing", "FAIL", "raise maxmemory"),
        ({"maxmemory": "1mb"}, "memory", "warn", "raise maxmemory"),
        ({"save": "60 1"}, "persistence", "warn", "appendonly no"),
        ({"appendonly": "yes"}, "persistence", "warn", "appendonly no"),
        ({"requirepass": "right"}, "reachable", "FAIL", "password"),
        ({"replicaof": "127.0.0.1 1"}, "writing", "FAIL", "primary"),
    ],
)
async def test_what_is_wrong_with_redis_is_told(
    look: Look, change: dict[str, str], check: str, level: str, said: str
) -> None:
    """G309."""
    with open_redis() as server:
        with server.client() as client:
            for name, value in change.items():
                if name == "replicaof":
                    client.execute_command("REPLICAOF", *value.split())
                else:
                    client.config_set(name, value)
        found = await look(FRONTDESK_REDIS_URL=server.url)
        one = found[f"Redis: {check}"]
        assert (one.level, said in f"{one.says} {one.do}") == (level, True), one
        if "requirepass" in change:
            wrong = await look(FRONTDESK_REDIS_URL=server.url.replace("//", f"//:{HIDDEN}@"))
            assert "password is wrong" in wrong["Redis: reachable"].says


async def test_a_redis_that_hangs_is_told_and_a_cluster_and_valkey_are_well(
    look: Look, valkey_server: RedisServer
) -> None:
    """G309."""
    with open_redis() as server:
        server.pause()
        found = await look(FRONTDESK_REDIS_URL=server.url, FRONTDESK_REDIS_TIMEOUT_S="0.5")
    assert "does not answer in time" in found["Redis: reachable"].says
    with open_cluster() as url:
        for one in (valkey_server.url, url):
            found = await look(FRONTDESK_REDIS_URL=one, FRONTDESK_REDIS_TIMEOUT_S="5")
            assert found["Redis: reachable"].says.startswith("Valkey 9"), found
            assert found["Redis: writing"].level == "ok"


async def test_what_each_of_several_processes_has_for_itself_is_told(look: Look, tmp_path: Path) -> None:
    """G613: whether or not the engines are there."""
    desk = write_assistant(tmp_path, models=["demo"], toolsets=[], files={"types": ["text"]})
    engines = {
        "FRONTDESK_DATABASE_URL": "postgresql+psycopg://u@127.0.0.1:1/x",
        "FRONTDESK_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    apart = ["several processes: files_are_apart", "several processes: no_handover_key"]
    found = await look(FRONTDESK_ASSISTANT=str(desk), **engines)
    assert sorted(name for name, one in found.items() if one.level == "warn") == apart
    shared = {"FRONTDESK_HANDOVER_KEY": SECRET, "FRONTDESK_FILE_FOLDER": str(tmp_path)}
    found = await look(**shared)
    assert not [name for name in apart if name in found]


async def test_roles_that_no_token_can_have_are_told(look: Look, tmp_path: Path) -> None:
    """G610"""
    desk = write_assistant(tmp_path, models=["demo"], toolsets=[], audit={"roles": ["auditor"]})
    found = await look(FRONTDESK_ASSISTANT=str(desk), FRONTDESK_ROLE_MAP='{"org:admin": "owner"}')
    [told] = [one for name, one in found.items() if name.endswith(": roles")]
    assert (told.level, "nobody is a 'auditor'" in told.says) == ("FAIL", True)


def test_a_redis_that_is_too_old_or_far_away_is_told() -> None:
    """G309: of which there is none here."""
    seen = Examined("Redis 6.0.16", (6, 0, 16), "noeviction", 0, 1, False, 0.05, None)
    assert [one.check for one in redis_checks._seen(seen) if one.level != "ok"] == ["Redis: version", "Redis: time"]


@asynccontextmanager
async def a_provider(status: int = 200, models: tuple[str, ...] = ("gpt",)) -> AsyncIterator[str]:
    """Start what lists models, and tells the time."""

    async def answer(request: Request, connection: Connection) -> None:
        body = json.dumps({"data": [{"id": name} for name in models]}).encode()
        await connection.respond(status, body, headers={"Date": formatdate(usegmt=True)})

    async with listen(answer) as url:
        yield f"{url}/v1"


@pytest.mark.parametrize(
    ("status", "models", "level", "said"),
    [
        (200, ("gpt", "other"), "ok", "it has gpt"),
        (200, ("other",), "FAIL", "it has no model gpt"),
        (401, (), "FAIL", "OPENAI_API_KEY"),
        (403, (), "FAIL", "account"),
        (429, (), "FAIL", "limits"),
        (404, (), "warn", "--try-provider"),
    ],
)
async def test_what_a_provider_says_is_told(
    look: Look, tmp_path: Path, status: int, models: tuple[str, ...], level: str, said: str
) -> None:
    """G309: asked only where that is wanted."""
    desk = {"FRONTDESK_ASSISTANT": str(write_assistant(tmp_path, models=["openai:gpt"], toolsets=[]))}
    async with a_provider(status, models) as url:
        desk |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": HIDDEN, "FRONTDESK_BACKEND_URL": "http://127.0.0.1:1"}
        asked = await look(Wanted(lists_models=True), **desk)
        unasked = await look(**desk)
    one = asked["provider 127.0.0.1"]
    assert (one.level, said in f"{one.says} {one.do}") == (level, True), one
    assert asked["clock: 127.0.0.1's"].level == "ok"
    assert "--try-provider" in unasked["provider"].says
    assert (await look(Wanted(lists_models=True), **desk))["provider 127.0.0.1"].level == "FAIL"  # it is gone by now


async def test_a_model_is_tried_with_a_short_question(look: Look, tmp_path: Path, open_frontdesk: OpenWorld) -> None:
    """G309."""
    world = await open_frontdesk()
    desk = {"FRONTDESK_ASSISTANT": str(write_assistant(tmp_path, models=["openai:scripted"], toolsets=[]))}
    desk |= {"OPENAI_BASE_URL": world.provider.url, "FRONTDESK_BACKEND_URL": "http://127.0.0.1:1"}
    world.provider.say("yes")
    assert (await look(Wanted(tries_models=True), **desk))["model openai:scripted"].level == "ok"
    world.provider.fail(401)
    one = (await look(Wanted(tries_models=True), **desk))["model openai:scripted"]
    assert (one.level, "key" in one.do) == ("FAIL", True)
    assert "SECRET-PROVIDER-TEXT" not in repr(one)


@pytest.mark.long
async def test_a_wrong_clock_is_found_by_the_databases_and_a_providers(tmp_path: Path, postgres: str) -> None:
    """G309: in a process whose clock is a minute ahead."""
    write_assistant(tmp_path, models=["openai:gpt"], toolsets=[])
    async with a_provider() as url:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **wrong_clock(60),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            "FRONTDESK_ASSISTANT": str(tmp_path / "assistant.yaml"),
            "FRONTDESK_BACKEND_URL": "http://127.0.0.1:1",
            "FRONTDESK_DATABASE_URL": sqlalchemy_url(new_database(postgres)),
            "OPENAI_BASE_URL": url,
            "NO_PROXY": "*",
        }
        command = [sys.executable, "-m", "api.cli", "doctor", "--json", "--provider"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(COMMAND_LIMIT_S):
            output, _ = await process.communicate()
    found = {one["check"]: one for one in json.loads(output)["checks"]}
    for name in ("clock: the database's", "clock: 127.0.0.1's"):
        assert (found[name]["level"], "ahead" in found[name]["says"]) == ("FAIL", True), found[name]
    assert process.returncode == 1


@pytest.fixture
async def slow_world(open_frontdesk: OpenWorld) -> World:
    """An installation whose model takes its time, and which is ready on a busy machine, too.

    The doctor works beside it in the one event loop of a test, so that its renewals may be late.
    """
    return await open_frontdesk(renew_every_s=20.0, lease_lost_after_s=50.0, lease_s=60.0)


async def is_ready(world: World) -> bool:
    """Return whether an installation is ready: on a busy machine its first renewals take their time."""
    return (await world.person().request("GET", "/readyz")).status_code == 200


CUT_AFTER_S = 5
"""Long enough for the first word of an answer on a busy machine, and shorter than it takes until something is said to keep it open."""
PROXIES: list[tuple[str, dict[str, tuple[str, str]]]] = [
    ("", {"streams": ("ok", "one by one"), "WebSockets": ("warn", "Upgrade")}),
    ("proxy_ignore_headers X-Accel-Buffering;", {"streams": ("FAIL", "proxy_buffering off")}),
    (
        'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
        " proxy_set_header Host $http_host;",
        {"streams": ("ok", "one by one"), "WebSockets": ("ok", "pass")},
    ),
    ("# proxy_read_timeout\n", {"streams": ("FAIL", "proxy_read_timeout")}),
    ("return 404;", {"reachable": ("FAIL", "not Frontdesk")}),
]


@pytest.mark.parametrize(("more", "expected"), PROXIES, ids=["as it comes", "buffers", "upgrades", "cuts", "elsewhere"])
async def test_what_a_proxy_does_to_answers_is_told(
    look: Look, slow_world: World, tmp_path: Path, more: str, expected: dict[str, tuple[str, str]]
) -> None:
    """G309: watched in a real answer, of which nothing is left."""
    world, gate = slow_world, asyncio.Event()
    await until(lambda: is_ready(world))
    if "timeout" in more:
        world.provider.wait_for(gate, "two", before=["one "])
    elif "reachable" not in expected:
        world.provider.slowly(*[f"number {n} " for n in range(20)], pause_s=0.05)
    async with nginx(tmp_path, world.url, read_timeout_s=CUT_AFTER_S if "timeout" in more else 60, more=more) as url:
        found = await look(Wanted(url=url), FRONTDESK_JWT_SECRET=SECRET)
    gate.set()
    for check, (level, said) in expected.items():
        one = found[f"proxy: {check}"]
        assert (one.level, said in f"{one.says} {one.do}") == (level, True), one


async def test_whose_token_is_wrong_or_cannot_be_made_is_told(look: Look, slow_world: World) -> None:
    """G309."""
    world = slow_world
    await until(lambda: is_ready(world))
    refused = await look(Wanted(url=world.url, token=HIDDEN))
    assert (refused["proxy: streams"].level, "--token" in refused["proxy: streams"].do) == ("FAIL", True)
    unmade = await look(Wanted(url=world.url), FRONTDESK_CLAIM_TENANT='["org"]')
    assert (unmade["proxy: streams"].level, "--token" in unmade["proxy: streams"].do) == ("warn", True)
    nobody = await look(Wanted(url="http://127.0.0.1:1"))
    assert nobody["proxy: reachable"].level == "FAIL"

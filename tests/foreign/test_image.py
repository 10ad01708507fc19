"""`deploy/Dockerfile`: checked by hadolint, and built and run here step by step, by a user without rights on a root that is read-only."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.image import Stage, build

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
HADOLINT = ROOT / ".foreign" / "deploy" / "bin" / "hadolint"
START_LIMIT_S = 180.0
BUILDERS = ("pip", "pip3", "uv", "cc", "gcc", "make", "git")
ASK = "import json, sys, urllib.request as ask; print(ask.urlopen(ask.Request(sys.argv[1], json.dumps({'message': 'hello'}).encode(), {'Authorization': 'Bearer ' + sys.argv[2], 'Content-Type': 'application/json'})).read().decode())"
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    with TemporaryDirectory(prefix="frontdesk-image-", dir="/dev/shm") as folder:
        yield build(DOCKERFILE, ROOT, Path(folder))


@pytest.fixture(scope="module")
def running(image: Stage) -> Iterator["subprocess.Popen[str]"]:
    """The image as it is run without a word: the demo, on SQLite in its volume."""
    process = image.start([*image.exec_form("ENTRYPOINT"), *image.exec_form("CMD")])
    try:
        check = image.exec_form("HEALTHCHECK")
        until = time.monotonic() + START_LIMIT_S
        while (looked := image.beside(process.pid, check)).returncode:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, looked.stderr
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    done = subprocess.run([HADOLINT, "--no-color", DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_pinned_and_is_the_python_that_is_tested() -> None:
    [base] = [line for line in DOCKERFILE.read_text().splitlines() if line.startswith("ARG PYTHON=")]
    version = base.removeprefix("ARG PYTHON=python:").split("-")[0]
    assert version.split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert len(version.split(".")) == 3


def test_the_image_serves_as_a_user_without_rights_on_a_root_that_is_read_only(
    image: Stage, running: "subprocess.Popen[str]"
) -> None:
    """G333: it answers, and writes to its volume and nowhere else."""
    assert image.user == "10001:10001"
    token = image.beside(running.pid, ["frontdesk", "token"])
    assert token.returncode == 0, token.stderr
    asked = image.beside(running.pid, ["python", "-c", ASK, "http://127.0.0.1:8000/chat", token.stdout.strip()])
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["success"] is True
    for path in ("/app/x", "/usr/local/x", "/etc/x", "/x"):
        tried = image.beside(running.pid, ["touch", path], as_user=False)
        assert "Read-only file system" in tried.stderr, (path, tried)
    kept = {path.name for path in (image.folder / "data").rglob("*")}
    assert "frontdesk.db" in kept
    assert all(path.stat().st_uid == 10001 for path in (image.folder / "data").rglob("*"))
    assert not [path for path in (image.folder / "data").rglob("*") if path.stat().st_mode & 0o077]


def test_the_image_migrates_and_says_what_tools_there_are(image: Stage, running: "subprocess.Popen[str]") -> None:
    """G333: other commands than the usual one."""
    for command in (["migrate"], ["tools"], ["--help"]):
        done = image.beside(running.pid, ["frontdesk", *command])
        assert done.returncode == 0, (command, done.stderr)


def test_nothing_is_left_that_builds_or_installs_and_nothing_of_the_workshop(
    image: Stage, running: "subprocess.Popen[str]"
) -> None:
    """G333: neither in what was copied, nor among the programs beside it."""
    there = {path.name for path in image.written("/app").iterdir()}
    assert there == {"LICENSE", "README.md", ".venv", "agent", "alembic", "alembic.ini", "api", "demo", "examples"} | {
        "pyproject.toml",
        "requirements-models.lock",
        "requirements.lock",
        "tools",
        "web",
    }
    packages = {path.name for path in image.written("/app/.venv/lib").glob("python3*/site-packages/*")}
    assert not [name for name in packages if name.split("-")[0] in ("hatchling", "editables", "pytest", "pip", "uv")]
    assert not list(image.written("/app/.venv/bin").glob("pip*"))
    asked = image.beside(running.pid, ["python", "-c", "import pip"])
    assert "No module named 'pip'" in asked.stderr


def test_what_runs_was_compiled_when_it_was_built(image: Stage) -> None:
    """G333: nothing can be written there later."""
    sources = list(image.written("/app/agent").rglob("*.py"))
    assert sources
    assert all(list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")) for path in sources)


def test_a_container_that_is_stopped_ends_by_itself_in_its_grace_time(image: Stage) -> None:
    """G333: on the signal that the file names."""
    process = image.start([*image.exec_form("ENTRYPOINT"), *image.exec_form("CMD")], FRONTDESK_DATA="/data/another")
    check = image.exec_form("HEALTHCHECK")
    while image.beside(process.pid, check).returncode:
        assert process.poll() is None, process.communicate()
    process.terminate()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Frontdesk is on http://" in output

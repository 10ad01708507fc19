"""The ends of tests that would wait for ever."""

import re
import subprocess
import sys
from pathlib import Path

from support.processes import environment

LEFT_OUT = [word for name in ("cacheprovider", "hypothesispytest", "langsmith_plugin") for word in ("-p", f"no:{name}")]
CONFTEST = """
import pytest

pytest_plugins = ["support.limits"]


def pytest_sessionstart():
    from support import limits

    limits.SHARE, limits.LEAST_S, limits.AFTER_S = 0.1, 0.1, 1


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}
"""
WAITING = """
import asyncio
import os
import signal
import pytest


async def never():
    await asyncio.get_running_loop().create_future()


@pytest.fixture
async def opened():
    await never()


@pytest.fixture
async def closed():
    yield
    await never()


@pytest.fixture(scope="module")
async def shared():
    yield 1
    print("shared is closed")


async def test_waits(shared):
    await never()


async def test_of_what_waits_at_its_beginning(opened): ...


async def test_of_what_waits_at_its_end(closed): ...


async def test_keeps_its_cancellation_to_itself(shared):
    while True:
        try:
            await never()
        except asyncio.CancelledError:
            pass


async def test_ends_its_process():
    os.kill(os.getpid(), signal.SIGKILL)


async def test_goes_on(shared):
    assert shared == 1
"""
OTHER = """
import os
import pytest


@pytest.mark.parametrize("number", range(3))
def test_other(number, capfd):
    os.system("echo heard")
    assert capfd.readouterr().out == "heard\\n"


def test_fails(tmp_path):
    (tmp_path / "kept").write_text("")
    print("what it said")
    assert os.environ is None
"""


def run(folder: Path, *options: str, expected: int) -> str:
    """Run the tests of a folder as this run's are, with five seconds for each, half a one to wait."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\nanyio_mode = auto\ntimeout = 5\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *LEFT_OUT, *options]
    done = subprocess.run(
        command, cwd=folder, env=environment({"COLUMNS": "200"}), capture_output=True, text=True, check=False
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def outcomes(printed: str) -> dict[str, str]:
    """Return how each test ended, and with which error."""
    lines = re.findall(r"^([A-Z]+) test_\w+\.py::(\w+\S*)(?: - (\w+))?", printed, re.MULTILINE)
    return {name: f"{outcome} {error}".strip() for outcome, name, error in lines}


def test_whatever_a_test_waits_for_it_ends_and_the_others_are_run(tmp_path: Path) -> None:
    (tmp_path / "test_waiting.py").write_text(WAITING)
    (tmp_path / "test_other.py").write_text(OTHER)
    printed = run(tmp_path, "--numprocesses", "2", expected=1)
    assert outcomes(printed) == {
        "test_waits": "FAILED TimeoutError",
        "test_of_what_waits_at_its_beginning": "ERROR TimeoutError",
        "test_of_what_waits_at_its_end": "ERROR TimeoutError",
        "test_keeps_its_cancellation_to_itself": "FAILED worker",
        "test_ends_its_process": "FAILED worker",
        "test_goes_on": "PASSED",
        "test_other[0]": "PASSED",
        "test_other[1]": "PASSED",
        "test_other[2]": "PASSED",
        "test_fails": "FAILED AssertionError",
    }
    assert "what it said" in printed
    assert re.search(r"4 failed, 5 passed, 2 errors", printed), printed  # what waits at its end has passed before

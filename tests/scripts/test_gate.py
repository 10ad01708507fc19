"""Tests that fail beside others run once more alone: those that fail again have failed, and those that pass are told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import environment

GATE = Path(__file__).parents[2] / "scripts" / "gate"
ONCE = """
from pathlib import Path


def test_once():
    seen = Path(__file__).with_suffix(".seen")
    was_seen = seen.exists()
    seen.touch()
    assert was_seen


def test_fine(): pass
"""
NEVER = "def test_never(): assert False\n"
ELSEWHERE = """
from pathlib import Path

import pytest

SEEN = Path(__file__).with_suffix(".seen")


@pytest.mark.parametrize("name", ["second" if SEEN.exists() else "a\\"b'c\\\\c %s:: $(touch made)"])
def test_named(name):
    SEEN.touch()
    assert name == "second"
"""
OFTEN = "import pytest\n\n\n@pytest.mark.parametrize('n', range(6))\ndef test_often(n): assert False\n"


@pytest.mark.parametrize(
    ("tests", "code", "runs", "says"),
    [
        ("def test_fine(): pass\n", 0, 1, "1 passed"),
        (ONCE, 0, 2, "to be mended, passed alone:"),
        (NEVER, 1, 2, "1 failed"),
        (ONCE + NEVER, 1, 2, "1 failed, 1 passed"),
        (OFTEN, 1, 1, "6 failed"),
        (ELSEWHERE, 4, 2, "no tests ran"),
        ("1 / 0\n", 2, 1, "1 error"),
    ],
    ids=["all pass", "once", "always", "one of each", "many", "under another name", "cannot be collected"],
)
def test_what_fails_runs_once_more_and_counts_if_it_fails_alone(
    tests: str, code: int, runs: int, says: str, tmp_path: Path
) -> None:
    done = gated(tmp_path, tests)
    assert done.returncode == code, done.stdout + done.stderr
    assert len(re.findall(r" in [0-9.]+s\b", done.stdout)) == runs, done.stdout
    assert says in done.stdout
    assert ("test_once" in done.stdout.partition("to be mended")[2]) == ("to be mended" in says)


def test_what_failed_in_one_of_many_processes_runs_in_one(tmp_path: Path) -> None:
    done = gated(tmp_path, ONCE, "--numprocesses", "2", "--dist", "worksteal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bringing up nodes" not in done.stdout.partition("once more alone")[2]
    assert "test_once" in done.stdout.partition("to be mended")[2]


def test_a_file_that_one_of_many_processes_cannot_collect_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("1 / 0\n")
    done = gated(tmp_path, "def test_fine(): pass\n", "--numprocesses", "2", paths="test_all.py test_broken.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "once more" not in done.stdout


def gated(folder: Path, tests: str, *arguments: str, paths: str = "test_all.py") -> subprocess.CompletedProcess[str]:
    (folder / "test_all.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    there = environment({"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    own = folder / "a folder of its own"
    own.mkdir()
    command = [str(GATE), str(own), paths, *arguments]
    return subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True, check=False)

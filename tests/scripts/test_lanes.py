"""The cases of a test that gate, and the rest, which is left to the lane `long`."""

import ast
import subprocess
import sys
from pathlib import Path

from support.lanes import long_tests
from support.processes import environment

CONFTEST = """
import pytest
from support.lanes import mark_long


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    mark_long(items)
"""
TESTS = """
import pytest


def test_one(database): pass


def test_other(database): pass


@pytest.mark.parametrize("case", ["a", "b", pytest.param("whole", marks=pytest.mark.long)])
def test_two(database, case): pass


@pytest.mark.sample(3)
@pytest.mark.parametrize("case", "abcdefg")
def test_many(case): pass


@pytest.mark.sample(2)
@pytest.mark.parametrize("case", "abc")
def test_some(database, case): pass
"""


def test_cases_and_tests_take_turns_with_the_databases_and_a_sample_gates(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_all.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  long: l\n  sample(n): s\n")
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "not long", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=environment({}), capture_output=True, text=True, check=True)
    assert {line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line} == {
        "test_one[sqlite]",
        "test_other[postgresql]",
        "test_two[sqlite-a]",
        "test_two[postgresql-b]",
        *(f"test_many[{case}]" for case in "adg"),
        "test_some[sqlite-a]",
        "test_some[postgresql-c]",
    }


def test_a_test_is_long_by_its_own_decorator_or_its_files_and_not_by_that_of_a_case() -> None:
    own = "@pytest.mark.long\nasync def test_a(): ...\n"
    case = '@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.long)])\ndef test_b(n): ...\n'
    assert long_tests(ast.parse(own + case)) == {"test_a"}
    assert long_tests(ast.parse("pytestmark = [pytest.mark.timeout(9), pytest.mark.long]\n" + case)) == {"test_b"}

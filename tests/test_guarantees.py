"""`docs/guarantees.md` and the tests say the same: each promise is carried by the tests that it names, and by no others.

A test carries a promise by its id in the test's docstring. `python tests/test_guarantees.py` writes the lists of tests anew.
"""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from support.lanes import long_tests

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "guarantees.md"
PROMISE = re.compile(r"^\*\*(G\d+)\*\* (.+)$", re.MULTILINE)
TESTS = re.compile(r"^- `(tests/\S+\.py)`: (.+)$")
ID = re.compile(r"\bG\d+\b")


@cache
def modules() -> dict[str, ast.Module]:
    """Return the files of tests in which any id stands, by path."""
    texts = {path: path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py"))}
    return {path.relative_to(ROOT).as_posix(): ast.parse(text) for path, text in texts.items() if ID.search(text)}


def carried() -> dict[str, set[str]]:
    """Return the tests that carry each id, as `file::name`."""
    tests: dict[str, set[str]] = defaultdict(set)
    for path, module in modules().items():
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for promise in ID.findall(ast.get_docstring(node) or ""):
                    tests[promise].add(f"{path}::{node.name}")
    return tests


def named() -> dict[str, set[str]]:
    """Return the tests that the document names for each id."""
    tests: dict[str, set[str]] = {}
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if promise := PROMISE.match(line):
            assert promise[1] not in tests, f"{promise[1]} is promised twice"
            tests[promise[1]] = set()
        elif listed := TESTS.match(line):
            latest = next(reversed(tests.values()))
            latest.update(f"{listed[1]}::{name}" for name in re.findall(r"`(\w+)`", listed[2]))
    return tests


def test_each_promise_is_carried_by_the_tests_that_it_names_and_each_test_carries_a_promise() -> None:
    in_document, in_tests = named(), carried()
    assert in_document, "no promise found: the test would prove nothing"
    assert set(in_document) == set(in_tests)
    for promise, tests in in_document.items():
        assert tests == in_tests[promise], f"{promise}: run `python tests/test_guarantees.py`"


def test_each_promise_is_carried_by_a_test_that_gates() -> None:
    """A fault that is found out before a release only is found out too late."""
    long = {f"{path}::{name}" for path, module in modules().items() for name in long_tests(module)}
    gating = {promise for promise, tests in carried().items() if tests - long}
    assert set(named()) - gating == set()


def write() -> None:
    """Write the lists of tests into the document."""
    tests = carried()
    lines = []
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if TESTS.match(line):
            continue
        lines.append(line)
        if promise := PROMISE.match(line):
            by_file: dict[str, list[str]] = defaultdict(list)
            for test in sorted(tests[promise[1]]):
                file, _, name = test.partition("::")
                by_file[file].append(f"`{name}`")
            lines += [f"- `{file}`: {', '.join(names)}" for file, names in by_file.items()]
    DOCUMENT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    write()

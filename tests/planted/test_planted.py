"""The planted bugs still fit the code; `scripts/plant-bugs` shows that they are caught."""

import ast
from functools import cache
from pathlib import Path

from planted.plant import ROOT, Bug, load_bugs
from support.each import each
from support.lanes import long_tests

BUGS = load_bugs()


@cache
def gating(path: Path) -> set[str]:
    """Return the names of a file's tests without those that are long: a bug is caught before it is committed."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return names - long_tests(tree)


@each("bug", BUGS)
def test_a_planted_bug_fits_the_code_and_names_tests_that_exist(bug: Bug) -> None:
    assert bug.applies(ROOT), f"its text is not exactly once in {bug.file}"
    assert bug.old != bug.new
    assert bug.tests
    for test in bug.tests:
        file, _, name = test.partition("::")
        assert name in gating(ROOT / file), test


def test_there_are_enough_bugs_and_each_is_another_one() -> None:
    assert len({bug.name for bug in BUGS}) == len({(bug.file, bug.old) for bug in BUGS}) == len(BUGS) >= 12

"""Lanes of tests, what gates and what is `long`: proofs in their full size, which `scripts/test long` runs before a release."""

import ast
import math
import os
from collections import defaultdict
from pathlib import Path
from zlib import crc32

import pytest

ENGINES = ("sqlite", "postgresql")
"""Values of parameters that name a database."""
BOTH = Path(__file__).parents[1] / "agent" / "store"
"""Where a database is what is tried: whatever else is tried with one goes through what is tried here."""
LONG = "pytest.mark.long"
IS_WHOLE = "FRONTDESK_TEST_WHOLE" in os.environ
"""Whether a property is tried with all of its examples: `scripts/test long` and `scripts/plant-bugs` say so."""


def examples(count: int) -> int:
    """Return how many examples of a property gate: each run has others, so a third of them finds in a few what all find in one."""
    return count if IS_WHOLE else min(count, max(10, count // 3))


def mark_long(items: list[pytest.Item]) -> None:
    """Mark what does not gate of the cases of each test: all but each n-th where it has the marker `sample(n)`; and engines.

    The cases that gate take turns with the engines, where there are several: so each gates on one, and each test on both. A
    test of one case gates on both in `BOTH` and with the marker `each_engine`; elsewhere on one, by its name: whatever else is
    run, it is the same.
    """
    tests: dict[str, dict[object, list[pytest.Function]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec") and not item.get_closest_marker("long"):
            values = item.callspec.params.items()
            case = tuple((name, id(value)) for name, value in values if value not in ENGINES)
            tests[f"{item.path}::{item.originalname}"][case].append(item)
    for cases in tests.values():
        every = list(cases.values())
        marker = every[0][0].get_closest_marker("sample")
        gating = every[:: marker.args[0] if marker else 1]
        first = every[0][0]
        if len(gating) > 1:
            kept = [_of_its_turn(case, number) for number, case in enumerate(gating)]
        elif not first.path.is_relative_to(BOTH) and not first.get_closest_marker("each_engine"):
            kept = [_of_its_turn(gating[0], crc32(first.originalname.encode()))]
        else:
            kept = gating
        gate = {item for case in kept for item in case}
        for item in (item for case in every for item in case if item not in gate):
            item.add_marker(pytest.mark.long)


def _of_its_turn(case: list[pytest.Function], number: int) -> list[pytest.Function]:
    """Return those of a case on the engine whose turn it is; all where it is on one engine anyway, or on none."""
    engine = ENGINES[number % len(ENGINES)]
    return [item for item in case if engine in item.callspec.params.values()] or case


def limit_s(item: pytest.Item) -> float:
    """Return the time limit of a test: its own, or the one that all have."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else usual_limit_s(item.config)


def usual_limit_s(config: pytest.Config) -> float:
    """Return the time limit that tests have."""
    return float(config.getoption("timeout", None) or config.getini("timeout") or math.inf)


def long_tests(module: ast.Module) -> set[str]:
    """Return the names of a file's tests that do not gate: their own decorator says so, or the file's `pytestmark`."""
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    marks = [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    is_whole = any(LONG in ast.unparse(mark) for mark in marks)
    return {one.name for one in functions if is_whole or LONG in map(ast.unparse, one.decorator_list)}

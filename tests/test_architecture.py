"""The house keeps its arrows, and the code the habits that no linter looks for."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.assistant.definition import History, Limits, Suggestions
from api.settings import Settings

ROOT = Path(__file__).parents[1]
OWN = ("agent", "api", "demo", "tools", "examples", "scripts")


def sources(*folders: str) -> dict[str, ast.Module]:
    """Return every Python file of these folders, parsed, by its path."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 10, "hardly any file found: the test would prove nothing"
    return {str(path.relative_to(ROOT)): _parsed(path) for path in paths}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(module: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported anywhere in a file, also inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def called(node: ast.AST) -> str:
    """Return the dotted name of what a call calls; empty where it has none."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


@pytest.mark.timeout(240)
def test_the_import_arrows_hold() -> None:
    linter = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=230,
    )
    assert linter.returncode == 0, linter.stdout
    assert re.search(r"[1-9]\d* kept, 0 broken", linter.stdout)


def test_only_the_store_speaks_sql() -> None:
    speakers = [
        path
        for path, module in sources("agent", "api", "demo", "tools").items()
        if any(name.split(".")[0] in ("sqlalchemy", "alembic", "aiosqlite", "psycopg") for name in imported(module))
    ]
    assert speakers
    assert [path for path in speakers if not path.startswith("agent/store/")] == []


@pytest.mark.parametrize("model", [Settings, Limits, History, Suggestions])
def test_every_setting_and_limit_has_a_default(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if field.is_required()] == []


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_nobody_waits_with_a_function_that_swallows_cancellations() -> None:
    for path, module in sources(*OWN, "tests", "alembic", "bench").items():
        uses = [
            node.lineno
            for node in ast.walk(module)
            if isinstance(node, ast.Attribute) and node.attr == "wait_for" and ast.unparse(node) == "asyncio.wait_for"
        ]
        names = [
            node.lineno
            for node in ast.walk(module)
            if isinstance(node, ast.ImportFrom) and "wait_for" in {alias.name for alias in node.names}
        ]
        assert not uses + names, f"{path}: asyncio.wait_for in lines {uses + names}; use asyncio.timeout"


def _own_statements(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what a function does itself, outside of loops that wait for a condition and of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.While | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from _own_statements(node)


def test_no_test_waits_by_sleeping() -> None:
    for path, module in sources("tests").items():
        assert "time.sleep" not in {called(node) for node in ast.walk(module)}, f"{path}: time.sleep"
        for function in ast.walk(module):
            if isinstance(function, ast.AsyncFunctionDef) and function.name.startswith("test_"):
                slept = [
                    node.lineno
                    for node in _own_statements(function)
                    if isinstance(node, ast.Call)
                    and called(node) in ("asyncio.sleep", "anyio.sleep")
                    and ast.unparse(node.args[0]) != "0"
                ]
                assert not slept, f"{path}:{slept}: wait for a condition with a time limit instead"


def test_no_test_is_skipped_expected_to_fail_or_stands_on_a_mock() -> None:
    for path, module in sources("tests").items():
        marks = {ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
        shunned = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.skip", "pytest.importorskip"}
        assert not marks & shunned, path
        assert not {"unittest.mock", "mock", "pytest_mock", "respx"} & set(imported(module)), path


def test_every_module_says_what_lives_in_it() -> None:
    assert [path for path, module in sources(*OWN).items() if not ast.get_docstring(module)] == []


def test_no_package_shadows_a_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.timeout(240)
def test_the_demo_starts_without_the_libraries_that_only_a_real_model_needs() -> None:
    look = "import api.app, sys; print([name for name in ('langchain_openai', 'openai', 'tiktoken') if name in sys.modules])"
    started = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=230, check=True
    )
    assert started.stdout.strip() == "[]"


@pytest.mark.timeout(240)
def test_the_server_reads_no_file_of_ours_when_it_is_imported() -> None:
    look = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == 'open' else None)\n"
        "import api.app, api.cli, api.server; print(*opened, sep='\\n')"
    )
    started = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=230, check=True
    )
    opened = [Path(line) for line in started.stdout.splitlines()]
    assert opened, "nothing was imported: the test would prove nothing"
    own = {str(path.relative_to(ROOT)) for path in opened if path.is_relative_to(ROOT) and ".venv" not in path.parts}
    assert {path for path in own if not path.endswith((".py", ".pyc"))} <= {"web/dist/manifest.json"}

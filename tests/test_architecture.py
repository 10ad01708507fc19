"""The code keeps the habits that no linter looks for; import arrows are those of the lane `static`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.assistant.definition import History, Limits
from agent.assistant.suggestions import Suggestions
from api.settings import Settings

ROOT = Path(__file__).parents[1]
OWN = ("agent", "api", "demo", "tools", "examples", "scripts")


def sources(*folders: str, saying: str = "") -> dict[str, ast.Module]:
    """Return the Python files of these folders, parsed, by path: all, or those in whose text something stands, a pattern."""
    texts = {path: _text(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))}
    assert len(texts) > 10, "hardly any file found: the test would prove nothing"
    return {str(path.relative_to(ROOT)): _parsed(path) for path, text in texts.items() if re.search(saying, text)}


@cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(_text(path))


def imported(module: ast.AST) -> Iterator[str]:
    """Yield the modules that are imported anywhere in a file, also inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def called(node: ast.AST) -> str:
    """Return the dotted name of what a call calls; empty where it has none."""
    return dotted(node.func) if isinstance(node, ast.Call) else ""


def dotted(node: ast.AST) -> str:
    """Return names with dots between them as they stand in the source; empty where it is something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def test_only_the_store_speaks_sql() -> None:
    libraries = ("sqlalchemy", "alembic", "aiosqlite", "psycopg")
    speakers = [
        path
        for path, module in sources("agent", "api", "demo", "tools", saying="|".join(libraries)).items()
        if any(name.split(".")[0] in libraries for name in imported(module))
    ]
    assert speakers
    assert [path for path in speakers if not path.startswith("agent/store/")] == []


@pytest.mark.parametrize("model", [Settings, Limits, History, Suggestions])
def test_every_setting_and_limit_has_a_default(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if field.is_required()] == []


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_nobody_waits_with_a_function_that_swallows_cancellations() -> None:
    for path, module in sources(*OWN, "tests", "alembic", "bench", saying="wait_for").items():
        uses = [
            node.lineno
            for node in ast.walk(module)
            if isinstance(node, ast.Attribute) and node.attr == "wait_for" and dotted(node) == "asyncio.wait_for"
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
    for path, module in sources("tests", saying="sleep").items():
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
    for path, module in sources("tests", saying="skip|xfail|mock|respx").items():
        marks = {dotted(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
        shunned = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.skip", "pytest.importorskip"}
        assert not marks & shunned, path
        assert not {"unittest.mock", "mock", "pytest_mock", "respx"} & set(imported(module)), path


def test_every_module_says_what_lives_in_it() -> None:
    assert [path for path, module in sources(*OWN).items() if not ast.get_docstring(module)] == []


def test_each_docstring_names_its_subject() -> None:
    """Of modules, classes, functions and of what is assigned."""
    for path, module in sources(*OWN, "bench", "tests", saying='"""(What|One|Those) ').items():
        for node in ast.walk(module):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for one in node.body:
                    if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
                        begins = str(one.value.value).split(maxsplit=1)[:1]
                        assert begins not in (["What"], ["One"], ["Those"]), f"{path}:{one.lineno}"


def test_no_package_shadows_a_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))


LOADED = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
import api.app, api.cli, api.server
print(*sys.modules, *opened, sep="\\n")
"""


@cache
def _loaded() -> list[str]:
    """Return the modules that a server imports before it knows its settings, and the files that are opened for it."""
    command = [sys.executable, "-B", "-c", LOADED]  # what is compiled for the first time would be written
    started = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=230, check=True)
    return started.stdout.splitlines()


@pytest.mark.timeout(240)
def test_the_demo_starts_without_the_libraries_that_only_some_assistants_need() -> None:
    """Libraries of a real model, of many tools, of servers of the Model Context Protocol, and of traces."""
    late = {"langchain_openai", "openai", "tiktoken", "numpy", "bm25s", "snowballstemmer", "mcp", "mcp_types"}
    late |= {"google.protobuf", "opentelemetry.exporter"}
    assert "api.app" in _loaded()
    assert late & set(_loaded()) == set()


@pytest.mark.timeout(240)
def test_the_server_reads_no_file_of_ours_when_it_is_imported() -> None:
    opened = [Path(line) for line in _loaded() if line.startswith("/")]
    own = {str(path.relative_to(ROOT)) for path in opened if path.is_relative_to(ROOT) and ".venv" not in path.parts}
    assert own, "nothing was imported: the test would prove nothing"
    assert {path for path in own if not path.endswith((".py", ".pyc"))} == set()


MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
LONG_TABLES = {"api/protocols/native.py:payload"}
"""Functions that are one table, with a line for each of its cases."""


def test_no_file_is_longer_than_can_be_known() -> None:
    lengths = {path: len(_text(ROOT / path).splitlines()) for path in sources("agent", "tools", "api", "demo")}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{path}:{function.name}": _lines_of_body(function)
        for path, module in sources("agent", "tools", "api", "demo").items()
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == LONG_TABLES


def _lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has behind its signature and its docstring."""
    said = 1 if ast.get_docstring(function) is not None else 0
    body = function.body[said:]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


TRANSITIONS = "agent.store.transitions"
CHANGES_RUNS = {
    f"agent/attempt/{name}.py" for name in ("hold", "moving", "writer", "unheld", "unheld_ends", "unheld_pages")
}
"""Who may change the row of a run."""
CLAIMS = "agent/runs/submit.py"
"""A run that nothing is in front of begins in the transaction that makes it."""


def _taken(module: ast.Module, room: str) -> set[str]:
    """Return what a file imports from a module; the module's own name where it takes the whole."""
    package, _, last = room.rpartition(".")
    taken = {
        room for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names if alias.name == room
    }
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            taken |= names if node.module == room else {last} & names if node.module == package else set()
    return taken


def test_only_the_writer_changes_a_run() -> None:
    rooms = {
        path: _taken(module, TRANSITIONS)
        for path, module in sources("agent", "api", "demo", "tools", saying="transitions").items()
    }
    outside = {path: taken for path, taken in rooms.items() if taken and not path.startswith("agent/store/")}
    assert outside.keys() == CHANGES_RUNS | {CLAIMS}
    assert outside[CLAIMS] == {"claim_run"}


def test_the_rows_of_runs_are_changed_in_one_file() -> None:
    changes = {
        path: [node for node in ast.walk(module) if called(node) == "update" and _first(node) == "runs"]
        for path, module in sources("agent", saying="update").items()
    }
    elsewhere = {path: found for path, found in changes.items() if found and path != "agent/store/transitions.py"}
    assert changes["agent/store/transitions.py"]
    # An old key is freed, and a user's word is no state of a run.
    others = {"agent/store/runs.py": 1, "agent/store/choices.py": 1}
    assert {path: len(found) for path, found in elsewhere.items()} == others


def _first(call: ast.AST) -> str:
    return ast.unparse(call.args[0]) if isinstance(call, ast.Call) and call.args else ""


def test_the_end_of_a_run_is_counted_in_one_place() -> None:
    counts = [
        path
        for path, module in sources("agent", "api", "tools", saying="runs_ended").items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("runs_ended.labels", "metrics.runs_ended")
    ]
    assert set(counts) == {"agent/metrics.py"}

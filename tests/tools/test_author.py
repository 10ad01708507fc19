"""The façade for authors: what a toolset imports stands in `tools`, and only there."""

import ast
from pathlib import Path

import pytest

import tools
from tools.functions import FunctionTool

ROOT = Path(__file__).parents[2]
TOOLSETS = [
    "examples/studio/tools.py",
    "bench/tools.py",
    *(f"tests/support/{name}.py" for name in ("shop_tools", "odd_tools", "large_tools")),
]


@pytest.mark.parametrize("path", TOOLSETS)
def test_a_toolset_imports_nothing_of_ours_but_the_facade(path: str) -> None:
    module = ast.parse((ROOT / path).read_text("utf-8"))
    imports = [node.module or "" for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    assert [name for name in imports if name.split(".")[0] in ("agent", "api", "tools")] == ["tools"]


def test_the_facade_holds_what_an_author_needs_and_no_more() -> None:
    names = "Bound", "File", "NotThereError", "ToolContext", "ToolError", "ToolResult", "segment", "tool"
    assert set(tools.__all__) == set(names)
    assert issubclass(tools.NotThereError, tools.ToolError)


def test_a_toolset_can_be_written_with_the_facade_alone() -> None:
    space: dict[str, object] = {"__name__": "toolset_of_an_author"}
    source = """
from pydantic import BaseModel
from tools import *

class Arguments(BaseModel):
    number: int

@tool(risk="write", timeout_s=1.0)
async def close_order(context: ToolContext, arguments: Arguments) -> object:
    'Close an order.'
    try:
        return await context.backend.delete(f"/orders/{segment(arguments.number)}")
    except NotThereError as exc:
        raise ToolError(f"{exc} Find its number first.") from exc
"""
    exec(compile(source, "toolset_of_an_author", "exec"), space)  # noqa: S102 (it stands above)
    made = space["close_order"]
    assert isinstance(made, FunctionTool)
    assert (made.name, made.risk, made.description) == ("close_order", "write", "Close an order.")

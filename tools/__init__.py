"""The capabilities of an assistant: toolsets that implement the contract in `agent.toolkit`.

This is all that a toolset imports. A toolset is a module; each function in it that `tool` decorates is a tool:

    @tool(risk="read")
    async def find_order(context: ToolContext, arguments: FindOrderArguments) -> object:
        order = await context.backend.get(f"/orders/{segment(arguments.number)}")

`ToolError` tells the model what to change or to say. `NotThereError` is the one that a change raises where the backend
has nothing to change: catch it to say how to find what is there. `Bound` says which arguments of a change ask first.
`ToolResult(value, files=[File("orders.csv", data)])` gives the user files and pictures beside what the model reads; its `sources` are where
that comes from.
"""

from agent.errors import NotThereError, ToolError
from agent.toolkit import File, ToolResult
from tools.backends.paths import segment
from tools.functions import Bound, ToolContext, tool

__all__ = ["Bound", "File", "NotThereError", "ToolContext", "ToolError", "ToolResult", "segment", "tool"]

"""The toolset of the bench: one trivial tool that reads."""

from pydantic import BaseModel

from tools import ToolContext, tool


class NoArguments(BaseModel):
    """Nothing to fill in."""


@tool()
async def count_items(context: ToolContext, arguments: NoArguments) -> object:
    """Count the items."""
    return await context.backend.get("/items/count")

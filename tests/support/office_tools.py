"""Tools that say what a shop's office tells: for context that is looked up before a turn."""

from pydantic import BaseModel

from tools import ToolContext, tool


class NoArguments(BaseModel):
    pass


@tool()
async def opening_hours(context: ToolContext, arguments: NoArguments) -> object:
    """Say when the shop is open."""
    return await context.backend.get("/hours")


@tool(untrusted=True)
async def latest_review(context: ToolContext, arguments: NoArguments) -> object:
    """Read what somebody wrote about the shop."""
    return await context.backend.get("/review")


@tool()
async def asks_elsewhere(context: ToolContext, arguments: NoArguments) -> object:
    """Ask a backend that is not its toolset's."""
    return await context.backends["default"].get("/orders/count")

"""Tools whose results are far too large."""

from pydantic import BaseModel

from tools import ToolContext, tool

FIVE_MEGABYTES = 5_000_000


class NoArguments(BaseModel):
    pass


@tool()
async def read_everything(context: ToolContext, arguments: NoArguments) -> object:
    """Return five megabytes of text."""
    return "x" * FIVE_MEGABYTES


@tool()
async def list_everything(context: ToolContext, arguments: NoArguments) -> object:
    """Return what the backend says, which is five megabytes."""
    return await context.backend.get("/everything")

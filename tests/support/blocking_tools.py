"""A tool as a careless author writes it: it keeps the event loop for itself."""

from threading import Event

from support.shop_tools import NoArguments

from tools import ToolContext, tool

BLOCKS_S = 8.0


@tool(timeout_s=60)
async def block(context: ToolContext, arguments: NoArguments) -> str:
    """Keep everybody waiting."""
    Event().wait(BLOCKS_S)  # the fault itself: nothing else goes on meanwhile
    return "done"

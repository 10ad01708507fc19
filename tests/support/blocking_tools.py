"""A tool as a careless author writes it: it keeps the event loop for itself."""

import time

from support.shop_tools import NoArguments

from tools import ToolContext, tool

BLOCKS_S = 8.0


@tool(timeout_s=60)
async def block(context: ToolContext, arguments: NoArguments) -> str:
    """Keep everybody waiting."""
    time.sleep(BLOCKS_S)  # noqa: ASYNC251 (the fault itself)
    return "done"

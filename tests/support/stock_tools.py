"""A toolset that calls another backend of its assistant by name."""

from support.shop_tools import NoArguments

from tools import ToolContext, tool


@tool()
async def count_stock(context: ToolContext, arguments: NoArguments) -> object:
    """Count what is in stock."""
    return await context.backends["stock"].get("/stock")

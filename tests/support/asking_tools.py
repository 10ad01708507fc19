"""Tools of the shop that a person is asked about first, whatever the other ones do."""

from support.shop_tools import CreateOrderArguments

from tools import ToolContext, tool


@tool(risk="write", ask="Order {item}?")
async def order_after_yes(context: ToolContext, arguments: CreateOrderArguments) -> object:
    """Create an order that somebody said yes to."""
    return await context.backend.post("/orders", {"item": arguments.item})


@tool(risk="write", ask="Order {item}, and let somebody else approve it?")
async def order_after_another(context: ToolContext, arguments: CreateOrderArguments) -> object:
    """Create an order that somebody else said yes to, where the definition names them."""
    return await context.backend.post("/orders", {"item": arguments.item})

"""More tools of the shop: ones that break in other ways, and one that nobody can wave through."""

import json

from support.shop_tools import FindOrderArguments, NoArguments

from tools import ToolContext, ToolError, segment, tool


@tool()
async def broken_within(context: ToolContext, arguments: NoArguments) -> object:
    """Break in a library that it calls."""
    return json.loads("SECRET-TOOL-TEXT")


@tool(risk="write", confirm=False)
async def order_and_break(context: ToolContext, arguments: NoArguments) -> object:
    """Create an order and break after that."""
    await context.backend.post("/orders", {"item": "tea"})
    raise RuntimeError("SECRET-TOOL-TEXT")


@tool(risk="dangerous", confirm=False)
async def delete_order(context: ToolContext, arguments: FindOrderArguments) -> object:
    """Delete an order for good."""
    return await context.backend.delete(f"/orders/{segment(arguments.number)}")


@tool()
async def show_itself(context: ToolContext, arguments: NoArguments) -> object:
    """Return what it was called with, as a careless author would."""
    credential = context.principal.credential
    return {"context": repr(context), "token": credential.reveal() if credential else None}


@tool()
async def break_with_it(context: ToolContext, arguments: NoArguments) -> object:
    """Break with the credential in the exception's text."""
    credential = context.principal.credential
    raise RuntimeError(f"no luck with {credential.reveal() if credential else None}")


@tool()
async def refuse_with_it(context: ToolContext, arguments: NoArguments) -> object:
    """Tell the model the credential."""
    credential = context.principal.credential
    raise ToolError(f"no luck with {credential.reveal() if credential else None}")


@tool()
async def search_orders(context: ToolContext, arguments: NoArguments) -> object:
    """Search for orders, which this backend takes by POST."""
    return await context.backend.post("/orders/search", {"item": "tea"})

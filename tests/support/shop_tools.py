"""The toolset of the tests' business, a shop: a tool for each way in which a tool can behave."""

from pydantic import BaseModel, Field

from tools import ToolContext, segment, tool


class FindOrderArguments(BaseModel):
    number: int = Field(ge=1, description="order number")


class NoArguments(BaseModel):
    pass


class CreateOrderArguments(BaseModel):
    item: str = Field(min_length=1, max_length=100)


@tool()
async def find_order(context: ToolContext, arguments: FindOrderArguments) -> object:
    """Find one order by its number."""
    return await context.backend.get(f"/orders/{segment(arguments.number)}")


@tool()
async def count_orders(context: ToolContext, arguments: NoArguments) -> object:
    """Count the orders."""
    return await context.backend.get("/orders/count")


@tool(risk="write", confirm=False)
async def create_order(context: ToolContext, arguments: CreateOrderArguments) -> object:
    """Create an order."""
    return await context.backend.post("/orders", {"item": arguments.item})


@tool(timeout_s=0.3)
async def slow_report(context: ToolContext, arguments: NoArguments) -> object:
    """Make a report that takes longer than it may."""
    return await context.backend.get("/reports/slow")


@tool()
async def broken(context: ToolContext, arguments: NoArguments) -> object:
    """Break with an exception that nobody expects."""
    raise RuntimeError("SECRET-TOOL-TEXT")

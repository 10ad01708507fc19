"""Tools of the shop that ask for much, or return what strangers wrote."""

from decimal import Decimal

from pydantic import BaseModel, Field
from support.shop_tools import CreateOrderArguments, FindOrderArguments, NoArguments

from tools import Bound, ToolContext, segment, tool


class RefundArguments(BaseModel):
    number: int = Field(ge=1)
    amount: Decimal = Field(default=Decimal(10), gt=0)


@tool(risk="write", confirm=[Bound(argument="amount", above=1000)], ask="Refund {amount} of order {number}?")
async def refund(context: ToolContext, arguments: RefundArguments) -> object:
    """Give money back."""
    path = f"/orders/{segment(arguments.number)}/refund"
    return await context.backend.post(path, {"amount": float(arguments.amount)})


@tool(risk="dangerous", ask="Delete order {number}?")
async def delete_order(context: ToolContext, arguments: FindOrderArguments) -> object:
    """Delete an order for good."""
    return await context.backend.delete(f"/orders/{segment(arguments.number)}")


@tool(risk="write", confirm=False)
async def order_at_once(context: ToolContext, arguments: CreateOrderArguments) -> object:
    """Create an order without a question."""
    return await context.backend.post("/orders", {"item": arguments.item})


@tool(untrusted=True)
async def read_mail(context: ToolContext, arguments: NoArguments) -> object:
    """Read what customers wrote."""
    return await context.backend.get("/mail")

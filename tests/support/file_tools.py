"""Tools that give files."""

from pydantic import BaseModel
from support import made_files

from tools import File, ToolContext, ToolResult, tool


class WhichArguments(BaseModel):
    what: str


GIVEN = {
    "table": File("../orders.csv", b"number,item\n1,chair\n"),
    "picture": File("chart", made_files.photo()),
    "page": File("page.html", b"<html><script>alert(1)</script>"),
    "bomb": File("chart.png", made_files.bomb()),
}


@tool()
async def make(context: ToolContext, arguments: WhichArguments) -> object:
    """Make a file of orders."""
    return ToolResult({"made": arguments.what}, files=[GIVEN[one] for one in arguments.what.split()])

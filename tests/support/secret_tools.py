"""A tool that is given secrets, by their names and by its schema."""

from pydantic import BaseModel, Field

from tools import ToolContext, tool


class AccountArguments(BaseModel):
    name: str
    password: str
    code: str = Field(json_schema_extra={"writeOnly": True})
    iban: str
    note: str = ""
    keys: list[dict[str, str]] = []


@tool(risk="write", ask="Open an account for {name} with {password} and {iban}?")
async def open_account(context: ToolContext, arguments: AccountArguments) -> object:
    """Open an account."""
    return await context.backend.post("/accounts", arguments.model_dump())

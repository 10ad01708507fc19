"""LangChain tools as vendors have them: of each kind one."""

import asyncio
import threading
from typing import Annotated, Any

from langchain_core.tools import BaseTool, BaseToolkit, InjectedToolArg, StructuredTool, ToolException, tool
from pydantic import BaseModel, Field

seen: list[Any] = []
release = threading.Event()


class CityArguments(BaseModel):
    city: str = Field(min_length=2, description="the city's name")


@tool(args_schema=CityArguments)
async def weather(city: str) -> dict[str, object]:
    """Tells the weather of a city."""
    return {"city": city, "degrees": 21}


@tool
def sync_sum(a: int, b: int) -> int:
    """Adds."""
    seen.append(threading.current_thread())
    return a + b


@tool
def block() -> str:
    """Holds its thread."""
    release.wait(60)
    return "released"


@tool(response_format="content_and_artifact")
async def report() -> tuple[str, bytes]:
    """Makes a report."""
    return "a report", b"all of it"


@tool
async def refuse() -> str:
    """Fails with a text for the model."""
    raise ToolException("No such city.")


def handled() -> str:
    raise ToolException("handled")


handles = StructuredTool.from_function(
    handled, name="handles", description="Fails.", handle_tool_error="It did not work."
)


@tool
async def break_down() -> str:
    """Breaks."""
    raise ValueError("a secret of the vendor's")


@tool
async def give_up() -> str:
    """Cancels itself."""
    raise asyncio.CancelledError


@tool
async def injected(query: str, owner: Annotated[str, InjectedToolArg] = "ours") -> str:
    """Has an argument that is not the model's."""
    return owner


@tool
async def config_of(query: str, config: Any = None) -> str:
    """Says what it is given besides."""
    from langchain_core.runnables import ensure_config

    found = ensure_config()
    callbacks: Any = found.get("callbacks")
    names = [type(one).__name__ for one in getattr(callbacks, "handlers", callbacks or [])]
    return f"{names} {dict(found.get('configurable') or {})}"


ODD_SCHEMA = {
    "title": "Odd",
    "type": "object",
    "properties": {
        "q": {"type": "array"},
        "code": {"type": "object", "properties": {"inner": {"writeOnly": True}}},
        "many": {"enum": [*range(5000)]},
    },
    "anyOf": [{"required": ["q"]}],
}
SCHEMA = {"type": "object", "title": "x", "properties": {"q": {"type": "string"}}, "required": ["q"]}


class Plain(BaseTool):
    """A tool of a class, with a schema as data and a name that no provider takes."""

    name: str = "look it up!"
    description: str = "Looks something up."
    args_schema: Any = SCHEMA

    def _run(self, q: str) -> str:
        return f"[{q}"


class Odd(Plain):
    """A tool whose schema, as a server gave it, providers refuse."""

    name: str = "odd"
    args_schema: Any = ODD_SCHEMA


class Kit(BaseToolkit):
    def get_tools(self) -> list[BaseTool]:
        return [weather, Plain()]


EVERY = [weather, sync_sum, block, report, refuse, handles, break_down, give_up, injected, config_of, Plain()]
KIT = Kit()
ODD = Odd()
NOTHING: list[BaseTool] = []


def make() -> list[BaseTool]:
    return [weather]


def make_kit() -> Kit:
    return KIT


def broken() -> list[BaseTool]:
    raise ValueError("no key")


def text() -> str:
    return "no tools"

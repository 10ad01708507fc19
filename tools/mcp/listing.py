"""The tools of a server as the model gets them: names that are valid, words and schemas of a bounded size.

The invariant: nothing that a server says of a tool gives it rights. Without a word of the definition it is a write, and as an
imported one it is offered only where the definition includes it by name.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mcp_types as types
import structlog
from mcp import Client
from pydantic import TypeAdapter

from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ToolError
from agent.models.text import clean
from agent.schemas.secrets import secrets_of
from agent.schemas.told import bounded_schema
from agent.toolkit import CallContext, Origin, Risk, Tool
from tools.mcp.reading import line, of_pages, reading_tools
from tools.mcp.results import finished, told
from tools.names import MOST, valid_name

logger = structlog.get_logger()

MOST_TOOLS = 1000
DESCRIPTION_CHARACTERS = 1024
_RESULT: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)

Work = Callable[[Client, CallContext], Awaitable[object]]
Perform = Callable[[CallContext, Work, Risk], Awaitable[object]]
"""Makes a request of the server that a principal has: what to do, and as how risky it counts."""


@dataclass(slots=True)
class Listing:
    """Makes tools of what a server lists."""

    definition: ToolsetDefinition
    perform: Perform
    _tools: list[Tool] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def add(self, tool: types.Tool) -> None:
        """Add a tool of the server's, or log why it is left out."""
        schema = bounded_schema(tool.input_schema)
        if schema is None:
            logger.warning(
                "tool_left_out", toolset=self.definition.title, tool=tool.name[:MOST], reason="its schema is too large"
            )
            return
        is_structured = tool.output_schema is not None

        async def work(client: Client, context: CallContext, arguments: Mapping[str, Any]) -> object:
            return told(await call_tool(client, context, tool.name, arguments), is_structured=is_structured)

        said, secrets = tool.description or tool.title or tool.name, secrets_of(tool.input_schema)
        self._add(tool.name, said, schema, self._risk(tool), work, secrets=secrets)

    def add_reading(self, capabilities: types.ServerCapabilities) -> None:
        """Add tools that read the server's resources and prompts, if it has such."""
        for one in reading_tools(capabilities):
            self._add(one.name, one.description, one.schema, "read", one.work)

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools that were added, in their order."""
        return tuple(self._tools)

    def _risk(self, tool: types.Tool) -> Risk:
        server, hints = self.definition.mcp, tool.annotations
        trusts = server is not None and server.trust_hints
        return "read" if trusts and hints is not None and hints.read_only_hint is True else "write"

    def _add(
        self,
        name: str,
        description: str,
        schema: dict[str, Any],
        risk: Risk,
        work: Callable[..., Awaitable[object]],
        *,
        secrets: dict[str, Any] | None = None,
    ) -> None:
        valid = valid_name(name, taken=self._names, most=MOST - len(self.definition.prefix))
        self._names.add(valid)
        said = self.definition.tools.get(valid)
        counts_as = (said and said.risk) or risk

        async def call(context: CallContext, arguments: Mapping[str, Any]) -> object:
            check_sendable(arguments)

            async def do(client: Client, context: CallContext) -> object:
                return await work(client, context, arguments)

            return await self.perform(context, do, counts_as)

        tool = Tool(valid, _bounded(description), schema, call, risk=risk, secrets=secrets, origin=Origin())
        self._tools.append(tool)


async def list_tools(client: Client, definition: ToolsetDefinition, perform: Perform) -> Sequence[Tool]:
    """Return all tools of a server, and those that read its resources and prompts."""
    listing = Listing(definition, perform)
    if client.server_capabilities.tools is not None:
        async for tool in of_pages(lambda cursor: client.list_tools(cursor=cursor), "tools", most=MOST_TOOLS):
            listing.add(tool)
            await asyncio.sleep(0)  # a thousand of them may take seconds, in which others have their turn
    listing.add_reading(client.server_capabilities)
    return listing.tools


async def call_tool(
    client: Client, context: CallContext, name: str, arguments: Mapping[str, Any]
) -> types.CallToolResult:
    """Call a tool of the server, and hand on what it says of its progress.

    The SDK's own method would check the result against the server's schema: patterns of somebody else's, run on data of
    somebody else's. It would also ask the user whatever the server wants to know.
    """
    request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=dict(arguments)))
    result = await client.session.send_request(request, _RESULT, progress_callback=_progress(context))
    return finished(result)


def check_sendable(arguments: Mapping[str, Any]) -> None:
    """Refuse what JSON cannot say. The SDK would find out while it sends, and end everybody's connection.

    Raises:
        ToolError: an argument is no number, or holds half a character.
    """
    try:
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as exc:
        raise ToolError("An argument holds something that cannot be sent.") from exc


def _progress(context: CallContext) -> Any:
    async def tell(progress: float, total: float | None, message: str | None) -> None:
        share = min(max(progress / total, 0.0), 1.0) if total else None
        await context.progress(share, line(message) or None)

    return tell


def _bounded(text: str) -> str:
    plain = clean(text).strip()
    return plain if len(plain) <= DESCRIPTION_CHARACTERS else f"{plain[: DESCRIPTION_CHARACTERS - 1]}…"


def are_same(now: Sequence[Tool], before: Sequence[Tool]) -> bool:
    """Return whether two lists say the same. Each listing makes new functions that call, which do the same."""
    return [replace(tool, call=_nothing) for tool in now] == [replace(tool, call=_nothing) for tool in before]


async def _nothing(*_: object) -> object:
    return None

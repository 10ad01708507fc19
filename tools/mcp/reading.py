"""A server's resources and prompts, as tools that list and read them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from mcp import Client

from agent.errors import ToolError
from agent.toolkit import CallContext
from tools.mcp.results import finished, prompted, read

MOST_PAGES = 50
MOST_LISTED = 200
"""Resources or prompts that one call lists."""
LINE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class ReadingTool:
    """A tool that only reads."""

    name: str
    description: str
    schema: dict[str, Any]
    work: Callable[[Client, CallContext, Mapping[str, Any]], Awaitable[object]]


def reading_tools(capabilities: types.ServerCapabilities) -> Iterator[ReadingTool]:
    """Yield those for what the server has."""
    if capabilities.resources is not None:
        uri = _object(uri="The URI, as list_resources gives it.")
        yield ReadingTool("list_resources", "Lists what can be read here, with its URIs.", _object(), _list_resources)
        yield ReadingTool("read_resource", "Reads one of what list_resources lists.", uri, _read_resource)
    if capabilities.prompts is not None:
        name = _object(name="The name, as list_prompts gives it.")
        name["properties"]["arguments"] = {"type": "object", "additionalProperties": {"type": "string"}}
        yield ReadingTool("list_prompts", "Lists prepared instructions for tasks.", _object(), _list_prompts)
        yield ReadingTool("get_prompt", "Reads one of the prepared instructions.", name, _get_prompt)


async def of_pages(page: Callable[[str | None], Awaitable[Any]], what: str, *, most: int) -> AsyncGenerator[Any]:
    """Yield what all pages list, up to a bound: a server's pages need not end, and of large ones one is held at a time."""
    left = most
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        result = await page(cursor)
        for one in getattr(result, what)[:left]:
            yield one
        left -= len(getattr(result, what))
        if result.next_cursor is None or result.next_cursor == cursor or left <= 0:
            break
        cursor = result.next_cursor


def line(text: str | None) -> str:
    """Return a server's text as one short line."""
    return " ".join((text or "").split())[:LINE_CHARACTERS]


async def _list_resources(client: Client, context: CallContext, arguments: Mapping[str, Any]) -> object:
    found = of_pages(lambda cursor: client.list_resources(cursor=cursor), "resources", most=MOST_LISTED)
    listed: dict[str, object] = {"resources": [_entry(one, one.uri) async for one in found]}
    patterns = (await client.list_resource_templates()).resource_templates[:MOST_LISTED]
    return {**listed, "patterns": [_entry(one, one.uri_template) for one in patterns]} if patterns else listed


def _entry(one: types.Resource | types.ResourceTemplate, uri: str) -> dict[str, str]:
    entry = {"uri": uri, "name": line(one.title or one.name), "description": line(one.description)}
    return {name: value for name, value in entry.items() if value}


async def _read_resource(client: Client, context: CallContext, arguments: Mapping[str, Any]) -> object:
    return read(finished(await client.session.read_resource(_text(arguments, "uri"), allow_input_required=True)))


async def _list_prompts(client: Client, context: CallContext, arguments: Mapping[str, Any]) -> object:
    found = of_pages(lambda cursor: client.list_prompts(cursor=cursor), "prompts", most=MOST_LISTED)
    return {"prompts": [_prompt(one) async for one in found]}


def _prompt(one: types.Prompt) -> dict[str, object]:
    arguments = [part.name for part in one.arguments or ()]
    return {"name": one.name, "description": line(one.description or one.title), "arguments": arguments}


async def _get_prompt(client: Client, context: CallContext, arguments: Mapping[str, Any]) -> object:
    given = arguments.get("arguments")
    values = {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else None
    got = await client.session.get_prompt(_text(arguments, "name"), values, allow_input_required=True)
    return prompted(finished(got))


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise ToolError(f"The arguments are not valid: {name}: a text is needed. Correct them and call again.")
    return value


def _object(**texts: str) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": description} for name, description in texts.items()}
    return {"type": "object", "properties": properties, **({"required": list(texts)} if texts else {})}

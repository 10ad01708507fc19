"""`frontdesk tools`: what the assistants' models can ask for, and what of the documents behind them they cannot.

It asks the same toolsets as the server, so it shows what the server would offer. It needs no server, no model and no token.
"""

import asyncio
import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack

import orjson
from httpx2 import URL

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.prompt.history import CHARACTERS_PER_TOKEN
from agent.toolkit import Tool, Toolset, as_function
from api.backends import configured_url
from api.equipment import equip
from api.settings import Settings
from tools.memory import MemoryToolset
from tools.names import near
from tools.openapi.importing import Imported
from tools.openapi.toolset import OpenApiToolset
from tools.shaping import ShapedToolset

OPEN_TIMEOUT_S = 60.0
"""For one toolset to be opened and to list its tools."""
MOST_TOLD = 3
"""Paths and operations that are told of servers elsewhere."""


async def print_inventory(settings: Settings, wanted: Sequence[str]) -> bool:
    """Print the tools of all assistants; of those that are `wanted` by name what a model gets of them instead.

    Returns whether all of it is there: False where a toolset cannot be opened, or a wanted tool is none of them.

    Raises:
        ConfigurationError: a definition, a backend or a toolset is wrong.
    """
    equipment = equip(settings, None)
    found: dict[str, Tool] = {}
    is_whole = True
    async with AsyncExitStack() as stack:
        for one in equipment.assistants:
            if not wanted:
                print(f"{one.definition.name} ({one.id})")
            total: list[Tool] = []
            for toolset in one.toolsets:
                try:
                    tools = await listed(stack, toolset)
                except (ConfigurationError, OSError, TimeoutError) as exc:
                    is_whole = False
                    print(f"  {title(toolset)}: it cannot be opened: {exc or type(exc).__name__}")
                    continue
                total += tools
                if not wanted:
                    _print_toolset(settings, one.definition, toolset, tools)
            found |= {tool.name: tool for tool in total if tool.name not in found}
            if not wanted:
                _print_page_tools(one.definition)
                print(f"  {_counted(total)}, {_sum(total)} tokens in all\n")
    return _print_wanted(found, wanted) and is_whole


async def listed(stack: AsyncExitStack, toolset: Toolset) -> Sequence[Tool]:
    """Return the tools of a toolset, which is open until the stack is left."""
    definition = _definition(toolset)
    role = definition.roles[0] if definition is not None and definition.roles else "-"
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        await stack.enter_async_context(toolset)
        return await toolset.tools(Principal("-", "-", role))


def _definition(toolset: Toolset) -> ToolsetDefinition | None:
    return toolset.definition if isinstance(toolset, ShapedToolset) else None


def title(toolset: Toolset) -> str:
    """Return what a toolset is made of, in a word or two."""
    definition = _definition(toolset)
    if definition is None:
        return "memory" if isinstance(toolset, MemoryToolset) else "actions"
    source = next(name for name in ("openapi", "python", "mcp", "langchain") if getattr(definition, name) is not None)
    return f"{source}: {definition.title}"


def _print_toolset(settings: Settings, assistant: Assistant, toolset: Toolset, tools: Sequence[Tool]) -> None:
    definition = _definition(toolset)
    if definition is None and not tools:
        return
    roles = f", for {', '.join(definition.roles)}" if definition is not None and definition.roles else ""
    print(f"  {title(toolset)}: {_counted(tools)}, {_sum(tools)} tokens{roles}")
    for tool in tools:
        origin = f"  {tool.origin.method} {tool.origin.path}" if tool.origin is not None and tool.origin.method else ""
        print(f"    {tool.risk:<9} {_tokens(tool):>6}  {tool.name}{_printable(origin)}")
    source = toolset.source if isinstance(toolset, ShapedToolset) else None
    if definition is not None and isinstance(source, OpenApiToolset) and source.imported is not None:
        _print_strange(definition, source.imported)
        url = _url_of(settings, assistant, definition)
        _print_rest(source.imported, [*_mismatches(url, definition, source.imported)])
        for one in source.withheld.values():
            print(f"    {_printable(str(one))}")


def _print_page_tools(assistant: Assistant) -> None:
    """Say what the page can be asked for; what it describes itself is known by a pattern, and only with a message."""
    if assistant.page_tools:
        print(f"  page: {len(assistant.page_tools)} in the definition, where a page runs them")
    for name, tool in assistant.page_tools.items():
        print(f"    {tool.risk:<9} {'':>6}  {name}{'' if tool.description else '  (the page describes it)'}")


def _print_strange(definition: ToolsetDefinition, imported: Imported) -> None:
    """Say which names of `include` and `exclude` are none of the document's, with those that look like them."""
    for said in (*definition.include, *definition.exclude):
        if said.name is None or fnmatch.filter(imported.names, said.name):
            continue
        found = near(said.name, imported.names)
        print(f"    nothing is called {said.name}" + (f"; near it are {', '.join(found)}" if found else ""))


def _print_rest(imported: Imported, mismatches: Sequence[str]) -> None:
    if imported.unwanted:
        print(
            f"    {imported.unwanted} more are left out by include, exclude and hidden, or change something and are not named"
        )
    if imported.deprecated:
        print(f"    {imported.deprecated} {'is' if imported.deprecated == 1 else 'are'} deprecated")
    if imported.problems:
        print(f"    {len(imported.problems)} cannot be used:")
    for problem in imported.problems:
        print(f"      {_printable(str(problem))}")
    for mismatch in mismatches:
        print(f"    {mismatch}")


def _url_of(settings: Settings, assistant: Assistant, definition: ToolsetDefinition) -> URL:
    """Return the URL of a toolset's backend; an empty one where it has none."""
    known = assistant.all_backends.get(definition.backend)
    configured = configured_url(settings, definition.backend)
    return URL(configured or (known.url if known is not None else None) or "")


def _mismatches(url: URL, definition: ToolsetDefinition, imported: Imported) -> Iterator[str]:
    """Yield what to look at where the document's servers, or an operation's own, are elsewhere than the backend."""
    if imported.server_paths and not any(_ends_in(url, one) for one in imported.server_paths):
        paths = " or ".join(f"/{_printable(one)}" for one in imported.server_paths[:MOST_TOLD])
        yield (
            f"the document's servers have the path {paths}, which the URL of backend {definition.backend!r} does not end in"
        )
    strange = [
        one for one in imported.operations if one.servers and not any(_is_at(url, at, imported) for at in one.servers)
    ]
    if strange:
        told = ", ".join(_printable(f"{one.method} {one.path} at {one.servers[0]}") for one in strange[:MOST_TOLD])
        yield (
            f"{len(strange)} of the operations have servers of their own, and are called at backend {definition.backend!r} all the"
            f" same: {told}{', …' if len(strange) > MOST_TOLD else ''}"
        )


def _is_at(url: URL, server: str, imported: Imported) -> bool:
    """Return whether an operation's own server can be the backend at this URL."""
    if server.startswith("//"):
        host, _, path = server[2:].partition("/")
        return host == url.netloc.decode("ascii") and url.path.strip("/") == path
    path = server[1:]
    return _ends_in(url, path) if path else not imported.server_paths or not url.path.strip("/")


def _ends_in(url: URL, path: str) -> bool:
    return f"/{url.path.strip('/')}".endswith(f"/{path}")


def _print_wanted(found: dict[str, Tool], wanted: Sequence[str]) -> bool:
    for name in wanted:
        if name not in found:
            meant = near(name, found)
            print(f"There is no tool {name!r}." + (f" Near it are {', '.join(meant)}." if meant else ""))
            continue
        print(orjson.dumps(as_function(found[name]), option=orjson.OPT_INDENT_2).decode())
        print(f"{_tokens(found[name])} tokens")
    return all(name in found for name in wanted)


def _tokens(tool: Tool) -> int:
    return -(-len(orjson.dumps(as_function(tool))) // CHARACTERS_PER_TOKEN)


def _counted(tools: Sequence[Tool]) -> str:
    return f"{len(tools)} tool{'' if len(tools) == 1 else 's'}"


def _sum(tools: Iterable[Tool]) -> str:
    return f"{sum(map(_tokens, tools)):,}"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)

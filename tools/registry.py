"""The toolsets of an assistant, put together and checked once at start."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import TOOL_NAME, ToolsetDefinition
from agent.context.memories import Memories
from agent.errors import ConfigurationError
from agent.toolkit import FIND_TOOLS, Tool, Toolset
from tools.actions import action_tools
from tools.backends.backend import Backend
from tools.backends.reach import Reach
from tools.context import check_context
from tools.fixed import FixedToolset
from tools.functions import load_functions
from tools.memory import MemoryToolset
from tools.modules import load_module
from tools.names import near
from tools.questions import check_questions, wrong_question
from tools.shaping import ShapedToolset, named, shape, spoken_of
from tools.source import Source

NAME = re.compile(TOOL_NAME)


def load_toolsets(
    assistant: Assistant,
    backends: Mapping[str, Backend],
    *,
    folder: Path,
    data: Path | None = None,
    is_start: bool = True,
    reach: Reach | None = None,
    memories: Memories | None = None,
) -> list[Toolset]:
    """Return where the assistant's tools come from: its toolsets in order, then its actions. Nothing is opened yet.

    `folder` is where its file lies: what it names by a relative path is found from there. `data` is where what was read of
    documents is kept; None: nowhere. `is_start` is False for who only looks: the next start tells what has changed all the
    same. `reach` is who may be connected to; `memories` is where facts are kept.

    Raises:
        ConfigurationError: a toolset cannot be loaded, needs a backend that is not there, a name is bad or twice, or
            there are words for a tool that is not there.
    """
    toolsets: list[Toolset] = []
    known: dict[str, Tool] = {}
    sources: dict[str, ToolsetDefinition] = {}
    held: set[str] = set()
    all_known = True
    for definition in assistant.toolsets:
        source = _source(definition, assistant, backends, folder=folder, data=data, is_start=is_start, reach=reach)
        if names := source.names:
            _check_overrides(definition, names)
            shaped = shape(source.every, definition)
            _add(known, shaped)
            sources |= dict.fromkeys((tool.name for tool in shaped), definition)
            if definition.python is not None and not shaped:  # a document may change without anybody's fault
                raise ConfigurationError(
                    f"toolset {definition.title}: none of its {len(names)} tools is left: include those that it is to have"
                )
            held |= set(named(source.withheld, definition))
        all_known = all_known and bool(names)
        toolsets.append(ShapedToolset(source, definition))
    actions = FixedToolset(action_tools(assistant.actions))
    _add(known, actions.every)
    toolsets += [actions, *_memory(assistant, memories, known)]
    _check_names(assistant, known, held=held if all_known else None)
    check_questions(known.values())
    _check_page_questions(assistant)
    check_context(assistant, {name: (tool, sources.get(name)) for name, tool in known.items()})
    return toolsets


def _memory(assistant: Assistant, memories: Memories | None, known: dict[str, Tool]) -> list[Toolset]:
    """Return the tools that remember, where the assistant has a memory, and add them to those that are known."""
    if assistant.memory is None:
        return []
    memory = MemoryToolset(assistant.memory, memories)
    if taken := [tool.name for tool in memory.every if tool.name in known]:
        raise ConfigurationError(f"memory has a tool {taken[0]!r} of its own: give the other one another name")
    _add(known, memory.every)
    return [memory]


def _check_names(assistant: Assistant, known: Mapping[str, Tool], *, held: set[str] | None) -> None:
    """Refuse a tool of the page that is there already, and words for one that is not. `held`: those withheld; None: not all are known."""
    if twice := sorted(set(assistant.page_tools) & {*known, FIND_TOOLS}):
        raise ConfigurationError(f"page_tools: there is a tool {twice[0]!r} already")
    if held is None:
        return
    if strange := sorted(set(assistant.tools) - {*known, *held, *assistant.page_tools, FIND_TOOLS}):
        raise ConfigurationError(f"tools: there is no tool {strange[0]!r}")


def _check_page_questions(assistant: Assistant) -> None:
    for name, tool in assistant.page_tools.items():
        if tool.description is not None and (wrong := wrong_question(tool.takes, tool.ask)):
            raise ConfigurationError(f"page_tools.{name}.ask: {wrong}")


def _source(
    definition: ToolsetDefinition,
    assistant: Assistant,
    backends: Mapping[str, Backend],
    *,
    folder: Path,
    data: Path | None,
    is_start: bool,
    reach: Reach | None,
) -> Source:
    if definition.python is not None:
        module = load_module(definition.python, folder=folder, what=f"toolset {definition.python}")
        return FixedToolset(load_functions(module, _backend(definition, backends), backends, title=definition.python))
    # The libraries behind the others take their time to be imported: who has none of these does not wait for them.
    if definition.mcp is not None:
        from tools.mcp.toolset import McpToolset

        return McpToolset(definition, reach=reach or Reach())
    if definition.langchain is not None:
        from tools.langchain import load_langchain

        return FixedToolset(load_langchain(definition, folder=folder))
    assert definition.openapi is not None
    from tools.openapi.kept import Kept
    from tools.openapi.toolset import OpenApiToolset

    return OpenApiToolset(
        definition,
        _backend(definition, backends),
        folder=folder,
        kept=Kept(data, is_start=is_start),
        reach=reach or Reach(),
        result_bytes=assistant.limits.tool_result_bytes,
    )


def _backend(definition: ToolsetDefinition, backends: Mapping[str, Backend]) -> Backend:
    backend = backends.get(definition.backend)
    if backend is None:
        raise ConfigurationError(
            f"toolset {definition.title}: the assistant has no backend {definition.backend!r}: set backend, backends,"
            " or FRONTDESK_BACKEND_URL"
        )
    return backend


def _check_overrides(definition: ToolsetDefinition, names: Sequence[str]) -> None:
    if strange := sorted(spoken_of(definition).difference(names)):
        found = near(strange[0], names)
        hint = f"; near it are {', '.join(found)}" if found else ""
        raise ConfigurationError(f"toolset {definition.title}: there is no tool {strange[0]!r}{hint}")


def _add(known: dict[str, Tool], found: list[Tool] | tuple[Tool, ...]) -> None:
    for tool in found:
        if not NAME.fullmatch(tool.name):
            raise ConfigurationError(f"tool {tool.name!r}: a name is letters, digits, _ and -, at most 64")
        if tool.name in known:
            raise ConfigurationError(f"tool {tool.name!r} is there twice")
        known[tool.name] = tool

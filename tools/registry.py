"""The toolsets of an assistant, put together and checked once at start."""

import re
from collections.abc import Mapping
from pathlib import Path

from agent.assistant.definition import Assistant
from agent.assistant.toolsets import TOOL_NAME, ToolsetDefinition
from agent.errors import ConfigurationError
from agent.toolkit import FIND_TOOLS, Tool, Toolset
from tools.actions import action_tools
from tools.backends.backend import Backend
from tools.backends.reach import Reach
from tools.fixed import FixedToolset
from tools.functions import load_functions
from tools.shaping import ShapedToolset, shape

NAME = re.compile(TOOL_NAME)


def load_toolsets(
    assistant: Assistant, backends: Mapping[str, Backend], *, folder: Path, reach: Reach | None = None
) -> list[Toolset]:
    """Return where the assistant's tools come from: its toolsets in order, then its actions. Nothing is opened yet.

    `folder` is where its file lies: what it names by a relative path is found from there. `reach` is who may be connected to.

    Raises:
        ConfigurationError: a toolset cannot be loaded, needs a backend that is not there, a name is bad or twice, or
            there are words for a tool that is not there.
    """
    toolsets: list[Toolset] = []
    known: dict[str, Tool] = {}
    for definition in assistant.toolsets:
        source = _source(definition, backends, folder)
        if isinstance(source, FixedToolset):
            _check_overrides(definition, source)
            _add(known, shape(source.every, definition))
        toolsets.append(ShapedToolset(source, definition))
    actions = FixedToolset(action_tools(assistant.actions))
    _add(known, actions.every)
    all_known = all(one.python is not None or one.langchain is not None for one in assistant.toolsets)
    if all_known and (strange := sorted(set(assistant.tools) - {*known, FIND_TOOLS})):
        raise ConfigurationError(f"tools: there is no tool {strange[0]!r}")
    return [*toolsets, actions]


def _source(definition: ToolsetDefinition, backends: Mapping[str, Backend], folder: Path) -> Toolset:
    if definition.python is not None:
        return FixedToolset(load_functions(definition.python, _backend(definition, backends), backends))
    raise ConfigurationError(f"toolset {definition.title}: not yet")


def _backend(definition: ToolsetDefinition, backends: Mapping[str, Backend]) -> Backend:
    backend = backends.get(definition.backend)
    if backend is None:
        raise ConfigurationError(
            f"toolset {definition.title}: the assistant has no backend {definition.backend!r}: set backend, backends,"
            " or FRONTDESK_BACKEND_URL"
        )
    return backend


def _check_overrides(definition: ToolsetDefinition, source: FixedToolset) -> None:
    if strange := sorted(set(definition.tools) - {tool.name for tool in source.every}):
        raise ConfigurationError(f"toolset {definition.title}: there is no tool {strange[0]!r}")


def _add(known: dict[str, Tool], found: list[Tool] | tuple[Tool, ...]) -> None:
    for tool in found:
        if not NAME.fullmatch(tool.name):
            raise ConfigurationError(f"tool {tool.name!r}: a name is letters, digits, _ and -, at most 64")
        if tool.name in known:
            raise ConfigurationError(f"tool {tool.name!r} is there twice")
        known[tool.name] = tool

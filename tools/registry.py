"""The toolsets of an assistant, put together and checked once at start."""

import re

from agent.assistant.definition import Assistant
from agent.errors import ConfigurationError
from agent.toolkit import Tool, Toolset
from tools.actions import action_tools
from tools.backend import Backend
from tools.fixed import FixedToolset
from tools.functions import load_functions

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""A function's name as every provider accepts it."""


def load_tools(assistant: Assistant, backend: Backend | None) -> dict[str, Tool]:
    """Return all tools of the assistant by name: its toolsets in order, then its actions.

    Raises:
        ConfigurationError: a toolset cannot be loaded, needs a backend that is not there, a name is bad or twice,
            or there are words for a tool that is not there.
    """
    if assistant.toolsets and backend is None:
        raise ConfigurationError("the assistant has toolsets but no backend: set backend, or FRONTDESK_BACKEND_URL")
    found = action_tools(assistant.actions)
    if backend is not None:
        found = [tool for module in assistant.toolsets for tool in load_functions(module, backend)] + found
    tools: dict[str, Tool] = {}
    for tool in found:
        if not NAME.fullmatch(tool.name):
            raise ConfigurationError(f"tool {tool.name!r}: a name is letters, digits, _ and -, at most 64")
        if tool.name in tools:
            raise ConfigurationError(f"tool {tool.name!r} is there twice")
        tools[tool.name] = tool
    if strange := sorted(set(assistant.tools) - set(tools)):
        raise ConfigurationError(f"tools: there is no tool {strange[0]!r}")
    return tools


def load_toolsets(assistant: Assistant, backend: Backend | None) -> list[Toolset]:
    """Return where the assistant's tools come from; nothing is opened yet.

    Raises:
        ConfigurationError: as `load_tools`.
    """
    return [FixedToolset(load_tools(assistant, backend).values())]

"""An assistant's toolsets, put together and checked once at start."""

from pathlib import Path
from typing import Any

import pytest
from support.each import each

from agent.assistant.definition import Assistant
from agent.errors import ConfigurationError
from agent.principal import Principal
from agent.toolkit import Tool
from tools.backends.backend import Backend
from tools.registry import NAME, load_toolsets

THEME = {"description": "Switch the theme.", "values": {"dark": "dark"}}


def assistant(**more: Any) -> Assistant:
    return Assistant.model_validate({"name": "Desk", "persona": "You help.", "models": ["demo"], **more})


async def load_tools(assistant: Assistant, backend: Backend | None) -> dict[str, Tool]:
    """Return the tools that a plain principal has."""
    toolsets = load_toolsets(assistant, {} if backend is None else {"default": backend}, folder=Path())
    somebody = Principal("acme", "ann", "owner")
    return {tool.name: tool for toolset in toolsets for tool in await toolset.tools(somebody)}


async def test_tools_come_by_name_toolsets_first_then_actions(client: Backend) -> None:
    tools = await load_tools(assistant(toolsets=["support.shop_tools"], actions={"change_theme": THEME}), client)
    assert list(tools) == ["find_order", "count_orders", "create_order", "slow_report", "broken", "change_theme"]
    assert all(name == one.name for name, one in tools.items())


async def test_two_tools_of_one_name_are_refused(client: Backend) -> None:
    with pytest.raises(ConfigurationError, match="'find_order' is there twice"):
        await load_tools(assistant(toolsets=["support.shop_tools"] * 2), client)
    with pytest.raises(ConfigurationError, match="'find_order' is there twice"):
        await load_tools(assistant(toolsets=["support.shop_tools"], actions={"find_order": THEME}), client)


@each("name", ["", "change theme", "change.theme", "1st", "-a", "thème", "a" * 65, "a\n", "a/b"])
async def test_a_name_that_a_provider_would_refuse_is_refused_at_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a name is letters, digits"):
        await load_tools(assistant(actions={name: THEME}), None)


@pytest.mark.parametrize("name", ["a", "_a", "change_theme", "change-theme", "A1", "a" * 64])
async def test_a_plain_name_is_taken(name: str) -> None:
    assert list(await load_tools(assistant(actions={name: THEME}), None)) == [name]
    assert NAME.fullmatch(name)


async def test_toolsets_need_a_backend_and_actions_do_not() -> None:
    with pytest.raises(ConfigurationError, match="no backend"):
        await load_tools(assistant(toolsets=["support.shop_tools"]), None)
    assert await load_tools(assistant(), None) == {}

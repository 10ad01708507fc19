"""The tools of an attempt's steps, and the model that knows them.

The invariant: a step's calls are made with the tools that were offered in that step, whatever their sources say meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.runnables import Runnable

from agent.places import tool_place
from agent.principal import Principal
from agent.toolkit import Tool, Toolset
from agent.toolkit import as_function as _function

logger = structlog.get_logger()


class Offer:
    """What the current step may use. Before the first step there is nothing yet."""

    def __init__(self, chat_model: BaseChatModel, toolsets: Sequence[Toolset], *, timeout_s: float) -> None:
        self.tools: Mapping[str, Tool] = {}
        self.model: Runnable[LanguageModelInput, Any] = chat_model
        self._chat_model = chat_model
        self._toolsets = toolsets
        self._timeout_s = timeout_s
        self._sources: list[Sequence[Tool]] | None = None
        self._functions: list[dict[str, Any]] = []

    @property
    def is_made(self) -> bool:
        """Whether the toolsets were asked already."""
        return self._sources is not None

    async def renew(self, principal: Principal) -> None:
        """Ask the toolsets what they have now. Where that is what they had, nothing is made anew.

        A toolset that breaks, or does not say it in time, has what it had in the step before; before that, nothing.
        The model is bound again only where it would read something else: a provider's prompt cache begins with the tools.
        """
        before = self._sources or [()] * len(self._toolsets)
        sources = [
            await self._ask(toolset, principal, before=had) for toolset, had in zip(self._toolsets, before, strict=True)
        ]
        if self._sources is not None and all(map(_is_same, sources, self._sources)):
            return
        self._sources, self.tools = sources, _by_name(sources)
        functions = [_function(tool) for tool in self.tools.values()]
        if functions != self._functions:
            self._functions = functions
            self.model = self._chat_model.bind_tools(functions) if functions else self._chat_model

    async def _ask(self, toolset: Toolset, principal: Principal, *, before: Sequence[Tool]) -> Sequence[Tool]:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await toolset.tools(principal)
        except Exception as exc:  # noqa: BLE001 (a vendor's code: the other tools are there all the same)
            logger.error(
                "toolset_failed", toolset=type(toolset).__name__, error=type(exc).__name__, where=tool_place(exc)
            )
            return before


def _is_same(now: Sequence[Tool], before: Sequence[Tool]) -> bool:
    return now is before


def _by_name(sources: Sequence[Sequence[Tool]]) -> dict[str, Tool]:
    """Return all tools by name. Of two that came to the same name the earlier toolset's stays: it was there first."""
    tools: dict[str, Tool] = {}
    for tool in (tool for source in sources for tool in source):
        if tools.setdefault(tool.name, tool) is not tool:
            logger.warning("tool_left_out", tool=tool.name, reason="another toolset has one of this name")
    return tools

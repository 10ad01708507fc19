"""The tools of an attempt's steps, and the model that knows them.

The invariant: a step's calls are made with the tools that were there for that step, whatever their sources say meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.runnables import Runnable

from agent.attempt.reads import only_reads
from agent.places import tool_place
from agent.principal import Principal
from agent.toolkit import Choice, Heard, Selector, Tool, Toolset, as_function, by_name

logger = structlog.get_logger()


class Offer:
    """The offer to the current step: what it may use. Before the first step there is nothing yet."""

    def __init__(
        self,
        chat_model: BaseChatModel,
        toolsets: Sequence[Toolset],
        *,
        timeout_s: float,
        selector: Selector | None = None,
        page: Sequence[Tool] = (),
        reads_only: bool = False,
    ) -> None:
        self.tools: Mapping[str, Tool] = {}
        """All that the principal has, by name: a model may remember one from the history that this step is not offered."""
        self.names: Sequence[str] = ()
        """The names of the tools that the step is offered, in the order in which the model reads them."""
        self.model: Runnable[LanguageModelInput, Any] = chat_model
        self._chat_model = chat_model
        self._toolsets = toolsets
        self._timeout_s = timeout_s
        self._selector = selector
        self._page = page
        self._reads_only = reads_only
        self._chosen: Sequence[str] = ()
        self._sources: list[Sequence[Tool]] | None = None
        self._functions: list[dict[str, Any]] = []

    def turn_to(self, chat_model: BaseChatModel) -> None:
        """Let another model have the same tools from now on."""
        self._chat_model = chat_model
        self._bind()

    @property
    def model_name(self) -> str:
        """The name of its model, as the definition has it."""
        return self._chat_model.name or ""

    @property
    def is_made(self) -> bool:
        """Whether the toolsets were asked already."""
        return self._sources is not None

    @property
    def functions_size(self) -> int:
        """How many characters the model reads of the step's tools."""
        return len(str(self._functions)) if self._functions else 0

    async def renew(self, principal: Principal, hear: Callable[[], Heard]) -> None:
        """Ask the toolsets what they have now, and choose where that is too much. Where all is as it was, nothing is made anew.

        A toolset that breaks, or does not say it in time, has what it had in the step before; before that, nothing.
        The model is bound again only where it would read something else: a provider's prompt cache begins with the tools.
        """
        before = self._sources or [()] * len(self._toolsets)
        sources = [
            await ask_toolset(toolset, principal, timeout_s=self._timeout_s, before=had)
            for toolset, had in zip(self._toolsets, before, strict=True)
        ]
        if self._reads_only:
            pairs = zip(self._toolsets, sources, strict=True)
            sources = [only_reads(principal, toolset, tools) for toolset, tools in pairs]
        is_same = self._sources is not None and all(map(_is_same, sources, self._sources))
        choice: Choice | None = None
        if self._selector is not None:
            choice = await self._selector.choose(principal, sources, hear, before=self._chosen, are_new=not is_same)
        if is_same and (choice is None or [tool.name for tool in choice.offered] == self._chosen):
            return
        self._take(sources, choice)

    def _take(self, sources: list[Sequence[Tool]], choice: Choice | None) -> None:
        every, left_out = by_name(sources)
        for tool in left_out:
            logger.warning("tool_left_out", tool=tool.name, reason="there is another one of this name")
        chosen = list(every.values()) if choice is None else choice.offered
        # The page's come last and are not chosen among: what a page says of them is in nothing that others share.
        offered = [*chosen, *(tool for tool in self._page if tool.name not in every)]
        self._chosen = [tool.name for tool in chosen]
        self._sources, self.names = sources, [tool.name for tool in offered]
        self.tools = {**every, **{tool.name: tool for tool in offered}}
        functions = [as_function(tool) for tool in offered]
        if functions != self._functions:
            self._functions = functions
            self._bind()

    def _bind(self) -> None:
        functions = self._functions
        self.model = self._chat_model.bind_tools(functions) if functions else self._chat_model


async def ask_toolset(
    toolset: Toolset, principal: Principal, *, timeout_s: float, before: Sequence[Tool] = ()
) -> Sequence[Tool]:
    """Return what a toolset has now for the principal; `before`, where it breaks or does not say it in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return await toolset.tools(principal)
    except Exception as exc:  # noqa: BLE001 (a vendor's code: the other tools are there all the same)
        logger.error("toolset_failed", toolset=type(toolset).__name__, error=type(exc).__name__, where=tool_place(exc))
        return before


def _is_same(now: Sequence[Tool], before: Sequence[Tool]) -> bool:
    return now is before

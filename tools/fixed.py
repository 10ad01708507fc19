"""A toolset that never changes: functions and actions, which are known when the server starts."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from agent.principal import Principal
from agent.toolkit import Tool


class FixedToolset:
    """The same tools for everybody, in the order that they were given. There is nothing to open."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self.every = tuple(tools)
        self.names = tuple(tool.name for tool in self.every)
        self.withheld: dict[str, object] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def learn(self) -> None:
        """Do nothing: all is known."""

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        """Return the tools: the same object each time."""
        return self.every

"""The source behind one entry of a definition's `toolsets`, and what is known of it while nothing is open."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from agent.toolkit import Tool, Toolset


class Source(Toolset, Protocol):
    """A toolset before a definition shapes it. What it knows before it is entered is checked when the server starts."""

    @property
    def every(self) -> Sequence[Tool]:
        """Its tools, as far as they are known; none of a server that tells them when it is asked."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of all that it has, wanted or not; none where they are not known."""
        ...

    @property
    def withheld(self) -> Mapping[str, object]:
        """Tools that are not offered until the definition agrees to them, by name; the text of each says why."""
        ...

    async def learn(self) -> None:
        """Fetch what has to be known before it can be entered.

        Raises:
            ConfigurationError: it cannot be had.
        """
        ...

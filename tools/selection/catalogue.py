"""A list of tools, as a choice knows it: which are always there, how large each is, and how they rank.

It is made once for each list and kept while that is asked for; what is kept of all lists together is bounded.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakValueDictionary

import orjson

from agent.newest import Newest, owner_of
from agent.principal import Principal
from agent.toolkit import Tool, as_function, by_name
from tools.selection.ranking import Ranking

BYTES_PER_TOKEN = 4
MAX_KEPT = 64
"""Lists, as of one server for each tenant."""
MAX_KEPT_TOOLS = 40_000
"""Tools of all lists together; the list that was asked for last is kept in any case."""
MOST_AT_ONCE = 64
"""A longer list is looked at off the event loop."""


class Catalogue:
    """A list of tools. `sources` are what toolsets returned, which is kept: so nothing else has their identity."""

    def __init__(self, sources: Sequence[Sequence[Tool]], *, budget_tokens: int, synonyms: Mapping[str, Sequence[str]]):
        self.sources = tuple(sources)
        self.tools, _ = by_name(sources)
        self.names = list(self.tools)
        self.tokens = {name: tokens_of(tool) for name, tool in self.tools.items()}
        self.always = [name for name, tool in self.tools.items() if tool.is_pinned or tool.kind == "action"]
        self.fits = sum(self.tokens.values()) <= budget_tokens
        self.ranking = None if self.fits else Ranking(list(self.tools.values()), synonyms)

    def size(self, names: Iterable[str]) -> int:
        """Return how many tokens tools take, of those that there are."""
        return sum(self.tokens.get(name, 0) for name in names)


def tokens_of(tool: Tool) -> int:
    """Return roughly how many tokens a tool takes in a request."""
    whole = orjson.dumps(as_function(tool), default=_plain, option=orjson.OPT_NON_STR_KEYS)
    return -(-len(whole) // BYTES_PER_TOKEN)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


class Catalogues:
    """The lists that are in use."""

    def __init__(self, *, budget_tokens: int, synonyms: Mapping[str, Sequence[str]]) -> None:
        self._budget_tokens = budget_tokens
        self._synonyms = synonyms
        self._kept: Newest[tuple[int, ...], Catalogue] = Newest(MAX_KEPT)
        self._in_making: WeakValueDictionary[tuple[int, ...], asyncio.Lock] = WeakValueDictionary()

    async def of(self, principal: Principal, sources: Sequence[Sequence[Tool]]) -> Catalogue:
        """Return what is known of a list. Of many that ask for a new one at once, one waits for it to be made."""
        key, owner = tuple(map(id, sources)), owner_of(principal)
        if (kept := self._kept.find(owner, key)) is not None:
            return kept
        async with self._in_making.setdefault(key, asyncio.Lock()):
            if (made := self._kept.find(owner, key)) is None:
                made = await self._made(sources)
                self._kept.keep(owner, key, made)
                self._forget()
            return made

    async def _made(self, sources: Sequence[Sequence[Tool]]) -> Catalogue:
        if sum(map(len, sources)) <= MOST_AT_ONCE:
            return self._make(sources)
        return await asyncio.to_thread(self._make, sources)

    def _make(self, sources: Sequence[Sequence[Tool]]) -> Catalogue:
        return Catalogue(sources, budget_tokens=self._budget_tokens, synonyms=self._synonyms)

    def _forget(self) -> None:
        while len(self._kept.values) > 1 and sum(len(one.tools) for one in self._kept.values) > MAX_KEPT_TOOLS:
            self._kept.forget_oldest()

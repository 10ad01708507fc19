"""The tools that only read: what a lane has, whose answer may be put aside, so that nothing is done for it.

What is kept is kept beside the toolset that it was made of, and goes with it; of each user the newest lists alone.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from agent.newest import Newest, owner_of
from agent.principal import Principal
from agent.toolkit import Tool, Toolset

MAX_KEPT = 256
"""Different lists of one toolset, as of one server for each tenant."""

Kept = Newest[int, tuple[Sequence[Tool], Sequence[Tool]]]
_kept: WeakKeyDictionary[Toolset, Kept] = WeakKeyDictionary()
"""Lists and what of them only reads, by the identity of the lists, which are kept with it: so no other object has that identity."""


def only_reads(principal: Principal, toolset: Toolset, tools: Sequence[Tool]) -> Sequence[Tool]:
    """Return the tools of a toolset's list that ask a backend, change nothing, and need nobody's yes.

    Of the same list it is the same object each time, as with toolsets: whoever has chosen among many knows them again.
    """
    kept, owner = _kept.setdefault(toolset, Newest(MAX_KEPT)), owner_of(principal)
    if (made := kept.find(owner, id(tools))) is None:
        found = [tool for tool in tools if tool.kind == "data" and tool.risk == "read" and tool.confirm is not True]
        made = tools, found if len(found) < len(tools) else tools
        kept.keep(owner, id(tools), made)
    return made[1]

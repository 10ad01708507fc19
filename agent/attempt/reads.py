"""The tools that only read: what a lane has, whose answer may be put aside, so that nothing is done for it."""

from collections import OrderedDict
from collections.abc import Sequence

from agent.toolkit import Tool

MAX_KEPT = 64
_kept: OrderedDict[int, tuple[Sequence[Tool], Sequence[Tool]]] = OrderedDict()
"""Lists of toolsets and what of them only reads, by the identity of the lists, which are kept with it."""


def only_reads(tools: Sequence[Tool]) -> Sequence[Tool]:
    """Return the tools of a toolset's list that ask a backend, change nothing, and need nobody's yes.

    Of the same list it is the same object each time, as with toolsets: whoever has chosen among many knows them again.
    """
    if (kept := _kept.get(id(tools))) is None:
        found = [tool for tool in tools if tool.kind == "data" and tool.risk == "read" and tool.confirm is not True]
        kept = _kept[id(tools)] = tools, found if len(found) < len(tools) else tools
    _kept.move_to_end(id(tools))
    if len(_kept) > MAX_KEPT:
        _kept.popitem(last=False)
    return kept[1]

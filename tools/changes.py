"""Changes of tools whose descriptions come from elsewhere: shown in the log, line by line.

A description is read by the model. One that was harmless when somebody looked at it may be something else today.
"""

from collections.abc import Iterable, Iterator
from difflib import unified_diff

import orjson
import structlog

from agent.toolkit import Tool

logger = structlog.get_logger()

MOST_LINES = 40
MOST_CHARACTERS = 300
MOST_TOOLS = 20


def tell_changes(before: Iterable[Tool], after: Iterable[Tool], *, toolset: str) -> None:
    """Log how tools differ from what they were: those that are new or gone by name, changed ones as a diff. Bounded."""
    old, new = {tool.name: tool for tool in before}, {tool.name: tool for tool in after}
    came, went = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    if came or went:
        logger.info("tools_came_or_went", toolset=toolset, came=came[:MOST_TOOLS], went=went[:MOST_TOOLS])
    changed = [(old[name], tool) for name, tool in new.items() if name in old and _lines(old[name]) != _lines(tool)]
    for one, other in changed[:MOST_TOOLS]:
        logger.warning("tool_changed", toolset=toolset, tool=other.name, diff=list(_diff(one, other)))


def _diff(before: Tool, after: Tool) -> Iterator[str]:
    for at, line in enumerate(unified_diff(_lines(before), _lines(after), n=0, lineterm="")):
        if at >= MOST_LINES:
            yield "…"
            return
        if at > 1:  # what comes first are the names of files
            yield line[:MOST_CHARACTERS]


def _lines(tool: Tool) -> list[str]:
    schema = orjson.dumps(dict(tool.schema), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    return [f"risk: {tool.risk}", *tool.description.splitlines(), *schema.splitlines()]

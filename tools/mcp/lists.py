"""A server's list of tools, put right before the SDK reads it: that would refuse the whole list for one tool.

The invariant: a tool that is none takes no other with it, and of each is kept what is looked at here and no more.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from agent.schemas.keywords import texts_of

logger = structlog.get_logger()

MOST_NAME_CHARACTERS = 1000
_TEXTS = ("name", "title", "description")


def put_right(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a request for tools, as the protocol has it where that can be had."""
    tools = result.get("tools")
    if not isinstance(tools, list):
        return dict(result)
    made = {name: one for name, one in result.items() if name != "nextCursor" or isinstance(one, str)}
    kept = [right for one in tools if (right := _tool(one)) is not None]
    if len(kept) < len(tools):
        logger.warning("mcp_tools_not_understood", count=len(tools) - len(kept))
    return {**made, "tools": kept}


def _tool(tool: Any) -> dict[str, Any] | None:
    if not isinstance(tool, dict) or not isinstance(name := tool.get("name"), str) or len(name) > MOST_NAME_CHARACTERS:
        return None
    made: dict[str, Any] = {name: tool[name] for name in _TEXTS if isinstance(tool.get(name), str)}
    made["inputSchema"] = _schema(tool.get("inputSchema"))
    if isinstance(tool.get("outputSchema"), dict):
        made["outputSchema"] = {"type": "object"}  # that there is one is all that is asked
    hints = tool.get("annotations")
    if isinstance(hints, dict):
        made["annotations"] = {hint: said for hint, said in hints.items() if isinstance(said, bool)}
    return made


def _schema(schema: Any) -> dict[str, Any]:
    given = schema if isinstance(schema, dict) else {}
    made: dict[str, Any] = {name: one for name, one in given.items() if name != "$schema"}
    properties = given.get("properties")
    named = properties.items() if isinstance(properties, dict) else ()
    made["properties"] = {name: one if isinstance(one, dict | bool) else {} for name, one in named}
    return {**made, "type": "object", "required": texts_of(given.get("required"))}

"""Page actions as tools: one per action of the assistant's definition.

The invariant: only a value that the definition allows becomes an action, whatever the model asked for.
"""

import re
from collections.abc import Mapping
from typing import Any

from agent.assistant.definition import PLACEHOLDER, ActionDefinition
from agent.errors import ToolError
from agent.toolkit import Action, CallContext, Tool

ID = r"[A-Za-z0-9_-]{1,64}"
"""The text that may stand for a placeholder: an id, never a slash, a dot or a scheme."""


def action_tools(definitions: Mapping[str, ActionDefinition]) -> list[Tool]:
    """Return one tool per definition, in their order."""
    return [_action_tool(name, definition) for name, definition in definitions.items()]


def _action_tool(name: str, definition: ActionDefinition) -> Tool:
    allowed = re.compile("|".join(_pattern(value) for value in definition.values))

    def action(arguments: Mapping[str, Any]) -> Action:
        value = arguments.get("value")
        if strange := sorted(set(arguments) - {"value"}):
            raise ToolError(f"There is no argument {', '.join(strange)[:200]}: give value only.")
        if not isinstance(value, str) or not allowed.fullmatch(value):
            raise ToolError(f"value must be one of: {', '.join(definition.values)}.")
        return Action(name, value, definition.expects_result)

    async def call(_context: CallContext, arguments: Mapping[str, Any]) -> object:
        return action(arguments)

    return Tool(
        name=name,
        description=definition.description,
        schema=_schema(definition),
        call=call,
        risk="read",
        kind="action",
        timeout_s=definition.timeout_s if definition.expects_result else None,
        acknowledged=action if definition.expects_result else None,
        wordings=definition.wordings,
    )


def _schema(definition: ActionDefinition) -> dict[str, Any]:
    meanings = "; ".join(f"{value} = {meaning}" for value, meaning in definition.values.items())
    templates = [value for value in definition.values if PLACEHOLDER.search(value)]
    value: dict[str, Any] = {"type": "string", "description": meanings}
    if templates:
        value["description"] += ". Put the real id where {…} stands; look it up first when you do not know it."
        value["examples"] = list(definition.values)
    else:
        value["enum"] = list(definition.values)
    return {"type": "object", "properties": {"value": value}, "required": ["value"], "additionalProperties": False}


def _pattern(value: str) -> str:
    """Return the regular expression for one allowed value: literal, with each `{name}` standing for an id."""
    literals = PLACEHOLDER.split(value)
    return ID.join(re.escape(literal) for literal in literals)

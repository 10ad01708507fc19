"""Whether what is said of a tool's arguments is of arguments that it has: in its question, and in what makes a call ask.

The invariant: a misspelt name stops the start. Without that a question would show "…" in its place, and every call would ask.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from agent.errors import ConfigurationError
from agent.toolkit import Tool

PLACE = re.compile(r"\{(\w+)\}")
"""Stands for an argument in a question."""


def check_questions(tools: Iterable[Tool]) -> None:
    """Look at the bounds and the question of each tool.

    Raises:
        ConfigurationError: one names an argument that the tool's schema does not have, or a question has a brace that names none.
    """
    for tool in tools:
        bounds = tool.confirm if isinstance(tool.confirm, tuple) else ()
        if wrong := unknown_argument(tool.schema, (bound.argument.partition(".")[0] for bound in bounds)):
            raise ConfigurationError(f"tool {tool.name}: confirm: {wrong}")
        if wrong := wrong_question(tool.schema, tool.ask):
            raise ConfigurationError(f"tool {tool.name}: ask: {wrong}")


def wrong_question(schema: Mapping[str, Any], ask: str | None) -> str | None:
    """Return what is wrong with a question; None where all is right, as far as the schema says."""
    if ask is None:
        return None
    if re.search(r"[{}]", PLACE.sub("", ask)):
        return "a brace opens and closes around the name of an argument, like {number}"
    return unknown_argument(schema, PLACE.findall(ask))


def unknown_argument(schema: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return what a schema does not have among the names; None where it has all, or takes others."""
    properties = schema.get("properties")
    takes_others = schema.get("additionalProperties", False) is not False or "patternProperties" in schema
    if not isinstance(properties, Mapping) or takes_others:
        return None
    strange = next((name for name in names if name not in properties), None)
    return strange and f"there is no argument {strange!r}; there are: {', '.join(properties) or 'none'}"

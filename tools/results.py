"""The result of a tool, made smaller: only the fields that a definition names."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent.toolkit import ToolResult


class Remark(dict[str, object]):
    """What is said of a call in place of a result, such as that a change was made. No fields are looked for in it."""


def pick(result: object, fields: Sequence[str]) -> object:
    """Return only what stands at these paths, like `items.id`. Through a list a path goes into each of its items.

    A result that is neither an object nor a list is returned as it is, and so is a remark.
    """
    if isinstance(result, Remark):
        return result
    if isinstance(result, ToolResult):
        return replace(result, value=pick(result.value, fields))
    tree: dict[str, Any] = {}
    for field in fields:
        at = tree
        for name in field.split("."):
            at = at.setdefault(name, {})
    return _picked(result, tree)


def _picked(value: object, tree: dict[str, Any]) -> object:
    if not tree:
        return value
    if isinstance(value, list):
        return [_picked(one, tree) for one in value]
    if isinstance(value, dict):
        return {name: _picked(value[name], below) for name, below in tree.items() if name in value}
    return value

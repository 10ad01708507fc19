"""The result of a tool, made smaller: only the fields that a definition names."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson

from agent.assistant.toolsets import CitedFields
from agent.toolkit import ToolResult


class Remark(dict[str, object]):
    """A remark on a call in place of a result, such as that a change was made. No fields are looked for in it."""


def citing(result: object) -> object:
    """Return a result that is an object with a list `sources` as one that cites these."""
    if isinstance(result, dict) and isinstance(found := result.get("sources"), list) and found:
        return ToolResult(result, sources=found)
    return result


def found_at(result: object, fields: CitedFields) -> list[dict[str, object]]:
    """Return what a result says that it is from, where a definition says how. One that was cut is text with data in front."""
    value = result.value if isinstance(result, ToolResult) else result
    if isinstance(value, str):
        value = _data_of(value)
    for name in fields.at.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    names = {"url": fields.url, "title": fields.title, "snippet": fields.snippet}
    listed = value if isinstance(value, list) else [value]
    return [{said: one.get(name) for said, name in names.items()} for one in listed if isinstance(one, dict)]


def _data_of(text: str) -> object:
    for whole in (text, text.rpartition("\n[")[0]):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(whole)
    return None


def pick(result: object, fields: Sequence[str]) -> object:
    """Return only what stands at these paths, like `items.id`. Through a list a path goes into each of its items.

    A result that is neither an object nor a list is returned as it is, and so is a remark. What comes beside a result stays.
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

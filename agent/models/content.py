"""The content of a message in a chat completion: text or blocks, and the fields beside it in which servers put thinking."""

from collections.abc import Mapping
from typing import Any

REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
MAX_DEPTH = 8
"""How deep blocks stand within blocks: providers need three."""


def content_of(content: object) -> tuple[str, str]:
    """Return the text and the thinking in a content, which is a text or a list of blocks."""
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    thought: list[str] = []
    content = [content] if isinstance(content, dict) else content
    for block in content if isinstance(content, list) else ():
        if isinstance(block, str):
            text.append(block)
        elif isinstance(block, dict):
            match block.get("type", "text"):
                case "text" | "output_text":
                    text.append(joined_text(block.get("text")))
                case "thinking" | "reasoning":
                    places = ("thinking", "reasoning", "summary", "text")
                    thought.append(joined_text(next((found for name in places if (found := block.get(name))), None)))
    return "".join(text), "".join(thought)


def joined_text(value: object, *, depth: int = MAX_DEPTH) -> str:
    """Return the text of a block's field, which may be a list of further blocks."""
    match value:
        case str():
            return value
        case _ if not depth:
            return ""
        case list():
            return "".join(joined_text(one, depth=depth - 1) for one in value[:1000])
        case dict():
            places = (value.get(name) for name in ("text", "thinking", "summary", "value", "content"))
            return next((text for inner in places if inner and (text := joined_text(inner, depth=depth - 1))), "")
        case _:
            return ""


def reasoning_beside(said: Mapping[str, Any]) -> str:
    """Return the thinking beside a content, from the first field that has it."""
    for name in (*REASONING, "reasoning_details", "thinking_blocks"):
        if (value := said.get(name)) and (found := joined_text(value)):
            return found
    return ""

"""Plain text in a chat-completion event: what nearly every event of an answer says, and nothing else.

The invariant: whatever an event may say beside its text, it is not plain then, and read in full elsewhere.
"""

from typing import Any, Literal

import msgspec

from agent.models.citations import BESIDE


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str
    role: str | None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None
    reasoning: None = None
    reasoning_content: None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta
    index: Literal[0] | None = 0
    finish_reason: Literal[""] | None = None
    logprobs: None = None
    error: Literal["none"] = "none"


class _Event(msgspec.Struct, gc=False):
    choices: tuple[_Choice]
    usage: None = None
    citations: None = None
    search_results: None = None
    error: Literal["none"] = "none"


_decode = msgspec.json.Decoder(_Event).decode


def plain_text_in(data: bytes) -> str | None:
    """Return the text of an event in its usual form; None for every other one. It is a fifth of the cost of reading all of it."""
    try:
        return _decode(data).choices[0].delta.content
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def plain_text_of(event: dict[str, Any]) -> str | None:
    """Return the text of an event that holds nothing else, however it says so; None for every other one."""
    choices = event.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or event.get("usage") or "error" in event:
        return None
    if any(event.get(name) for name in BESIDE):
        return None
    choice = choices[0]
    if not isinstance(choice, dict) or choice.get("index"):
        return None
    delta = choice.get("delta")
    if not isinstance(delta, dict) or choice.get("finish_reason") or choice.get("logprobs") or "error" in choice:
        return None
    text = delta.get("content")
    if not isinstance(text, str) or (len(delta) > 1 and not _has_only_content(delta)):
        return None
    return text


def _has_only_content(delta: dict[str, Any]) -> bool:
    """Return whether a delta holds nothing but its content, a role and empty fields."""
    return all(not value or name in ("content", "role") for name, value in delta.items())

"""A tool's result as text: valid, without secrets and without words of ours, and at most so long."""

import orjson

from agent.masking import Mask
from agent.models.text import clean
from agent.prompt.words import without_mark
from agent.toolkit import ToolResult

MAX_OF_A_SECRET = 4096
"""Bytes that are looked at behind the cut of a long result: a secret that stands across it is found whole."""


def result_text(result: object, mask: Mask, *, most_bytes: int) -> str:
    """Return a tool's result as text, cut with a note when it is too large."""
    if isinstance(result, ToolResult):
        result = result.value
    if isinstance(result, str):
        text = clean(result)
    else:
        text = clean(orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
    whole = text.encode()
    seen = whole[: most_bytes + MAX_OF_A_SECRET].decode("utf-8", "ignore")
    shown = without_mark(mask(seen))
    if len(whole) <= most_bytes:
        return shown
    cut = shown.encode()[:most_bytes].decode("utf-8", "ignore")
    return f"{cut}\n[Cut here: {most_bytes} of {len(whole)} bytes. Ask for less: filter or page.]"

"""The name of a tool as a model wrote it, and the tool that is meant.

The rule: signs and capitals may differ, and words of a model's own grammar stand around. Whatever else is said with a name
makes it another one, which is told to the model: a tool that was not meant is never called.
"""

import re
from collections.abc import Collection

NAME_CHARACTERS = 64
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
CHANNEL = "<|"
UNNAMED = "unnamed"
_NUMBERED = re.compile(r":\d+$")
"""The number that some models write behind a name, as in the id `functions.find:0`."""
_APART = re.compile(r"[.:/=\s]+")
"""The characters between a name and what models write before it: `functions.`, `default_api:`, `to=functions.`."""
_WORDS = re.compile(r"[\w-]+")
AROUND = frozenset(
    [
        "assistant",
        "commentary",
        "analysis",
        "channel",
        "constrain",
        "message",
        "json",
        "to",
        "name",
        "function",
        "functions",
        "tool",
        "tools",
        "call",
        "default_api",
        "api",
        "tool_call",
        "tool_use",
        "function_call",
        "multi_tool_use",
        "recipient_name",
    ]
)
"""Words of models' own grammars that stand around a name."""
MAX_NAME = 256
"""Characters of a name in which a tool's is looked for."""
_SIGN = re.compile(r"[\W_]+")


def tool_name(text: str, tools: Collection[str]) -> str:
    """Return the tool that is meant, or else the name as the model wrote it, made one that a provider takes back.

    It is meant where its name alone is said with something around it, or in other letters and signs than its own.
    """
    name = text.strip()
    if name not in tools and len(name) <= MAX_NAME and (meant := _meant(name, tools)) is not None:
        return meant
    written = _NO_NAME.sub("_", name[:NAME_CHARACTERS])
    is_anothers = written in tools and _letters(written) != _letters(name)
    return UNNAMED if is_anothers or not written else written


def _meant(name: str, tools: Collection[str]) -> str | None:
    *before, last = _APART.split(_NUMBERED.sub("", name.partition(CHANNEL)[0].strip()))
    if last in tools and all(word.lower() in AROUND for word in before if word):
        return last
    words = [word for word in _WORDS.findall(name) if word.lower() not in AROUND]
    if len(words) != 1 or not (spoken := _letters(words[0])):
        return None
    found = words if words[0] in tools else [one for one in tools if _letters(one) == spoken]
    return found[0] if len(found) == 1 else None


def _letters(name: str) -> str:
    return _SIGN.sub("", name).lower()

"""Tasks that chat products ask for beside a conversation: a title for it, tags, follow-ups. No conversation is made of these.

They are known by the words of Open WebUI's and LibreChat's own prompts, in the one message that they send. The answer is made
here, without a model: a title from the first words, and else the empty form, which these products take for "nothing".
"""

from collections.abc import Mapping, Sequence

import orjson

from agent.store.conversations import title_from

HISTORY = "<chat_history>"
TASK = "### Task:"
FORMS = ("follow_ups", "tags", "queries", "text", "prompt")
"""Of Open WebUI's, the key that each of its answers has; `title` apart."""
LISTS = ("follow_ups", "tags", "queries")
TITLES = (
    "provide a concise, 5-word-or-less title for the conversation",
    "please generate a concise, 5-word-or-less title for the conversation",
    "analyze this conversation and provide:\n1. the detected language of the conversation",
)
"""How LibreChat's begin, in lower case."""
SPEAKERS = ("USER:", "User:", "Human:", "user:")
LOOKED_AT = 2000
"""How many characters of a title's prompt are searched for the first line of somebody's."""


def answer_of(messages: Sequence[object]) -> str | None:
    """Return the answer to a product's request beside a conversation; None where this is a message of somebody's."""
    said = [one for one in messages if isinstance(one, Mapping)]
    asked = [one.get("content") for one in said if one.get("role") == "user"]
    if len(asked) != 1 or len(said) != len(messages) or any(one.get("role") == "assistant" for one in said):
        return None
    text = asked[0]
    if not isinstance(text, str):
        return None
    prompt = text.strip()
    if prompt.startswith(TASK) and HISTORY in prompt:
        return _open_webui(*prompt.split(HISTORY, 1))
    if prompt[:200].lower().startswith(TITLES):
        return _title(prompt.partition("\n\n")[2])
    return None


def _open_webui(instructions: str, history: str) -> str | None:
    """Return the answer in the form that the instructions name by its key."""
    if '"title"' in instructions:
        return orjson.dumps({"title": _title(history)}).decode()
    for key in FORMS:
        if f'"{key}"' in instructions:
            return orjson.dumps({key: [] if key in LISTS else ""}).decode()
    return _title(history) if "title" in instructions.lower() else ""


def _title(history: str) -> str:
    """Return the first words of the first who speaks."""
    lines = history[:LOOKED_AT].splitlines()
    for number, line in enumerate(lines):
        for speaker in SPEAKERS:
            if line.strip().startswith(speaker):
                first = line.strip().removeprefix(speaker).strip() or " ".join(lines[number + 1 : number + 2])
                return title_from(first.strip('" '))
    return title_from(" ".join(lines[:1])) or "Chat"

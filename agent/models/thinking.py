"""Thinking that a server without a parser for it leaves in the text: `<think>…</think>` before the answer.

Read at the start of a step only, so that an answer may speak of such tags. Some chat templates open the tag in the prompt, so
that only its end is in the stream: then what was taken for the answer up to there was thinking. So it is where thinking opened the
tag again, which may be another block of it or only a word: it is closed by the first end, and by a second one where that comes.
"""

import re
from typing import Literal, NamedTuple

TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "[think]": "[/think]",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<reason>": "</reason>",
    "<seed:think>": "</seed:think>",
    "<mm:think>": "</mm:think>",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
}
"""Opening and closing tags, in lower case."""
CLOSING = tuple(TAGS.values())
WATCHED = (*TAGS, *CLOSING)
LONGEST = max(map(len, WATCHED))
MOST_BLANK = 256
"""Characters of white space that wait for what an answer begins with; more are a part of it."""
_FOUND = {tag: re.compile(re.escape(tag), re.IGNORECASE | re.ASCII) for tag in WATCHED}
_SIGNS = "<[\u25c1"
"""The characters that tags begin with."""
_ANY = re.compile("|".join(map(re.escape, WATCHED)), re.IGNORECASE | re.ASCII)


class Part(NamedTuple):
    """A piece of the stream and what it is; `retract`: all text before was thinking."""

    kind: Literal["text", "reasoning", "retract"]
    text: str = ""


class ThinkTags:
    """Feed it the text of a step as it comes, cut anywhere; it tells thinking from the answer.

    What may be the beginning of a tag is held back until it is decided, at most as long as the longest tag.
    """

    def __init__(self) -> None:
        self._held = ""
        self._opening = ""
        self._closing: str | None = None
        """The tags that began the thinking under way, and that end it."""
        self._is_nested = False
        """The thinking has opened its tag again."""
        self._may_open = True
        self._is_after_thinking = False
        self._watches = True
        """A closing tag without its opening one is still looked for."""
        self._quotes = 0
        """Backticks so far: within them an answer speaks of a tag."""

    def feed(self, piece: str) -> list[Part]:
        """Return what can be told by now, in order."""
        parts: list[Part] = []
        text, self._held = self._held + piece, ""
        while text:
            if self._closing is not None:
                text = self._think(text, parts)
            elif self._may_open:
                text = self._begin(text, parts)
            else:
                text = self._answer(text, parts)
        return parts

    def flush(self) -> list[Part]:
        """Return what was held back, at the end of the step."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Part("reasoning" if self._closing is not None else "text", held)]

    def _begin(self, text: str, parts: list[Part]) -> str:
        """Decide whether the step begins with thinking; return what is left to read."""
        begun = text.lstrip()
        if not begun:
            if len(text) > MOST_BLANK and not self._is_after_thinking:
                _add(parts, "text", text)
            elif not self._is_after_thinking:
                self._held = text
            return ""
        low = begun[:LONGEST].lower()
        for tag in WATCHED if self._is_after_thinking else TAGS:
            if low.startswith(tag):
                self._opening, self._closing = tag, TAGS.get(tag)  # none of one that is closed twice
                return begun[len(tag) :]
            if tag.startswith(low):
                self._held = text
        if self._held:
            return ""
        self._may_open = False
        return begun if self._is_after_thinking else text

    def _think(self, text: str, parts: list[Part]) -> str:
        assert self._closing is not None
        end = _FOUND[self._closing].search(text)
        thought = len(text) - _held_back(text, (self._opening, self._closing)) if end is None else end.start()
        self._is_nested = self._is_nested or _FOUND[self._opening].search(text, 0, thought) is not None
        _add(parts, "reasoning", text[:thought])
        if end is None:
            self._held = text[thought:]
            return ""
        rest = text[end.end() :]
        self._closing, self._is_after_thinking, self._watches = None, True, self._is_nested
        return rest

    def _answer(self, text: str, parts: list[Part]) -> str:
        """Hand on an answer up to the tag that closes thinking, if there is one; return what is left to read."""
        may_hold_one = "<" in text or "[" in text or "\u25c1" in text
        begun = 0
        while self._watches and may_hold_one and (found := _ANY.search(text, begun)) is not None:
            self._quotes += text.count("`", begun, found.start())
            if not self._quotes % 2 and found[0].lower() not in TAGS:
                _add(parts, "text", text[: found.start()])
                parts.append(Part("retract"))
                self._watches, self._may_open, self._is_after_thinking = False, True, True
                return text[found.end() :]
            self._watches = bool(self._quotes % 2)  # an answer that opens one itself speaks of it
            begun = found.end()
        if self._watches:
            kept = _held_back(text[begun:], WATCHED) if may_hold_one else 0
            text, self._held = text[: len(text) - kept], text[len(text) - kept :]
            self._quotes += text.count("`", begun)
        _add(parts, "text", text)
        return ""


def _held_back(text: str, tags: tuple[str, ...]) -> int:
    """Return how many characters at the end may be the beginning of one of the tags."""
    end = text[-LONGEST:]
    for begun, sign in enumerate(end):
        if sign in _SIGNS and any(tag.startswith(end[begun:].lower()) for tag in tags):
            return len(end) - begun
    return 0


def _add(parts: list[Part], kind: Literal["text", "reasoning"], text: str) -> None:
    if text:
        parts.append(Part(kind, text))

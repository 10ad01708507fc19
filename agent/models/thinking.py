"""Thinking that a server without a parser for it leaves in the text: `<think>…</think>` before the answer.

Read at the start of a step only, so that an answer may speak of such tags. Some chat templates open the tag in the prompt, so
that only its end is in the stream: then what was taken for the answer up to there was thinking. So it is where thinking opened the
tag again, which may be another block of it or only a word: it is closed by the first end, and by a second one where that comes.
"""

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
                text = self._begin(text)
            else:
                self._answer(text, parts)
                text = ""
        return parts

    def flush(self) -> list[Part]:
        """Return what was held back, at the end of the step."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Part("reasoning" if self._closing is not None else "text", held)]

    def _begin(self, text: str) -> str:
        """Decide whether the step begins with thinking; return what is left to read."""
        begun = text.lstrip()
        low = begun.lower()
        for tag in WATCHED if self._is_after_thinking else TAGS:
            if low.startswith(tag):
                self._opening, self._closing = tag, TAGS.get(tag)  # none of one that is closed twice
                return begun[len(tag) :]
            if tag.startswith(low):  # also where there is nothing but white space so far
                self._held = "" if self._is_after_thinking and not begun else text
        if self._held or not begun:
            return ""
        self._may_open = False
        return begun if self._is_after_thinking else text

    def _think(self, text: str, parts: list[Part]) -> str:
        assert self._closing is not None
        low = text.lower()
        end = low.find(self._closing)
        kept = _held_back(text, (self._opening, self._closing)) if end < 0 else len(text) - end
        thought = len(text) - kept
        self._is_nested = self._is_nested or self._opening in low[:thought]
        _add(parts, "reasoning", text[:thought])
        if end < 0:
            self._held = text[thought:]
            return ""
        rest = text[end + len(self._closing) :]
        self._closing, self._is_after_thinking, self._watches = None, True, self._is_nested
        return rest

    def _answer(self, text: str, parts: list[Part]) -> None:
        if not self._watches or ("<" not in text and "[" not in text):
            self._quotes += text.count("`") if self._watches else 0
            _add(parts, "text", text)
            return
        low = text.lower()
        found = min(((at, tag) for tag in WATCHED if (at := low.find(tag)) >= 0), default=None)
        if found is None:
            kept = _held_back(text, WATCHED)
            self._held = text[len(text) - kept :]
            text = text[: len(text) - kept]
            self._quotes += text.count("`")
            _add(parts, "text", text)
            return
        at, tag = found
        before, rest = text[:at], text[at + len(tag) :]
        self._quotes += before.count("`")
        if self._quotes % 2 or tag in TAGS:
            self._watches = self._watches and bool(self._quotes % 2)  # an answer that opens one itself speaks of it
            _add(parts, "text", text[: at + len(tag)])
        else:
            _add(parts, "text", before)
            parts.append(Part("retract"))
            self._watches, self._may_open, self._is_after_thinking = False, True, True
        self._held = ""
        parts += self.feed(rest)


def _held_back(text: str, tags: tuple[str, ...]) -> int:
    """Return how many characters at the end may be the beginning of one of the tags."""
    low = text[-max(map(len, tags)) :].lower()
    return max(
        (size for tag in tags for size in range(1, len(tag)) if low.endswith(tag[:size])),
        default=0,
    )


def _add(parts: list[Part], kind: Literal["text", "reasoning"], text: str) -> None:
    if text:
        parts.append(Part(kind, text))

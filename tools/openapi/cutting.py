"""A result made small enough: long texts first, then whole items, and only where one item alone is too much, its parts.

The invariant: what is cut says so in its place or in a note, and costs no more time than what is shown.
"""

from typing import Any

import orjson

TEXTS = (2000, 500, 200)
"""Characters that a text is cut to, one after another, until all items fit; then items go."""
PARTS = ((20, 200), (5, 120), (2, 60), (1, 30))
"""Of one thing that is too large: items of each list and fields of each object, and characters of each text."""
MAX_LOOKED_AT = 20_000
"""Values that are looked at in one item."""


def size_of(value: Any) -> int:
    """Return the bytes that a model gets of a value."""
    return len(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))


def fitting(items: list[Any], *, most_bytes: int) -> list[Any]:
    """Return the first items of a list that fit: all of them with their long texts cut, or else as many as there can be.

    At least one is returned, made small by force where it must be, if there is one.
    """
    kept: list[Any] = []
    for characters in (None, *TEXTS):
        kept = _within(items, characters, most_bytes)
        if len(kept) == len(items):
            return kept
    if kept or not items:
        return kept
    return [shrunk(items[0], most_bytes=most_bytes)]


def shrunk(value: Any, *, most_bytes: int) -> Any:
    """Return a value with its texts, lists and objects cut until it fits, or as far as they can be."""
    for characters in TEXTS:
        made = _Cut(characters, None).of(value)
        if size_of(made) <= most_bytes:
            return made
    made = value
    for parts, characters in PARTS:
        made = _Cut(characters, parts).of(value)
        if size_of(made) <= most_bytes:
            return made
    return made


def cut_text(text: str, *, most_bytes: int) -> str:
    """Return a text that is cut behind a whole line where it has lines, with a note of how much there is."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most_bytes:
        return text
    part = data[: max(0, most_bytes - 100)].decode("utf-8", "ignore")
    head, line, _ = part.rpartition("\n")
    if line and len(head) > len(part) // 2:
        return f"{head}\n[{head.count(chr(10)) + 1} of {text.rstrip(chr(10)).count(chr(10)) + 1} lines shown. Ask for less: filter or page.]"
    return f"{part}\n[{len(part)} of {len(text)} characters shown. Ask for less: filter or page.]"


def _within(items: list[Any], characters: int | None, most_bytes: int) -> list[Any]:
    """Return the first items that fit with their texts cut; it stops at the first that does not."""
    kept, used = [], 2
    for item in items:
        made = item if characters is None else _Cut(characters, None).of(item)
        used += size_of(made) + 1
        if used > most_bytes:
            break
        kept.append(made)
    return kept


class _Cut:
    """The cut of one value: each text to so many characters, each list and object to so many parts, if any."""

    def __init__(self, characters: int, parts: int | None) -> None:
        self._characters = characters
        self._parts = parts
        self._left = MAX_LOOKED_AT

    def of(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            return "…"
        match value:
            case str() if len(value) > self._characters:
                return f"{value[: self._characters]}… ({len(value)} characters)"
            case list():
                kept = value if self._parts is None else value[: self._parts]
                more = [f"… ({len(value) - len(kept)} more)"] if len(kept) < len(value) else []
                return [*map(self.of, kept[: max(self._left, 0) + 1]), *more]
            case dict():
                names = list(value)
                kept_names = names if self._parts is None else names[: max(self._parts, 5)]
                made = {name[:200]: self.of(value[name]) for name in kept_names[: max(self._left, 0) + 1]}
                return made if len(kept_names) == len(names) else {**made, "…": f"{len(names) - len(kept_names)} more"}
        return value

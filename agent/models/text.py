"""Text from outside made safe to store and to send: valid Unicode, no NUL, in pieces of a bounded size."""

import re
import unicodedata
from collections.abc import Iterable

PIECE_CHARACTERS = 4096
"""A provider that sends more at once is passed on in pieces of this size, so that no reader has to hold more."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")
"""Fillers and the like, which count as letters or signs and show nothing."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return `text` without NULs, surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def is_blank(text: str) -> bool:
    """Return whether nobody can see anything of `text`: spaces, breaks, joiners, fillers."""
    return all(sign.isspace() or sign in _UNSEEN or unicodedata.category(sign) in ("Cc", "Cf") for sign in text)


def in_pieces(text: str) -> Iterable[str]:
    """Return a text in pieces of at most `PIECE_CHARACTERS`; none for an empty one."""
    if len(text) <= PIECE_CHARACTERS:
        return (text,) if text else ()
    return (text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS))


class Cleaner:
    """`clean` for text that comes in pieces: a pair of surrogates cut in two is joined again."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what can be passed on; a high surrogate at the end is held back for the next piece."""
        if not self._held and piece.isascii() and "\x00" not in piece:
            return piece  # as most pieces of most answers, and there is one for each token
        text = (self._held + piece).replace("\x00", "")
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return clean(text)

    def flush(self) -> str:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return clean(held)

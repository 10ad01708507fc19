"""Words that sound like others: a typo, a word that languages share (`projeto`), one in another script (`प्रोजेक्ट`)."""

import re
from collections import Counter
from collections.abc import Iterable

LEAST_SHARE = 0.6
"""Of the pairs of letters of both words, in common."""
LEAST_LETTERS = 4
_SOUNDS = (
    ("ph", "f"), ("ck", "k"), ("ch", "k"), ("th", "t"), ("qu", "k"), ("c", "k"), ("q", "k"), ("x", "ks"), ("y", "i"),
    ("z", "s"), ("v", "w"), ("ee", "i"), ("oo", "u"), ("h", ""),
)  # fmt: skip
_TWICE = re.compile(r"(.)\1+")
_DEVANAGARI = "अआइईउऊएऐओऔऑऋकखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौॉृंँः"
_LATIN = (
    "a a i i u u e ai o au o ri k k g g n ch ch j j n t t d d n t t d d n p f b b m y r l v sh sh s h "
    "a i i u u e ai o au o ri n n h"
)
_LETTERS = dict(zip(_DEVANAGARI, _LATIN.split(), strict=True))


def sound(word: str) -> str:
    """Return roughly how a word sounds, in Latin letters."""
    latin = "".join(_LETTERS.get(letter, letter if letter.isascii() else "") for letter in word)
    for written, heard in _SOUNDS:
        latin = latin.replace(written, heard)
    return _TWICE.sub(r"\1", latin)


def _pairs(word: str) -> set[str]:
    framed = f"^{sound(word)}"
    return {framed[at : at + 2] for at in range(len(framed) - 1)}


class Likeness:
    """A list of words, asked for the one that is most like another."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words: list[tuple[str, int]] = []
        self._holders: dict[str, list[int]] = {}
        for word in words:
            if len(word) >= LEAST_LETTERS and word.isascii() and word.isalpha():
                pairs = _pairs(word)
                for pair in pairs:
                    self._holders.setdefault(pair, []).append(len(self._words))
                self._words.append((word, len(pairs)))

    def nearest(self, word: str) -> tuple[str, float] | None:
        """Return the listed word that shares most pairs of letters, and the share; None where none shares enough."""
        pairs = _pairs(word)
        if len(pairs) < LEAST_LETTERS - 1:
            return None
        shared = Counter(number for pair in pairs for number in self._holders.get(pair, ()))
        best, share = "", 0.0
        for number, count in shared.items():
            listed, size = self._words[number]
            if (found := 2 * count / (size + len(pairs))) > share:
                best, share = listed, found
        return (best, share) if share >= LEAST_SHARE else None

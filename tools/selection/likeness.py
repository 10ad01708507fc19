"""Words that sound like others: a typo, a word that languages share (`projeto`), one in another script (`प्रोजेक्ट`)."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain

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
        self._words = [word for word in words if len(word) >= LEAST_LETTERS and word.isascii() and word.isalpha()]
        self._sizes: list[int] = []
        self._holders: dict[str, list[int]] = {}
        for number, word in enumerate(self._words):
            pairs = _pairs(word)
            self._sizes.append(len(pairs))
            for pair in pairs:
                self._holders.setdefault(pair, []).append(number)

    def nearest(self, word: str) -> tuple[str, float] | None:
        """Return the listed word that shares most pairs of letters, and the share; None where none shares enough."""
        pairs = _pairs(word)
        if len(pairs) < LEAST_LETTERS - 1:
            return None
        shared = Counter(chain.from_iterable(self._holders.get(pair, ()) for pair in pairs))
        shares = ((2 * count / (self._sizes[number] + len(pairs)), -number) for number, count in shared.items())
        share, number = max(shares, default=(0.0, 0))
        return (self._words[-number], share) if share >= LEAST_SHARE else None

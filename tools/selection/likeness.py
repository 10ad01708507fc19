"""Words that sound like others: a typo, a word that languages share (`projeto`), one in another script (`प्रोजेक्ट`)."""

import re
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
        import numpy as np

        self._words = [word for word in words if len(word) >= LEAST_LETTERS and word.isascii() and word.isalpha()]
        pairs = [_pairs(word) for word in self._words]
        self._sizes = np.array([len(one) for one in pairs], dtype=np.float32)
        holders: dict[str, list[int]] = {}
        for number, one in enumerate(pairs):
            for pair in one:
                holders.setdefault(pair, []).append(number)
        self._holders = {pair: np.array(numbers) for pair, numbers in holders.items()}

    def nearest(self, word: str) -> tuple[str, float] | None:
        """Return the listed word that shares most pairs of letters, and the share; None where none shares enough."""
        import numpy as np

        pairs = _pairs(word)
        held = [self._holders[pair] for pair in pairs if pair in self._holders]
        if len(pairs) < LEAST_LETTERS - 1 or not held:
            return None
        shares = 2 * np.bincount(np.concatenate(held), minlength=len(self._words)) / (self._sizes + len(pairs))
        best = int(shares.argmax())
        return (self._words[best], float(shares[best])) if shares[best] >= LEAST_SHARE else None

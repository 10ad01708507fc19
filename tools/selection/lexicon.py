"""Words of business software that mean the same, in English and some other languages: each meaning is a token of its own.

It is a small list of general words, the same for every assistant; what is an assistant's own belongs into its `synonyms`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tools.selection.likeness import sound
from tools.selection.words import fold, stem

LANGUAGES = ("en", "pt", "es", "de", "hi")
MAX_ENDING = 4
"""Letters that a form of a word may have behind what is listed of it."""
LEAST_HEARD = 3
"""Letters of a sound that is enough to know a word by."""
LEAST_PART = 4
"""Letters of a part of a compound, as German writes them."""

Meanings = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Meanings by English stems, and by the beginnings of other languages' words."""

    english: Mapping[str, Meanings]
    others: Mapping[str, Mapping[str, Meanings]]
    heard: Mapping[str, Meanings]
    """Of Hindi, by how its words sound."""

    def of(self, word: str, language: str | None) -> Meanings:
        """Return what a folded word means in a language; of None, in any of them."""
        if language == "en":
            return self.english.get(stem(word), ())
        if language == "hi" and word.isascii():  # as it is typed on a Latin keyboard, with English words in between
            return tuple(dict.fromkeys((*self.english.get(stem(word), ()), *self.heard.get(heard(word), ()))))
        if language is not None:
            return self._foreign(word, self.others[language], is_compounding=language == "de")
        found = [self.english.get(stem(word), ())]
        found += [self._foreign(word, listed, is_compounding=False) for listed in self.others.values()]
        return tuple(dict.fromkeys(meaning for meanings in found for meaning in meanings))

    def _foreign(self, word: str, listed: Mapping[str, Meanings], *, is_compounding: bool) -> Meanings:
        if meanings := _longest(word, listed):
            return meanings
        if is_compounding and len(word) >= 2 * LEAST_PART:
            for at in range(len(word) - LEAST_PART, LEAST_PART - 1, -1):
                if (first := _longest(word[:at], listed)) and (second := _longest(word[at:], listed)):
                    return tuple(dict.fromkeys((*first, *second)))
        return ()


def _longest(word: str, listed: Mapping[str, Meanings]) -> Meanings:
    """Return the meanings of the longest beginning of a word that is listed, if only an ending is left of it."""
    for end in range(len(word), max(2, len(word) - MAX_ENDING - 1), -1):
        if (meanings := listed.get(word[:end])) is not None and (end > 3 or end == len(word)):
            return meanings
    return ()


@cache
def lexicon() -> Lexicon:
    """Return the list that comes with Frontdesk."""
    english: dict[str, list[str]] = {}
    others: dict[str, dict[str, list[str]]] = {language: {} for language in LANGUAGES[1:]}
    lines = files("tools.selection").joinpath("lexicon.txt").read_text("utf-8").splitlines()
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        meaning = f"@{number}"
        for language, column in zip(LANGUAGES, line.split("|"), strict=True):
            for word in map(fold, column.split()):
                keys = {stem(word)} if language == "en" else {word, _root(word)}
                listed = english if language == "en" else others[language]
                for key in keys:
                    if meaning not in listed.setdefault(key, []):
                        listed[key].append(meaning)
    sounds: dict[str, list[str]] = {}
    for word, meanings in others["hi"].items():
        if len(key := heard(word)) >= LEAST_HEARD:
            sounds.setdefault(key, []).extend(meanings)
    return Lexicon(
        _frozen(english), {language: _frozen(listed) for language, listed in others.items()}, _frozen(sounds)
    )


def heard(word: str) -> str:
    """Return how a word of Hindi sounds, without the vowel that its own script does not write."""
    return sound(word).replace("a", "")


def _frozen(listed: Mapping[str, list[str]]) -> dict[str, Meanings]:
    return {key: tuple(dict.fromkeys(value)) for key, value in listed.items()}


def _root(word: str) -> str:
    """Return a word without what its forms differ in, as long as enough is left."""
    return word[:-1] if len(word) > 5 else word

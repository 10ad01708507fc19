"""Four languages besides English, as far as the offline model has the words: those of questions, of refusals, of figures.

A question is put into English word by word. What the tables do not have stays as it is, and is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from demo import phrasebook
from demo.lexicon import SAYS_NOTHING, STOP

_LETTER = r"[\w\u0900-\u0963\u0966-\u097f]"
_TOKEN = re.compile(rf"{_LETTER}+")
_NOUN = re.compile(
    r"\b(?i:der|die|das|den|dem|des|eine?[mnrs]?|keine?[mnrs]?|unsere?[mnrs]?|im|am|zum|zur|beim|vom) [A-ZÄÖÜ][\w-]*"
    r"(?! [A-ZÄÖÜ])"
)
"""A German word with its article: its capital makes it no name."""


@dataclass(frozen=True)
class Tongue:
    """A language: English words by its own, what is said in it, and names of figures by their English ones."""

    english: Mapping[str, str] = field(default_factory=dict)
    sayings: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds its words in a text, the longest first."""
        either = "|".join(re.escape(word) for word in sorted(self.english, key=len, reverse=True))
        return re.compile(rf"(?<!{_LETTER})(?:{either})(?!{_LETTER})", re.IGNORECASE)

    def original(self, english: str, text: str) -> str:
        """Return the words of the text that stand for these English ones; where there are none, these."""
        own = (match[0] for match in self.pattern.finditer(text) if self.english.get(match[0].lower()) == english)
        return next(own, english) if self.english else english

    def say(self, english: str) -> str:
        """Return one of the model's own sentences."""
        return self.sayings.get(english, english)


def _column(table: str, at: int) -> Iterator[tuple[str, str]]:
    """Yield the English of each row of a table, and what its column says."""
    for row in table.strip().splitlines():
        cells = row.split("|")
        yield cells[0].strip(), cells[at].strip()


def _tongue(at: int) -> Tongue:
    words = {
        word.replace("_", " "): english for english, cell in _column(phrasebook.WORDS, at) for word in cell.split()
    }
    sayings = {english: others[at - 1] for english, others in phrasebook.SAYINGS.items()}
    return Tongue(words, sayings, dict(_column(phrasebook.LABELS, at)))


ENGLISH = Tongue()
_TONGUES = {code: _tongue(at) for at, code in enumerate(phrasebook.LANGUAGES, start=1)}


def tongue_of(text: str) -> Tongue:
    """Return the language of which two fifths of the words are, and two at least, or all, or one that tells; else English."""
    said = [word for word in _TOKEN.findall(text.lower()) if word not in SAYS_NOTHING]
    if any("\u0900" <= char <= "\u097f" for char in text):
        return _TONGUES["hi"]
    known = {code: _single_words(code) for code in ("pt", "es", "de")}
    best = max(known, key=lambda code: sum(word in known[code] for word in said))
    hits = sum(word in known[best] for word in said)
    is_told = any(word in _telling_words(best) for word in said) and not any(word in STOP for word in said)
    enough = hits == len(said) or (hits > 1 and hits * 5 >= len(said) * 2) or is_told
    return _TONGUES[best] if hits and enough else ENGLISH


def in_english(text: str) -> str:
    """Return the text with each word in English of which the language's table has it."""
    tongue = tongue_of(text)
    if tongue is ENGLISH:
        return text
    if tongue is _TONGUES["de"]:
        text = _NOUN.sub(lambda match: match[0].lower(), text)
    # A pattern takes letters for one another, `s` and `ſ`, of which neither is the other's capital.
    return tongue.pattern.sub(lambda match: tongue.english.get(match[0].lower(), match[0]), text)


@lru_cache
def _single_words(code: str) -> frozenset[str]:
    return frozenset(word for phrase in _TONGUES[code].english for word in phrase.split())


@lru_cache
def _telling_words(code: str) -> frozenset[str]:
    """Return words of which one says which language it is: they are long, of no other one, and no English."""
    others = {word for other in _TONGUES if other != code for word in _single_words(other)}
    english = {word.lower() for text in _TONGUES[code].english.values() for word in text.split()}
    return frozenset(word for word in _single_words(code) - others - english if len(word) > 5)

"""Four languages besides English, as far as the offline model has the words: those of questions, of refusals, of figures.

A question is put into English word by word. What the tables do not have stays as it is, and is refused by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from demo.formats import MONTHS
from demo.lexicon import SAYS_NOTHING
from demo.phrasebook import PAGES, Page

_LETTER = r"[\w\u0900-\u0963\u0966-\u097f]"
_TOKEN = re.compile(rf"{_LETTER}+")


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

    def say(self, english: str) -> str:
        """Return one of the model's own sentences."""
        return self.sayings.get(english, english)


def _table(rows: str) -> dict[str, str]:
    """Return {word: English}: rows of `one two three = English`, with _ for a space within a word."""
    pairs = (row.split("=") for row in rows.strip().splitlines())
    return {word.replace("_", " "): english.strip() for words, english in pairs for word in words.split()}


NOTE = (
    "*Answered by Frontdesk's built-in demo model, which only matches words. "
    "Connect a real model for real conversations.*"
)
SELF = "I am the built-in demo model, which only matches words, not a language model."
LOST = "I did not understand {lost}, so I looked nothing up for that."
MORE = "For **{tool}** I need to know more. Please say it in one message:"
NO_TOOL = "I did not find a tool for that."
NO_TOOLS = "I have no tools here."
ABLE = "Here is what I can do:"
NO_CHART = "I cannot draw charts here."
IS_TABLE = "This is a table in its place."
NO_WAY_BACK = "I cannot take back what was done. Please say what should be changed instead."
SAYINGS = (NOTE, SELF, LOST, MORE, NO_TOOL, NO_TOOLS, ABLE, NO_CHART, IS_TABLE, NO_WAY_BACK)
LABELS = ("clients", "trainers", "total", "active", "inactive", "new this month", "figure", "revenue", "expenses", "net profit", "branch")  # fmt: skip


def _tongue(page: Page) -> Tongue:
    english = {**_table(page.words), **dict(zip(page.months.split(), MONTHS, strict=True))}
    sayings = dict(zip(SAYINGS, page.sentences.strip().splitlines(), strict=True))
    return Tongue(english, sayings, dict(zip(LABELS, page.labels.split(", "), strict=True)))


ENGLISH = Tongue()
_TONGUES = {code: _tongue(page) for code, page in PAGES.items()}


def tongue_of(text: str) -> Tongue:
    """Return the language of which two fifths of the words are, and two at least, or all; else English."""
    said = [word for word in _TOKEN.findall(text.lower()) if word not in SAYS_NOTHING]
    if any("\u0900" <= char <= "\u097f" for char in text):
        return _TONGUES["hi"]
    known = {code: _single_words(code) for code in ("pt", "es", "de")}
    best = max(known, key=lambda code: sum(word in known[code] for word in said))
    hits = sum(word in known[best] for word in said)
    return _TONGUES[best] if hits and (hits == len(said) or (hits > 1 and hits * 5 >= len(said) * 2)) else ENGLISH


def in_english(text: str) -> str:
    """Return the text with each word in English of which the language's table has it."""
    tongue = tongue_of(text)
    return tongue.pattern.sub(lambda match: tongue.english[match[0].lower()], text) if tongue.english else text


@lru_cache
def _single_words(code: str) -> frozenset[str]:
    return frozenset(word for phrase in _TONGUES[code].english for word in phrase.split())

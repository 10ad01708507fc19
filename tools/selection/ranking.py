"""Tools by the words of a question: BM25 over their names, descriptions, arguments and meanings.

Each field has an index of its own, so that a long description or many arguments do not make a name count less, and however
many words are written into one, it adds no more than its field does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import log
from typing import Any

from agent.toolkit import Tool
from tools.selection.lexicon import lexicon
from tools.selection.likeness import Likeness
from tools.selection.words import STOP_WORDS, language_of, stem, stems, words_of

MOST = {"name": 24, "about": 80, "arguments": 80, "question": 60}
"""Words of a field, and of a question, that count."""
WEIGHTS = {"name": 1.6, "about": 1.0, "arguments": 0.4, "meaning": 1.0}
FOREIGN_MEANING = 2.0
"""The weight of meanings where the words of a question are those of another language."""
FALSE_FRIEND = 0.5
"""The weight of a word that is written as an English one, and means something in its own language."""
SHORT = 3
"""Words of a question that is understood with the one before it."""
BEFORE_WEIGHT = 0.4
"""The weight of the question before a short one."""
MOST_GUESSED = 16
MAX_ARGUMENTS = 40
SATURATION, BY_LENGTH = 1.5, 0.75
"""BM25's k1 and b: how soon a word that is said again counts no more, and how much a long field takes from each word."""
MAX_RANKED = 64
DEEP = 128
"""How many of the best are looked at for too many that say the same."""
ALIKE = 0.75
"""Share of words in common from which on two tools say the same."""
MOST_ALIKE = 4
"""Tools that say the same among the best; further ones come behind all others."""

Weighted = dict[str, float]


@dataclass(slots=True)
class Question:
    """A question as fields are asked: stems and meanings, each with what it counts."""

    stems: Weighted = field(default_factory=dict)
    meanings: Weighted = field(default_factory=dict)
    is_foreign: bool = False
    words: int = 0
    """That say something."""
    guessed: int = 0
    """Of these, those that no tool has, for which one was looked for that is like it."""

    def add(self, other: "Question", weight: float) -> None:
        """Let another question count as well; a word of both counts as it does in the one that weighs more."""
        for own, more in ((self.stems, other.stems), (self.meanings, other.meanings)):
            for word, value in more.items():
                own[word] = max(own.get(word, 0.0), value * weight)


class Field:
    """A field of all tools, scored by BM25 as Lucene has it: `words` are those in it, each with the tools that have it."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        usual = sum(map(len, documents)) / max(1, len(documents)) or 1.0
        held: dict[str, list[tuple[int, float]]] = {}
        for number, words in enumerate(documents):
            length = SATURATION * (1 - BY_LENGTH + BY_LENGTH * len(words) / usual)
            for word, times in Counter(words).items():
                held.setdefault(word, []).append((number, times / (times + length)))
        self.words = {word: _with_rarity(ones, len(documents)) for word, ones in held.items()}

    def add_to(self, scores: list[float], asked: Weighted, weight: float) -> None:
        """Add what each tool has here for what is asked, times the weight, to the scores of all."""
        for word, value in asked.items():
            counts = weight * value
            for number, score in self.words.get(word, ()):
                scores[number] += counts * score


def _with_rarity(held: Sequence[tuple[int, float]], documents: int) -> list[tuple[int, float]]:
    """Return the tools that have a word with what it counts for each, more the fewer they are."""
    rarity = log(1 + (documents - len(held) + 0.5) / (len(held) + 0.5))
    return [(number, rarity * score) for number, score in held]


class Ranking:
    """The ranking of one list of tools: what can be asked of it. Making it takes a while: do it off the event loop."""

    def __init__(self, tools: Sequence[Tool], synonyms: Mapping[str, Sequence[str]]) -> None:
        listed = [_fields(tool) for tool in tools]
        meanings = [_meanings([*one["name"], *one["about"]]) for one in listed]
        self._fields = {name: Field([stems(one[name]) for one in listed]) for name in ("name", "about", "arguments")}
        self._fields["meaning"] = Field(meanings)
        self._known = {word for one in self._fields.values() for word in one.words}
        self._likeness = Likeness(sorted(self._known))
        self._synonyms = _groups(synonyms)
        self._says = [frozenset(filter(str.isalpha, stems([*one["name"], *one["about"]]))) for one in listed]

    def question(self, text: str, before: Question | None = None) -> Question:
        """Return a text as it can be asked; a short one goes on from what was asked `before`."""
        words = words_of(text, most=MOST["question"])
        language = language_of(words)
        asked = Question(is_foreign=language not in ("en", None))
        stop = STOP_WORDS[language or "en"]
        for word in words:
            if word not in stop:
                asked.words += 1
                self._hear(asked, word, language)
        for heard, said in self._synonyms:
            if heard <= {*words, *map(stem, words)}:
                asked.stems.update({word: max(asked.stems.get(word, 0.0), 1.0) for word in said})
        if before is not None and asked.words <= SHORT:
            asked.add(before, BEFORE_WEIGHT)
            asked.is_foreign = asked.is_foreign or before.is_foreign
        return asked

    def _hear(self, asked: Question, word: str, language: str | None) -> None:
        root = stem(word)
        is_known = root in self._known
        meanings = lexicon().of(word, "en" if is_known and language is None else language)
        if is_known:  # `data` is an English word, and a date in Portuguese
            asked.stems[root] = FALSE_FRIEND if meanings and language not in ("en", None) else 1.0
        for meaning in meanings:
            asked.meanings[meaning] = max(asked.meanings.get(meaning, 0.0), 1.0)
        if is_known or asked.guessed == MOST_GUESSED:
            return
        asked.guessed += 1
        if (near := self._likeness.nearest(root)) is not None:
            asked.stems[near[0]] = max(asked.stems.get(near[0], 0.0), near[1] * (0.4 if meanings else 0.7))

    def rank(self, asked: Question, *, most: int = MAX_RANKED) -> list[int]:
        """Return the numbers of the tools that fit a question at all, best first; too many that say the same come last."""
        scores = [0.0] * len(self._says)
        for name, one in self._fields.items():
            one.add_to(scores, asked.meanings if name == "meaning" else asked.stems, self._weight(name, asked))
        return list(islice(self._mixed(_best(scores, DEEP)), most))

    def places(self, text: str, *, most: int) -> list[int]:
        """Return the tools that are named after what stands in a text, best first."""
        scores = [0.0] * len(self._says)
        self._fields["name"].add_to(scores, self.question(text).stems, 1.0)
        return _best(scores, most)

    def _weight(self, name: str, asked: Question) -> float:
        return FOREIGN_MEANING if name == "meaning" and asked.is_foreign else WEIGHTS[name]

    def _mixed(self, ranked: Iterable[int]) -> Iterator[int]:
        taken: list[frozenset[str]] = []
        last: list[int] = []
        for number in ranked:
            says = self._says[number]
            least, most = ALIKE * len(says), len(says) / ALIKE
            near = (other for other in taken if least <= len(other) <= most)
            if sum(_are_alike(says, other) for other in near) >= MOST_ALIKE:
                last.append(number)
                continue
            taken.append(says)
            yield number
        yield from last


def _best(scores: Sequence[float], most: int) -> list[int]:
    """Return the numbers of the highest scores above 0, of equal ones the first one first."""
    return sorted((number for number, score in enumerate(scores) if score > 0), key=lambda at: -scores[at])[:most]


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= ALIKE * (len(one) + len(other) - shared)


def _fields(tool: Tool) -> dict[str, list[str]]:
    origin = tool.origin
    named = [tool.name, *(origin.tags if origin else ()), (origin.path or "") if origin else ""]
    return {
        "name": words_of(" ".join(named), most=MOST["name"]),
        "about": words_of(tool.description, most=MOST["about"]),
        "arguments": words_of(" ".join(_arguments(tool.schema)), most=MOST["arguments"]),
    }


def _arguments(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties")
    for name, said in islice(properties.items() if isinstance(properties, Mapping) else (), MAX_ARGUMENTS):
        yield str(name)
        about = said.get("description") if isinstance(said, Mapping) else None
        if isinstance(about, str):
            yield about[:80]


def _meanings(words: Sequence[str]) -> list[str]:
    return [meaning for word in words for meaning in lexicon().of(word, "en")]


def _groups(synonyms: Mapping[str, Sequence[str]]) -> list[tuple[frozenset[str], frozenset[str]]]:
    """Return for each word or phrase of each group its stems, and those of the others of its group."""
    groups = []
    for word, others in synonyms.items():
        phrases = [frozenset(map(stem, words_of(one, most=8))) for one in (word, *others)]
        for number, phrase in enumerate(phrases):
            rest = frozenset().union(*phrases[:number], *phrases[number + 1 :]) - phrase
            if phrase:
                groups.append((phrase, rest))
    return groups

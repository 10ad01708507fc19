"""From text to words, concepts, clauses and wishes. All functions are linear in the length of the text."""

import re
from dataclasses import dataclass
from functools import lru_cache

from demo import lexicon
from demo.tongues import in_english

MAX_CHARACTERS = 1_000
"""Characters of a question that are looked at; what follows is not about choosing a tool."""

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLAUSE_END = re.compile(r"[?!;\n]+|(?<!\d),|,(?!\d)|\.(?=\s|$)|&|\b(?:and|plus|also|then|as well as)\b", re.IGNORECASE)


def words(text: str) -> tuple[str, ...]:
    """Return the words in lower case, in order; snake_case falls apart."""
    return tuple(_WORD.findall(text.lower()))


def identifier_words(name: str) -> tuple[str, ...]:
    """Return the words of a snake_case, kebab-case or camelCase name."""
    found = words(_CAMEL.sub(" ", name))
    return (found[0] + found[1], *found[2:]) if found[:2] in {("check", "in"), ("check", "out")} else found


def human(name: str) -> str:
    """Return an identifier as words: `newThisMonth` -> `new this month`."""
    return " ".join(words(_CAMEL.sub(" ", name))) or name


def stem(word: str) -> str:
    """Return the word without its plural, `-ing`, `-ed` or last `e`; only good for comparing with other stems."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


_CONCEPTS = {stem(word): row.split()[0] for row in lexicon.SYNONYMS for word in row.split()}


@lru_cache(maxsize=8192)
def concept(word: str) -> str:
    """Return what stands for the word and all its synonyms; plain English words keep their own stem."""
    found = stem(word)
    return _CONCEPTS.get(found, found)


def concepts(some_words: tuple[str, ...]) -> frozenset[str]:
    """Return the concepts of the words that have a subject of their own."""
    return frozenset(concept(word) for word in some_words if word not in lexicon.STOP)


TIMES = frozenset(concept(word) for word in lexicon.TIMES)
_GENERIC = TIMES | frozenset(concept(word) for word in lexicon.FILLERS | lexicon.STATES)


def is_generic(name: str) -> bool:
    """Return whether the concept may only refine a choice."""
    return name in _GENERIC or name.isdigit()


def normalised(text: str) -> str:
    """Return the start of the text in English words, with its idioms replaced; capitals stay."""
    text = in_english(text[:MAX_CHARACTERS])
    for pattern, replacement in lexicon.PHRASES:
        text = pattern.sub(replacement, text)
    return text


@dataclass(frozen=True, slots=True)
class Phrase:
    """A clause, understood as far as words go. `verb` is its first word after politeness, the imperative if it is one."""

    text: str
    words: tuple[str, ...]
    concepts: frozenset[str]
    verb: str
    wishes: frozenset[str]
    """Of: count, list, page, change."""


def phrase(text: str, *, inherited: frozenset[str] = frozenset()) -> Phrase:
    """Read one clause. Without wishes of its own it takes the inherited ones ("how many trainers and classes")."""
    said = words(text)
    verb = next((word for word in said if word not in lexicon.POLITE), "")
    return Phrase(text, said, concepts(said), verb, frozenset(_wishes(verb, said)) or inherited)


def _wishes(verb: str, said: tuple[str, ...]) -> list[str]:
    joined = f" {' '.join(said)} "
    found = []
    if any(mark in joined for mark in (" how many ", " number of ", " count ", " how much ")):
        found.append("count")
    moves = any(mark in joined for mark in (" take me ", " bring me ", " go to ", " navigate to "))
    seen_page = verb in lexicon.LIST_VERBS and any(mark in joined for mark in (" page ", " screen ", " tab "))
    if verb in lexicon.PAGE_VERBS or moves or seen_page:
        found.append("page")
    elif verb in lexicon.LIST_VERBS or " what are " in joined:
        found.append("list")
    if verb in lexicon.CHANGE_VERBS:
        found.append("change")
    return found


def clauses(text: str) -> list[str]:
    """Split a text where one question may end and another begin; the pieces are not empty."""
    return [piece.strip() for piece in _CLAUSE_END.split(text) if piece.strip()]

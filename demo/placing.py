"""What a question names and a call does not answer: a time, a person, a thing. It is refused by name, never guessed.

The rule: every word with a meaning of its own stands in the tool's own words or in one of its arguments, and a time is
what an argument says, or what the tool says that it tells.
"""

import re
from collections.abc import Iterator, Mapping

from demo import lexicon
from demo.arguments import NUMBER, days, number
from demo.language import concept, words
from demo.schema import Card

_UNIT = "(?:day|week|fortnight|month|quarter|year)"
_COUNT = rf"(?:half an?|half|\d[\d.,]*|(?:a |the )?(?:few|couple of)|several|many|{'|'.join(lexicon.NUMBER_WORDS)})"
_TIME = re.compile(
    rf"\b(?:same (?:{_UNIT}|period|time)(?: (?:of )?(?:the )?last {_UNIT})?|(?:each|every|per|by) {_UNIT}"
    rf"|(?:(?:this|last|next|coming|first) )?{_COUNT}[ -]{_UNIT}s?(?: ago)?"
    rf"|(?:this|last|next|coming) {_UNIT}|today|yesterday|tomorrow|{_UNIT}s"
    r"|(?:in|of|since|until|for|from|during|last|next|and) may|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
"""Of how many is asked, a name is whose they are, and no word to search for."""
_FREE = lexicon.STOP | lexicon.POLITE | lexicon.FILLERS | lexicon.LIST_VERBS | lexicon.READ_VERBS | {"last", "next"}
_FREE_CONCEPTS = frozenset(concept(word) for word in _FREE)


def unplaced(text: str, card: Card, arguments: Mapping[str, object]) -> list[str]:
    """Return what the text names that neither the tool nor its arguments are about, in the words of the text."""
    lost = [match for match in _TIME.finditer(text) if not _tells_of(card, arguments, match[0].lower())]
    values = [value for value in arguments.values() if isinstance(value, int | float)]
    rest = NUMBER.sub(lambda m: "#" * len(m[0]) if number(m) in values else m[0], _TIME.sub(_blank, text))
    given = {
        word
        for name, value in arguments.items()
        for word in words(f"{name} {value}")
        if not (_COUNTED.search(text) and lexicon.NAME_LIKE & set(words(name)))
    }
    lost += [
        match for match in re.finditer(r"[^\W_]+(?:[.,]\d+)*", rest) if not _is_placed(match[0].lower(), card, given)
    ]
    return list(dict.fromkeys(match[0] for match in sorted(lost, key=lambda match: match.start())))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _is_placed(word: str, card: Card, given: set[str]) -> bool:
    if word in given:
        return True
    if word in lexicon.MISSED | lexicon.PAST:
        return word in lexicon.PAST and word in words(card.described)
    own = concept(word)
    return word in _FREE or own in _FREE_CONCEPTS or card.weight(own) > 0 or any(own == concept(one) for one in given)


def _tells_of(card: Card, arguments: Mapping[str, object], said: str) -> bool:
    """Return whether a time is what an argument says, or else what the tool says that it tells."""
    given = {" ".join(words(str(value))) for value in arguments.values()}
    own = " ".join(word for word in words(said) if word not in {"the", "of"})
    if own in given or any(p.name in arguments and days(card, p, said) is not None for p in card.parameters):
        return True
    if any(choice.value.startswith("this") for p in card.parameters for choice in p.choices):
        return own in _before(given) and bool(re.search(r"\bbefore\b|\bagainst\b|\bcompar|\bprevious", card.described))
    if re.search(r"\b(?:each|every|per|by|same|half|few|ago)\b|\d", said) or said.endswith("s"):
        return said in card.described
    telling = [word for word in words(said) if word not in lexicon.STOP]
    return bool(telling) and all(card.weight(concept(word)) > 0 for word in telling)


def _before(given: set[str]) -> Iterator[str]:
    """Yield the periods that those given are compared with: last month for this month."""
    yield from (f"last {one.removeprefix('this ')}" for one in given if one.startswith("this "))
    yield from ("yesterday" for one in given if one == "today")

"""Parts of a question that a call does not answer: a time, a person, a thing. Each is refused by name, never guessed.

The rule: every word with a meaning of its own stands in the tool's own words or in one of its arguments, and a time is
what an argument says, or what the tool says that it tells.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from demo import lexicon
from demo.arguments import NUMBER, beside, between, days, days_from_to, named_choices, number
from demo.clues import Clues
from demo.language import concept, concepts, words
from demo.schema import NAME, Card
from demo.times import Span

_UNIT = "(?:day|week|fortnight|month|quarter|year)"
_COUNT = rf"(?:half an?|half|\d[\d.,]*|(?:a |the )?(?:few|couple of)|several|many|{'|'.join(lexicon.NUMBER_WORDS)})"
_TIME = re.compile(
    rf"\b(?:this time(?: (?:of )?(?:the )?last {_UNIT})?|(?:{_UNIT}|period) before(?: last| yesterday)?|same (?:{_UNIT}|period|time)(?: (?:of )?(?:the )?last {_UNIT})?|(?:each|every|per|by) {_UNIT}"
    rf"|(?:(?:this|last|next|coming|first) )?{_COUNT}[ -]{_UNIT}s?(?: ago)?"
    rf"|(?:this|last|next|coming) {_UNIT}|today|yesterday|tomorrow|{_UNIT}s"
    r"|(?:in|of|since|until|for|from|during|last|next|and) may|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
"""Of how many is asked, a name is whose they are, and no word to search for."""
_FIRST_OF_ALL = re.compile(r"\b(?:best|top|worst)\b", re.IGNORECASE)
"""A question for one of many: only a tool that is about these, and compares them or tells of each, knows which it is."""
_AGAINST = re.compile(r"\b(?:compare|versus|vs)\b", re.IGNORECASE)
"""A question for a comparison, which no list of what was found is."""
_WHEN = re.compile(r"^(?:and )?when (?:do|does|did|will|is|are|was|were)\b", re.IGNORECASE)
"""A question of when one thing is: no figure says that, nor does a list of all of them."""
_WHO = re.compile(
    r"^\W*(?:and )?who (?:all )?(?:came|visited|attended|checked|joined|left|paid|trained)\b", re.IGNORECASE
)
"""A question for people by name, whom no figure names."""
_MORE_THAN = re.compile(r"\bhow (?:many|much) (?:more|less|fewer)\b", re.IGNORECASE)
"""A question for a difference, which nothing here works out."""
_CHART = re.compile(
    r"\b(?:draw|plot|graph|chart)\b(?= )|\b(?:(?:as|in|on|with) )?(?:an? |the )?(?:(?:bar|line|pie|column) )?(?:chart|graph|diagram|plot)s?\b",
    re.IGNORECASE,
)
_FREE = (
    lexicon.STOP
    | lexicon.POLITE
    | lexicon.FILLERS
    | lexicon.LIST_VERBS
    | lexicon.READ_VERBS
    | lexicon.CALLED
    | {"last", "next"}
)
_FREE_CONCEPTS = frozenset(concept(word) for word in _FREE)


def every(card: Card, arguments: Mapping[str, object], found: Clues) -> list[dict[str, object]]:
    """Return the arguments of each call that a text asks for: those given, and the same for other days or values that it names."""
    ends, calls = days_from_to(card), [dict(arguments)]
    if card.is_write or card.is_action:
        return calls
    for parameter in card.parameters:
        several = named_choices(parameter, found.words)
        if len(several) > 1 and parameter.name in arguments and not _are_ends(several, found.text):
            return [{**arguments, parameter.name: value} for value in several]
    if not ends:
        return calls
    timeless = {key: value for key, value in arguments.items() if key not in ends and not _is_time(value)}
    for span in found.spans:
        if not span.is_plain and not _is_told(span, card, calls):
            calls.append({**timeless, **between(ends, span)})
    return calls


def unplaced(card: Card, calls: Sequence[Mapping[str, object]], found: Clues) -> list[str]:
    """Return what the text names that neither the tool nor any call of it is about, in the words of the text."""
    text = _CHART.sub(_blank, beside(found.text, found.spans))
    lost = [(span.at, span.said) for span in found.spans if not _is_told(span, card, calls)]
    lost += [(m.start(), m[0]) for m in _TIME.finditer(text) if not _tells_of_any(card, calls, m[0].lower())]
    for parameter in card.parameters:
        for value in named_choices(parameter, found.words):
            if not any(value == arguments.get(parameter.name) for arguments in calls):
                lost.append((found.text.lower().find(value.lower()), value))
    lost += [(m.start(), m[0]) for m in _MORE_THAN.finditer(text)]
    if not (
        re.search(r"\b(?:compar\w*|each|reports?)\b", card.described) and concepts(card.subject) & concepts(found.words)
    ):
        lost += [(m.start(), m[0]) for m in _FIRST_OF_ALL.finditer(text)]
    if any(lexicon.NAME_LIKE & set(words(name)) for arguments in calls for name in arguments):
        lost += [(m.start(), m[0]) for m in _AGAINST.finditer(text)]
    is_of_times = any(calls) or any({"weekday", "time"} & set(p.words) for p in card.parameters)
    if card.is_statistic or not is_of_times:
        lost += [(m.start(), "when") for m in _WHEN.finditer(text)]
    lost += [(m.start(), "who") for m in _WHO.finditer(text) if card.is_statistic]
    values = [value for arguments in calls for value in arguments.values() if isinstance(value, int | float)]
    rest = NUMBER.sub(lambda m: "#" * len(m[0]) if number(m) in values else m[0], _TIME.sub(_blank, text))
    given = {
        word
        for arguments in calls
        for name, value in arguments.items()
        for word in words(f"{name} {value}")
        if not (_COUNTED.search(text) and lexicon.NAME_LIKE & set(words(name)))
    }
    least = NAME if _COUNTED.search(text) and not card.is_statistic else 0.0
    said = re.finditer(r"(?:[^\W_]|[\u0900-\u0963])+(?:[.,]\d+)*", rest)
    lost += [(match.start(), match[0]) for match in said if not _is_placed(match[0].lower(), card, given, least)]
    return list(dict.fromkeys(word for _, word in sorted(lost)))


def wants_chart(text: str) -> bool:
    """Return whether the text asks for a picture of the figures."""
    return bool(_CHART.search(text))


def _are_ends(values: Sequence[str], text: str) -> bool:
    """Return whether values are the first and the last of those that are meant."""
    return any(
        re.search(rf"\b{re.escape(one)} ?(?:to|through|until|till|-|–) ?{re.escape(other)}\b", text, re.IGNORECASE)
        for one, other in pairwise(values)
    )


def _is_time(value: object) -> bool:
    return isinstance(value, str) and bool(_TIME.fullmatch(" ".join(words(value))))


def _is_told(span: Span, card: Card, calls: Sequence[Mapping[str, object]]) -> bool:
    ends = days_from_to(card)
    is_number = span.said.isdecimal() and any(int(span.said) in arguments.values() for arguments in calls)
    asked = bool(ends) and any(between(ends, span).items() <= arguments.items() for arguments in calls)
    return is_number or asked or _tells_of_any(card, calls, span.said.lower())


def _tells_of_any(card: Card, calls: Sequence[Mapping[str, object]], said: str) -> bool:
    return any(_tells_of(card, arguments, said) for arguments in calls or ({},))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _is_placed(word: str, card: Card, given: set[str], least: float) -> bool:
    """Return whether the tool is about the word, or told of it: `least` is for a list of which only the number is asked for,
    which is not smaller for what its description says of its rows."""
    if word in given:
        return True
    if word in lexicon.MISSED | lexicon.PAST:
        return word in lexicon.PAST and word in words(card.described)
    own = concept(word)
    weight = card.weight(own)
    return (
        word in _FREE
        or own in _FREE_CONCEPTS
        or (weight > 0 and weight >= least)
        or any(own == concept(one) for one in given)
    )


def _tells_of(card: Card, arguments: Mapping[str, object], said: str) -> bool:
    """Return whether a time is what an argument says, or else what the tool says that it tells."""
    given = {" ".join(words(str(value))) for value in arguments.values()}
    own = " ".join(word for word in words(said) if word not in {"the", "of"})
    if own in given or any(p.name in arguments and days(card, p, said) is not None for p in card.parameters):
        return True
    if any(choice.value.startswith("this") for p in card.parameters for choice in p.choices):
        return own in _before(given) and bool(re.search(r"\bbefore\b|\bagainst\b|\bcompar|\bprevious", card.described))
    if said.startswith(("next", "coming")) or said.endswith("before"):
        return said in card.described
    if re.search(r"\b(?:each|every|per|by|same|half|few|ago)\b|\d", said) or said.endswith("s"):
        return said in card.described
    telling = [word for word in words(said) if word not in lexicon.STOP]
    return bool(telling) and all(card.weight(concept(word)) > 0 for word in telling)


def _before(given: set[str]) -> Iterator[str]:
    """Yield the periods that those given are compared with: last month for this month."""
    yield from (f"last {one.removeprefix('this ')}" for one in given if one.startswith("this "))
    yield from (f"{one.removeprefix('this ')} before" for one in given if one.startswith("this "))
    yield from (other for one in given if one == "today" for other in ("yesterday", "day before"))
    yield from ("period before" for one in given)

"""Words that stand for what was found before: "her", "which of them". They are put in its place, or left, to be refused.

The invariant: a person is the only one that the turn before found, and "them" are all of a kind that it asked for whole.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from demo import lexicon
from demo.answer import read
from demo.arguments import beside
from demo.language import TIMES, concept, normalised, phrase
from demo.score import Shelf
from demo.times import Span, a_year_before, days_before, spans, unit_of
from demo.turn import Result, Turn

_OWN = re.compile(
    r"\b(?:his|her) (?=[^\W\d_])(?!(?:for|in|at|to|on|by|up|back|and|or|out|until|from)\b)", re.IGNORECASE
)
_SELF = re.compile(r"\b(?:he|she|him|her)\b(?!['’])", re.IGNORECASE)
_MORE = re.compile(r"(?:and|how about|what about|what of|compared?(?= (?:\w+ ){0,2}\w+\W*$))\b", re.IGNORECASE)
_WHICH = re.compile(
    r"^((?:and |so )?(?:which|how many))"
    r"(?= (?:is|are|was|were|has|have|had|do|does|did|will|can|came|come|joined|left|paid|end(?:s|ed)?|expired?)\b)",
    re.IGNORECASE,
)
"""Beginnings of questions that ask for some of what was told before, without a word for it."""
_AGAINST = re.compile(
    r"(?:and |now )*(?:(?:compare|compared)(?: (?:it|that|this))? (?:to|with|against)|versus|vs)\b", re.IGNORECASE
)
_SAME = re.compile(
    r"(?:the )?same (?:month|quarter|days|period|time)(?: (?:of|in))?(?: the)? (?:last year|a year ago|year before)",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:the )?(day|week|month|quarter|year) before\b(?! (?:last|yesterday)\b)", re.IGNORECASE)
_THEM = re.compile(r"\b(?:of )?(?:them|those|these)\b(?! [^\W\d_]+s\b)", re.IGNORECASE)


def resolved(text: str, turn: Turn, shelf: Shelf) -> str:
    """Return the text with what its pronouns stand for in their place, and with the days of which was spoken."""
    earlier = normalised(turn.questions[-1]) if turn.questions else ""
    if _is_of_a_person(text) and all(map(_is_of_a_person, turn.since)) and (who := _person(turn.past)):
        text = _SELF.sub(lambda _: who, _OWN.sub(lambda _: f"{who}'s ", text))
    if turn.past and not turn.since:
        text = _WHICH.sub(r"\1 of them", text)
    if _THEM.search(text) and not turn.since and (kind := _kind(earlier, turn.past, shelf)):
        text = _THEM.sub(lambda _: kind, text)
    return _dated(text, earlier, shelf.today) if earlier and shelf.today else text


def _dated(text: str, earlier: str, today: date) -> str:
    """Return the text with the days that it means after those of which was spoken; where that is unsure, without a word for them."""
    spoken, own = spans(earlier, today), spans(text, today)
    if spoken and (same := _SAME.search(text)) and all(same.start() <= span.at < same.end() for span in own):
        text = _SAME.sub(_of_one(spoken, lambda span: a_year_before(span, same[0], today), "same"), text)
    if (unit := _BEFORE.search(text)) and spoken and not own:
        fitting = [one for one in spoken if unit_of(one) == unit[1].lower()]
        text = _BEFORE.sub(_of_one(fitting, days_before, unit[0]), text)
    own = spans(text, today)
    if _AGAINST.match(text) and own and not phrase(_AGAINST.sub("", beside(text, own))).concepts - TIMES:
        return f"{earlier.rstrip(' ?!.')} {_AGAINST.sub('compared to', text)}"
    about = phrase(_MORE.sub("", text)).concepts
    if _MORE.match(text) and about and len(spoken) == 1 and not own and not TIMES & about:
        text = f"{text.rstrip(' ?!.')} in {spoken[0].said}"
    return text


def _of_one(found: Sequence[Span], days: Callable[[Span], str | None], unsure: str) -> Callable[[re.Match[str]], str]:
    """Return what puts days that follow from a single span in a match's place."""
    told = days(found[0]) if len(found) == 1 else None
    return lambda _: told or unsure


def _is_of_a_person(text: str) -> bool:
    return bool(_OWN.search(text) or _SELF.search(text))


def _person(past: tuple[Result, ...]) -> str | None:
    """Return the name of the only one that was found, if there is one."""
    names = {name for result in past if not result.failed for name in _names(read(result.content))}
    name = names.pop() if len(names) == 1 else ""
    return name if re.fullmatch(r"[^\W\d_]+(?:[ .'’-]+[^\W\d_]+)+", name) else None


def _names(data: object) -> Iterator[str]:
    """Yield the names in a record, or in the rows of a list; that the list goes on is a name, too."""
    if not isinstance(data, Mapping):
        return
    lists = [value for value in data.values() if isinstance(value, list)]
    rows = [row for rows in lists for row in rows if isinstance(row, Mapping)] or [data]
    total = data.get("total")
    if isinstance(total, int) and total > len(rows):
        yield ""
    yield from (name for row in rows if isinstance(name := row.get("name"), str))


def _kind(earlier: str, past: tuple[Result, ...], shelf: Shelf) -> str | None:
    """Return what the question before was about, in a word: where nothing narrowed it down."""
    card = shelf.get(past[0].name) if len(past) == 1 and not past[0].failed else None
    if card is None or card.is_write or card.is_action or set(past[0].arguments) - {"limit"}:
        return None
    own = [word for word in card.subject if concept(word) not in {"statistic", "count"}]
    asked = phrase(earlier).concepts - {concept(word) for word in lexicon.FILLERS}
    return own[0] if len(own) == 1 and asked <= {concept(own[0])} else None

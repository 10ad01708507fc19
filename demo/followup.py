"""Words that stand for what was found before: "her", "which of them". They are put in its place, or left, to be refused.

The invariant: a person is the only one that the turn before found, and "them" are all of a kind that it asked for whole.
"""

import re
from collections.abc import Iterator, Mapping

from demo import lexicon
from demo.answer import read
from demo.language import TIMES, concept, normalised, phrase
from demo.score import Shelf
from demo.times import spans
from demo.turn import Result, Turn

_OWN = re.compile(
    r"\b(?:his|her) (?=[^\W\d_])(?!(?:for|in|at|to|on|by|up|back|and|or|out|until|from)\b)", re.IGNORECASE
)
_SELF = re.compile(r"\b(?:he|she|him|her)\b(?!['’])", re.IGNORECASE)
_MORE = re.compile(r"(?:and|how about|what about|what of)\b", re.IGNORECASE)
_THEM = re.compile(r"\b(?:of )?(?:them|those|these)\b(?! [^\W\d_]+s\b)", re.IGNORECASE)


def resolved(text: str, turn: Turn, shelf: Shelf) -> str:
    """Return the text with what its pronouns stand for in their place, and with the days of which was spoken."""
    earlier = normalised(turn.questions[-1]) if turn.questions else ""
    if _is_of_a_person(text) and all(map(_is_of_a_person, turn.since)) and (who := _person(turn.past)):
        text = _SELF.sub(lambda _: who, _OWN.sub(lambda _: f"{who}'s ", text))
    if _THEM.search(text) and not turn.since and (kind := _kind(earlier, turn.past, shelf)):
        text = _THEM.sub(lambda _: kind, text)
    before = spans(earlier, shelf.today)
    if _MORE.match(text) and len(before) == 1 and not spans(text, shelf.today) and not TIMES & phrase(text).concepts:
        text = f"{text.rstrip(' ?!.')} in {before[0].said}"
    return text


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

"""Clues that a text offers for arguments: names, numbers to call, quoted words. No name is a word that the tools know."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from demo import lexicon
from demo.language import concept, words
from demo.times import Span, spans

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PHONE = re.compile(r"\+?\d[\d ().-]{4,22}\d")
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{1,100})[\"”»]|(?<!\w)['‘]([^'’\n]{2,100})['’](?!\w)")
_CAPITAL = r"(?=[^\W\d_a-z])[^\W\d_]+(?:['’-](?!s\b)[^\W\d_]+)*"
_NAME = re.compile(rf"(?<![\w'’/.@-]){_CAPITAL}(?: {_CAPITAL})*")
COMMON = (
    lexicon.STOP | lexicon.POLITE | lexicon.CALENDAR | lexicon.WRITE_VERBS | lexicon.ACTION_VERBS | lexicon.READ_VERBS
)
_OWNED = re.compile(
    r"\b((?:[^\W\d_]{1,40} ){0,2}[^\W\d_]{1,40})['’]s (?:page|profile|record|account|file|details)\b"
    r"|\b(?:page|profile|record|account|details) (?:of|for) ((?:[^\W\d_]{1,40} ?){1,4})",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Clues:
    """Clues that a text offers for arguments. `names` are capitalised words that are not the tools' own vocabulary; `spans` are
    the days that it names."""

    text: str
    names: list[str]
    quoted: list[str]
    email: str | None
    phone: str | None
    words: tuple[str, ...]
    vocabulary: frozenset[str]
    spans: tuple[Span, ...] = ()


def clues(text: str, *, known: frozenset[str], vocabulary: frozenset[str], today: date | None = None) -> Clues:
    """Read a text once, on a day. `known` are concepts of tool names, `vocabulary` all concepts that tools mention."""
    email = _EMAIL.search(text)
    phone = next((m[0] for m in _PHONE.finditer(DATE.sub(" ", text)) if sum(c.isdigit() for c in m[0]) >= 6), None)
    quoted = [one or other for one, other in _QUOTED.findall(text)]
    return Clues(
        text=text,
        names=list(_names(text, known, vocabulary)) or list(_owners(text, vocabulary)),
        quoted=quoted,
        email=email[0] if email else None,
        phone=phone.strip() if phone else None,
        words=words(text),
        vocabulary=vocabulary,
        spans=spans(text, today),
    )


def _names(text: str, known: frozenset[str], vocabulary: frozenset[str]) -> Iterator[str]:
    """Yield runs of capitalised words, without the tools' own words, places, and the capital that a text begins with."""
    for run in _NAME.finditer(text):
        kept = [word for word in run[0].split(" ") if word[0].isupper() and word.lower() not in COMMON]
        own = [concept(word.lower()) for word in kept]
        while own and (own[0] in known or (run.start() == 0 and run[0].startswith(kept[0]) and own[0] in vocabulary)):
            del own[0], kept[0]
        is_place = re.search(r"\b(?:at|in|on)(?: the)? $", text[: run.start()])
        rest = text[run.end() :]
        is_lonely = run.start() == 0 and kept == [run[0]] and rest.strip(" .!?") and rest[:2] not in {"'s", "’s"}
        if kept and not is_place and not is_lonely and not set(own) <= vocabulary:
            yield " ".join(kept)


def _owners(text: str, vocabulary: frozenset[str]) -> Iterator[str]:
    """Yield a name in small letters, from "maria silva's page" and "the page of maria silva"."""
    for match in _OWNED.finditer(text):
        said = (match[1] or match[2]).split()
        own = [word for word in said if word.lower() not in COMMON and concept(word.lower()) not in vocabulary]
        if own:
            yield " ".join(own)

"""What a text offers for arguments: names, numbers to call, quoted words. No name is a word that the tools know."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from demo import lexicon
from demo.language import concept, words

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_PHONE = re.compile(r"\+?\d[\d ().-]{4,22}\d")
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{1,100})[\"”»]|(?<!\w)['‘]([^'’\n]{2,100})['’](?!\w)")
_CAPITAL = re.compile(r"(?<![\w'’/.@-])(?=[^\W\d_a-z])[^\W\d_]+(?:['’-](?!s\b)[^\W\d_]+)*")
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
    """What a text offers for arguments. `names` are capitalised words that are not the tools' own vocabulary."""

    text: str
    names: list[str]
    quoted: list[str]
    email: str | None
    phone: str | None
    words: tuple[str, ...]
    vocabulary: frozenset[str]


def clues(text: str, *, known: frozenset[str], vocabulary: frozenset[str]) -> Clues:
    """Read a text once. `known` are concepts of tool names, `vocabulary` all concepts that tools mention."""
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
    )


def _names(text: str, known: frozenset[str], vocabulary: frozenset[str]) -> Iterator[str]:
    run: list[re.Match[str]] = []
    for match in [*(m for m in _CAPITAL.finditer(text) if m[0][0].isupper()), None]:
        if run and (match is None or text[run[-1].end() : match.start()] != " "):
            kept = [part for part in run if not is_common(part[0])]
            while kept and (concept(kept[0][0].lower()) in known or _opens(kept[0], vocabulary)):
                kept.pop(0)
            place = kept and re.search(r"\b(?:at|in|on)(?: the)? $", text[: kept[0].start()])
            if (
                kept
                and not place
                and not all(concept(part[0].lower()) in vocabulary for part in kept)
                and not _lonely(kept, text)
            ):
                yield " ".join(part[0] for part in kept)
            run = []
        if match is not None:
            run.append(match)


def _owners(text: str, vocabulary: frozenset[str]) -> Iterator[str]:
    """Yield a name in small letters, from "maria silva's page" and "the page of maria silva"."""
    for match in _OWNED.finditer(text):
        said = (match[1] or match[2]).split()
        own = [word for word in said if not is_common(word) and concept(word.lower()) not in vocabulary]
        if own:
            yield " ".join(own)


def is_common(word: str) -> bool:
    return word.lower() in COMMON


def _opens(part: re.Match[str], vocabulary: frozenset[str]) -> bool:
    return part.start() == 0 and concept(part[0].lower()) in vocabulary


def _lonely(kept: list[re.Match[str]], text: str) -> bool:
    """Say whether this is just the capital that a sentence begins with."""
    first = kept[0]
    rest = text[first.end() :]
    return len(kept) == 1 and first.start() == 0 and bool(rest.strip(" .!?")) and rest[:2] not in {"'s", "’s"}

"""The words of a text as search knows them: folded, cut apart by rules of our own, bounded.

The invariant: both databases index these words as they are, and a question goes through the same rules as a text. So what is
asked is never read as anybody's query language, and the beginning of a word finds the word in any case, with its accents or
without. Unicode 14 and later, as Python's `unicodedata` has it.
"""

import re
import unicodedata
from base64 import b32encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import pairwise

MAX_CHARACTERS = 1_000_000
"""Characters of a message, from its beginning, that are looked at."""
PIECE_LENGTH = 16_384
"""Characters folded at once. `unicodedata` lets nothing else in the process run meanwhile, and takes twelve times their size."""
MAX_WORDS = 10_000
"""Different words of a message, and first letters of words, that are kept."""
MAX_BYTES = 400_000
"""Bytes of a message's words; PostgreSQL's `tsvector` takes a megabyte."""
WORD_LENGTH = 64
"""Characters of a word that count, in a text and in a question."""
MAX_ASKED = 10
"""Words of a question that count: the longest ones, of which there are fewest."""
SCOPE_LENGTH = 13
BEGINNING = "="
"""Stands in front of the first letter of words: one letter is asked for as itself, and not as half of the index."""

_UNACCENTED = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŧ": "t"}
    | dict.fromkeys("'`´‘ʼ′＇", "’")
    | dict.fromkeys("‐‑‒–—−", "-")
    | {"⁄": "/", "\u200b": " "}
)
"""Letters whose accent Unicode does not tell from the letter, and signs that keyboards and editors swap."""
_RUN_RANGES = (
    *((0x3005, 0x3007), (0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x312F), (0x31A0, 0x31FF)),  # kana, bopomofo
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)),  # Han
    *((0x0E01, 0x0E3A), (0x0E40, 0x0E4E), (0x0E81, 0x0ECF), (0x0EDC, 0x0EDF)),  # Thai, Lao
    *((0x1000, 0x103F), (0x1050, 0x108F), (0x1780, 0x17D3)),  # Myanmar, Khmer
)
"""Scripts that put no space between words. Korean does, and its syllables are letters here."""
_RUN_POINTS = {point for first, last in _RUN_RANGES for point in range(first, min(last + 1, 0x20000))}


def _class(points: Iterable[int]) -> str:
    """Return the inside of a regular expression's brackets that stands for these characters, given in order."""
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


_KINDS = [(point, unicodedata.category(chr(point))) for point in range(0x80, 0x20000) if point not in _RUN_POINTS]
_RUN = "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _RUN_RANGES)
_SIGN = _class(point for point, kind in _KINDS if kind in ("So", "Sc", "Sm", "Co", "Cn"))
_LETTER = f"[a-z0-9{_class(point for point, kind in _KINDS if kind[0] in 'LNM')}]"
_JOINT = "[-._@/&’:+#%]"
_PART = re.compile(f"{_LETTER}+")
_PIECE = re.compile(
    f"(?P<run>[{_RUN}]+)"
    f"|(?P<word>[.#@+]?{_LETTER}+(?:{_JOINT}{{1,3}}{_LETTER}+){{0,15}}[+#%]{{0,3}})"
    f"|(?P<sign>[${_SIGN}])"
)
_ACCENTS = _class(
    point for point in range(0x300, 0x20000) if unicodedata.combining(unicodedata.normalize("NFKD", chr(point))[0])
)
_MANY_ACCENTS = re.compile(f"([{_ACCENTS}]{{30}})[{_ACCENTS}]+")
"""More than any word has (Unicode Annex 15): to put them in order takes as long as the square of their number."""
_SPACE = re.compile(r"\s")
_NO_LETTER = re.compile(r"\W")
_DROPPED = {0xFE0E, 0xFE0F, 0x20E3, 0x0640, *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0)}
"""How a sign is to be drawn, and the stroke that only makes an Arabic word longer."""
_COUNTING_MARKS = {0, 8, 9}
"""Combining classes of marks that make another letter: vowels of the South Asian scripts and their absence, voiced kana."""


MOST_MARKS = 20_000
"""Characters that are known to be dropped or kept; Unicode has a million, and a text may have all."""


class _Marks(dict[int, int | None]):
    """A table for `str.translate` that drops accents and unseen characters. It learns them as they come up, and begins anew when full."""

    def __missing__(self, point: int) -> int | None:
        if len(self) >= MOST_MARKS:
            self.clear()
        category = unicodedata.category(chr(point))
        is_accent = category[0] == "M" and unicodedata.combining(chr(point)) not in _COUNTING_MARKS
        self[point] = kept = None if is_accent or category == "Cf" or point in _DROPPED else point
        return kept


_marks = _Marks()


def fold(text: str) -> str:
    """Return a text in which case, accents, width and typographic variants make no difference any more."""
    if text.isascii():
        return text.lower().replace("'", "’").replace("`", "’")
    text = _MANY_ACCENTS.sub(r"\1", text)
    text = unicodedata.normalize("NFKD", text.translate(_UNACCENTED)).casefold()
    text = unicodedata.normalize("NFKD", text).translate(_UNACCENTED).translate(_marks)
    return unicodedata.normalize("NFC", text)


def terms_of(text: str) -> list[str]:
    """Return what stands in the index for a text: its different words, and their first letters behind `BEGINNING`.

    A word that is put together (`AB-123456`, `a@b.c`) is there whole and from each of its parts on; a run of a script
    without spaces as each two characters that stand together and as its last one. What is beyond the bounds of this
    module is left out.
    """
    found: dict[str, None] = {}
    left = MAX_BYTES
    for word in (word for piece in _pieces(text[:MAX_CHARACTERS]) for word in _words(fold(piece))):
        if word in found:
            continue
        new = [word] if (beginning := BEGINNING + word[0]) in found else [word, beginning]
        left -= sum(SCOPE_LENGTH + 1 + len(term.encode()) for term in new)
        if left < 0 or len(found) + len(new) > MAX_WORDS:
            break
        found.update(dict.fromkeys(new))
    return list(found)


def asked_terms(question: str, *, most: int = MAX_ASKED) -> list[str]:
    """Return at most so many beginnings that terms of a hit must have, each of one; none where there is no word in the question.

    A word that is the beginning of another is left out: whoever has the longer one has it too.
    """
    asked: dict[str, None] = {}
    for match in _PIECE.finditer(fold(question[:MAX_CHARACTERS])):
        text = match.group()
        if match.lastgroup == "run" and len(text) > 1:
            asked.update(dict.fromkeys(text[at : at + 2] for at in range(len(text) - 1)))
        else:
            asked[text[:WORD_LENGTH]] = None
    ordered = sorted(asked)  # those that begin with a word stand right behind it
    halves = {word for word, behind in pairwise(ordered) if behind.startswith(word)}
    longest = sorted((word for word in asked if word not in halves), key=len, reverse=True)[:most]
    return [word if len(word) > 1 else BEGINNING + word for word in longest]


def scope_of(tenant_id: str, user_id: str, part: int) -> str:
    """Return what stands in front of each word of a part of a user's index: 13 letters and digits.

    It makes the words of one user other words than those of everybody else. It is no secret and protects nothing by
    itself; the rows that it leads to are checked.
    """
    name = f"{len(tenant_id)}:{tenant_id}{len(user_id)}:{user_id}{part}"
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def _pieces(text: str) -> Iterator[str]:
    """Yield a text part by part, cut where no word is if there is such a place."""
    at = 0
    while at < len(text):
        piece = text[at : at + PIECE_LENGTH]
        if at + PIECE_LENGTH < len(text):
            backwards = piece[::-1]
            gap = _SPACE.search(backwards) or _NO_LETTER.search(backwards)
            piece = piece[: len(piece) - gap.start()] if gap else piece
        yield piece
        at += len(piece)


def _words(folded: str) -> Iterator[str]:
    for match in _PIECE.finditer(folded):
        text = match.group()
        if match.lastgroup == "word":
            if text.isalnum():
                yield text[:WORD_LENGTH]
                continue
            yield text[:WORD_LENGTH]
            yield from (text[part.start() : part.start() + WORD_LENGTH] for part in _PART.finditer(text))
        else:
            yield from (text[at : at + 2] for at in range(len(text)))

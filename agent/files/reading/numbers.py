"""The numbers of paragraphs as Word counts them: they stand in no text of a document, and whoever opens it reads them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from agent.files.reading.elements import attribute, child, name_of, number, value

LEVELS = 9
BULLET = "•"
MOST_STYLES = 20
"""Styles of which one may be made of the other."""
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
MOST_SIGNS = 20
"""Of a number: those of Word end at 32,767."""


class _Level(NamedTuple):
    start: int
    form: str
    text: str


class _Place(NamedTuple):
    """Where a paragraph is numbered: in which list, on which level."""

    list_id: str
    level: int


class Numbers:
    """Counts the paragraphs of a document, which has to be asked of each once, in their order."""

    def __init__(self, numbering: Iterable[Any], styles: Iterable[Any]) -> None:
        self._kinds: dict[str, dict[int, _Level]] = {}
        self._kind_of: dict[str, str] = {}
        self._starts: dict[str, dict[int, int]] = {}
        for part in numbering:
            for one in part:
                self._note(one)
        self._styles = {attribute(one, "styleId") or "": one for one in styles if name_of(one) == "style"}
        self._counts: defaultdict[str, list[int | None]] = defaultdict(lambda: [None] * LEVELS)

    def of(self, paragraph: Any) -> str:
        """Return what stands in front of a paragraph, with a space behind it; nothing where it is not numbered."""
        place = self._place(child(paragraph, "pPr"))
        kind = self._kind_of.get(place.list_id) if place is not None else None
        levels = self._kinds.get(kind or "", {})
        if place is None or kind is None or (level := levels.get(place.level)) is None:
            return ""
        counts = self._counts[kind]
        began = self._starts.get(place.list_id, {}).pop(place.level, None)
        before = counts[place.level]
        counts[place.level] = began if began is not None else level.start if before is None else before + 1
        counts[place.level + 1 :] = [None] * (LEVELS - place.level - 1)
        if level.form in ("bullet", "none"):
            return f"{BULLET} " if level.form == "bullet" else ""
        said = _PLACE.sub(lambda found: _written(levels, counts, int(found[1]) - 1), level.text)
        return f"{said} " if said.strip() else ""

    def _note(self, one: Any) -> None:
        if name_of(one) == "abstractNum":
            levels = (part for part in one if name_of(part) == "lvl")
            self._kinds[attribute(one, "abstractNumId") or ""] = {
                at: _level(part) for part in levels if (at := _number(attribute(part, "ilvl"))) < LEVELS
            }
        elif name_of(one) == "num":
            list_id = attribute(one, "numId") or ""
            self._kind_of[list_id] = value(child(one, "abstractNumId")) or ""
            self._starts[list_id] = {
                _number(attribute(part, "ilvl")): number(begins, 1)
                for part in one
                if name_of(part) == "lvlOverride" and (begins := child(part, "startOverride")) is not None
            }

    def _place(self, properties: Any) -> _Place | None:
        """Return where a paragraph is numbered by its own properties, or by those of its style and of what that is made of."""
        list_id = level = None
        style = value(child(properties, "pStyle"))
        for _ in range(MOST_STYLES):
            said = child(properties, "numPr")
            level = value(child(said, "ilvl")) if level is None else level
            list_id = value(child(said, "numId")) if list_id is None else list_id
            found = self._styles.get(style or "") if list_id is None else None
            if found is None:
                break
            properties, style = child(found, "pPr"), value(child(found, "basedOn"))
        at = _number(level)
        return _Place(list_id, at) if list_id not in (None, "0") and at < LEVELS else None


def _level(part: Any) -> _Level:
    form = value(child(part, "numFmt")) or "decimal"
    return _Level(number(child(part, "start"), 0), form, (value(child(part, "lvlText")) or "")[:40])


def _number(said: str | None) -> int:
    return int(said) if said is not None and said.isdecimal() and len(said) < 6 else 0


def _written(levels: dict[int, _Level], counts: list[int | None], at: int) -> str:
    level = levels.get(at, _Level(1, "decimal", ""))
    count = counts[at]
    return _FORMS.get(level.form, str)(level.start if count is None else count)


def _letters(count: int) -> str:
    """Return a number as Word writes it in letters: a to z, then aa, bb."""
    return chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, MOST_SIGNS) if count > 0 else ""


def _roman(count: int) -> str:
    said = ""
    for worth, letters in _ROMAN:
        times, count = divmod(count, worth)
        said += letters * min(times, MOST_SIGNS)
    return said


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda count: _letters(count).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda count: _roman(count).upper(),
    "decimalZero": lambda count: f"{count:02}",
}

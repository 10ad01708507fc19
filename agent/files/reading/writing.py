"""The text of a file as it is written down: only so much of it, and in a form in which cells and pages can be named."""

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a program that opens tables; here it is text, and quoted."""
CELL_CHARACTERS = 32_767
"""As many as a cell of a workbook may have. Tables of documents have more where they stand for a page."""
MOST_COLUMNS = 1000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HALF = re.compile("[\ud800-\udfff]")


class Text:
    """The text so far. `is_cut` says that there was no room for more, `is_short` that something within it was left out."""

    def __init__(self, file: BinaryIO, *, most: int) -> None:
        self._file = file
        self._room = most
        self.characters = 0
        self.is_cut = self.is_short = False

    def add(self, text: str) -> bool:
        """Write some more; return whether there is room for anything behind it."""
        text = clean(text)
        if len(text) > self._room:
            text, self.is_cut = text[: self._room], True
        self._room -= len(text)
        self.characters += len(text)
        self._file.write(text.encode("utf-8", "replace"))
        return not self.is_cut

    def add_row(self, number: int, cells: Sequence[object]) -> bool:
        """Write a line of a table; return whether there is room for anything behind it."""
        shown = cells[:MOST_COLUMNS]
        is_long = any(isinstance(one, str) and len(one) > CELL_CHARACTERS for one in shown)
        self.is_short = self.is_short or is_long or len(cells) > MOST_COLUMNS
        return self.add(row(number, shown))


def clean(text: str) -> str:
    """Return a text without control characters, and without halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _HALF.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", text)


def row(number: int, cells: Iterable[object]) -> str:
    """Return a line of a table: the number of the row, then its cells."""
    return f"{number} | {' | '.join(map(cell, cells))}\n"


def cell(value: object) -> str:
    """Return what stands in a cell, in a line. A formula, or what looks like one, is a text in quotes."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    said = str(value)
    text = " ".join(said[:CELL_CHARACTERS].split()).replace("|", "\\|") + (" …" if len(said) > CELL_CHARACTERS else "")
    is_formula = isinstance(value, str) and str(value)[:1] in FORMULA and not _is_number(text)
    return f'"{text}"' if is_formula else text


def letters(count: int) -> list[str]:
    """Return the names of the first columns: A, B, … Z, AA, …"""
    return [_letters(number) for number in range(1, count + 1)]


def _letters(number: int) -> str:
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ".").replace(" ", "").rstrip("%€$"))
    except ValueError:
        return False
    return True

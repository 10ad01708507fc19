"""Tables as text: each row with its number, each column with its letter, so that a cell can be named."""

import csv
import io
import re
from collections import Counter
from contextlib import suppress
from itertools import chain, islice
from typing import Any, BinaryIO

from agent.files.reading.archives import check_archive
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.texts import decoded
from agent.files.reading.writing import MOST_COLUMNS, Text, letters

SAMPLE_CHARACTERS = 16_384
SAMPLE_ROWS = 20
DELIMITERS = "\t;|,"
"""Signs that part cells. Of several that part all rows alike the first one does: a comma is in numbers, too."""
_HINT = re.compile(r'sep=([^"\r\n])\r?(?:\n|\Z)')
"""A first line in which a program of tables says by which sign the others are parted."""
FIELD_CHARACTERS = 1_000_000
ROWS_BETWEEN = 1000
"""Rows of a table, between two looks at the clock."""
UNREAD = "(This sheet cannot be read.)"
MOST_ROWS = 1_048_576
"""As many as a sheet has, in all programs that write some."""


def read_csv(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write a table of lines; what it is parted by is found in its first lines."""
    whole = decoded(source.read())
    hint = _HINT.match(whole)
    lines = io.StringIO(whole, newline="")
    lines.seek(hint.end() if hint else 0)
    csv.field_size_limit(FIELD_CHARACTERS)
    rows = columns = 0
    clock = Clock(order.stop_after_s)
    try:
        found = filter(None, csv.reader(lines, delimiter=hint[1] if hint else _delimiter(whole)))
        first = list(islice(found, SAMPLE_ROWS))
        text.add(f"  | {' | '.join(letters(min(max(map(len, first), default=0), MOST_COLUMNS)))}\n")
        for rows, cells in enumerate(chain(first, found), start=1):
            columns = max(columns, len(cells))
            if not text.is_cut:
                text.add_row(rows, cells)
            if rows % ROWS_BETWEEN == 0 and clock.is_over:
                break
        is_counted = next(found, None) is None
    except csv.Error as exc:
        raise UnreadableError("it is no table: a cell in it has no end") from exc
    about = {"rows" if is_counted else "rows_read": rows, "columns": columns, "has_header": _has_header(first)}
    return Report(about=about | ({"is_cut": True} if text.is_cut or text.is_short or not is_counted else {}))


def read_xlsx(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write the values of all sheets; formulas are not calculated, and told as what they came to when it was saved.

    A sheet that is broken takes no other with it, and one that is hidden is told to be.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    check_archive(source, needs="xl/workbook.xml", most_bytes=order.unpacked_bytes)
    clock, read, rows, broken = Clock(order.stop_after_s), 0, 0, 0
    try:
        book = CalamineWorkbook.from_filelike(source)
        every = list(book.sheets_metadata)
    except (CalamineError, OSError, ValueError) as exc:
        raise UnreadableError("it is broken, or locked by a password") from exc
    for one in every:
        if text.is_cut or clock.is_over:
            break
        named = f'[Sheet "{" ".join(one.name.split())}"{"" if one.visible == SheetVisibleEnum.Visible else ", hidden"}'
        try:
            rows += _sheet(book.get_sheet_by_name(one.name), text, clock, named)
        except (CalamineError, OSError, ValueError):
            text.add(f"{named}]\n{UNREAD}\n\n")
            broken += 1
        read += 1
    if read and broken == read:
        raise UnreadableError("it is broken, or locked by a password")
    is_cut = text.is_cut or text.is_short or clock.is_over or read < len(every)
    about = {"sheets": len(every), "rows": rows} | ({"sheets_broken": broken} if broken else {})
    return Report(about=about | ({"is_cut": True} if is_cut else {}))


def _sheet(sheet: Any, text: Text, clock: Clock, named: str) -> int:
    """Write a sheet, without rows and ends of rows in which nothing stands; return how many rows it has."""
    height, columns = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end is not None else (0, 0)
    if height > MOST_ROWS:
        raise ValueError("no program writes so many rows")
    text.add(f"{named}: {height} rows, {columns} columns]\n")
    if not height:
        return 0
    left = sheet.start[1]
    text.add(f"  | {' | '.join(letters(min(columns, MOST_COLUMNS))[left:])}\n")
    for at, cells in enumerate(sheet.iter_rows(), start=1):
        if clock.is_over:
            break
        while cells and cells[-1] in ("", None):
            cells.pop()
        if cells and not text.add_row(at, cells):
            break
    text.add("\n")
    return int(height)


def _delimiter(whole: str) -> str:
    """Return the sign that parts most of the first rows into equally many cells; a comma where none does."""
    lines = whole[:SAMPLE_CHARACTERS].splitlines()[:SAMPLE_ROWS]
    alike = {sign: _rows_alike(lines, sign) for sign in DELIMITERS}
    best = max(DELIMITERS, key=lambda sign: alike[sign])
    return best if alike[best] else ","


def _rows_alike(lines: list[str], sign: str) -> float:
    """Return the share of the rows that have equally many cells, and more than one, where a sign parts them and no quotation."""
    counts: Counter[int] = Counter()
    with suppress(csv.Error):
        for cells in filter(None, csv.reader(lines, delimiter=sign)):
            counts[0 if any(one.count('"') % 2 for one in cells) else len(cells)] += 1
    return max((rows for cells, rows in counts.items() if cells > 1), default=0) / max(counts.total(), 1)


def _has_header(first: list[list[str]]) -> bool:
    """Return whether the first row names the columns: words, each once, above something else that is no wider."""
    names = [one.strip() for one in first[0]] if len(first) > 1 and len(first[1]) <= len(first[0]) else []
    return bool(names) and all(names) and len({*names}) == len(names) and not any(one[:1].isdigit() for one in names)

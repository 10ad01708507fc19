"""Tables as text: each row with its number, each column with its letter, so that a cell can be named."""

import csv
import io
from typing import Any, BinaryIO

from agent.files.reading.archives import check_archive
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.texts import decoded
from agent.files.reading.writing import MOST_COLUMNS, Text, letters

SAMPLE_CHARACTERS = 16_384
DELIMITERS = ",;\t|"
FIELD_CHARACTERS = 1_000_000


def read_csv(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write a table of lines; what it is parted by is found in its first lines."""
    whole = decoded(source.read())
    csv.field_size_limit(FIELD_CHARACTERS)
    rows = columns = 0
    first: list[str] = []
    second: list[str] = []
    clock = Clock(order.stop_after_s)
    try:
        for cells in csv.reader(io.StringIO(whole, newline=""), delimiter=_delimiter(whole)):
            if not cells:
                continue
            rows += 1
            columns = max(columns, len(cells))
            first, second = (cells, second) if rows == 1 else (first, cells if rows == 2 else second)
            if rows == 1:
                text.add(f"  | {' | '.join(letters(min(len(cells), MOST_COLUMNS)))}\n")
            if not text.is_cut and not clock.is_over:
                text.add_row(rows, cells)
    except csv.Error as exc:
        raise UnreadableError("it is no table: a cell in it has no end") from exc
    about = {"rows": rows, "columns": columns, "has_header": _has_header(first, second)}
    return Report(about=about | ({"is_cut": True} if text.is_cut or text.is_short or clock.is_over else {}))


def read_xlsx(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write the values of all sheets; formulas are not calculated, and told as what they came to when it was saved."""
    from python_calamine import CalamineError, CalamineWorkbook

    check_archive(source, needs="xl/workbook.xml", most_bytes=order.unpacked_bytes)
    clock, sheets = Clock(order.stop_after_s), []
    try:
        book = CalamineWorkbook.from_filelike(source)
        for name in book.sheet_names:
            if text.is_cut or clock.is_over:
                break
            sheet = book.get_sheet_by_name(name)
            sheets.append(_sheet(sheet, text, clock))
        count = len(book.sheet_names)
    except (CalamineError, OSError, ValueError) as exc:
        raise UnreadableError("it is broken, or locked by a password") from exc
    is_cut = text.is_cut or text.is_short or clock.is_over or len(sheets) < count
    return Report(about={"sheets": count, "rows": sum(sheets)} | ({"is_cut": True} if is_cut else {}))


def _sheet(sheet: Any, text: Text, clock: Clock) -> int:
    """Write a sheet; return how many rows it has."""
    height, columns = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end is not None else (0, 0)
    text.add(f'[Sheet "{" ".join(sheet.name.split())}": {height} rows, {columns} columns]\n')
    if not height:
        return 0
    begins, left = sheet.start
    text.add(f"  | {' | '.join(letters(min(columns, MOST_COLUMNS))[left:])}\n")
    for at, cells in enumerate(sheet.iter_rows()):
        if at < begins:
            continue
        if not text.add_row(at + 1, cells) or clock.is_over:
            break
    text.add("\n")
    return int(height)


def _delimiter(whole: str) -> str:
    lines = whole[:SAMPLE_CHARACTERS].splitlines()[:20]
    least = {sign: min((line.count(sign) for line in lines if line.strip()), default=0) for sign in DELIMITERS}
    steadiest = max(DELIMITERS, key=lambda sign: least[sign])
    return steadiest if least[steadiest] else ","


def _has_header(first: list[str], second: list[str]) -> bool:
    """Return whether the first row names the columns: words, each once, above something else."""
    names = [one.strip() for one in first]
    return bool(second) and all(names) and len({*names}) == len(names) and not any(one[:1].isdigit() for one in names)

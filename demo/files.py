"""The offline model's words on a file: what is known of it and how it begins, and nothing that it would have to understand."""

import re
from collections.abc import Mapping, Sequence

from agent.prompt.words import ToldFile
from demo.markdown import plain
from demo.phrasebook import OF_FILES
from demo.tongues import Tongue

ABOUT = re.compile(
    r"\b(?:files?|attach\w*|tables?|csv|pdf|sheets?|documents?|pages?|rows?|columns?|lines?|pictures?|images?|datei\w*|tabelle\w*|zeilen?"
    r"|spalten?|seiten?|archivos?|ficheiros?|arquivos?|tablas?|tabelas?|filas?|linhas?|columnas?|colunas?|páginas?)\b|फ़ाइल|पंक्ति|कॉलम|स्तंभ",
    re.IGNORECASE,
)
"""Words of a question that may be about a file of an earlier message."""
MAX_LINES, MAX_CELLS, LINE_CHARACTERS = 5, 6, 200
FOR_MODELS = "; say so"
"""Where what is said of a file goes on with what a model is to do about it."""
COUNTS = ("pages", "sheets", "paragraphs", "tables", "lines")
_REFERENCE = re.compile(r"^\[(?:Page|Sheet|Table)\b[^\n]*\]$")


def told_of_files(files: Sequence[ToldFile], tongue: Tongue) -> str:
    """Return what is known of files; empty where there are none."""
    return "\n\n".join([tongue.say(OF_FILES), *map(_told, files)]) if files else ""


def _told(file: ToldFile) -> str:
    facts = file.facts
    head = f"**{plain(str(facts.get('name', 'file')))}**: {_size(facts)}."
    note = str(facts.get("note") or "").partition(FOR_MODELS)[0]
    note = note and f" ({plain(note, 300)})"
    rows = [line for line in file.text.splitlines() if line.strip() and not _REFERENCE.match(line)]
    if not rows:
        return head + note
    is_table = facts.get("rows") is not None
    begins = _table(rows, has_header=bool(facts.get("has_header"))) if is_table else _quoted(rows)
    return f"{head}{note}\n\n{begins}"


def _size(facts: Mapping[str, object]) -> str:
    """Return how much there is of a file, in figures that stand in what the application says of it."""
    said = []
    if isinstance(rows := facts.get("rows"), int):
        under = bool(facts.get("has_header"))
        said.append(f"{_count(rows - under, 'row')}{' under a row of names' if under else ''}")
        if isinstance(columns := facts.get("columns"), int):
            said.append(_count(columns, "column"))
    said += [_count(number, name.removesuffix("s")) for name in COUNTS if isinstance(number := facts.get(name), int)]
    if facts.get("width"):
        said.append(f"a picture of {facts['width']} × {facts.get('height')} pixels")
    return ", ".join(said) or "it is there"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(rows: Sequence[str], *, has_header: bool) -> str:
    """Return the first rows as a table, under their names, or else under the letters of their columns, which stand in front of them."""
    found = [line.split(" | ")[1:] for line in rows[: MAX_LINES + 2]]
    cells = [_cells(row) for row in (found[1:] if has_header else found[: MAX_LINES + 1])]
    width = max(map(len, cells), default=0)
    if not width:
        return ""
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in cells]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def _cells(row: Sequence[str]) -> list[str]:
    shown = [plain(cell.strip().replace("\\|", "|"), 40) for cell in row[:MAX_CELLS]]
    return shown + ["…"] * (len(row) > MAX_CELLS)


def _quoted(rows: Sequence[str]) -> str:
    return "\n>\n".join(f"> {plain(line.strip(), LINE_CHARACTERS)}" for line in rows[:MAX_LINES])

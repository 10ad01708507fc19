"""Documents of Word as text: all that whoever opens one reads, with headings, tables and notes. Nothing that they point to is fetched.

What was deleted and is only kept as a change is not there; what stands in wrappers (content controls, insertions) is.
"""

import re
import zipfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from agent.files.reading.archives import check_archive
from agent.files.reading.elements import attribute, child, name_of, number, text_of, value
from agent.files.reading.numbers import Numbers
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.writing import Text

_HEADING = re.compile(r"heading ([1-6])")
_WRAPPERS = frozenset(("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
_NOT_READ = frozenset(("del", "moveFrom", "instrText", "delText", "rt", "pPr", "rPr", "sdtPr", "tcPr", "trPr"))
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PRIVATE = {
    "F0FE": "☒",
    "F0FD": "☒",
    "F0FC": "✓",
    "F0FB": "✗",
    "F0A8": "☐",
    "F06F": "☐",
    "F0E0": "→",
    "F0B7": "•",
    "F0A7": "•",
}
"""Signs of Wingdings and Symbol that people put into forms and lists, by their places, which say nothing in any other font."""
_NOTES = {"footnoteReference": "Footnote", "endnoteReference": "Endnote"}
_CODE = re.compile("[0-9A-Fa-f]{4}")
_OFF = ("0", "false", "off")
BROKEN = (AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile)
"""Its library's errors at a file whose parts do not fit together: of a package without one, a `KeyError` or a `ValueError`."""
KINDS_BYTES = 1_000_000
STRICT = b"purl.oclc.org"
"""Where names of the strict form of these documents are, which Word writes only for who asks for it."""
MOST_BEFORE = 63
"""Columns that a row may leave out at its beginning, as many as Word lets a table have."""


def read_docx(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write headers, then paragraphs, headings, text boxes and tables in their order, then footers, notes and comments."""
    import docx
    from docx.exceptions import PythonDocxError
    from docx.opc.exceptions import OpcError

    check_archive(source, needs="word/document.xml", most_bytes=order.unpacked_bytes)
    clock = Clock(order.stop_after_s)
    try:
        document = docx.Document(source)
        styles = _styles(document)
        word = _Word(text, clock, _marks(styles), Numbers(_parts(document, "numbering"), styles))
        for said in _apart(document, "header", word):
            text.add(f"[Header]\n{said}\n\n")
        body = document.element.body
        word.write(body)
        for said in _apart(document, "footer", word):
            text.add(f"[Footer]\n{said}\n\n")
        for kind, one in (("Footnote", "footnotes"), ("Endnote", "endnotes"), ("Comment", "comments")):
            for note_id, said in _noted(document, one, word):
                text.add(f"[{kind} {note_id}] {said}\n\n")
        unread = sum(1 for _ in body.iter("{*}altChunk", "{*}subDoc"))
    except (*BROKEN, OpcError, PythonDocxError) as exc:
        raise UnreadableError(_why_not(source)) from exc
    about = {"paragraphs": word.paragraphs, "tables": word.tables} | ({"parts_unread": unread} if unread else {})
    return Report(about=about | ({"is_cut": True} if text.is_cut or text.is_short or clock.is_over else {}))


def _why_not(source: BinaryIO) -> str:
    """Return why a document was not opened: one of another kind, under the name of this one, is not broken."""
    with suppress(*BROKEN), zipfile.ZipFile(source) as archive:
        kinds = archive.open("[Content_Types].xml").read(KINDS_BYTES)
        if b"macroEnabled" in kinds or b"document.template" in kinds or b".template.main" in kinds:
            return "it is a template, or has macros: save it as a document without"
        if STRICT in archive.open("_rels/.rels").read(KINDS_BYTES):
            return "it is strict Open XML: save it as a usual document of Word"
    return "it is broken, or was cut"


class _Word:
    """The body of a document as it is written down. `marks` are those of headings, by the ids of styles."""

    def __init__(self, text: Text, clock: Clock, marks: dict[str, str], numbers: Numbers) -> None:
        self._text = text
        self._clock = clock
        self._marks = marks
        self._numbers = numbers
        self.paragraphs = self.tables = 0

    def write(self, container: Any) -> None:
        for block in _blocks(container, ("p", "tbl")):
            if self._text.is_cut or self._clock.is_over:
                return
            if name_of(block) == "tbl":
                self.tables += 1
                self._table(block)
            else:
                self._paragraph(block)

    def _paragraph(self, block: Any) -> None:
        boxes: list[Any] = []
        numbered = self._numbers.of(block)
        if words := "".join(_inline(block, boxes)).strip():
            self.paragraphs += 1
            mark = self._marks.get(value(child(child(block, "pPr"), "pStyle")) or "")
            self._text.add(f"{mark} {numbered}{words}\n\n" if mark else f"{numbered}{words}\n\n")
        for box in boxes:
            self._text.add("[Text box]\n")
            self.write(box)

    def _table(self, table: Any) -> None:
        self._text.add(f"[Table {self.tables}]\n")
        for at, cells in enumerate(self._rows(table), start=1):
            if not self._text.add_row(at, cells) or self._clock.is_over:
                return
        self._text.add("\n")

    def said(self, container: Any) -> str:
        """Return what stands in a cell, a header or a note, with what stands in tables and boxes within it."""
        lines: list[str] = []
        for block in _blocks(container, ("p", "tbl")):
            if name_of(block) == "tbl":
                lines += ["; ".join(cells) for cells in self._rows(block)]
                continue
            boxes: list[Any] = []
            lines.append(f"{self._numbers.of(block)}{''.join(_inline(block, boxes))}")
            lines += map(self.said, boxes)
        return "\n".join(lines).strip("\n")

    def _rows(self, table: Any) -> Iterator[list[str]]:
        """Yield the cells of each row; what goes over several rows is there in each, what goes over several columns once."""
        above: dict[int, str] = {}
        for line in _blocks(table, ("tr",)):
            properties = child(line, "trPr")
            if child(properties, "del") is not None:
                continue
            column = min(number(child(properties, "gridBefore"), 0), MOST_BEFORE)
            cells = [""] * column
            for cell in _blocks(line, ("tc",)):
                of_cell = child(cell, "tcPr")
                if child(of_cell, "cellDel") is not None:
                    continue
                merged = child(of_cell, "vMerge")
                goes_on = merged is not None and value(merged) != "restart"
                said = above.get(column, "") if goes_on else self.said(cell)
                above[column] = said
                cells.append(said)
                column += max(1, number(child(of_cell, "gridSpan"), 1))
            yield cells


def _styles(document: Any) -> Any:
    """Return the styles of a document; none where they are broken."""
    try:
        return document.styles.element
    except (AttributeError, KeyError, ValueError):
        return ()


def _marks(styles: Any) -> dict[str, str]:
    """Return the signs of headings by the ids of their styles."""
    found: dict[str, str] = {}
    for style in styles:
        name = (value(child(style, "name")) or "").lower()
        level = _HEADING.fullmatch(name)
        if level or name == "title":
            found[attribute(style, "styleId") or ""] = "#" * (int(level[1]) if level else 1)
    return found


def _apart(document: Any, kind: str, word: _Word) -> list[str]:
    """Return what stands in headers or footers, each text once; a number of a page alone is none."""
    said = (word.said(part).strip() for part in _parts(document, kind))
    return list(dict.fromkeys(one for one in said if any(map(str.isalpha, one))))


def _noted(document: Any, kind: str, word: _Word) -> Iterator[tuple[str, str]]:
    """Yield notes, or comments, with their numbers."""
    for part in _parts(document, kind):
        for note in part:
            if said := word.said(note).strip():
                yield attribute(note, "id") or "", said


def _parts(document: Any, kind: str) -> Iterator[Any]:
    from docx.oxml.parser import parse_xml

    for link in document.part.rels.values():
        if not link.is_external and link.reltype.endswith(f"/{kind}"):
            part = link.target_part
            yield part.element if hasattr(part, "element") else parse_xml(part.blob)


def _blocks(container: Any, wanted: Collection[str]) -> Iterator[Any]:
    """Yield what is wanted of a container's children, and of wrappers among these."""
    for one in container:
        name = name_of(one)
        if name in wanted:
            yield one
        elif name in _WRAPPERS:
            yield from _blocks(one, wanted)
        elif name == "AlternateContent":
            yield from _blocks(_chosen(one), wanted)


def _inline(element: Any, boxes: list[Any]) -> Iterator[str]:
    """Yield the text of a paragraph piece by piece, and put the text boxes that hang on it into `boxes`."""
    for one in element:
        name = name_of(one)
        if name in _NOT_READ or (name == "r" and _is_on(child(child(one, "rPr"), "vanish"))):
            continue
        if name == "t":
            yield text_of(one)
        elif name in _SIGNS:
            yield _SIGNS[name]
        elif name == "sym":
            yield _symbol(attribute(one, "char") or "")
        elif name in _NOTES:
            yield f" [{_NOTES[name]} {attribute(one, 'id')}]"
        elif name == "checkBox":
            yield "☒ " if _is_checked(one) else "☐ "
        elif name == "ddList":
            yield _picked(one)
        elif name == "textpath":
            yield attribute(one, "string") or ""
        elif name == "txbxContent":
            boxes.append(one)
        else:
            yield from _inline(_chosen(one) if name == "AlternateContent" else one, boxes)


def _symbol(place: str) -> str:
    """Return a sign that is named by its place in a font; one that only its own font has as a sign that nobody knows."""
    code = int(place, 16) if _CODE.fullmatch(place) else 0
    return _PRIVATE.get(place.upper()) or (chr(code) if ord(" ") <= code < 0xD800 else "\N{REPLACEMENT CHARACTER}")


def _chosen(alternatives: Any) -> Any:
    """Return the first of several forms of the same thing that has words; what none has is empty."""
    forms = [one for one in alternatives if name_of(one) in ("Choice", "Fallback")]
    return next((one for one in forms if any(name_of(part) == "t" for part in one.iter())), ())


def _is_checked(box: Any) -> bool:
    said = child(box, "checked")
    return _is_on(child(box, "default") if said is None else said)


def _is_on(switch: Any) -> bool:
    return switch is not None and value(switch) not in _OFF


def _picked(choice: Any) -> str:
    """Return what is chosen in a list of an old form."""
    entries = [value(one) or "" for one in choice if name_of(one) == "listEntry"]
    said = child(choice, "result")
    at = number(child(choice, "default") if said is None else said, 0)
    return entries[at] if at < len(entries) else ""

"""Documents of Word as text: all that whoever opens one reads, with headings, tables and notes. Nothing that they point to is fetched.

What was deleted and is only kept as a change is not there; what stands in wrappers (content controls, insertions) is.
"""

import re
import zipfile
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from agent.files.reading.archives import check_archive
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.writing import Text

_HEADING = re.compile(r"heading ([1-6])")
_WRAPPERS = frozenset(("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
_NOT_READ = frozenset(("del", "moveFrom", "instrText", "delText", "rt", "pPr", "rPr", "sdtPr", "tcPr", "trPr"))
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTES = {"footnoteReference": "Footnote", "endnoteReference": "Endnote"}
_OFF = ("0", "false", "off")
BROKEN = (AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile)
"""Its library's errors at a file whose parts do not fit together: of a package without one, a `KeyError` or a `ValueError`."""
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
        word = _Word(text, clock, _marks(document))
        for said in _apart(document, "header"):
            text.add(f"[Header]\n{said}\n\n")
        word.write(document.element.body)
        for said in _apart(document, "footer"):
            text.add(f"[Footer]\n{said}\n\n")
        for kind, one in (("Footnote", "footnotes"), ("Endnote", "endnotes"), ("Comment", "comments")):
            for number, said in _numbered(document, one):
                text.add(f"[{kind} {number}] {said}\n\n")
    except (*BROKEN, OpcError, PythonDocxError) as exc:
        raise UnreadableError("it is broken, or was cut") from exc
    about = {"paragraphs": word.paragraphs, "tables": word.tables}
    return Report(about=about | ({"is_cut": True} if text.is_cut or text.is_short or clock.is_over else {}))


class _Word:
    """The body of a document as it is written down. `marks` are those of headings, by the ids of styles."""

    def __init__(self, text: Text, clock: Clock, marks: dict[str, str]) -> None:
        self._text = text
        self._clock = clock
        self._marks = marks
        self.paragraphs = self.tables = 0

    def write(self, container: Any) -> None:
        for block in _blocks(container, ("p", "tbl")):
            if self._text.is_cut or self._clock.is_over:
                return
            if _name(block) == "tbl":
                self.tables += 1
                self._table(block)
            else:
                self._paragraph(block)

    def _paragraph(self, block: Any) -> None:
        boxes: list[Any] = []
        if words := "".join(_inline(block, boxes)).strip():
            self.paragraphs += 1
            mark = self._marks.get(_value(_child(_child(block, "pPr"), "pStyle")) or "")
            self._text.add(f"{mark} {words}\n\n" if mark else f"{words}\n\n")
        for box in boxes:
            self._text.add("[Text box]\n")
            self.write(box)

    def _table(self, table: Any) -> None:
        self._text.add(f"[Table {self.tables}]\n")
        for at, cells in enumerate(_rows(table), start=1):
            if not self._text.add_row(at, cells) or self._clock.is_over:
                return
        self._text.add("\n")


def _marks(document: Any) -> dict[str, str]:
    """Return the signs of headings by the ids of their styles; none where the styles are broken."""
    try:
        styles = document.styles.element
    except (AttributeError, KeyError, ValueError):
        return {}
    found: dict[str, str] = {}
    for style in styles:
        name = (_value(_child(style, "name")) or "").lower()
        level = _HEADING.fullmatch(name)
        if level or name == "title":
            found[_attribute(style, "styleId") or ""] = "#" * (int(level[1]) if level else 1)
    return found


def _rows(table: Any) -> Iterator[list[str]]:
    """Yield the cells of each row; what goes over several rows is there in each, what goes over several columns once."""
    above: dict[int, str] = {}
    for line in _blocks(table, ("tr",)):
        properties = _child(line, "trPr")
        if _child(properties, "del") is not None:
            continue
        column = min(_number(_child(properties, "gridBefore"), 0), MOST_BEFORE)
        cells = [""] * column
        for cell in _blocks(line, ("tc",)):
            of_cell = _child(cell, "tcPr")
            if _child(of_cell, "cellDel") is not None:
                continue
            merged = _child(of_cell, "vMerge")
            goes_on = merged is not None and _value(merged) != "restart"
            said = above.get(column, "") if goes_on else _said(cell)
            above[column] = said
            cells.append(said)
            column += max(1, _number(_child(of_cell, "gridSpan"), 1))
        yield cells


def _said(container: Any) -> str:
    """Return what stands in a cell, a header or a note, with what stands in tables and boxes within it."""
    lines: list[str] = []
    for block in _blocks(container, ("p", "tbl")):
        if _name(block) == "tbl":
            lines += ["; ".join(cells) for cells in _rows(block)]
            continue
        boxes: list[Any] = []
        lines.append("".join(_inline(block, boxes)))
        lines += map(_said, boxes)
    return "\n".join(lines).strip("\n")


def _apart(document: Any, kind: str) -> list[str]:
    """Return what stands in headers or footers, each text once; a number of a page alone is none."""
    said = (_said(part).strip() for part in _parts(document, kind))
    return list(dict.fromkeys(one for one in said if any(map(str.isalpha, one))))


def _numbered(document: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Yield notes, or comments, with their numbers."""
    for part in _parts(document, kind):
        for note in part:
            if said := _said(note).strip():
                yield _attribute(note, "id") or "", said


def _parts(document: Any, kind: str) -> Iterator[Any]:
    from docx.oxml.parser import parse_xml

    for link in document.part.rels.values():
        if not link.is_external and link.reltype.endswith(f"/{kind}"):
            part = link.target_part
            yield part.element if hasattr(part, "element") else parse_xml(part.blob)


def _blocks(container: Any, wanted: Collection[str]) -> Iterator[Any]:
    """Yield what is wanted of a container's children, and of wrappers among these."""
    for one in container:
        name = _name(one)
        if name in wanted:
            yield one
        elif name in _WRAPPERS:
            yield from _blocks(one, wanted)
        elif name == "AlternateContent":
            yield from _blocks(_chosen(one), wanted)


def _inline(element: Any, boxes: list[Any]) -> Iterator[str]:
    """Yield the text of a paragraph piece by piece, and put the text boxes that hang on it into `boxes`."""
    for one in element:
        name = _name(one)
        if name in _NOT_READ:
            continue
        if name == "t":
            yield _text(one)
        elif name in _SIGNS:
            yield _SIGNS[name]
        elif name in _NOTES:
            yield f" [{_NOTES[name]} {_attribute(one, 'id')}]"
        elif name == "checkBox":
            yield "☒ " if _is_checked(one) else "☐ "
        elif name == "textpath":
            yield _attribute(one, "string") or ""
        elif name == "txbxContent":
            boxes.append(one)
        else:
            yield from _inline(_chosen(one) if name == "AlternateContent" else one, boxes)


def _text(element: Any) -> str:
    """Return the text of an element, with what stands behind comments in it; an entity of the document's own stays as it is written."""
    between = (f"{one.text if _is_entity(one) else ''}{one.tail or ''}" for one in element)
    return "".join((element.text or "", *between))


def _is_entity(element: Any) -> bool:
    return getattr(element.tag, "__name__", "") == "Entity"  # what is no element has a function for its name


def _chosen(alternatives: Any) -> Any:
    """Return the first of several forms of the same thing that has words; what none has is empty."""
    forms = [one for one in alternatives if _name(one) in ("Choice", "Fallback")]
    return next((one for one in forms if any(_name(part) == "t" for part in one.iter())), ())


def _is_checked(box: Any) -> bool:
    said = _child(box, "checked")
    said = _child(box, "default") if said is None else said
    return said is not None and _value(said) not in _OFF


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""  # a comment has a function there


def _child(element: Any, name: str) -> Any:
    return None if element is None else next((one for one in element if _name(one) == name), None)


def _attribute(element: Any, name: str) -> str | None:
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def _value(element: Any) -> str | None:
    return None if element is None else _attribute(element, "val")


def _number(element: Any, usual: int) -> int:
    said = _value(element) or ""
    return int(said) if said.isdecimal() and len(said) < 6 else usual

"""Documents as text: pages with their numbers, headings, tables. Nothing that they point to is fetched."""

import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from agent.files.reading.archives import NO_ARCHIVE, check_archive
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.writing import Text

HEADINGS = {f"Heading {level}": "#" * level for level in range(1, 7)} | {"Title": "#"}


def read_pdf(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write the text of a PDF, page by page; a scan has none."""
    import pypdfium2

    data = source.read()
    if _is_archive(source):
        raise UnreadableError("it is a PDF and an archive at once")
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as exc:
        why = "it is locked by a password" if "assword" in str(exc) else "it is broken, or was cut"
        raise UnreadableError(why) from exc
    if not count:
        raise UnreadableError("it is broken, or was cut")
    clock, read, found = Clock(order.stop_after_s), 0, 0
    for number in range(min(count, order.pages)):
        if clock.is_over or text.is_cut:
            break
        said = _page(document, number)
        found += len(said)
        text.add(f"[Page {number + 1}]\n{said}\n\n")
        read += 1
    about: dict[str, Any] = {"pages": count, "has_text": found > 0}
    return Report(about=about | ({"is_cut": True, "pages_read": read} if text.is_cut or read < count else {}))


def _page(document: Any, number: int) -> str:
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            said: str = words.get_text_bounded()
        finally:
            words.close()
    finally:
        page.close()
    return said.strip()


def read_docx(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write paragraphs, headings and tables in their order; tables have numbers."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    check_archive(source, needs="word/document.xml", most_bytes=order.unpacked_bytes)
    clock, tables, paragraphs = Clock(order.stop_after_s), 0, 0
    marks: dict[str | None, str] = {}
    try:
        for block in docx.Document(source).iter_inner_content():
            if text.is_cut or clock.is_over:
                break
            if hasattr(block, "rows"):
                tables += 1
                _table(block, tables, text, clock)
            elif words := block.text.strip():
                paragraphs += 1
                style = block._p.style
                if style not in marks:  # to find its name takes longer than all else
                    marks[style] = HEADINGS.get(_style(block), "")
                mark = marks[style]
                text.add(f"{mark} {words}\n\n" if mark else f"{words}\n\n")
    except (PackageNotFoundError, KeyError, ValueError, OSError, SyntaxError, zipfile.BadZipFile) as exc:
        raise UnreadableError("it is broken, or was cut") from exc
    is_cut = text.is_cut or text.is_short or clock.is_over
    return Report(about={"paragraphs": paragraphs, "tables": tables} | ({"is_cut": True} if is_cut else {}))


def _style(paragraph: Any) -> str:
    try:
        return str(paragraph.style.name)
    except (AttributeError, KeyError, ValueError):
        return ""


def _table(table: Any, number: int, text: Text, clock: Clock) -> None:
    text.add(f"[Table {number}]\n")
    for at, line in enumerate(table.rows, start=1):
        if not text.add_row(at, [*_cells(line)]) or clock.is_over:
            return
    text.add("\n")


def _cells(line: Any) -> Iterator[str]:
    """Yield the texts of a row's cells, with those of tables within them; one that goes over several columns is there once."""
    last = None
    for one in line.cells:
        if one._tc is not last:
            yield _within(one) if one.tables else one.text
        last = one._tc


def _within(cell: Any) -> str:
    inner = cell.iter_inner_content()
    return "\n".join(
        "\n".join("; ".join(_cells(line)) for line in block.rows) if hasattr(block, "rows") else block.text
        for block in inner
    )


def _is_archive(source: BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(source):
            return True
    except NO_ARCHIVE:
        return False

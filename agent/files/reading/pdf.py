"""PDFs as text: pages with their numbers, what is filled into their forms, and what is written on them beside."""

import ctypes
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from agent.files.reading.archives import NO_ARCHIVE
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.writing import Text

UNREAD = "(This page cannot be read.)"
UNREAD_BESIDE = "(This page has more fields and remarks, which are not read.)"
MOST_BESIDE = 2000
"""Fields and remarks of one page that are looked at."""
MOST_VALUE_BYTES = 64 * 1024
"""Of one of these, as UTF-16."""


def read_pdf(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write the text of a PDF, page by page; a scan has none. A page that is broken takes no other with it."""
    import pypdfium2

    data = source.read()
    if _is_archive(source):
        raise UnreadableError("it is a PDF and an archive at once")
    try:
        document = pypdfium2.PdfDocument(data)
        with suppress(pypdfium2.PdfiumError):  # its form is broken, and its pages may not be
            document.init_forms()
        count = len(document)
    except pypdfium2.PdfiumError as exc:
        why = "it is locked by a password" if "assword" in str(exc) else "it is broken, or was cut"
        raise UnreadableError(why) from exc
    if not count:
        raise UnreadableError("it is broken, or was cut")
    clock, read, found, broken = Clock(order.stop_after_s), 0, 0, 0
    for number in range(min(count, order.pages)):
        if clock.is_over or text.is_cut:
            break
        try:
            said = _page(document, number)
        except pypdfium2.PdfiumError:
            said, broken = UNREAD, broken + 1
        else:
            found += len(said)
        text.add(f"[Page {number + 1}]\n{said}\n\n")
        read += 1
    if read and broken == read:
        raise UnreadableError("it is broken, or was cut")
    about: dict[str, Any] = {"pages": count, "has_text": found > 0}
    is_cut = text.is_cut or read < count
    about |= {"is_cut": True, "pages_read": read} if is_cut else {}
    return Report(about=about | ({"pages_broken": broken} if broken else {}))


def _page(document: Any, number: int) -> str:
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            said: str = words.get_text_bounded()
        finally:
            words.close()
        beside = "\n".join(_beside(document, page))
    finally:
        page.close()
    return f"{said.strip()}\n{beside}".strip()


def _beside(document: Any, page: Any) -> Iterator[str]:
    """Yield what stands in the fields of a page's form, and what was written on it: no text of a page has these."""
    import pypdfium2

    pdfium: Any = pypdfium2.raw
    count = pdfium.FPDFPage_GetAnnotCount(page)
    for number in range(min(count, MOST_BESIDE)):
        one = pdfium.FPDFPage_GetAnnot(page, number)
        if not one:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(one)
            if kind == pdfium.FPDF_ANNOT_WIDGET and document.formenv is not None:
                yield from _field(pdfium, document.formenv, one)
            elif kind in (pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_TEXT):
                said = _words(partial(pdfium.FPDFAnnot_GetStringValue, one, b"Contents"))
                yield from [f"[Remark] {said}"] * bool(said)
        finally:
            pdfium.FPDFPage_CloseAnnot(one)
    if count > MOST_BESIDE:
        yield UNREAD_BESIDE


def _field(pdfium: Any, form: Any, one: Any) -> Iterator[str]:
    name = _words(partial(pdfium.FPDFAnnot_GetFormFieldName, form, one))
    ticks = pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON
    if pdfium.FPDFAnnot_GetFormFieldType(form, one) in ticks:
        if pdfium.FPDFAnnot_IsChecked(form, one):
            said = _words(partial(pdfium.FPDFAnnot_GetFormFieldExportValue, form, one))
            yield f"[Field] {name}: ☒ {said}".rstrip()
    elif said := _words(partial(pdfium.FPDFAnnot_GetFormFieldValue, form, one)):
        yield f"[Field] {name}: {said}"


def _words(read: Callable[[Any, int], int]) -> str:
    """Return a text that the library writes where it is told to, as UTF-16 with a zero behind it."""
    size = min(read(None, 0), MOST_VALUE_BYTES)
    if size <= 2:
        return ""
    place = (ctypes.c_ushort * ((size + 1) // 2))()
    if read(place, size) > size:
        return "(too long to be read)"
    return bytes(place)[: size - 2].decode("utf-16-le", "replace").strip("\x00 \r\n")


def _is_archive(source: BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(source):
            return True
    except NO_ARCHIVE:
        return False

"""PDFs as text: pages with their numbers, what is filled into their forms, and what is written on them beside."""

import zipfile
from typing import Any, BinaryIO

from agent.files.reading.archives import NO_ARCHIVE
from agent.files.reading.forms import Beside, opened
from agent.files.reading.order import Clock, Order, Report, UnreadableError
from agent.files.reading.writing import Text

BROKEN = "it is broken, or was cut"
UNREAD = "(This page cannot be read.)"
FORM_SHARE = 0.2
"""Of the time that a document may be read, for fields that have to be looked for among all."""


def read_pdf(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write the text of a PDF, page by page; a scan has none. A page that is broken takes no other with it."""
    import pypdfium2

    document, count = _opened(source)
    clock, read, found, broken = Clock(order.stop_after_s), 0, 0, 0
    with opened(document, most_s=order.stop_after_s * FORM_SHARE) as beside:
        for number in range(min(count, order.pages)):
            if clock.is_over or text.is_cut:
                break
            try:
                said = _page(document, number, beside)
            except pypdfium2.PdfiumError:
                said, broken = UNREAD, broken + 1
            else:
                found += len(said)
            text.add(f"[Page {number + 1}]\n{said}\n\n")
            read += 1
    if read and broken == read:
        raise UnreadableError(BROKEN)
    about: dict[str, Any] = {"pages": count, "has_text": found > 0}
    is_cut = text.is_cut or read < count
    about |= {"is_cut": True, "pages_read": read} if is_cut else {}
    within = document.count_attachments()
    about |= {"parts_unread": within} if within else {}
    return Report(about=about | ({"pages_broken": broken} if broken else {}))


def _opened(source: BinaryIO) -> tuple[Any, int]:
    """Return the document, and how many pages it has."""
    import pypdfium2

    data = source.read()
    if _is_archive(source):
        raise UnreadableError("it is a PDF and an archive at once")
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as exc:
        said = str(exc).lower()
        is_locked = "it is locked by a password" if "password" in said else "it is locked in a way that is not read"
        raise UnreadableError(is_locked if "password" in said or "security" in said else BROKEN) from exc
    if not count:
        raise UnreadableError(BROKEN)
    return document, count


def _page(document: Any, number: int, beside: Beside) -> str:
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            said: str = words.get_text_bounded()
        finally:
            words.close()
        more = "\n".join(beside.of(page))
    finally:
        page.close()
    return f"{said.strip()}\n{more}".strip()


def _is_archive(source: BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(source):
            return True
    except NO_ARCHIVE:
        return False

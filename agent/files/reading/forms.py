"""Words beside the text of a page of a PDF: what was filled into its form, and what was written on it.

A field that has its own name and value is read as it stands. For a field that takes them from another one the library looks through
all fields, which takes the longer the more there are. That has a time limit; once it is over, only what such a field has itself is read.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

UNREAD_BESIDE = "(This page has more fields and remarks, which are not read.)"
MOST_BESIDE = 2000
"""Fields and remarks of one page that are looked at."""
MOST_VALUE_BYTES = 64 * 1024
"""Of one of these, as UTF-16."""
OFF = "Off"


@contextmanager
def opened(document: Any, *, most_s: float) -> Iterator["Beside"]:
    """Open the form of a document, for as long as its pages are read. `most_s`: for fields that have to be looked for."""
    import pypdfium2

    pdfium: Any = pypdfium2.raw
    info = pdfium.FPDF_FORMFILLINFO(version=2)  # the library keeps its address
    form = pdfium.FPDFDOC_InitFormFillEnvironment(document, info)
    try:
        yield Beside(pdfium, form, most_s)
    finally:
        if form:
            pdfium.FPDFDOC_ExitFormFillEnvironment(form)


class Beside:
    """Fields and remarks of the pages of one document."""

    def __init__(self, pdfium: Any, form: Any, most_s: float) -> None:
        self._pdfium = pdfium
        self._form = form
        self._left_s = most_s

    def of(self, page: Any) -> Iterator[str]:
        """Yield what stands in the fields of a page's form, and what was written on it: no text of a page has these."""
        pdfium = self._pdfium
        count = pdfium.FPDFPage_GetAnnotCount(page)
        for number in range(min(count, MOST_BESIDE)):
            one = pdfium.FPDFPage_GetAnnot(page, number)
            if not one:
                continue
            try:
                kind = pdfium.FPDFAnnot_GetSubtype(one)
                if kind == pdfium.FPDF_ANNOT_WIDGET:
                    yield from self._field(one)
                elif kind not in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
                    yield from [f"[Remark] {said}"] if (said := self._own(one, b"Contents")) else []
            finally:
                pdfium.FPDFPage_CloseAnnot(one)
        if count > MOST_BESIDE:
            yield UNREAD_BESIDE

    def _field(self, one: Any) -> Iterator[str]:
        is_tick, name, said = self._own(one, b"FT") == "Btn", self._own(one, b"T"), self._own(one, b"V")
        if self._form and self._left_s > 0 and self._is_of_another(one):
            began = time.monotonic()
            is_tick, name, said = self._looked_for(one)
            self._left_s -= time.monotonic() - began
        said = self._own(one, b"AS") if is_tick else said
        if said and not (is_tick and said == OFF):
            yield f"[Field] {name}: ☒ {said}" if is_tick else f"[Field] {name}: {said}"

    def _is_of_another(self, one: Any) -> bool:
        """Return whether not all of a field stands in itself as text: not its whole name, or not what was chosen."""
        pdfium = self._pdfium
        has_all = pdfium.FPDFAnnot_HasKey(one, b"FT") and pdfium.FPDFAnnot_HasKey(one, b"T")
        is_list = pdfium.FPDFAnnot_GetValueType(one, b"V") == pdfium.FPDF_OBJECT_ARRAY
        return not has_all or pdfium.FPDFAnnot_HasKey(one, b"Parent") or is_list

    def _looked_for(self, one: Any) -> tuple[bool, str, str]:
        """Return whether a field is one that is ticked, its whole name, and what it says."""
        pdfium, form = self._pdfium, self._form
        ticks = pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON
        is_tick = pdfium.FPDFAnnot_GetFormFieldType(form, one) in ticks
        name = _words(partial(pdfium.FPDFAnnot_GetFormFieldName, form, one))
        return is_tick, name, _words(partial(pdfium.FPDFAnnot_GetFormFieldValue, form, one))

    def _own(self, one: Any, key: bytes) -> str:
        return _words(partial(self._pdfium.FPDFAnnot_GetStringValue, one, key))


def _words(read: Callable[[Any, int], int]) -> str:
    """Return a text that the library writes where it is told to, as UTF-16 with a zero behind it."""
    size = min(read(None, 0), MOST_VALUE_BYTES)
    if size <= 2:
        return ""
    place = (ctypes.c_ushort * ((size + 1) // 2))()
    if read(place, size) > size:
        return "(too long to be read)"
    return bytes(place)[: size - 2].decode("utf-16-le", "replace").strip("\x00 \r\n")

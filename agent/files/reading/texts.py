"""Plain texts: UTF-8, UTF-16 with its mark, or else what Windows wrote before there was UTF-8."""

import codecs
from typing import BinaryIO

from agent.files.reading.order import Order, Report
from agent.files.reading.writing import Text


def read_text(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write a text as it is."""
    whole = decoded(source.read())
    text.add(whole)
    return Report(about={"lines": len(whole.splitlines())} | ({"is_cut": True} if text.is_cut else {}))


def decoded(data: bytes) -> str:
    """Return the text of bytes; each has one."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")

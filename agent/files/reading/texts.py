"""Plain texts: UTF-8, UTF-16 with its mark, or else what Windows wrote before there was UTF-8."""

import codecs
from typing import BinaryIO

from agent.files.reading.order import Order, Report
from agent.files.reading.writing import Text

BYTES_PER_CHARACTER = 4
PIECE_BYTES = 256 * 1024


def read_text(source: BinaryIO, text: Text, order: Order) -> Report:
    """Write a text as it is; what is behind its cut is only counted."""
    begin = source.read(BYTES_PER_CHARACTER * order.characters)
    lines, last = begin.count(b"\n"), begin[-1:]
    text.add(decoded(begin))
    while piece := source.read(PIECE_BYTES):
        lines, last = lines + piece.count(b"\n"), piece[-1:]
        text.is_cut = True
    return Report(about={"lines": lines + (last != b"\n")} | ({"is_cut": True} if text.is_cut else {}))


def decoded(data: bytes) -> str:
    """Return the text of bytes; each has one."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        if exc.end == len(data) and len(data) - exc.start < BYTES_PER_CHARACTER and exc.start:
            return data[: exc.start].decode("utf-8-sig")  # cut within a character
        return _mostly(data)


def _mostly(data: bytes) -> str:
    """Return the text of bytes of which some are no UTF-8: a few broken places leave the rest as it is."""
    text = data.decode("utf-8-sig", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - broken
    return text if whole > broken else data.decode("cp1252", "replace")

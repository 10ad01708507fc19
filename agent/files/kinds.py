"""The kinds of files that are taken, told apart by their bytes: what a name or a client says of a type is not believed.

Only of texts the name decides which kind it is, for these differ in nothing else; and of an archive which document it is to be, as
which it is opened then.
"""

import codecs
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePosixPath

from agent.assistant.files import FileKind
from agent.errors import ConfigurationError
from agent.file_errors import UnreadableFileError, UnsupportedFileError
from agent.files.reading.order import CSV, DOCX, PDF, PICTURE, TEXT, XLSX

HEAD_BYTES = 8192
"""How much of a file is looked at to tell its kind."""
OPENXML = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its type, how its names end, the first being what one without such an end gets, and who opens it."""

    kind: FileKind
    media_type: str
    suffixes: tuple[str, ...]
    reader: str
    needs: str | None = None
    """The module without which it cannot be opened."""


PNG = Kind("pictures", "image/png", (".png",), PICTURE, "PIL")
KINDS = (
    Kind("text", "text/plain", (".txt", ".log"), TEXT),
    Kind("markdown", "text/markdown", (".md", ".markdown"), TEXT),
    Kind("csv", "text/csv", (".csv", ".tsv"), CSV),
    Kind("pdf", "application/pdf", (".pdf",), PDF, "pypdfium2"),
    Kind("docx", f"{OPENXML}.wordprocessingml.document", (".docx",), DOCX, "docx"),
    Kind("xlsx", f"{OPENXML}.spreadsheetml.sheet", (".xlsx",), XLSX, "python_calamine"),
    PNG,
    Kind("pictures", "image/jpeg", (".jpg", ".jpeg"), PICTURE, "PIL"),
    Kind("pictures", "image/webp", (".webp",), PICTURE, "PIL"),
    Kind("pictures", "image/gif", (".gif",), PICTURE, "PIL"),
)
BY_TYPE = {kind.media_type: kind for kind in KINDS}
PLAIN, MARKDOWN, TABLE = KINDS[:3]
PICTURES = tuple(kind.media_type for kind in KINDS if kind.kind == "pictures")
_MARKS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}
_ARCHIVE = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How documents of old programs begin, and those of new ones that have a password."""
_PDF = b"%PDF-"
_BEFORE_PDF = b"\xef\xbb\xbf\r\n\t \x00"
"""The bytes that programs put in front of a PDF by mistake; whatever opens one skips them."""
_CODE = re.compile(
    rb"\s*(?:<!doctype\b|<html\b|<head\b|<body\b|<script\b|<svg\b|<\?xml\b|<\?php\b|<iframe\b|\{\\rtf|%!PS)",
    re.IGNORECASE,
)
"""How a text begins that a browser or another program would act on."""
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def kind_of(head: bytes, name: str) -> Kind:
    """Return the kind of a file by its first `HEAD_BYTES`.

    Raises:
        UnreadableFileError: there is nothing in it.
        UnsupportedFileError: it is of no kind that is taken.
    """
    if not head:
        raise UnreadableFileError("The file is empty.")
    suffix = PurePosixPath(name.lower()).suffix
    if head.startswith(_ARCHIVE):
        found = next((kind for kind in KINDS if kind.reader in (DOCX, XLSX) and suffix in kind.suffixes), None)
        if found is None:
            raise UnsupportedFileError("Of archives only documents are taken whose names end in .docx or .xlsx.")
        return found  # whether it is that document is seen when it is opened
    if head.startswith(_OLD_OFFICE):
        raise UnsupportedFileError("Documents with a password, and old ones (.doc, .xls), are not taken.")
    if head.lstrip(_BEFORE_PDF).startswith(_PDF):
        return BY_TYPE["application/pdf"]
    guessed = _guessed(head)
    for mark, media_type in _MARKS.items():
        if head.startswith(mark) and media_type in guessed:
            return BY_TYPE[media_type]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and "image/webp" in guessed:
        return BY_TYPE["image/webp"]
    if not _is_text(head):
        raise UnsupportedFileError("Files of this type are not taken.")
    return next((kind for kind in (MARKDOWN, TABLE) if suffix in kind.suffixes), PLAIN)


def suffixes_of(kinds: tuple[FileKind, ...]) -> list[str]:
    """Return how the names of files of these kinds end."""
    return [suffix for kind in KINDS if kind.kind in kinds for suffix in kind.suffixes]


def check_installed(kinds: tuple[FileKind, ...]) -> None:
    """Refuse kinds that nothing here can open.

    Raises:
        ConfigurationError: a package for one is missing.
    """
    for kind in KINDS:
        if kind.kind in kinds and kind.needs is not None and find_spec(kind.needs) is None:
            raise ConfigurationError(
                f"files: types: {kind.kind} needs the extra: pip install 'frontdesk[files]', or scripts/setup serve in a checkout; "
                "without it name types: [text, markdown, csv]"
            )


def _guessed(head: bytes) -> set[str]:
    import puremagic  # its tables take a while to load, and nobody may ever send a file

    try:
        return {one.mime_type for one in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return set()


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return not _CODE.match(head[2:].replace(b"\x00", b""))
    return not _BINARY.search(head) and not _CODE.match(head.removeprefix(codecs.BOM_UTF8))

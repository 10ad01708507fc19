"""Archives that say that they are documents: looked at before anything in them is unpacked."""

import zipfile
from typing import BinaryIO

from agent.files.reading.order import UnreadableError

MOST_PARTS = 20_000

NO_ARCHIVE = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError)
"""The errors that `zipfile` raises at bytes that it cannot open: the last of a version or a compression that it does not know."""


def check_archive(source: BinaryIO, *, needs: str, most_bytes: int) -> None:
    """Refuse an archive that is no such document, or is too large unpacked. Its own words are held against it only.

    Raises:
        UnreadableError: it is.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            parts = archive.infolist()
            if needs not in archive.namelist():
                raise UnreadableError("it is an archive, and not the document that it is named as")
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > most_bytes:
                raise UnreadableError(f"unpacked it is larger than {most_bytes // 1_000_000} MB")
            if any(part.flag_bits & 1 for part in parts):
                raise UnreadableError("it is locked by a password")
    except NO_ARCHIVE as exc:
        raise UnreadableError("it is broken, or was cut") from exc
    source.seek(0)

"""The names of files, as strangers give them: one that is kept can be shown and written anywhere."""

import re
import unicodedata
from pathlib import PurePosixPath

from agent.files.kinds import Kind
from agent.graphemes import cut
from agent.models.text import clean

NAME_CHARACTERS = 120
SUFFIX_CHARACTERS = 12
_BAD = re.compile(r'[<>:"|?*;\\/]')


def safe_name(given: str, kind: Kind) -> str:
    """Return a name without a path and without signs that steer, hide or turn; it ends as its kind's names do."""
    last = re.split(r"[/\\]", clean(given))[-1]
    plain = "".join(sign for sign in unicodedata.normalize("NFC", last) if not _is_unseen(sign))
    plain = " ".join(_BAD.sub("_", plain).split()).strip(". ")
    suffix = PurePosixPath(plain).suffix.lower()
    if suffix not in kind.suffixes:
        plain, suffix = f"{plain or 'file'}{kind.suffixes[0]}", kind.suffixes[0]
    stem = plain[: -len(suffix)].rstrip(". ") or "file"
    return f"{cut(stem, NAME_CHARACTERS - SUFFIX_CHARACTERS)}{suffix}"


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")

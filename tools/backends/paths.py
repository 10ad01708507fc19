"""Paths of the backend: what one may hold that a model had a hand in, and how an argument becomes one segment of it.

Servers and proxies read a path in their own ways: some decode it twice, some drop what follows a semicolon, some take
a fullwidth dot for a dot. The invariant: a path that is sent means the same to all of them.
"""

import re
from datetime import date
from unicodedata import category, normalize
from urllib.parse import quote, unquote
from uuid import UUID

from agent.errors import ToolError

MAX_CHARACTERS = 4096
_MORE_THAN_A_PATH = re.compile(r"[?#\\]")
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_OLD_ESCAPE = re.compile(r"%u[0-9A-Fa-f]{4}", re.IGNORECASE)
_NEEDLESS_ESCAPE = re.compile(r"%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
"""Of a letter, a digit, or a sign that never needs one: a list of forbidden paths may have it only as it is."""
_LIKE_A_SLASH = re.compile("[\u2044\u2215\u2216\u29f5\u29f8]")
_SIGNS = "/?#;%\\"
"""Signs that some server takes others for, which look like them."""


def segment(value: str | int | UUID | date) -> str:
    """Return a value as exactly one segment of a path, whatever a model wrote into it.

    Use it for each argument that goes into a path: `f"/orders/{segment(arguments.number)}/lines"`.

    Raises:
        ToolError: no server would read it as one segment: it is empty, holds a slash, a backslash or a control
            character, is made of dots, or looks as if it were encoded already. Such a value belongs into a query.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | UUID | date):
        raise TypeError(
            f"a segment of a path is made of text, a number, an id or a date, not of {type(value).__name__}"
        )
    text = value if isinstance(value, str) else str(value)
    try:
        encoded = quote(text, safe="")
    except UnicodeEncodeError:
        raise ToolError(f"Not an id: {text[:200]!r}") from None
    if not encoded or not is_plain(f"/{encoded}"):
        raise ToolError(f"Not an id: {text[:200]!r}")
    return encoded


def is_plain(path: str) -> bool:
    """Return whether `path` stays below the backend's URL and has the same segments for whoever reads it.

    Escapes stand only for what needs one, and none is empty or stands for a slash, a backslash, a control character or
    another escape. `%3F`, `%23` and `%3B` are what `segment` makes of a question mark, a hash and a semicolon, so they are
    taken. A query goes into the query values, never in here.
    """
    if not path.startswith("/") or "//" in path or len(path) > MAX_CHARACTERS:
        return False
    if _MORE_THAN_A_PATH.search(path) or _NO_ESCAPE.search(path) or _NEEDLESS_ESCAPE.search(path):
        return False
    try:
        decoded = unquote(path, errors="strict")
        decoded.encode()
    except UnicodeError:  # overlong forms of a dot, halves of a character
        return False
    folded = normalize("NFKC", decoded)
    if unquote(folded) != folded or unquote(decoded) != decoded or _OLD_ESCAPE.search(folded):
        return False  # it would become something else where it is decoded once more
    if decoded.count("/") != path.count("/") or "\\" in folded or _LIKE_A_SLASH.search(folded):
        return False
    if any(folded.count(sign) != decoded.count(sign) for sign in _SIGNS):
        return False
    return not any(map(_is_control, decoded)) and not any(map(_is_step, folded.split("/")))


def _is_control(character: str) -> bool:
    return category(character) in ("Cc", "Zl", "Zp")


def _is_step(part: str) -> bool:
    """Return whether some server takes a segment for `.` or `..`, with parameters, spaces or unseen characters around it."""
    for piece in part.split(";"):
        seen = "".join(character for character in piece if category(character) != "Cf").strip()
        if piece and not seen.strip(". "):
            return True
    return False

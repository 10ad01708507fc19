"""Descriptions of a document as plain text for a model: markup taken off, cut at the end of a sentence, one line.

The text is a stranger's and stays data: it is bounded, and holds no control or invisible characters.
"""

import re
import unicodedata
from functools import lru_cache

MAX_READ = 4000
"""Characters of a description that are looked at."""
MAX_KEPT = 2048
"""Texts that are kept cleaned: a schema is often made several times, each time with shorter ones."""
MAX_DESCRIPTION = 600
"""Characters of an operation's description."""
_IMAGE = re.compile(r"!\[[^\]\[]{0,300}\]\([^()\s]{0,500}\)")
_LINK = re.compile(r"\[([^\]\[]{1,300})\]\([^()\s]{0,500}(?: \"[^\"]{0,200}\")?\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_ENTITIES = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&"}
_LINE_MARK = re.compile(
    r"^(?:[ \t]{0,20}(?:#{1,6}[ \t]|[-*+][ \t]|>[ \t]?)){1,4}|^\|?[ \t]?:?-{3,200}[-|: \t]{0,500}$|^```\w{0,20}$",
    re.MULTILINE,
)
_CALLOUT = re.compile(r"\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]")
_EMPHASIS = re.compile(r"\*\*|__(?!\w)|(?<!\w)__|~~|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_MARKUP = re.compile(r"[*_~`#>|]|--|^[ \t]{0,20}[-+]", re.MULTILINE)
_INVISIBLE = {"Cc", "Cf", "Co", "Cn", "Cs"}
_END = re.compile(r"[.!?。！？](?=\s|$)")


def plain_text(text: object, *, most: int) -> str:
    """Return a description as one line of plain text of at most `most` characters; empty where there is none."""
    return cut(_cleaned(text[:MAX_READ]), most=most) if isinstance(text, str) and most > 0 else ""


@lru_cache(maxsize=MAX_KEPT)
def _cleaned(text: str) -> str:
    if not text.isascii():
        text = "".join(" " if unicodedata.category(sign) in _INVISIBLE else sign for sign in text)
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub("", _CALLOUT.sub("", text)))
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        for entity, sign in _ENTITIES.items():
            text = text.replace(entity, sign)
    if _MARKUP.search(text):
        spans = _LINE_MARK.sub("", text).split("`")  # every other one is code, which stays as it is
        text = "".join(one if at % 2 else _EMPHASIS.sub("", one) for at, one in enumerate(spans))
    line = " ".join(text.split())
    if not line.isprintable():
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in line).split())
    return line


def cut(line: str, *, most: int) -> str:
    """Return the sentences that fit; of a first one that does not, the words that do and a mark."""
    if len(line) <= most:
        return line
    ends = [found.end() for found in _END.finditer(line, 0, most)]
    if ends and ends[-1] >= most // 3:
        return line[: ends[-1]]
    words = line[: most - 1].rpartition(" ")[0] or line[: most - 1]
    return f"{words.rstrip(' ,;:')}…"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def described(summary: object, description: object, *, name: str = "") -> str:
    """Return what an operation does: its summary, and what the description says beyond it.

    A summary that only says the operation's `name` again, as frameworks make one of it, is left out for a description.
    """
    short, long = plain_text(summary, most=MAX_DESCRIPTION), plain_text(description, most=MAX_DESCRIPTION)
    if long and _letters(short) == _letters(name):
        return long
    if not short or long.casefold().startswith(short.casefold().rstrip(".")):
        return long or short
    if not long:
        return short
    joined = f"{short}{'' if short.endswith(('.', '!', '?', '…')) else '.'} "
    room = MAX_DESCRIPTION - len(joined)
    return f"{joined}{cut(long, most=room)}" if room > 40 else short

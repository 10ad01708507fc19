"""The body of an answer as what it is: data, text, or a file. What a server says of its type is a hint; the bytes decide."""

import codecs
import re
from dataclasses import dataclass
from typing import Any

from tools.backends.answers import Answer
from tools.backends.parsing import BodyError, parse, parse_lines

DECIMAL_UNITS = ("bytes", "kB", "MB")
JSON_LINES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/json-seq",
    }
)
TEXTS = frozenset(
    {
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/csv",
        "application/javascript",
        "application/sql",
        "application/graphql",
        "application/toml",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/rtf",
        "image/svg+xml",
    }
)
CHARSETS = re.compile(
    r"ascii|utf-(8|8-sig|16|16-le|16-be|32|32-le|32-be)|iso8859-\d{1,2}|cp\d{3,4}|koi8-[rut]|mac-[a-z]{4,8}|big5(hkscs)?"
    r"|gb2312|gbk|gb18030|hz|euc_(jp|kr|jis_2004|jisx0213)|shift_jis(_2004|x0213)?|iso2022_(jp|kr)(_\w{1,4})?|johab|tis-620|ptcp154"
)
"""Python's names of those that are read: what else it knows is none of texts, or takes time without bound, as punycode does."""
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{0,400})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
_SHORT_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Data:
    """A body that was JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A body that is to be read as it is."""

    text: str
    is_file: bool = False
    """Whether it tells of bytes that are no text."""


Body = Data | Text


def decoded(answer: Answer, *, expects_html: bool = False) -> Body:
    """Return a body that came whole and is not empty. A web page that nobody announced is told by its title only."""
    kind, content = answer.media_type, answer.content
    if kind in JSON_LINES and (lines := _json_lines(content)) is not None:
        return lines
    if not _is_foreign(kind) and (found := _json(content, _charset(answer))) is not None:
        return found
    if not _is_text(kind, content):
        return Text(
            f"The answer is a file of {size(len(content))} ({kind or 'of no known type'}), which cannot be shown.",
            is_file=True,
        )
    text = _text(content, _charset(answer))
    if not expects_html and (
        kind == "text/html" or text[:200].lstrip().lower().startswith(("<!doctype html", "<html"))
    ):
        title = _TITLE.search(text)
        named = f" titled {' '.join(title[1].split())!r}" if title and title[1].strip() else ""
        return Text(f"The business system answered with a web page{named}, not with data.")
    return Text(text)


def size(count: int) -> str:
    """Return a size in bytes in words: 3 MB."""
    amount, unit = float(count), 0
    while amount >= 999.5 and unit < len(DECIMAL_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    shown = f"{amount:.1f}".removesuffix(".0") if unit and amount < 10 else f"{amount:.0f}"
    return f"{shown} {DECIMAL_UNITS[unit] if (count, unit) != (1, 0) else 'byte'}"


def _is_foreign(kind: str) -> bool:
    """Return whether a type says that its content is no JSON, even if it looks like some: a text of `7`, a line of CSV."""
    is_json = "json" in kind
    return not is_json and (kind.startswith(("text/csv", "text/html", "image/", "audio/", "video/")) or kind in TEXTS)


def _is_text(kind: str, content: bytes) -> bool:
    if kind.startswith(("text/",)) or kind in TEXTS or "json" in kind or kind.endswith(("+xml", "+yaml")):
        return True
    if kind and kind != "application/octet-stream":
        return False
    if _BINARY.search(content, 0, 65_536):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return kind == ""


def _json(content: bytes, charset: str) -> Body | None:
    """Return what was JSON, or that it is more of it than is taken; None where it is none."""
    for encoded in (content, _text(content, charset).encode()):
        try:
            return Data(parse(encoded))
        except BodyError as exc:
            if exc.__cause__ is None:  # it was JSON
                return Text(str(exc))
    return None


def _json_lines(content: bytes) -> Body | None:
    try:
        return Data(parse_lines(content.removeprefix(codecs.BOM_UTF8)))
    except BodyError as exc:
        return Text(str(exc)) if exc.__cause__ is None else None


def _charset(answer: Answer) -> str:
    found = _CHARSET.search(answer.headers.get("content-type", ""))
    try:
        name = codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"
    return name if CHARSETS.fullmatch(name) else "utf-8"


def _text(content: bytes, charset: str) -> str:
    for mark, named in (*_MARKS, *_SHORT_MARKS):
        if content.startswith(mark):
            charset, content = named, content.removeprefix(mark) if named == "utf-8" else content
            break
    try:
        return content.decode(charset, "replace")
    except (LookupError, UnicodeError):  # encodings that are none of text, or of one more way to break
        return content.decode("utf-8", "replace")

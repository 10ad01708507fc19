"""Sources at the door: what a tool or a provider cites, as `SourceCited`, or not at all.

The invariant: whatever gets past here is a plain address of the web that may be shown, stored and put into a link's place. It
names no user and no password, holds no sign that steers text or a terminal, and nothing that a run's mask, or the name of
a parameter, calls a secret. Titles and snippets are one line each, cut, and somebody else's words.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address
from typing import Protocol
from unicodedata import category
from urllib.parse import SplitResult, unquote, urlsplit

from agent.events.schema import SourceCited
from agent.graphemes import cut, shown
from agent.models.text import clean, is_blank

URL_CHARACTERS = 2000
TITLE_CHARACTERS = 200
SNIPPET_CHARACTERS = 500
MOST_LOOKED_AT = 200
"""Of what one result or reply cites; more are not even read."""
_READ_CHARACTERS = 4 * SNIPPET_CHARACTERS
"""Of a title or snippet: what stands behind would be cut anyway."""
_SECRET_PARTS = (
    "token",
    "secret",
    "passw",
    "apikey",
    "accesskey",
    "signature",
    "credential",
    "authorization",
    "sessid",
    "sessionid",
)
_SECRET_NAMES = frozenset(("key", "sig", "auth", "pwd", "pin", "otp", "jwt", "sid", "code"))
_PART_OF_NAME = re.compile(r"[][.]")
"""The signs by which a name says where in something its value belongs: `a[sig]`, `a.sig`."""
_OF_PATH = re.compile("([;&/])([^;&/=]*)(=[^;&/]*)?")
"""A part of a path, which may be a parameter, as a session is of some servers."""
_WITHIN = re.compile("""(?<=[=?&;#/,])[^=?&;#/,]+(?==)|["'][^"']+["'](?=\\s*:)""")
"""A parameter in what a parameter says, as in the address to which one is led after signing in; a name in JSON."""
MOST_ENCODED = 5
"""How often an address may be encoded, one in another; what is encoded more often is left out."""
_LIKE_A_NUMBER = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)\.?$")
_JOINERS = "\u200c\u200d"
"""The characters that are not seen, and still belong to words and families."""
_URLS = ("url", "uri", "link", "source")
_TITLES = ("title", "name")
_SNIPPETS = ("snippet", "cited_text", "description", "content", "text")
_NESTED = ("url_citation", "web", "retrieved_context", "retrievedContext", "maps", "location", "resource")
"""Where providers put what they cite, inside of what says that it is a citation."""


class Citing(Protocol):
    """A message, or whatever else has sources."""

    @property
    def sources(self) -> tuple[SourceCited, ...]: ...


def read_sources(
    given: Iterable[object], mask: Callable[[str], str] = str, *, most: int, tool_call_id: str | None = None
) -> dict[str, SourceCited]:
    """Return what is a source of these, each address once, by their ids; at most so many, the first ones."""
    found: dict[str, SourceCited] = {}
    for number, one in enumerate(given):
        if len(found) >= most or number >= MOST_LOOKED_AT:
            break
        source = read_source(one, mask, tool_call_id=tool_call_id)
        if source is not None:
            add(found, source, most=most)
    return found


def gather(sources: dict[str, SourceCited], given: Iterable[object], *, most: int) -> None:
    """Put what is a source of these among others."""
    for source in read_sources(given, most=most).values():
        add(sources, source, most=most)


def add(sources: dict[str, SourceCited], source: SourceCited, *, most: int) -> SourceCited | None:
    """Put a source among others; return it where it is new and there is room. Nothing that was told changes any more."""
    if source.id in sources or len(sources) >= most:
        return None
    sources[source.id] = source
    return source


def cited(messages: Iterable[Citing], *, most: int) -> dict[str, SourceCited]:
    """Return what messages of a run cite, in their order, by ids."""
    found: dict[str, SourceCited] = {}
    for source in (one for message in messages for one in message.sources):
        add(found, source, most=most)
    return found


def read_source(
    given: object, mask: Callable[[str], str] = str, *, tool_call_id: str | None = None
) -> SourceCited | None:
    """Return one source; None where that has no address which may be shown. A text alone is an address.

    Its id follows from the address, so whoever says it again says the same source.
    """
    said = {"url": given} if isinstance(given, str) else _flat(given)
    url = next((one for name in _URLS if isinstance(one := said.get(name), str) and one), "")
    address = read_url(url)
    if address is None or mask(address) != address or mask(unquote(address)) != unquote(address):
        return None
    title, snippet = _line(said, _TITLES, mask, TITLE_CHARACTERS), _line(said, _SNIPPETS, mask, SNIPPET_CHARACTERS)
    source_id = hashlib.sha256(address.encode()).hexdigest()[:16]
    return SourceCited(source_id, title or host_of(address), address, snippet, tool_call_id)


def read_url(url: str) -> str | None:
    """Return an address as it may be shown, without parameters that are secrets by their name; None where it is none.

    Only http and https, no user or password, no sign that is not seen, at most `URL_CHARACTERS`.
    """
    if not url or len(url) > URL_CHARACTERS or not url.isprintable() or any(sign in url for sign in " \\<>\"'`{}|^"):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else _plain_host(host)
    except ValueError:  # UnicodeError is one
        return None
    is_host = (":" in host and "%" not in host) or all(sign.isalnum() or sign in ".-_" for sign in host)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not host.strip(".") or not is_host:
        return None
    place = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    place += f":{port}" if port not in (None, usual) else ""
    path = _OF_PATH.sub(_of_path, parts.path or "/")
    query, fragment = _without_secrets(parts.query), _without_secrets(parts.fragment)
    whole = SplitResult(parts.scheme, place, path, query, fragment).geturl()
    return whole if len(whole) <= URL_CHARACTERS else None


def host_of(url: str) -> str:
    """Return the host of an address that was read."""
    return urlsplit(url).hostname or ""


def _plain_host(host: str) -> str:
    """Return a name as it is looked up. Browsers refuse one that ends like a number and is none, and signs that nobody can read.

    Raises:
        ValueError: it is none.
    """
    plain = host.encode("idna").decode("ascii").lower()
    if _LIKE_A_NUMBER.search(plain):
        return str(IPv4Address(plain))
    plain.encode("ascii").decode("idna")
    return plain


def _of_path(found: re.Match[str]) -> str:
    sign, name, value = found.groups()
    if (value is not None or sign != "/") and _is_secret(name):
        return "/" if sign == "/" else ""
    return ("/" if sign == "/" else "") if _holds_one(found[0]) else found[0]


def _without_secrets(query: str) -> str:
    """Return a query, or a fragment that is one, without what is a secret by its name, whichever sign parts its parameters."""
    kept, sign = "", ""
    for part in re.split("([&;?])", query):
        if part in ("&", ";", "?"):
            sign = part
        elif not _is_secret(part.partition("=")[0]) and not _holds_one(part):
            kept += sign * bool(kept) + part
    return kept


def _is_secret(name: str) -> bool:
    said = (_decoded(name) or name).lower()
    parts = ["".join(filter(str.isalnum, part)) for part in (said, *_PART_OF_NAME.split(said))]
    return any(part in _SECRET_NAMES or any(secret in part for secret in _SECRET_PARTS) for part in parts)


def _holds_one(part: str) -> bool:
    """Return whether a parameter's value has a parameter that is a secret, or is encoded so often that nobody reads it."""
    decoded = _decoded(part)
    return decoded is None or any(_is_secret(name) for name in _WITHIN.findall(decoded))


def _decoded(text: str) -> str | None:
    """Return a text as it is when nothing of it is encoded any more; None where that takes too often."""
    for _ in range(MOST_ENCODED):
        plain = unquote(text)
        if plain == text:
            return text
        text = plain
    return None


def _flat(given: object) -> dict[str, object]:
    """Return what a citation says, with what stands in the parts of it; the innermost wins."""
    said: dict[str, object] = {}
    for _ in range(3):
        if not isinstance(given, Mapping):
            break
        said |= {str(name): value for name, value in given.items() if value}
        given = next((inner for name in _NESTED if isinstance(inner := given.get(name), Mapping)), None)
    return said


def _line(said: Mapping[str, object], names: Iterable[str], mask: Callable[[str], str], most: int) -> str:
    text = next((one for name in names if isinstance(one := said.get(name), str) and one.strip()), "")
    seen = "".join(sign for sign in shown(clean(text[:_READ_CHARACTERS])) if sign in _JOINERS or category(sign) != "Cf")
    line = " ".join(mask(seen).split())
    return "" if is_blank(line) else cut(line, most)

"""The stars that stand for a secret in everything that is kept, shown, logged or sent on: `***`.

A backend may say a request's headers back, in a debug page, in an error, in a field of its data, and in many forms. The
invariant: of a secret that a mask has learnt no piece of `PIECE` characters or more gets past it, as it is, in base64, in
hexadecimal or decimal numbers, or escaped, and in up to `DEPTH` of these one in the other; nor `SPLIT` characters or more
with nothing between them but signs and space. Encryption, compression and ciphers are not looked through.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from html import unescape
from json import dumps
from urllib.parse import quote

PIECE = 16
_STEP = PIECE // 2
"""A piece this long holds one aligned stretch of half its length, so only those have to be looked up."""
SPLIT = 24
DEPTH = 3
SHORTEST = 8
"""A shorter secret proves nothing, and hiding it would hide words."""
HIDDEN = "***"
_RUN = re.compile(rf"[A-Za-z0-9_+/-]{{{_STEP},}}")
_SEVERAL = re.compile(r"\*\*\*(?:[.=]*\*\*\*)+=*")
_LINE_ENDS = ("\\n", "\\r", "\\t", "\\b", "\\f")
_BETWEEN = re.compile(r"\\[nrtbf]|[^A-Za-z0-9\\]+|\\")
_NOT_BARE = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
_READABLE = re.compile(rf"[\t\n\r -~]{{{PIECE},}}")
_PAIR = r"[0-9A-Fa-f]{2}"
_ESCAPE = re.compile(
    rf"%{_PAIR}|\\{{1,8}}x{_PAIR}|\\{{1,8}}u00{_PAIR}|\\{{1,8}}[0-7]{{3}}|={_PAIR}|&#[0-9]{{1,7}};|&#[xX][0-9A-Fa-f]{{1,6}};"
)
_WORD = r"[A-Za-z0-9_.~+/-]"


class Mask:
    """Hides the secrets that it has learnt. Upper and lower case count as the same."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._forms = _Pieces(PIECE)
        self._bare = _Pieces(SPLIT)
        self._new: list[str] = []
        """Learnt, but not looked for yet: most runs use no tool and need no index."""

    def learn(self, secret: str) -> None:
        """Hide this secret, too, from now on."""
        if len(secret) < SHORTEST or secret in self._whole:
            return
        self._whole |= {secret, quote(secret, safe=""), dumps(secret)[1:-1]}
        self._new.append(secret)

    def __call__(self, text: str) -> str:
        """Return the text with `***` for each secret and each longer piece of one."""
        while self._new:
            for form in _forms(self._new.pop()):
                self._forms.add(form)
                self._bare.add(_bare(form))
        return self._masked(text, DEPTH) if self._whole else text

    def _masked(self, text: str, depth: int) -> str:
        for secret in self._whole:
            text = text.replace(secret, HIDDEN)
        text = _RUN.sub(self._hide, text)
        text = self._hide_split(text)
        if depth:
            for pattern, decode in _CODES:
                text = pattern.sub(lambda found, decode=decode: self._look_into(found[0], decode, depth), text)  # type: ignore[misc]
        return _SEVERAL.sub(HIDDEN, text)

    def _hide(self, match: re.Match[str]) -> str:
        run = match[0]
        return _covered(run, self._forms.found(run.casefold()))

    def _hide_split(self, text: str) -> str:
        """Return the text without what shows once all between letters and digits is left out."""
        found = list(self._bare.found(_bare(text).casefold()))
        if not found:
            return text
        places: list[int] = []
        end = 0
        for between in _BETWEEN.finditer(text):
            places += range(end, between.start())
            end = between.end()
        places += range(end, len(text))
        return _covered(text, ((places[start], places[stop - 1] + 1) for start, stop in found))

    def _look_into(self, run: str, decode: Callable[[str], Iterator[str]], depth: int) -> str:
        for inner in decode(run):
            if _READABLE.search(inner) and self._masked(inner, depth - 1) != _SEVERAL.sub(HIDDEN, inner):
                return HIDDEN
        return run


class _Pieces:
    """The forms of secrets, and where a text has the same as a longer piece of one."""

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self._forms = ""
        self._stretches: set[str] = set()

    def add(self, form: str) -> None:
        """Find this form, too."""
        folded = form.casefold()
        self._forms += f"\n{folded}"
        self._stretches |= {folded[at : at + _STEP] for at in range(len(folded) - _STEP + 1)}

    def found(self, run: str) -> Iterator[tuple[int, int]]:
        """Yield where pieces of secrets stand in a run of their characters."""
        done = 0
        for at in range(0, len(run) - _STEP + 1, _STEP):
            if at + _STEP <= done or run[at : at + _STEP] not in self._stretches:
                continue
            start, stop = max(self._around(run, at), key=lambda ends: ends[1] - ends[0], default=(at, at))
            if stop - start >= self._shortest:
                yield start, stop
                done = stop

    def _around(self, run: str, at: int) -> Iterator[tuple[int, int]]:
        """Yield how far what surrounds a stretch of the run is the same as in each place where it stands in a secret."""
        forms, stretch = self._forms, run[at : at + _STEP]
        place = forms.find(stretch)
        while place >= 0:
            start, stop = at, at + _STEP
            while start > 0 and run[start - 1] == forms[place - (at - start) - 1]:
                start -= 1
            while stop < len(run) and place + stop - at < len(forms) and run[stop] == forms[place + stop - at]:
                stop += 1
            yield start, stop
            place = forms.find(stretch, place + 1)


def _covered(text: str, places: Iterator[tuple[int, int]]) -> str:
    shown: list[str] = []
    end = 0
    for start, stop in places:
        if start >= end:
            shown += [text[end:start], HIDDEN]
        end = max(end, stop)
    return "".join([*shown, text[end:]])


def _bare(text: str) -> str:
    """Return the letters and digits of a text, without what `_BETWEEN` finds."""
    if "\\" in text:
        for end in _LINE_ENDS:
            text = text.replace(end, " ")
    return text.encode("ascii", "ignore").translate(None, _NOT_BARE).decode()


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and what of it stands in base64 wherever it begins in what was encoded.

    Other codes are read and not written down here: 16 of their characters say less than 16 of the secret's. A piece of a
    secret in hexadecimal is a number like any other.
    """
    yield secret
    raw = secret.encode()
    for offset in range(3):
        encoded = b64encode(b"\0" * offset + raw).decode()
        first, rest = -(-offset * 8 // 6), (offset + len(raw)) * 8 % 6
        form = encoded.rstrip("=")[first : -1 if rest else None]
        yield form
        if "+" in form or "/" in form:
            yield form.replace("+", "-").replace("/", "_")


def _from_base64(run: str) -> Iterator[str]:
    """Yield what a run may mean, wherever in it a group of four begins."""
    plain = re.sub(r"\\[nrt]|[\r\n=]", "", run).replace("-", "+").replace("_", "/")
    for first in range(4):
        whole = plain[first : len(plain) - (len(plain) - first) % 4]
        yield b64decode(whole).decode("latin-1")


def _from_hexadecimal(run: str) -> Iterator[str]:
    digits = re.sub(r"0[xX](?=[0-9A-Fa-f]{2})|[^0-9A-Fa-f]", "", run)
    for first in range(2):
        whole = digits[first : len(digits) - (len(digits) - first) % 2]
        yield bytes.fromhex(whole).decode("latin-1")


def _from_decimal(run: str) -> Iterator[str]:
    yield "".join(chr(int(number)) for number in re.findall("[0-9]+", run))


def _from_escapes(run: str) -> Iterator[str]:
    yield _ESCAPE.sub(_unescaped, run)


def _unescaped(escape: re.Match[str]) -> str:
    text = escape[0]
    if text.startswith("&"):
        return unescape(text)
    if text.startswith("\\") and text[-3:].isdecimal() and "u" not in text and "x" not in text:
        return chr(int(text[-3:], 8) % 256)
    return chr(int(text[-2:], 16))


_CODES: tuple[tuple[re.Pattern[str], Callable[[str], Iterator[str]]], ...] = (
    (re.compile(rf"(?<!{_WORD})(?:{_WORD}*+(?:{_ESCAPE.pattern}))++{_WORD}*+"), _from_escapes),
    (
        re.compile(
            rf"(?:(?:0[xX])?{_PAIR}(?:(?:[ :,;.\"'\n-]{{1,4}}|\\[nrt])(?=(?:0[xX])?{_PAIR}(?![g-zG-Z])))?){{{PIECE},}}+"
        ),
        _from_hexadecimal,
    ),
    (re.compile(rf"[0-9]{{2,3}}(?:[ ,;\n]{{1,3}}[0-9]{{2,3}}){{{PIECE - 1},}}+"), _from_decimal),
    (re.compile(r"[A-Za-z0-9_+/-]{16,}+(?:(?:\\[nrt]|[\r\n])++[A-Za-z0-9_+/-]++)*+={0,2}"), _from_base64),
)
"""The patterns of codes, and how they are read. Each pattern takes what it can and never looks back, so its time is bounded."""

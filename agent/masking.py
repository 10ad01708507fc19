"""What stands for a secret in everything that is kept, shown, logged or sent on: `***`.

A backend may say a request's headers back, in a debug page, in an error, in a field of its data. The invariant: of a
secret that a mask has learnt no piece of `PIECE` characters or more gets past it, as it is or in base64.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from json import dumps
from urllib.parse import quote

PIECE = 16
_STEP = PIECE // 2
"""A piece this long holds one aligned stretch of half its length, so only those have to be looked up."""
SHORTEST = 8
"""A shorter secret proves nothing, and hiding it would hide words."""
_RUN = re.compile(rf"[A-Za-z0-9_+/-]{{{_STEP},}}")
_SEVERAL = re.compile(r"\*\*\*(?:[.=]*\*\*\*)+=*")
HIDDEN = "***"


class Mask:
    """Hides the secrets that it has learnt. Upper and lower case count as the same."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._forms = ""

    def learn(self, secret: str) -> None:
        """Hide this secret, too, from now on."""
        if len(secret) < SHORTEST or secret in self._whole:
            return
        self._whole |= {secret, quote(secret, safe=""), dumps(secret)[1:-1]}
        self._forms += "".join(f"\n{form.casefold()}" for form in _forms(secret))

    def __call__(self, text: str) -> str:
        """Return the text with `***` for each secret and each longer piece of one."""
        if not self._whole:
            return text
        for secret in self._whole:
            text = text.replace(secret, HIDDEN)
        text = _RUN.sub(self._hide, text)
        return _SEVERAL.sub(HIDDEN, text)

    def _hide(self, match: re.Match[str]) -> str:
        run = match[0]
        folded = run.casefold()
        shown: list[str] = []
        end = 0
        for start, stop in self._found(folded):
            if start >= end:
                shown += [run[end:start], HIDDEN]
            end = max(end, stop)
        return "".join([*shown, run[end:]])

    def _found(self, run: str) -> Iterator[tuple[int, int]]:
        """Yield where pieces of secrets stand in a run of their characters."""
        done = 0
        for at in range(0, len(run) - _STEP + 1, _STEP):
            if at + _STEP <= done:
                continue
            start, stop = max(self._around(run, at), key=lambda ends: ends[1] - ends[0], default=(at, at))
            if stop - start >= PIECE:
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


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and what of it stands in base64 wherever it begins in what was encoded."""
    yield secret
    raw = secret.encode()
    for offset in range(3):
        encoded = b64encode(b"\0" * offset + raw).decode()
        first, rest = -(-offset * 8 // 6), (offset + len(raw)) * 8 % 6
        form = encoded.rstrip("=")[first : -1 if rest else None]
        yield form
        if "+" in form or "/" in form:
            yield form.replace("+", "-").replace("/", "_")

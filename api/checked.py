"""Tokens that were found to be good, and what they say: whoever asks again within their time is not checked anew.

The invariants: no token is kept, only a digest of it with what it says, which counts for FRESH_S and goes with the next token that is kept
after that; none is good a moment longer than it says, nor once the keys that it was checked with are not those that count.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

FRESH_S = 60.0
"""How long a check counts."""
MOST = 10_000
"""Of so many tokens at most; for more, those go that were checked longest ago."""
MOST_CHARACTERS = 4_096
"""A longer token is checked each time, so that what is known of all has a bound."""


class _Checked(NamedTuple):
    """A checked token: what it says, from when on and until when (seconds since 1970), by whose keys it was checked, and when."""

    claims: Mapping[str, Any]
    begins: float
    ends: float
    keys: object
    at: float


class CheckedTokens:
    """The checked tokens of one kind of callers: what is known of each."""

    def __init__(self, *, leeway_s: float) -> None:
        """`leeway_s`: by how much clocks may differ, as in the check itself."""
        self._leeway_s = leeway_s
        self._known: OrderedDict[bytes, _Checked] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, token: str, *, keys: object) -> dict[str, Any] | None:
        """Return what a token says, as the caller's own; None where it has to be checked. `keys`: those that count now."""
        if len(token) > MOST_CHARACTERS:
            return None
        digest = _digest(token)
        if (found := self._known.get(digest)) is None:
            return None
        is_in_time = found.begins - self._leeway_s <= time.time() < found.ends + self._leeway_s
        if not is_in_time or found.keys is not keys or found.at < time.monotonic() - FRESH_S:
            del self._known[digest]
            return None
        return dict(found.claims)

    def keep(self, token: str, claims: Mapping[str, Any], *, keys: object) -> None:
        """Know that a token is good, which has just been checked with these keys."""
        if len(token) > MOST_CHARACTERS:
            return
        begins, now = max(int(claims.get(name) or 0) for name in ("nbf", "iat")), time.monotonic()
        self._known.pop(digest := _digest(token), None)
        self._known[digest] = _Checked(dict(claims), begins, int(claims["exp"]), keys, now)
        while len(self._known) > MOST or next(iter(self._known.values())).at < now - FRESH_S:
            self._known.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

"""Names of imported tools: what a source calls them, made into names that every provider takes.

The invariant: a name depends on its source's name and on nothing else but the names before it, so it is the same at each start.
"""

import re
from collections.abc import Container, Iterable
from difflib import get_close_matches
from hashlib import sha256

MOST = 64
MOST_NEAR = 3
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MARK = 6
"""Characters that tell two names apart that would be the same."""


def valid_name(name: str, *, taken: Container[str] = (), most: int = MOST) -> str:
    """Return a name that is valid, at most `most` characters long, and none of `taken`.

    A name that is so already is returned as it is. One that had to be cut or is taken ends in a mark made of the whole name.
    """
    valid = _STRANGE.sub("_", name).strip("_-") if _STRANGE.search(name) else name
    if not re.match(r"[A-Za-z_]", valid):
        valid = f"_{valid}"
    if len(valid) <= most and valid not in taken:
        return valid
    for attempt in range(1000):
        mark = sha256(f"{name}\0{attempt}".encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
        marked = f"{valid[: most - _MARK - 1]}_{mark}"
        if marked not in taken:
            return marked
    raise AssertionError("a thousand names are taken")


def near(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three names that may have been meant: of the same words in another order first, then those that look alike."""
    every = list(names)
    turned = [one for one in every if _words(one) == _words(name) and one != name]
    return list(dict.fromkeys([*turned, *get_close_matches(name, every, n=MOST_NEAR)]))[:MOST_NEAR]


def _words(name: str) -> list[str]:
    return sorted(word.lower() for word in _WORD.findall(name))

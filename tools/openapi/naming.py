"""Names of operations and arguments: what a document calls them, made into names that every provider takes.

The invariant: a name depends on its own operation, and on others only where two would have the same; never on their order.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import count

from tools.openapi.document import Entry

MOST = 64
_MARK = 8
"""Characters that tell two names apart that would be the same."""
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_STRANGE_ARGUMENT = re.compile(r"[^A-Za-z0-9_.-]+")


def operation_names(entries: Sequence[Entry], *, most: int = MOST) -> list[str]:
    """Return a name for each operation: valid, unique, at most `most` characters long.

    Of several that would have the same name, the one whose `operationId` it is has it if there is but one such; the others
    get a mark made of their method and path.
    """
    plain = [_plain(one, most) for one in entries]
    wanted = Counter(plain)
    owned = Counter(one.given_id for one in entries)
    names = [
        name
        if wanted[name] == 1 or (entry.given_id == name and owned[name] == 1)
        else _marked(name, f"{entry.method} {entry.path}", most)
        for entry, name in zip(entries, plain, strict=True)
    ]
    return _told_apart(entries, names, most)


def _told_apart(entries: Sequence[Entry], names: list[str], most: int) -> list[str]:
    """Return the names, marked once more where somebody has chosen an id that looks like another's mark."""
    twice = {name for name, times in Counter(names).items() if times > 1}
    return [
        _marked(name, f"{entry.method} {entry.path} {entry.given_id}\0", most) if name in twice else name
        for entry, name in zip(entries, names, strict=True)
    ]


def _plain(entry: Entry, most: int) -> str:
    given = entry.given_id[:1000]
    name = _valid(given) or _valid(f"{entry.method.lower()}_{entry.path[:1000]}") or entry.method.lower()
    return name if len(name) <= most else _marked(name, f"{entry.method} {entry.path}", most)


def _valid(text: str) -> str:
    valid = _STRANGE.sub("_", text)
    if valid != text:
        valid = re.sub(r"_{2,}", "_", valid).strip("_-")
    return valid if not valid or re.match(r"[A-Za-z_]", valid) else f"_{valid}"


def _marked(name: str, whole: str, most: int) -> str:
    mark = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
    return f"{name[: most - _MARK - 1].rstrip('_-') or '_'}_{mark}"


def argument_names(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """Return the model's names for values, given as place and name, those that keep theirs first.

    A later one of the same name is called by its place too: `body_id`.
    """
    taken: set[str] = set()
    names = []
    for place, name in wanted:
        plain = _STRANGE_ARGUMENT.sub("_", name[:1000]).strip("_") if not _is_valid_argument(name) else name
        plain = plain or place
        chosen = next(one for one in _choices(place, name, plain) if len(one) <= MOST and one not in taken)
        taken.add(chosen)
        names.append(chosen)
    return names


def _choices(place: str, name: str, plain: str) -> Iterator[str]:
    yield plain
    yield f"{place}_{plain}"
    for attempt in count():
        yield _marked(plain, f"{place} {name} {attempt}", MOST)


def _is_valid_argument(name: str) -> bool:
    return 0 < len(name) <= MOST and not _STRANGE_ARGUMENT.search(name)

"""A message's extras as they come, piece by piece: reasoning in a provider's own form, and the signatures of it.

The invariant: what is held of a reply, and the time that a piece takes, are bounded, whatever a provider says.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from agent.models.text import clean

MOST_ITEMS = 256
"""Items of one list, or of an object: providers have one for each part of the thinking."""
_NONE = 1 << 62
"""The size of what is no JSON."""


class Growth:
    """The size of a value that grows by pieces. Pieces repeat much, so the whole is measured once they are too large together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._unmeasured = 0

    def is_too_large(self, more: object, whole: object) -> bool:
        """Return whether `whole`, which has the piece `more` by now, is too large; it is measured once so many bytes of pieces came."""
        self._unmeasured += _size_in_time(more)
        if self._unmeasured <= self._most_bytes:
            return False
        self._unmeasured = 0
        return _size_in_time(whole) > self._most_bytes


class Extras:
    """The extras of one message, at most about twice `most_bytes` of JSON of them: of more none is kept."""

    def __init__(self, most_bytes: int) -> None:
        self.kept: dict[str, Any] = {}
        self._growth = Growth(most_bytes)
        self._is_over = False

    def add(self, more: Mapping[str, Any]) -> None:
        """Add a piece."""
        if self._is_over:
            return
        if not _is_too_many(more):
            merge(self.kept, more)
            if not _is_too_many(self.kept) and not self._growth.is_too_large(more, self.kept):
                return
        self._is_over = True
        self.kept.clear()


def _is_too_many(extras: Mapping[str, Any], levels: int = 2) -> bool:
    """Return whether a list, or an object, has more items than are kept, as deep as they are joined."""
    return any(
        isinstance(value, list | dict)
        and (len(value) > MOST_ITEMS or (levels > 1 and isinstance(value, dict) and _is_too_many(value, levels - 1)))
        for value in extras.values()
    )


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add a piece of a message's extras: texts go on, lists are merged by their items' index, anything else is replaced."""
    for name, value in more.items():
        had = into.get(name)
        if isinstance(value, str) and isinstance(had, str):
            into[name] = _gone_on(had, value)
        elif isinstance(value, list):
            into[name] = _merged_items(had if isinstance(had, list) else [], value)
        elif isinstance(value, dict) and isinstance(had, dict):
            into[name] = _deeply(had, value)
        else:
            into[name] = value


def _merged_items(had: list[Any], more: list[Any]) -> list[Any]:
    items = list(had)
    for item in more:
        index = item.get("index") if isinstance(item, dict) else None
        same = None
        if index is None and items and _goes_on(items[-1], item):
            same = len(items) - 1
        if index is not None:
            same = next(
                (
                    n
                    for n, one in enumerate(items)
                    if isinstance(one, dict) and one.get("index") == index and _fits(one, item)
                ),
                None,
            )
        if same is None:
            items.append(dict(item) if isinstance(item, dict) else item)
        else:
            items[same] = dict(_joined(items[same], item))
    return items


def _deeply(had: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with what a later one adds: objects within are joined one level deep, as a provider's own field is."""
    both = {
        name: {**had[name], **more[name]} for name in had.keys() & more.keys() if _are_objects(had[name], more[name])
    }
    return {**had, **more, **both}


def _are_objects(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _goes_on(one: object, more: object) -> bool:
    """Return whether an item without an index is a piece of the one before it: until that is signed, and of words alone."""
    if not (isinstance(one, dict) and isinstance(more, dict)) or one.get("type") != more.get("type"):
        return False
    if one.get("id") != more.get("id") and more.get("id") is not None:
        return False
    said = ("thinking", "text", "summary")
    return not one.get("signature") and any(name in one for name in said) and any(name in more for name in said)


def _fits(one: Mapping[str, Any], more: Mapping[str, Any]) -> bool:
    return more.get("type") in (None, one.get("type"))


def _joined(one: Mapping[str, Any], more: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an item that goes on: its texts are pieces, what names it stands once."""
    yield from ((name, value) for name, value in one.items() if name not in more)
    for name, value in more.items():
        had = one.get(name)
        goes_on = name in ("text", "summary", "data", "signature", "thinking")
        if goes_on and isinstance(had, str) and isinstance(value, str):
            yield name, _gone_on(had, value)
        else:
            yield name, had if value is None else value


def _gone_on(had: str, more: str) -> str:
    """Return a text that goes on. A character that was cut in two is whole again."""
    if had and more and "\ud800" <= had[-1] <= "\udbff":
        both = (had[-1] + more[0]).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return had[:-1] + both + more[1:]
    return had + more


def _size_in_time(value: object) -> int:
    """Return the size of a value that may hold half of a character, whose other half is still to come."""
    if (size := size_of(value)) == _NONE:
        try:
            size = size_of(json.loads(clean(json.dumps(value, ensure_ascii=False))))
        except (ValueError, RecursionError):
            return _NONE
    return size


def size_of(value: object) -> int:
    """Return the bytes of a value as JSON; more than anything has where it is none."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return _NONE

"""Which tools a turn begins with, and when those of the turn before it stay: plain rules over names."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, zip_longest
from urllib.parse import urlsplit

from agent.toolkit import Turn
from tools.selection.catalogue import Catalogue

LATELY = 3
"""Turns whose calls count as lately."""
SHARE_LATELY = 4
"""The share of what was called lately: one place in four."""
SHARE_PAGE = 6
"""The share of the page: one place in six."""
FIRST = 3
"""The best that all have to be there already for a choice to stay."""
MOSTLY = 8
MOSTLY_SHARE = 0.75
GROWN = 2
"""How many times the budget a choice may take that grew by `find_tools`, to stay for the next turn."""
MAX_PAGE_TEXTS = 20
MAX_PAGE_CHARACTERS = 200


def stays(ranked: Sequence[str], chosen: Collection[str]) -> bool:
    """Return whether what fits a question best is mostly what was chosen before; of a question that nothing fits, it is."""
    best = ranked[:MOSTLY]
    there = [name in chosen for name in best]
    return all(there[:FIRST]) and sum(there) >= MOSTLY_SHARE * len(best)


def fresh(
    catalogue: Catalogue,
    ranked: Iterable[str],
    *,
    lately: Sequence[str],
    here: Sequence[str],
    budget_tokens: int,
    at_most: int,
) -> list[str]:
    """Return a new choice, in the order of the tools: those that are always there, then as many others as there is room for.

    What does not fit into the budget is passed over for what is smaller.
    """
    always = set(catalogue.always)
    left = budget_tokens - catalogue.size(always)
    chosen: set[str] = set()
    wanted = chain(lately[: max(1, at_most // SHARE_LATELY)], here[: max(1, at_most // SHARE_PAGE)], ranked)
    for name in dict.fromkeys(wanted):
        if len(chosen) == at_most:
            break
        if name not in always and catalogue.tokens.get(name, left + 1) <= left:
            chosen.add(name)
            left -= catalogue.tokens[name]
    return [name for name in catalogue.names if name in always or name in chosen]


def grown(chosen: Sequence[str], named: Iterable[str], catalogue: Catalogue, *, most: int) -> list[str]:
    """Return a choice as far as it is still there, and behind it what was named since; never more than `most` in all."""
    there = [name for name in chosen if name in catalogue.tools]
    more = [name for name in dict.fromkeys((*catalogue.always, *named)) if name in catalogue.tools]
    return [*there, *(name for name in more if name not in there)][: max(most, len(there))]


def called_lately(turns: Sequence[Turn]) -> list[str]:
    """Return the tools that the last turns called, the latest first."""
    return list(dict.fromkeys(name for turn in reversed(turns[-LATELY:]) for name in reversed(turn.called)))


def interleaved(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return what stands in two rankings, in turns."""
    both = zip_longest(one, other)
    return list(dict.fromkeys(number for pair in both for number in pair if number is not None))


def page_text(page: object) -> str:
    """Return the words by which a page says where its user is: texts, of addresses their paths, without numbers and ids."""
    words = " ".join(_texts(page, [])).replace("/", " ").split()
    return " ".join(word for word in words if not any(letter.isdigit() for letter in word))


def _texts(value: object, found: list[str], depth: int = 0) -> list[str]:
    match value:
        case str() if len(found) < MAX_PAGE_TEXTS:
            text = value[:MAX_PAGE_CHARACTERS]
            found.append(_path(text) if "://" in text else text)
        case dict() | list() if depth < 3:
            for one in value.values() if isinstance(value, dict) else value:
                _texts(one, found, depth + 1)
    return found


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""

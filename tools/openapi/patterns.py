"""Regular expressions of documents, as far as they can be tried without harm.

Most that stand in documents say "letters and digits, this many". These are tried; all others are left to the backend, since
one text against one bad expression can take longer than the universe lasts.
"""

import re
import warnings
from functools import lru_cache
from itertools import pairwise
from math import prod

MAX_CHARACTERS = 200
MAX_STEPS = 100_000
"""Ways in which the repetitions of one expression may share a text."""
LONGEST = 1000
_TOKEN = re.compile(
    r"""
    (?P<atom> \\[dwDW] | \\[^a-zA-Z0-9] | \[\^?(?:[^\[\]\\&|~] | \\[dwDW] | \\[^a-zA-Z0-9])+\] | [^\\\[\](){}*+?|^$.] | \. )
    (?P<times> [*+?] | \{\d{1,4}(?:,\d{0,4})?\} )?
    | (?P<edge> [\^$] )
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def harmless(pattern: object) -> re.Pattern[str] | None:
    """Return an expression of a document, compiled; None where it is none, or might take long, or means another thing in Python.

    Only atoms with a number of times are known: no groups, no choices, nothing that looks back or ahead.
    """
    if not isinstance(pattern, str) or len(pattern) > MAX_CHARACTERS or "--" in pattern:
        return None
    tokens, at = [], 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return None
        tokens.append(token)
        at = token.end()
    starts = 1 if pattern.startswith("^") else LONGEST
    edges_inside = any(two["edge"] == "^" or one["edge"] == "$" for one, two in pairwise(tokens))
    if edges_inside or starts * prod(_ways(token["times"]) for token in tokens) > MAX_STEPS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), re.ASCII)
    except (re.error, Warning, RecursionError, OverflowError):
        return None


def _ways(times: str | None) -> int:
    """Return how many lengths a repetition may have."""
    match times:
        case None:
            return 1
        case "?":
            return 2
        case "*" | "+":
            return LONGEST
    least, comma, most = times.strip("{}").partition(",")
    if not comma:
        return 1
    return max(1, int(most or LONGEST) - int(least) + 1)

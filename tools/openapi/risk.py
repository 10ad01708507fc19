"""How much a call of an operation can do, told by its method and its names. Who is not sure says that it changes something.

An assistant's definition has the last word, by `risk` of a tool.
"""

import re
from itertools import pairwise

from agent.toolkit import Risk


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


READS = _words("get list search find read retrieve query count fetch lookup describe show")
GET_READS = READS | {"check", "download", "export", "has", "is", "preview", "view", "watch"}
"""By POST some of these start something."""
SURE_READS = frozenset({"get", "retrieve", "fetch", "lookup"})
"""Verbs of reads that are no nouns: as the last word of a name they say what it does, as in `accountsGet`."""
DANGEROUS = _words(
    """
    delete remove purge destroy revoke cancel erase wipe drop terminate truncate uninstall unlink deprovision
    obliterate shred expunge void kill ban reboot shutdown reset rollback decommission discard clear delist
    """
)
WRITES = _words(
    """
    accept acknowledge activate add allocate append apply approve archive assign attach authorize begin block book
    buy capture change charge checkin checkout clone close commit complete configure confirm connect convert copy create deactivate
    decline deploy deny detach disable disconnect dismiss dispatch duplicate edit email enable enqueue exchange
    execute expire fire follow fork freeze generate grant import increment insert install invalidate invite invoke
    issue join kick launch leave link lock login logout mark merge migrate modify move mute notify open order patch
    pause pay pin post provision publish purchase push put rebuild recover refresh refund reverse regenerate
    register reject release rename renew reopen replace replay replicate report request resend reserve restart
    restore resume retry rotate run save schedule send set share sign signup simulate start stop store submit
    subscribe suspend swap sync transfer transition trigger unarchive unassign unblock unfollow unlock unpin
    unpublish unset unsubscribe unsuspend update upload upsert verify withdraw write
    """
)
NOUNS = _words(
    """
    book change charge commit copy email fork import issue link order pin refund report request share sign
    store transfer
    """
)
"""Writes that are things as often: where a name has a verb that reads, they are."""
JOINS = frozenset({"and", "or", "then"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in camel case, or with any signs between them, in small letters."""
    words = [found.lower() for found in _WORD.findall(name[:500])]
    for at, pair in enumerate(pairwise(words)):
        if pair in (("check", "in"), ("check", "out")):  # a stay and a cart, of which the verb alone would only look
            words[at] = "".join(pair)
    return words


def risk_of(method: str, path: str, given_id: str) -> Risk:
    """Return the risk of an operation. `given_id` is the document's name for it; empty where it has none."""
    method = method.upper()
    tail = words_of(_last_text(path))
    words = words_of(given_id)
    if method == "DELETE":
        return "dangerous"
    if method == "GET":
        return _of_get(given_id, words, tail)
    if DANGEROUS.intersection(words) or DANGEROUS.intersection(tail):
        return "dangerous"
    return "read" if method == "POST" and _only_reads(given_id, words, tail) else "write"


def _last_text(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    return parts[-1] if parts and "{" not in parts[-1] else ""


def _last_part(given_id: str) -> list[str]:
    """Return the words behind what a name belongs to, as in `chat.postMessage` and `Locks_GetLock`."""
    return words_of(re.split(r"[/.:_]", given_id[:500].rstrip("/.:_"))[-1])


def _of_get(given_id: str, words: list[str], tail: list[str]) -> Risk:
    """Return the risk of a GET: its first verb says what it does, and what is joined to it by "and" does too."""
    last = _last_part(given_id)
    is_read = bool(last) and last[0] in GET_READS
    verbs = [word for word in words if word in GET_READS or (word in WRITES | DANGEROUS and word not in NOUNS)]
    changes = [] if is_read else [word for word in verbs[:1] if word not in GET_READS]
    changes += [word for before, word in pairwise(words) if before in JOINS and word in WRITES | DANGEROUS]
    says_get = given_id.isidentifier() and words[:1] and words[0] in GET_READS  # `get_order`: what is got
    if not verbs or (last in ([noun] for noun in NOUNS) and not says_get):
        # Nothing else says what is done: a noun that stands alone is a verb, as in `files.share`.
        changes += [one[0] for one in (last, tail) if len(one) == 1 and one[0] in WRITES | DANGEROUS and one != words]
    if DANGEROUS.intersection(changes):
        return "dangerous"
    return "write" if changes else "read"


def _only_reads(given_id: str, words: list[str], tail: list[str]) -> bool:
    """Return whether an operation that asks by POST says that it only reads, and nothing that speaks against it."""
    named = words[1:] if words[:1] == ["post"] else words  # the method, or what is read
    against = (WRITES - NOUNS) | JOINS
    if against.intersection(named) or against.intersection(tail):
        return False
    last = _last_part(given_id)
    says_first = any(one and one[0] in READS for one in (named, last))
    says_last = bool(named) and named[-1] in SURE_READS
    return says_first or says_last or (bool(tail) and tail[0] in READS and tail[1:2] in ([], ["by"]))

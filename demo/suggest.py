"""Follow-up questions, titles, and extracts of what was said. The invariant: a suggestion is one that the offline model itself would answer well.

A suggestion is a tool's own first sentence, so that it reads as well as its author writes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from demo.choose import plan
from demo.language import concepts, human, words
from demo.schema import Card
from demo.score import Shelf, goes_places
from demo.turn import asked_alone

MAX_SUGGESTIONS, MAX_CHARACTERS = 3, 50
MOST_EXTRACTED, EXTRACTED_CHARACTERS = 15, 90
EXTRACT = "What was asked, and how each answer began (an extract: no model has summed it up):"


def first_sentence(card: Card) -> str:
    """Return what a tool does in a few words: the beginning of its description."""
    text = card.description.strip() or human(card.name)
    cut = min((at for mark in (". ", ": ", "; ", "\n", " (") if (at := text.find(mark)) > 0), default=len(text))
    line = " ".join(text[:cut].rstrip(".").split())
    if " " not in line and " (" in text:
        return first_sentence(replace(card, description=re.sub(r" \([^()]*\)", "", text)))
    return line[:1].upper() + line[1:]


def suggestions(shelf: Shelf, *, used: Sequence[str], called: frozenset[str], asked: Sequence[str]) -> list[str]:
    """Return up to three questions, none asked before: those near to the last question first, known ground last.

    `used` are the tools called for the last question, which are not suggested again; `called` those of all before.
    """
    past = {words(question) for question in asked}
    about = concepts(words(" ".join(asked[-1:]))) | concepts(tuple(w for name in used for w in words(name)))

    def distance(card: Card) -> int:
        return (card.name in called) * 2 + (not concepts(card.subject) & about)

    chosen: dict[str, bool] = {}
    subjects: set[frozenset[str]] = set()
    for card in sorted(shelf.cards, key=distance):
        question, subject = first_sentence(card), concepts(card.subject[-1:])
        if card.name not in used and words(question) not in past and _is_answered(question, card, shelf):
            chosen.setdefault(question, subject in subjects)
            subjects.add(subject)
    return sorted(chosen, key=lambda question: chosen[question])[:MAX_SUGGESTIONS]


def _is_answered(question: str, card: Card, shelf: Shelf) -> bool:
    if len(question) >= MAX_CHARACTERS or card.is_write or goes_places(card):
        return False
    planned = plan(asked_alone(question), shelf)
    return [call.name for call in planned.calls] == [card.name] and planned.chain is None and not planned.unplaced


def extract(material: Mapping[str, object]) -> str:
    """Return what was asked and how each answer begins, word for word and in order, behind what was so before; the oldest go first."""
    said = material.get("said_since") or material.get("said")
    lines = str(material.get("summary_so_far") or EXTRACT).splitlines()
    for one in said if isinstance(said, list) else ():
        if isinstance(one, Mapping) and isinstance(asked := one.get("user"), str):
            lines.append(f"- “{_short(asked)}”")
        elif isinstance(one, Mapping) and isinstance(answer := one.get("assistant"), str) and len(lines) > 1:
            lines[-1] = f"{lines[-1].partition(' → ')[0]} → “{_short(answer)}”"
    return "\n".join([lines[0], *lines[1:][-MOST_EXTRACTED:]])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= EXTRACTED_CHARACTERS else f"{line[:EXTRACTED_CHARACTERS]}…"


def title(first_question: str) -> str:
    """Return at most six words of the first question, as a title."""
    said = re.sub(r"[\"“”«»*_`#<>|\[\]]", "", first_question).split()[:6]
    text = " ".join(word[:40] for word in said).strip(" ?!.,;:…-")[:MAX_CHARACTERS].rstrip()
    return text[:1].upper() + text[1:] or "New conversation"

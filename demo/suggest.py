"""Follow-up questions and titles. The invariant: a suggestion is one that the demo model itself would answer well."""

import re
from collections.abc import Iterator, Sequence

from demo import lexicon
from demo.choose import plan
from demo.language import concepts, is_plural, words
from demo.schema import Card
from demo.score import Shelf, goes_places

MOST, SHORT = 3, 50
"""Suggestions at once; each is shorter than so many characters."""


def suggestions(shelf: Shelf, *, used: Sequence[str], called: frozenset[str], asked: Sequence[str]) -> list[str]:
    """Return up to three questions, none asked before: those near to the last question first, known ground last.

    `used` are the tools called for the last question, which are not suggested again; `called` those of all before.
    """
    past = {words(question) for question in asked}
    about = concepts(words(" ".join(asked[-1:]))) | concepts(tuple(w for name in used for w in words(name)))
    found: list[tuple[int, int, str, Card]] = []
    for at, card in enumerate(shelf.cards):
        question = next((q for q in _questions(card) if len(q) < SHORT and _answered(q, card, shelf)), None)
        if question and card.name not in used and words(question) not in past:
            near = bool(concepts(card.subject) & about)
            distance = (card.name in called) * 3 + (2 if card.is_action else 0 if near else 1)
            found.append((distance, at, question, card))
    return _varied(sorted(found, key=lambda item: item[:2]))


def _varied(found: list[tuple[int, int, str, Card]]) -> list[str]:
    """Take at most one question per subject, then fill up with the others."""
    chosen: list[str] = []
    subjects: set[str] = set()
    for _, _, question, card in found:
        subject = next(iter(sorted(concepts(card.subject))), card.name)
        if subject not in subjects:
            chosen.append(question)
            subjects.add(subject)
    chosen += [question for _, _, question, _ in found if question not in chosen]
    return chosen[:MOST]


def _answered(question: str, card: Card, shelf: Shelf) -> bool:
    planned = plan(question, shelf)
    return [call.name for call in planned.calls] == [card.name] and planned.chain is None


def _questions(card: Card) -> Iterator[str]:
    """Yield ways to ask for the tool, the most natural one first."""
    if card.is_write or goes_places(card):
        return
    if card.is_action:
        choice = card.value_parameter.choices[0] if card.value_parameter else None
        if choice and card.subject:
            yield f"Switch to the {choice.value} {' '.join(card.subject)}"
        return
    when = _when(card)
    kept = [word for word in card.subject if word not in {"stats", "statistics", "stat", "summary"}]
    time = " ".join(word for word in kept if word in lexicon.TIMES)
    nouns = [word for word in kept if word not in lexicon.TIMES]
    if not nouns:
        return
    yield from _about(card, nouns, f" {time}" if time else when)


def _about(card: Card, nouns: list[str], when: str) -> Iterator[str]:
    said = _joined(card, nouns)
    if len(nouns) > 1 and nouns[0].endswith("ing") and is_plural(nouns[-1]):
        yield f"Which {' '.join(nouns[1:])} are {nouns[0]}{when}?"
    if is_plural(nouns[-1]):
        if card.is_statistic:
            yield f"How many {said} do we have?"
        elif card.verb in lexicon.LIST_VERBS:
            yield f"List the {said}"
        yield f"How are {said}{when}?"
        yield f"Show the {said}{when}"
    if card.verb not in {"list", "find", "search"}:
        yield (
            f"How {'are' if ' and ' in said else 'is'} {said}{when}?"
            if when or card.is_statistic
            else f"Show the {said}"
        )


def _joined(card: Card, nouns: list[str]) -> str:
    """Join two nouns with "and" where the description names them side by side as well, not one as the other's kind."""
    if len(nouns) == 2 and not is_plural(nouns[1]):
        one, other = (re.escape(noun) for noun in nouns)
        if not re.search(rf"\b{one}\W+{other}\b", card.description, re.IGNORECASE) and re.search(
            rf"\b{one}.*\b{other}s?\b", card.description, re.IGNORECASE | re.DOTALL
        ):
            return " and ".join(nouns)
    return " ".join(nouns)


def _when(card: Card) -> str:
    for parameter in card.parameters:
        if any(choice.value == "this_month" for choice in parameter.choices):
            return " this month"
        if {"day", "days"} & set(parameter.words) and parameter.kind == "integer":
            return " this week"
    return ""


def title(first_question: str) -> str:
    """Return at most six words of the first question, as a title."""
    said = re.sub(r"[\"“”«»*_`#<>|\[\]]", "", first_question).split()[:6]
    text = " ".join(word[:40] for word in said).strip(" ?!.,;:…-")[:SHORT].rstrip()
    return text[:1].upper() + text[1:] or "New conversation"

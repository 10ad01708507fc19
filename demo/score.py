"""How well a tool fits a clause. Rare concepts weigh more than common ones, names more than descriptions."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import log

from demo import lexicon
from demo.language import Phrase, concept, concepts, is_generic
from demo.schema import NAME, Card, Choice

ENOUGH = 0.8
"""A lower score is no match."""


@dataclass(frozen=True)
class Shelf:
    """The bound tools on the day of the question, with how rare each concept is among them."""

    cards: tuple[Card, ...]
    today: date | None = None

    @cached_property
    def _mentions(self) -> Counter[str]:
        return Counter(name for card in self.cards for name in card.weights)

    def rarity(self, name: str) -> float:
        """Return log(1 + tools / tools that mention it): near 0.7 for what all mention, high for what none does."""
        return log(1 + len(self.cards) / max(self._mentions[name], 1))

    @cached_property
    def names(self) -> frozenset[str]:
        """The concepts in the tools' names: words that are no person's name."""
        return frozenset(concept(word) for card in self.cards for word in card.subject)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every concept that any tool mentions."""
        return frozenset(self._mentions)

    @cached_property
    def pages(self) -> dict[str, Choice]:
        """The templates of pages of one thing, by the concept of what it is: `/clients/{id}` of client."""
        found = (
            c for card in self.cards if goes_places(card) and card.value_parameter for c in card.value_parameter.choices
        )
        return {one.noun: one for one in found if one.noun and re.fullmatch(r"/[\w/-]*\{\w*\}[\w/-]*", one.value)}

    def get(self, name: str) -> Card | None:
        return next((card for card in self.cards if card.name == name), None)


def data_score(card: Card, phrase: Phrase, shelf: Shelf) -> float:
    """Return how well a tool that asks for data fits; 0 when nothing but general words matches."""
    weights = {name: card.weight(name) for name in phrase.concepts}
    if not any(weight >= 0.5 and not is_generic(name) for name, weight in weights.items()):
        return 0.0
    return sum(weight * shelf.rarity(name) for name, weight in weights.items()) + _manner(card, phrase)


def _manner(card: Card, phrase: Phrase) -> float:
    """Return what it is worth that figures, or a list, are asked for."""
    if "count" in phrase.wishes or {"most", "least", "best", "top", "compare", "versus"} & set(phrase.words):
        return 2.5 if card.is_statistic else 0.0
    if "list" in phrase.wishes:
        return -0.5 if card.is_statistic else 1.0 * (card.verb in {"list", "find", "search"})
    return 0.0


def action_score(card: Card, phrase: Phrase, choice: Choice | None) -> float:
    """Return how well a page action fits with this value; 0 unless the clause asks for something to happen."""
    named = NAME * len(concepts(card.subject) & phrase.concepts)
    if goes_places(card):
        asked = "page" in phrase.wishes
        hinted = phrase.verb in lexicon.LIST_VERBS and choice is not None and choice.concepts == phrase.concepts
        return (12.0 if asked else 2.0 if hinted else 0.0) + named * asked
    asked = "change" in phrase.wishes
    if choice is None:
        return named if asked else 0.0
    return 5.0 + named if asked or phrase.concepts <= choice.concepts | concepts(card.subject) else 0.0


def goes_places(card: Card) -> bool:
    """Return whether the action opens pages, rather than changing how they look."""
    parameter = card.value_parameter
    routes = parameter is not None and any(choice.value.startswith("/") for choice in parameter.choices)
    return routes or card.verb in lexicon.PAGE_VERBS


def commands(card: Card, phrase: Phrase, shelf: Shelf) -> bool:
    """Return whether the clause is an imperative for this tool that changes data."""
    groups = [group for group in lexicon.VERB_GROUPS if card.verb in group] or [frozenset({card.verb})]
    if not any(phrase.verb in group for group in groups):
        return False
    alike = [other for other in shelf.cards if other.is_write and any(other.verb in group for group in groups)]
    said = concepts(card.subject) & phrase.concepts
    return bool(said) or (len(alike) == 1 and phrase.verb == card.verb)

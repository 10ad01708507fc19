"""How well a tool fits a clause. Rare concepts weigh more than common ones, names more than descriptions."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import log

from demo import lexicon
from demo.language import Phrase, concept, concepts, is_adjective, is_generic, times
from demo.schema import NAME, Card, Choice

ENOUGH = 0.8
"""A lower score is no match."""

_ANCHOR = NAME / 2
_SHARE = 0.5
"""Of the question's own subject, how much a description must cover to be chosen without a word of the tool's name."""


@dataclass(frozen=True)
class Shelf:
    """The bound tools, with how rare each concept is among them."""

    cards: tuple[Card, ...]

    @cached_property
    def _mentions(self) -> Counter[str]:
        return Counter(name for card in self.cards for name in card.weights)

    def rarity(self, name: str) -> float:
        """Return log(1 + tools / tools that mention it): near 0.7 for what all mention, high for what none does."""
        return log(1 + len(self.cards) / max(self._mentions[name], 1))

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the concepts in the tools' names and templates: words that are no person's name."""
        return frozenset(concept(word) for card in self.cards for word in card.subject)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Return every concept that any tool mentions."""
        return frozenset(self._mentions)

    def get(self, name: str) -> Card | None:
        return next((card for card in self.cards if card.name == name), None)


def data_score(card: Card, phrase: Phrase, shelf: Shelf) -> float:
    """Return how well a tool that asks for data fits; 0 when nothing but general words matches."""
    total = covered = subject = 0.0
    anchored = False
    for name in phrase.concepts:
        weight, rarity = card.weight(name), shelf.rarity(name) * (0.5 if is_adjective(name) else 1.0)
        total += weight * rarity * (_coverage(card, phrase) if weight >= _ANCHOR else 1.0)
        if not is_generic(name):
            anchored = anchored or weight >= _ANCHOR
            subject += rarity
            covered += rarity if weight >= 0.5 else 0.0
    if (not anchored and covered < _SHARE * subject) or not covered:
        return 0.0
    return (total + _manner(card, phrase) + _timing(card, phrase)) * (0.5 if "page" in phrase.wishes else 1.0)


def _coverage(card: Card, phrase: Phrase) -> float:
    """Return 0.6 to 1: how much of the tool's name the clause says."""
    named = [concept(word) for word in card.subject if word not in lexicon.STOP]
    said = sum(name in phrase.concepts or (name == "statistic" and "count" in phrase.wishes) for name in named)
    return 0.6 + 0.4 * said / max(len(named), 1)


def _manner(card: Card, phrase: Phrase) -> float:
    ranks = bool({"most", "least", "best", "top", "compare", "versus", "average"} & set(phrase.words))
    ranks = ranks and not any(word.isdigit() for word in phrase.words)
    if "count" in phrase.wishes or ranks:
        return 2.5 if card.is_statistic else 0.0
    if "list" in phrase.wishes or "top" in phrase.words:
        return -0.5 if card.is_statistic else 1.0 * (card.verb in {"list", "find", "search"})
    return 0.0


def _timing(card: Card, phrase: Phrase) -> float:
    own = times(concepts(card.subject))
    asked = times(phrase.concepts)
    if own and asked and not own & asked:
        return -1.5
    spans = any(
        (p.kind in {"integer", "number"} and {"day", "days"} & set(p.words)) or "period" in p.words
        for p in card.parameters
    )
    return 0.7 if asked and spans else 0.0


def action_score(card: Card, phrase: Phrase, choice: Choice | None) -> float:
    """Return how well a page action fits with this value; 0 unless the clause asks for something to happen."""
    named = NAME * len(concepts(card.subject) & phrase.concepts)
    if goes_places(card):
        asked = "page" in phrase.wishes
        hinted = phrase.verb in lexicon.LIST_VERBS and choice is not None and choice.concepts == phrase.concepts
        return (8.0 if asked else 2.0 if hinted else 0.0) + named * asked
    asked = "change" in phrase.wishes
    bare = choice is not None and phrase.concepts <= choice.concepts | concepts(card.subject)
    if choice is None:
        return named if asked else 0.0
    return 5.0 + named if asked or bare else 0.0


def goes_places(card: Card) -> bool:
    """Say whether the action opens pages, rather than changing how they look."""
    parameter = card.value_parameter
    routes = parameter is not None and any(choice.value.startswith("/") for choice in parameter.choices)
    return routes or card.verb in lexicon.PAGE_VERBS


def commands(card: Card, phrase: Phrase, shelf: Shelf) -> bool:
    """Say whether the clause is an imperative for this tool that changes data."""
    groups = [group for group in lexicon.VERB_GROUPS if card.verb in group] or [frozenset({card.verb})]
    if not any(phrase.verb in group for group in groups):
        return False
    alike = [other for other in shelf.cards if other.is_write and any(other.verb in group for group in groups)]
    said = concepts(card.subject) & phrase.concepts
    return bool(said) or (len(alike) == 1 and phrase.verb == card.verb)

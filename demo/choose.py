"""From a question to a plan: which tools to call at once, and what to do with what they return.

The invariant: a tool that changes data or the page is only planned when a clause asks for it by an imperative or names
one of its values, and no tool is planned without its required arguments.
"""

import re
from dataclasses import dataclass, field, replace

from demo import lexicon
from demo.arguments import best_choice, fill, is_id
from demo.chain import Call, Chain, chain_by_parameter, lookup_tool, search_parameter
from demo.clues import Clues, clues
from demo.language import Phrase, clauses, concept, concepts, normalised, phrase, words
from demo.schema import Card, Parameter
from demo.score import ENOUGH, Shelf, action_score, commands, data_score, goes_places

MOST_CALLS = 4
_MOST_CLAUSES = 24


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: calls at once, then perhaps a chained one. `missing` is what a wanted tool still needs to be told."""

    calls: tuple[Call, ...] = ()
    chain: Chain | None = None
    wanted: Card | None = None
    missing: tuple[Parameter, ...] = ()


@dataclass(slots=True)
class _Pick:
    card: Card
    text: str
    wishes: frozenset[str]
    chain: Chain | None = None
    missing: tuple[Parameter, ...] = ()
    calls: list[Call] = field(default_factory=list)


def plan(question: str, shelf: Shelf, *, earlier: str = "") -> Plan:
    """Return what to do about the question. `earlier` is the one before it, for "and last month?"."""
    text = normalised(question)
    if not shelf.cards:
        return Plan()
    picks = _picks(text, shelf) or _whole(text, shelf) or _continued(text, normalised(earlier), shelf)
    calls: list[Call] = []
    for pick in picks:
        if pick.missing:
            continue
        calls += [call for call in _calls(pick, shelf) if call not in calls]
    chain = next((pick.chain for pick in picks if pick.chain), None)
    lacking = next((pick for pick in picks if pick.missing), None)
    if lacking and not calls:
        return Plan(wanted=lacking.card, missing=lacking.missing)
    return Plan(calls=tuple(calls[:MOST_CALLS]), chain=chain)


def _picks(text: str, shelf: Shelf) -> list[_Pick]:
    """Choose a tool per clause; a clause without a tool of its own belongs to the one before it."""
    picks: list[_Pick] = []
    before, wishes = "", frozenset[str]()
    pieces = clauses(text)[:_MOST_CLAUSES]
    for piece in pieces:
        heard = phrase(piece, inherited=wishes - {"page", "change"})
        wishes = heard.wishes
        heard = _as_adjective(heard, shelf)
        pick = None if picks and picks[-1].card.is_write else _best(heard, text, shelf)
        if pick is None and picks:
            picks[-1].text += f", {piece}"
        elif pick is None:
            before += f"{piece}, "
        elif picks and picks[-1].card is pick.card and not _separate(pick.card, piece, picks[-1].text, shelf):
            picks[-1].text += f", {piece}"
        else:
            pick.text, before = before + piece, ""
            picks.append(pick)
    return picks


def _as_adjective(heard: Phrase, shelf: Shelf) -> Phrase:
    """Take "open enquiries" as enquiries that are open, where a tool knows that state of them; not "open the enquiries"."""
    if heard.words[:1] != (heard.verb,) or "page" not in heard.wishes or concept(heard.verb) not in heard.concepts:
        return heard
    bare = len(heard.words) > 1 and heard.words[1] not in lexicon.STOP and "page" not in heard.concepts
    states = (
        choice.value == heard.verb
        for card in shelf.cards
        if not card.is_write and concepts(card.subject) & heard.concepts
        for parameter in card.parameters
        for choice in parameter.choices
    )
    return replace(heard, wishes=frozenset({"list"})) if bare and any(states) else heard


def _separate(card: Card, piece: str, previous: str, shelf: Shelf) -> bool:
    """Say whether two clauses for one tool are two calls: each gives its required arguments, and other ones."""
    if not any(parameter.required for parameter in card.parameters):
        return False
    one, other = (fill(card, _clues(text, shelf)) for text in (piece, previous))
    return not one[1] and not other[1] and one[0] != other[0]


def _whole(text: str, shelf: Shelf) -> list[_Pick]:
    pick = _best(phrase(text), text, shelf)
    return [pick] if pick else []


def _continued(text: str, earlier: str, shelf: Shelf) -> list[_Pick]:
    """Take a short question about nothing but time or a name as one about the earlier question's subject."""
    heard = phrase(text)
    if not earlier or len(heard.words) > 6 or not heard.concepts or not heard.concepts <= concepts(words(_TIME_WORDS)):
        return []
    able = (pick for pick in _picks(earlier, shelf) if not pick.card.is_write and not pick.card.is_action)
    picks = [_Pick(pick.card, text, pick.wishes) for pick in able]
    return [pick for pick in picks if fill(pick.card, _clues(text, shelf))[0]][:1]


_TIME_WORDS = " ".join(lexicon.TIMES)


def _best(heard: Phrase, whole: str, shelf: Shelf) -> _Pick | None:
    found = _clues(heard.text, shelf)
    command = _command(heard, whole, found, shelf)
    if command or heard.verb in lexicon.ORDERS:
        return command
    scored = sorted(((_score(card, heard, found, shelf), -at) for at, card in enumerate(shelf.cards)), reverse=True)
    for score, at in scored:
        card = shelf.cards[-at]
        if score < ENOUGH:
            return None
        _, missing = fill(card, found)
        if card.is_action:
            pick = _action(card, heard, found, shelf)
            if pick:
                return pick
        elif not missing:
            return _Pick(card, heard.text, heard.wishes)
    return None


def _score(card: Card, heard: Phrase, found: Clues, shelf: Shelf) -> float:
    if card.is_write:
        return 0.0
    if card.is_action:
        parameter = card.value_parameter
        return action_score(card, heard, best_choice(parameter, heard.words) if parameter else None)
    arguments, missing = fill(card, found)
    score = data_score(card, heard, shelf)
    by_id = any(is_id(p) and p.required and p.name in arguments for p in card.parameters)
    if "page" in heard.wishes:
        return 0.0 if missing else score
    sought = {
        str(arguments[p.name]) for p in card.parameters if p.name in arguments and lexicon.NAME_LIKE & set(p.words)
    }
    if sought and (score or _asks_for(sought, heard)):
        score = max(score, 0.0) + (20.0 if any(_is_surely_a_name(name, heard.text) for name in sought) else 4.0)
    return 0.0 if missing else score + 2.0 * (by_id and score > 0)


def _asks_for(sought: set[str], heard: Phrase) -> bool:
    """Say whether the clause is about the name: it has more than one word, or nothing else has a meaning."""
    others = heard.concepts - concepts(words(" ".join(sought))) - {"person"}
    return not others or any(_is_surely_a_name(name, heard.text) for name in sought)


def _is_surely_a_name(name: str, text: str) -> bool:
    return " " in name or f"{name}'s" in text or f"{name}’s" in text


def _command(heard: Phrase, whole: str, found: Clues, shelf: Shelf) -> _Pick | None:
    """Return the tool that changes data which the clause orders, with all that follows it as its text."""
    for card in shelf.cards:
        if not card.is_write or "count" in heard.wishes or not (heard.verb == "new" or commands(card, heard, shelf)):
            continue
        start = whole.find(heard.text)
        text = whole[start:] if start >= 0 else heard.text
        everything = _clues(text, shelf)
        arguments, missing = fill(card, everything)
        announced = heard.verb == "new" and card.verb in lexicon.CREATE_VERBS and not missing
        if not (announced and concepts(card.subject) & heard.concepts) and not commands(card, heard, shelf):
            continue
        chain = chain_by_parameter(card, arguments, missing, everything, shelf)
        given = [name for name in arguments if not any(p.name == name and is_id(p) for p in card.parameters)]
        if not missing and not given and len(card.parameters) > 1:
            missing = [p for p in card.parameters if not p.required]
        return _Pick(card, text, heard.wishes, chain=chain, missing=() if chain else tuple(missing))
    return None


def _action(card: Card, heard: Phrase, found: Clues, shelf: Shelf) -> _Pick | None:
    parameter = card.value_parameter
    if parameter is None:
        return None
    choice = best_choice(parameter, heard.words)
    templates = [choice for choice in parameter.choices if choice.is_template]
    nouned = [t for t in templates if t.noun in heard.concepts] or templates
    if nouned and goes_places(card):
        number = re.search(r"\b(\d{1,18})\b", heard.text)
        if number and nouned[0].noun in heard.concepts:
            pick = _Pick(card, heard.text, heard.wishes)
            pick.calls = [Call(card.name, {parameter.name: nouned[0].with_id(number[1])})]
            return pick
        for template in nouned if found.names + found.quoted else ():
            lookup = lookup_tool(template.noun, "", shelf)
            if lookup:
                who = (found.quoted + found.names)[0]
                chain = Chain(lookup.name, who, card.name, parameter.name, template, {})
                return _Pick(card, heard.text, heard.wishes, chain=chain)
    return _Pick(card, heard.text, heard.wishes, missing=() if choice else (parameter,))


def _calls(pick: _Pick, shelf: Shelf) -> list[Call]:
    if pick.chain:
        lookup = shelf.get(pick.chain.lookup)
        parameter = search_parameter(lookup) if lookup else None
        return [Call(lookup.name, {parameter: pick.chain.who})] if lookup and parameter else []
    if pick.calls:
        return pick.calls
    arguments, missing = fill(pick.card, _clues(pick.text, shelf))
    return [] if missing else [Call(pick.card.name, arguments)]


def _clues(text: str, shelf: Shelf) -> Clues:
    return clues(text, known=shelf.names, vocabulary=shelf.vocabulary)

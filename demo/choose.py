"""From a question to a plan: which tools to call at once, and what to do with what they return.

The invariant: a tool that changes data or the page is only planned when a clause asks for it by an imperative or names
one of its values, no tool is planned without its required arguments, and none that answers less than was asked.
"""

import re
from dataclasses import dataclass, field

from demo import lexicon
from demo.arguments import beside, best_choice, fill, is_id
from demo.chain import Call, Chain, chain
from demo.clues import Clues, clues
from demo.followup import resolved
from demo.language import TIMES, Phrase, clauses, concepts, normalised, phrase, words
from demo.placing import every, unplaced
from demo.schema import Card, Parameter
from demo.score import ENOUGH, Shelf, action_score, commands, data_score, goes_places
from demo.turn import Turn

MAX_CALLS = 4
MAX_CLAUSES = 24
_NARROWS = re.compile(
    r"(?:excluding|except|excepting|without|apart from|other than|unless|but not|not counting|minus|"
    r"ohne|au(?:ß|ss)er|sin|excepto|menos|sem|exceto|के बिना|छोड़कर)\b",
    re.IGNORECASE,
)
"""How a clause begins that takes something away from what the one before asks for."""
_GOES_ON = re.compile(r"(?:and|what|how) about\b|and (?:for|at|in)\b|and\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a turn: calls at once, then perhaps a chained one. `missing` is what a wanted tool still needs to be told,
    `unplaced` what the question names that no tool would have answered, `about` the question before where this one only says
    when: "and in September?"."""

    calls: tuple[Call, ...] = ()
    chain: Chain | None = None
    wanted: Card | None = None
    missing: tuple[Parameter, ...] = ()
    unplaced: tuple[str, ...] = ()
    about: str = ""


@dataclass(slots=True)
class _Pick:
    card: Card
    text: str
    chain: Chain | None = None
    missing: tuple[Parameter, ...] = ()
    calls: list[Call] = field(default_factory=list)


def plan(turn: Turn, shelf: Shelf) -> Plan:
    """Return what to do about the question, with what was said and found before."""
    text = resolved(normalised(turn.question), turn, shelf)
    earlier = turn.questions[-1] if turn.questions else ""
    picks = _picks(text, shelf)
    if picks and (name := _lone_name(text, picks[0], turn, shelf)):
        return Plan(unplaced=(name,))
    about = "" if picks else earlier
    picks = picks or _continued(text, normalised(earlier), shelf)
    calls: list[Call] = []
    lost: list[str] = []
    for pick in picks:
        made = [] if pick.missing else _calls(pick, shelf)
        if not (pick.chain or pick.card.is_action or pick.card.is_write or pick.missing):
            missed = unplaced(pick.card, [call.arguments for call in made], _clues(pick.text, shelf))
            lost, made = lost + missed, [] if missed else made
        calls += [call for call in made if call not in calls]
    lacking = next((pick for pick in picks if pick.missing), None)
    if lacking and not calls:
        return Plan(wanted=lacking.card, missing=lacking.missing)
    return Plan(
        tuple(calls[:MAX_CALLS]), next((p.chain for p in picks if p.chain), None), unplaced=tuple(lost), about=about
    )


def _lone_name(text: str, pick: _Pick, turn: Turn, shelf: Shelf) -> str | None:
    """Return the one word that "what about Harbour?" names, where nothing was looked up by a name before: it can be a place."""
    names = _clues(text, shelf).names
    looked_up = pick.card.name in turn.used
    if looked_up or not turn.questions or len(names) != 1 or " " in names[0] or not _GOES_ON.match(text):
        return None
    return None if phrase(text).concepts - concepts(words(names[0])) else names[0]


def _picks(text: str, shelf: Shelf) -> list[_Pick]:
    """Choose a tool per clause; a clause without a tool of its own belongs to the one before it."""
    picks: list[_Pick] = []
    before, wishes = "", frozenset[str]()
    for piece in clauses(text)[:MAX_CLAUSES]:
        if picks and _NARROWS.match(piece):
            picks[-1].text += f", {piece}"
            continue
        heard = phrase(piece, inherited=wishes - {"page", "change"})
        wishes = heard.wishes
        pick = None if picks and picks[-1].card.is_write else _best(heard, text, shelf)
        if pick is None and picks:
            picks[-1].text += f", {piece}"
        elif pick is None:
            before += f"{piece}, "
        elif picks and picks[-1].card is pick.card and not _separate(pick.card, piece, picks[-1].text, shelf):
            picks[-1].text += f", {piece}"
        else:
            pick.text, before = before + pick.text, ""
            picks.append(pick)
    return picks


def _separate(card: Card, piece: str, previous: str, shelf: Shelf) -> bool:
    """Return whether two clauses for one tool are two calls: each gives its required arguments, and other ones."""
    one, other = (fill(card, _clues(text, shelf)) for text in (piece, previous))
    return any(p.required for p in card.parameters) and not one[1] and not other[1] and one[0] != other[0]


def _continued(text: str, earlier: str, shelf: Shelf) -> list[_Pick]:
    """Take a short question about nothing but time as one about the earlier question's subject."""
    found, before = _clues(text, shelf), _clues(earlier, shelf)
    heard = phrase(beside(text, found.spans))
    if (
        not earlier
        or len(words(beside(text, found.spans))) > 6
        or not heard.concepts <= TIMES
        or not (heard.concepts or found.spans)
    ):
        return []
    if any(span.is_plain for span in found.spans) and not all(span.is_plain for span in before.spans):
        return []  # "and last year?" of October may be that month, or the year
    able = (pick for pick in _picks(earlier, shelf) if not pick.card.is_write and not pick.card.is_action)
    return [_Pick(pick.card, text) for pick in able if fill(pick.card, _clues(text, shelf))[0]][:1]


def _best(heard: Phrase, whole: str, shelf: Shelf) -> _Pick | None:
    """Return the tool that fits best of those that answer all of the clause, or else the one that the rest of it fits."""
    found = _clues(heard.text, shelf)
    command = _command(heard, whole, found, shelf)
    if command or heard.verb in lexicon.ORDERS:
        return command
    scored = sorted(((_score(card, heard, found, shelf), -at) for at, card in enumerate(shelf.cards)), reverse=True)
    partly: list[_Pick] = []
    for card in (shelf.cards[-at] for score, at in scored if score >= ENOUGH):
        arguments, missing = fill(card, found)
        if card.is_action:
            pick = _action(card, heard, found, shelf)
            if pick and not partly:
                return pick
        elif not missing:
            pick = _Pick(card, heard.text)
            if not unplaced(card, every(card, arguments, found), found):
                return pick
            partly.append(pick)
    return max(partly, key=lambda pick: data_score(pick.card, heard, shelf), default=None)


def _score(card: Card, heard: Phrase, found: Clues, shelf: Shelf) -> float:
    if card.is_write:
        return 0.0
    if card.is_action:
        parameter = card.value_parameter
        return action_score(card, heard, best_choice(parameter, heard.words) if parameter else None)
    arguments, missing = fill(card, found)
    score = data_score(card, heard, shelf)
    if missing or "page" in heard.wishes:
        return 0.0 if missing else score
    named = {p.name for p in card.parameters if p.name in arguments and lexicon.NAME_LIKE & set(p.words)}
    sought = {str(arguments[name]) for name in named}
    surely = any(" " in name or re.search(rf"{re.escape(name)}['’]s", heard.text) for name in sought)
    if sought and (score or surely or not heard.concepts - concepts(words(" ".join(sought))) - {"person"}):
        score = max(score, 0.0) + (20.0 if surely else 4.0)
    return score


def _command(heard: Phrase, whole: str, found: Clues, shelf: Shelf) -> _Pick | None:
    """Return the tool that changes data which the clause orders, with all that follows it as its text."""
    for card in shelf.cards:
        if not card.is_write or "count" in heard.wishes or not (heard.verb == "new" or commands(card, heard, shelf)):
            continue
        text = whole[max(whole.find(heard.text), 0) :]
        everything = _clues(text, shelf)
        arguments, missing = fill(card, everything)
        announced = heard.verb == "new" and card.verb in lexicon.CREATE_VERBS and not missing
        if not (announced and concepts(card.subject) & heard.concepts) and not commands(card, heard, shelf):
            continue
        findable = [p for p in missing if is_id(p) and chain(card, p, everything, shelf)]
        missing = missing if missing == findable else [p for p in missing if p not in findable]
        is_chain = bool(missing) and missing == findable[:1]
        then = chain(card, missing[0], everything, shelf, arguments=arguments) if is_chain else None
        given = [name for name in arguments if not any(p.name == name and is_id(p) for p in card.parameters)]
        if not missing and not given and len(card.parameters) > 1:
            missing = [p for p in card.parameters if not p.required]
        return _Pick(card, text, then, () if then else tuple(missing))
    return None


def _action(card: Card, heard: Phrase, found: Clues, shelf: Shelf) -> _Pick | None:
    """Return the action with its value, or a chain to the page of who is named."""
    parameter = card.value_parameter
    if parameter is None:
        return None
    templates = [choice for choice in parameter.choices if choice.is_template]
    nouned = [template for template in templates if template.noun in heard.concepts]
    if goes_places(card):
        number = re.search(r"\b(\d{1,18})\b(?![.,]\d)", heard.text)
        if number and nouned:
            return _Pick(card, heard.text, calls=[Call(card.name, {parameter.name: nouned[0].with_id(number[1])})])
        for template in nouned or templates:
            if then := chain(card, parameter, found, shelf, template=template):
                return _Pick(card, heard.text, then)
    return _Pick(card, heard.text, missing=() if best_choice(parameter, heard.words) else (parameter,))


def _calls(pick: _Pick, shelf: Shelf) -> list[Call]:
    if pick.chain or pick.calls:
        return [pick.chain.lookup] if pick.chain else pick.calls
    found = _clues(pick.text, shelf)
    arguments, missing = fill(pick.card, found)
    return [] if missing else [Call(pick.card.name, one) for one in every(pick.card, arguments, found)]


def _clues(text: str, shelf: Shelf) -> Clues:
    return clues(text, known=shelf.names, vocabulary=shelf.vocabulary, today=shelf.today)

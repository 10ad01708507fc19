"""What the tools returned, as Markdown. Every figure stands in a result; what cannot be read is quoted, not guessed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from demo import lexicon
from demo.figures import Row, figure_sentence, is_figure, row_sentence
from demo.language import (
    Phrase,
    clauses,
    concepts,
    human,
    identifier_words,
    is_plural,
    normalised,
    phrase,
    singular,
)
from demo.markdown import MOST_ROWS, bullets, heading, plain, shown, table
from demo.schema import Card
from demo.score import Shelf, goes_places
from demo.turn import Result

_QUIET = frozenset({"currency", "limit", "offset", "shown", "page", "page_size", "ok", "success"})
_MOST_RECOVERED = 200


def answer(question: str, results: Sequence[Result], shelf: Shelf, *, who: str = "") -> str:
    """Return one section per result, in order, separated by blank lines. `who` is the name that an id was found by."""
    return "\n\n".join(_section(question, result, shelf.get(result.name), who) for result in results)


def _section(question: str, result: Result, card: Card | None, who: str) -> str:
    what = card.wording if card else human(result.name)
    data, whole = read(result.content)
    trouble = data.get("error") or data.get("detail") if isinstance(data, Mapping) else None
    refused = isinstance(data, Mapping) and (data.get("ok") is False or bool(data.get("error")))
    if result.failed or refused:
        said = trouble if isinstance(trouble, str) else result.content
        return f"I could not {plain(what)}: {plain(said, 300) or 'no reason was given'}"
    if card is not None and card.is_action:
        return _acted(result, card, who)
    if card is not None and card.is_write:
        return _changed(data, card)
    heard = _clause(question, card)
    topic = _topic(card, result.name)
    told = (
        _told(data, _About(topic, _full_topic(card, topic), _filters(result)), heard)
        if data is not None
        else _quoted(result.content, topic)
    )
    return told if whole or data is None else f"{told}\n\nThe result was too long and was cut; this is its beginning."


def read(content: str) -> tuple[object, bool]:
    """Return a tool result's data and whether it is all of it.

    Of JSON that was cut in its middle, the complete rows of its first list are returned; of other text, None.
    """
    try:
        return orjson.loads(content), True
    except ValueError:
        rows = _recovered(content)
        return (rows, False) if rows else (None, True)


def _recovered(content: str) -> list[object]:
    if not content.startswith(("{", "[")):
        return []
    decoder, rows, at = json.JSONDecoder(), list[object](), content.find("[") + 1
    while 0 < at < len(content) and len(rows) < _MOST_RECOVERED:
        try:
            row, at = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            break
        rows.append(row)
        rest = content[at : at + 10].lstrip()
        at += len(content[at : at + 10]) - len(rest) + 1 if rest.startswith(",") else len(content)
        at += len(content[at : at + 10]) - len(content[at : at + 10].lstrip())
    return rows if all(isinstance(row, Mapping) for row in rows) else []


def _clause(question: str, card: Card | None) -> Phrase:
    """Return the clause that the tool was called for."""
    pieces = [phrase(piece) for piece in clauses(normalised(question))[:24]]
    whole = phrase(normalised(question))
    if card is None or len(pieces) < 2:
        return whole
    about = concepts(card.subject)
    fitting = [piece for piece in pieces if piece.concepts & about]
    return max(fitting, key=lambda piece: len(piece.concepts & about)) if fitting else whole


def _topic(card: Card | None, name: str) -> str:
    subject = card.subject if card else identifier_words(name)
    kept = [word for word in subject if word not in {"stats", "statistics", "summary", "stat", "count"} | lexicon.TIMES]
    return plain(" ".join(kept))


@dataclass(frozen=True, slots=True)
class _About:
    """What the figures are of: the tool's subject, the same with its time, and what was asked for only, in brackets."""

    topic: str
    whole: str
    filters: str


def _full_topic(card: Card | None, topic: str) -> str:
    times = [word for word in card.subject if word in lexicon.TIMES] if card else []
    return " ".join([topic, *times])


def _filters(result: Result) -> str:
    given = [(key, value) for key, value in result.arguments.items() if isinstance(value, str | int) and key != "limit"]
    told = [f"{plain(human(key))}: {plain(str(value).replace('_', ' '))}" for key, value in given]
    return f" ({', '.join(told)})" if told else ""


def _told(data: object, about: _About, heard: Phrase) -> str:
    topic = about.topic
    match data:
        case Mapping():
            return _mapping(data, about, heard)
        case list() if data and all(isinstance(row, Mapping) for row in data):
            count = f"Here are **{len(data)}** {topic}:" if len(data) > 1 else f"{_capital(topic)}:"
            return f"{row_sentence(data, heard) or count}\n\n{table(data)}"
        case list() if data:
            more = f"\n- and {len(data) - MOST_ROWS} more" if len(data) > MOST_ROWS else ""
            return f"{_capital(topic)}:\n\n" + "\n".join(f"- {shown('', item)}" for item in data[:MOST_ROWS]) + more
        case list() | None:
            return f"There are no {topic} to show{about.filters}." if topic else "There is nothing to show."
        case _:
            return f"{_capital(topic)}: **{shown('', data)}**."


def _mapping(data: Row, about: _About, heard: Phrase) -> str:
    currency = str(data.get("currency") or "")
    lists = {key: rows for key, value in data.items() if (rows := _rows(value))}
    values = {key: value for key, value in data.items() if key not in lists and key not in _QUIET and value != []}
    empty = [key for key, value in data.items() if value == []]
    if empty and not lists and not values.get("total") and len(values) < 5:
        return f"There are no {about.topic or plain(human(empty[0]))} to show{about.filters}."
    key, lead = _lead(values, lists, about, heard, currency=currency)
    counted = key is not None and "count" in heard.wishes
    if key is None and not lists:
        return f"{lead}\n\n{bullets(values, currency=currency)}".strip()
    figures = {name: value for name, value in values.items() if is_figure(value) and name != key}
    others = {name: value for name, value in values.items() if name not in figures and name != key}
    parts = [lead, bullets(figures, currency=currency)]
    for name, rows in lists.items() if not counted else ():
        title = f"{heading(name)}:\n\n" if len(lists) > 1 else ""
        parts.append(title + table(rows, currency=currency, total=_total(data, name, lists, about)))
    return "\n\n".join(part for part in [*parts, bullets(others, currency=currency)] if part)


def _lead(
    values: Row, lists: Mapping[str, list[Row]], about: _About, heard: Phrase, *, currency: str
) -> tuple[str | None, str]:
    """Return the sentence to begin with, and the key of the figure in it."""
    said = next((said for rows in lists.values() if (said := row_sentence(rows, heard, currency=currency))), None)
    found = figure_sentence(values, about.topic, heard, currency=currency)
    if said and not (found and "count" in heard.wishes):
        return None, said
    if found and found[0] == "total" and len(lists) == 1 and (name := next(iter(lists))):
        count = int(str(values["total"])) if isinstance(values["total"], int) else 0
        if _is_of(name, about):
            return found[0], f"**{count}** {about.topic if count != 1 else singular(about.topic)}{about.filters}."
        if not is_plural(about.topic):
            return found[0], f"{_capital(about.whole)}: **{count}** {plain(human(name))}{about.filters}."
    return found or (None, f"{_capital(about.whole)}{about.filters}:")


def _total(data: Row, name: str, lists: Mapping[str, list[Row]], about: _About) -> int | None:
    """Return how many rows there are in all, where the total is about these rows."""
    total = data.get("total")
    related = _is_of(name, about) or not is_plural(about.topic)
    return total if isinstance(total, int) and len(lists) == 1 and related else None


def _is_of(name: str, about: _About) -> bool:
    return name in _WRAPPERS or bool(set(identifier_words(name)) & set(about.topic.split()))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] or "Result"


_WRAPPERS = frozenset({"items", "results", "data", "rows", "records", "comparison"})


def _rows(value: object) -> list[Row]:
    return value if isinstance(value, list) and all(isinstance(row, Mapping) for row in value) else []


def _quoted(content: str, topic: str) -> str:
    excerpt = plain(content, 300)
    return f"{_capital(topic)}:\n\n> {excerpt}" if excerpt else f"There are no {topic} to show."


def _acted(result: Result, card: Card, who: str) -> str:
    asked = str(result.arguments.get("value", ""))
    value = plain(asked if any(char.isdigit() for char in asked) else human(asked))
    subject = plain(" ".join(card.subject))
    if goes_places(card):
        there = f"**{value}**" if value.startswith("/") else f"the **{value}** page"
        return f"Opened the page of **{plain(who)}**." if who else f"Opened {there}."
    return f"Switched to the **{value}** {subject}.".replace(" .", ".")


def _changed(data: object, card: Card) -> str:
    said = f"{past(card.verb).capitalize()} the {' '.join(card.subject)}."
    if isinstance(data, Mapping):
        values = {key: v for key, v in data.items() if key not in _QUIET and v not in (None, "", [], {})}
        currency = str(data.get("currency") or "")
        return f"{said}\n\n{bullets(values, currency=currency, most=8)}".strip()
    return f"{said} {shown('', data)}" if isinstance(data, str) else said


def past(verb: str) -> str:
    """Return an imperative as what was done: create -> created."""
    if verb.startswith("check") and verb != "check":
        return f"checked {verb.removeprefix('check')}"
    if verb in lexicon.IRREGULAR_PAST:
        return lexicon.IRREGULAR_PAST[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if verb.endswith("y") and verb[-2:-1] not in "aeiou" else f"{verb}ed"

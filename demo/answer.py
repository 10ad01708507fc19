"""What the tools returned, as Markdown. Every figure stands in a result; what cannot be read is quoted, not guessed."""

from collections.abc import Mapping, Sequence

import orjson

from demo.language import Phrase, clauses, concepts, human, identifier_words, normalised, phrase, words
from demo.markdown import MAX_ROWS, Row, bullets, is_figure, plain, shown, table
from demo.schema import Card
from demo.score import Shelf, goes_places
from demo.turn import Result

_QUIET = frozenset({"currency", "limit", "offset", "shown", "page", "page_size", "ok", "success"})
_TOTALS = ("total", "count", "total_count")


def answer(question: str, results: Sequence[Result], shelf: Shelf, *, who: str = "") -> str:
    """Return one section per result, in order, separated by blank lines. `who` is the name that an id was found by."""
    return "\n\n".join(_section(question, result, shelf.get(result.name), who) for result in results)


def read(content: str) -> object:
    """Return a tool result's data; None where it is no JSON, or not all of it."""
    try:
        return orjson.loads(content)
    except ValueError:
        return None


def _section(question: str, result: Result, card: Card | None, who: str) -> str:
    data = read(result.content)
    values: Row = data if isinstance(data, Mapping) else {}
    if result.failed or values.get("ok") is False or values.get("error"):
        trouble = values.get("error") or values.get("detail")
        said = plain(trouble if isinstance(trouble, str) else result.content, 300)
        return f"I could not finish **{plain(human(result.name))}**: {said or 'no reason was given'}"
    if card is not None and card.is_action:
        return _acted(result, card, who)
    if card is not None and card.is_write:
        return _changed(data, card)
    topic = plain(" ".join(_subject(card, result.name)))
    topic = topic[:1].upper() + topic[1:] or "Result"
    title = f"{topic}{_filters(result)}"
    if data is None and result.content not in ("", "null"):
        return f"{title}:\n\n> {plain(result.content, 300)}"
    return _told(data, title, _clause(question, card), concepts(words(topic)))


def _clause(question: str, card: Card | None) -> Phrase:
    """Return the clause that the tool was called for."""
    whole = phrase(normalised(question))
    about = concepts(card.subject) if card else frozenset()
    pieces = [phrase(piece) for piece in clauses(whole.text)[:24]]
    best = max(pieces, key=lambda piece: len(piece.concepts & about), default=whole)
    return best if best.concepts & about else whole


def _subject(card: Card | None, name: str) -> list[str]:
    subject = card.subject if card else identifier_words(name)
    return [word for word in subject if word not in {"stats", "statistics", "summary", "stat", "count"}]


def _filters(result: Result) -> str:
    given = [(key, value) for key, value in result.arguments.items() if isinstance(value, str | float | int)]
    told = [f"{plain(human(key))}: {plain(str(value).replace('_', ' '))}" for key, value in given if key != "limit"]
    return f" ({', '.join(told)})" if told else ""


def _told(data: object, title: str, heard: Phrase, topic: frozenset[str]) -> str:
    match data:
        case None | []:
            return f"{title}: nothing to show."
        case Mapping():
            return _mapping(data, title, heard, topic)
        case list() if rows := _rows(data):
            return f"{title}: **{len(rows)}**\n\n{table(rows)}"
        case list():
            more = f"\n- …and {len(data) - MAX_ROWS} more" if len(data) > MAX_ROWS else ""
            return f"{title}:\n\n" + "\n".join(f"- {shown('', item)}" for item in data[:MAX_ROWS]) + more
        case _:
            return f"{title}: **{shown('', data)}**"


def _mapping(data: Row, title: str, heard: Phrase, topic: frozenset[str]) -> str:
    """Return the figure that was asked for, the other values, and the rows unless only their number was asked for."""
    currency = str(data.get("currency") or "")
    lists = {key: rows for key, value in data.items() if (rows := _rows(value))}
    values = {key: value for key, value in data.items() if key not in lists and key not in _QUIET and value != []}
    if not lists and not any(values.values()) and any(value == [] for value in data.values()):
        return f"{title}: nothing to show."
    key = _asked(values, heard, topic, total_counts=bool(lists) or "count" in heard.wishes)
    lead = f"{title}:"
    if key is not None:
        of = "" if lists and key in _TOTALS else f" {plain(human(key).removesuffix(' percent'), 60)}"
        lead += f" **{shown(key, values.pop(key), currency=currency)}**{of}"
    parts = [lead, bullets(values, currency=currency)]
    is_counted = key is not None and "count" in heard.wishes
    total = data.get("total") if len(lists) == 1 else None
    for name, rows in lists.items() if not is_counted else ():
        heading = f"{plain(human(name))}:\n\n" if len(lists) > 1 else ""
        parts.insert(-1, heading + table(rows, currency=currency, total=total if isinstance(total, int) else None))
    return "\n\n".join(part for part in parts if part)


def _asked(values: Row, heard: Phrase, topic: frozenset[str], *, total_counts: bool) -> str | None:
    """Return the key of the figure that the question is about, if one stands out: by its words, else the total."""
    figures = [key for key, value in values.items() if is_figure(value) and not key.lower().endswith("id")]

    def rank(key: str) -> tuple[bool, int, int]:
        own = concepts(identifier_words(key))
        hits = own & heard.concepts
        return bool(hits) and own <= heard.concepts, len(hits - topic), len(hits)

    best = max(figures, key=rank, default=None)
    if best is not None and rank(best)[2]:
        return best
    return next((key for key in figures if key.lower() in _TOTALS), None) if total_counts else None


def _rows(value: object) -> list[Row]:
    return value if isinstance(value, list) and all(isinstance(row, Mapping) for row in value) else []


def _acted(result: Result, card: Card, who: str) -> str:
    asked = str(result.arguments.get("value", ""))
    value = plain(asked if any(char.isdigit() for char in asked) else human(asked))
    if not goes_places(card):
        return f"Switched to **{value}** ({plain(' '.join(card.subject) or human(card.name))})."
    return f"Opened the page of **{plain(who)}**." if who else f"Opened **{value}**."


def _changed(data: object, card: Card) -> str:
    said = f"Done: **{plain(human(card.name))}**"
    if not isinstance(data, Mapping):
        return f"{said}: {shown('', data)}" if isinstance(data, str) else said
    values = {key: value for key, value in data.items() if key not in _QUIET and value not in (None, "", [], {})}
    return f"{said}\n\n{bullets(values, currency=str(data.get('currency') or ''))}".strip()

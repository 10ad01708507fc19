"""The results of the tools, as Markdown. Every figure stands in a result; what cannot be read is quoted, not guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from demo.formats import form_of, is_span, years_of
from demo.language import Phrase, clauses, concept, concepts, human, identifier_words, normalised, phrase, words
from demo.markdown import MAX_ROWS, Row, Sheet, is_figure, plain
from demo.schema import Card
from demo.score import Shelf, goes_places
from demo.tongues import tongue_of
from demo.turn import Result

_QUIET = frozenset({"currency", "limit", "offset", "shown", "page", "page_size", "ok", "success"})
_ENVELOPES = frozenset({"items", "data", "results", "records", "rows", "entries", "value", "values", "list", "content"})
"""Names of lists that say nothing of what is in them: that is what the tool is about."""
_NOTE = re.compile(r"\[\d+(?: of \d+)? shown[^\n]*\]")
MAX_STATES = 6
"""A column with more values than these tells who or what a row is, and not in which state."""
_TOTALS = ("total", "count", "total_count")


def answer(question: str, results: Sequence[Result], shelf: Shelf, *, who: str = "", locale: object = None) -> str:
    """Return one section per result, in order, separated by blank lines. `who` is the name that an id was found by."""
    sheet = replace(sheet_for(shelf, locale), labels=tongue_of(question).labels)
    return "\n\n".join(_section(question, result, shelf.get(result.name), sheet, who) for result in results)


def sheet_for(shelf: Shelf, locale: object) -> Sheet:
    """Return how values are written for a reader, where the tools open these pages."""
    return Sheet(form_of(locale), pages=shelf.pages, year=shelf.today.year if shelf.today else None)


def read(content: str) -> object:
    """Return a tool result's data, without the note below it of how much is shown; None where it is no JSON, or not all of it."""
    data, line, note = content.rpartition("\n")
    try:
        return orjson.loads(data if line and _NOTE.fullmatch(note) else content)
    except ValueError:
        return None


def _section(question: str, result: Result, card: Card | None, sheet: Sheet, who: str) -> str:
    data = read(result.content)
    values: Row = data if isinstance(data, Mapping) else {}
    if result.failed or values.get("ok") is False or values.get("error"):
        trouble = values.get("error") or values.get("detail")
        said = plain(trouble if isinstance(trouble, str) else result.content, 300)
        return f"I could not finish **{plain(human(result.name))}**: {said or 'no reason was given'}"
    if card is not None and card.is_action:
        return _acted(result, card, who)
    if card is not None and card.is_write:
        return _changed(data, card, sheet)
    topic = plain(" ".join(_subject(card, result.name)))
    topic = sheet.labels.get(topic.lower()) or topic[:1].upper() + topic[1:] or "Result"
    title = f"{topic}{_filters(result)}"
    if data is None and result.content not in ("", "null"):
        return f"{title}:\n\n> {plain(result.content, 300)}"
    return _told(data, title, _clause(question, card), sheet, card)


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


def _told(data: object, title: str, heard: Phrase, sheet: Sheet, card: Card | None) -> str:
    noun = concept(card.subject[-1]) if card and card.subject else ""
    match data:
        case None | []:
            return f"{title}: nothing to show."
        case Mapping():
            return _mapping(data, title, heard, replace(sheet, currency=str(data.get("currency") or "")), noun)
        case list() if rows := _rows(data):
            return f"{title}: **{len(rows)}**\n\n{sheet.table(rows, noun=noun)}"
        case list():
            more = f"\n- …and {len(data) - MAX_ROWS} more" if len(data) > MAX_ROWS else ""
            return f"{title}:\n\n" + "\n".join(f"- {sheet.shown('', item)}" for item in data[:MAX_ROWS]) + more
        case _:
            return f"{title}: **{sheet.shown('', data)}**"


def _mapping(data: Row, title: str, heard: Phrase, sheet: Sheet, noun: str) -> str:
    """Return the figure that was asked for, the other values, and the rows unless only their number was asked for."""
    sheet, data = _dated(data, sheet)
    data, state = _narrowed(data, heard)
    title += f" ({plain(state)})" if state else ""
    lists = {key: rows for key, value in data.items() if (rows := _rows(value))}
    values = {key: value for key, value in data.items() if key not in lists and key not in _QUIET and value != []}
    if is_span(values):
        years = years_of([values], sheet.year)
        title += f", {sheet.form.span(str(values.pop('from')), str(values.pop('to')), years=years)}"
    if not lists and not any(values.values()) and any(value == [] for value in data.values()):
        return f"{title}: nothing to show."
    topic = concepts(words(title))
    key = _asked(values, heard, topic, total_counts=bool(lists) or "count" in heard.wishes)
    lead = _compared(lists, heard, sheet) or f"{title}:"
    if key is not None:
        name = sheet.labels.get(human(key), human(key).removesuffix(" percent"))
        of = "" if lists and key in _TOTALS else f" {plain(name, 60)}"
        lead += f" **{sheet.shown(key, values.pop(key))}**{of}"
    parts = [lead, sheet.bullets(values, noun=noun)]
    is_counted = key is not None and "count" in heard.wishes
    total = data.get("total") if len(lists) == 1 else None
    for name, rows in lists.items() if not is_counted else ():
        head = f"{plain(human(name))}:\n\n" if len(lists) > 1 else ""
        of = noun if name.lower() in _ENVELOPES else concept((words(name) or ("",))[-1])
        # Those of plans are not what memberships sum up to.
        of_all = total if isinstance(total, int) and of == noun else None
        parts.insert(-1, head + sheet.table(rows, noun=of, total=of_all))
    return "\n\n".join(part for part in parts if part)


def _narrowed(data: Row, heard: Phrase) -> tuple[Row, str]:
    """Return the data with only those rows that are in a state that was asked for, and which state that is.

    A state is one of a few values of a column that rows share: "trainers on leave". Where the list is only a part, nothing is left out.
    """
    lists = [(key, rows) for key, value in data.items() if (rows := _rows(value))]
    if len(lists) != 1 or data.get("total", len(lists[0][1])) != len(lists[0][1]):
        return data, ""
    ((name, rows),) = lists
    asked = f" {' '.join(heard.words)} "
    for key in rows[0]:
        cells = [row.get(key) for row in rows]
        if not all(cell is None or isinstance(cell, str) for cell in cells):
            continue
        values = set(cells)
        states = {one for one in values if isinstance(one, str) and f" {human(one)} " in asked}
        if len(states) == 1 and 1 < len(values) <= MAX_STATES and len(values) < len(rows):
            (state,) = states
            kept = [row for row in rows if row.get(key) == state]
            return {**data, name: kept, **({"total": len(kept)} if "total" in data else {})}, human(state)
    return data, ""


def _dated(data: Row, sheet: Sheet) -> tuple[Sheet, Row]:
    """Return a sheet that knows of which days columns and changes are, and the data without these."""
    periods, against = data.get("periods"), data.get("compared_with")
    spans = {key: span for key, span in periods.items() if is_span(span)} if isinstance(periods, Mapping) else {}
    if isinstance(against, Mapping) and is_span(against):
        spans["change_percent"] = against
    if not spans:
        return sheet, data
    years = years_of(list(spans.values()), sheet.year)
    told = {key: sheet.form.span(span["from"], span["to"], years=years) for key, span in spans.items()}
    if "change_percent" in told:
        told["change_percent"] = f"Change on {told['change_percent']}"
    rest = {key: value for key, value in data.items() if key not in ("periods", "compared_with")}
    return replace(sheet, spans=told), rest


def _compared(lists: Mapping[str, Sequence[Row]], heard: Phrase, sheet: Sheet) -> str:
    """Return the figure of a comparison that was asked for, with how it changed and on which days; else nothing."""
    rows = [row for rows in lists.values() for row in rows if "change_percent" in row] if sheet.spans else []
    if not rows:
        return ""
    labels = [next((value for value in row.values() if isinstance(value, str)), "") for row in rows]
    said = [words(label) for label in labels]
    about = [(len(set(one) & set(heard.words)), len(concepts(one) & heard.concepts)) for one in said]
    best = about.index(max(about))
    row, label = rows[best], labels[best]
    key = next((key for key, value in row.items() if is_figure(value) and key in sheet.spans), None)
    if key is None:
        return ""
    change = row["change_percent"]
    against = sheet.spans.get("change_percent", "").removeprefix("Change ")
    changed = f" ({sheet.shown('change_percent', change)} {against})" if is_figure(change) and against else ""
    return f"{sheet.label(label)}, {sheet.spans[key]}: **{sheet.shown(key, row[key], label=label)}**{changed}"


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


def _changed(data: object, card: Card, sheet: Sheet) -> str:
    said = f"Done: **{plain(human(card.name))}**"
    if not isinstance(data, Mapping):
        return f"{said}: {sheet.shown('', data)}" if isinstance(data, str) else said
    values = {key: value for key, value in data.items() if key not in _QUIET and value not in (None, "", [], {})}
    return f"{said}\n\n{replace(sheet, currency=str(data.get('currency') or '')).bullets(values)}".strip()

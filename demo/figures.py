"""The sentence that answers first: the figure, or the row, that the question asks for."""

from collections.abc import Mapping, Sequence

from demo import lexicon
from demo.language import Phrase, concept, concepts, human, identifier_words, is_generic, is_plural, words
from demo.markdown import heading, plain, shown

Row = Mapping[str, object]

_TOTALS = ("total", "count", "total_count", "number")


def is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def figure_sentence(values: Row, topic: str, heard: Phrase, *, currency: str = "") -> tuple[str, str] | None:
    """Return the key of the figure asked for and a sentence with it in bold; None if no figure stands out."""
    key = _asked(values, topic, heard)
    if key is None:
        return None
    value = f"**{shown(key, values[key], currency=currency)}**"
    last = topic.split()[-1] if topic else ""
    said = plain(human(key).removesuffix(" percent"), 60)
    if value.endswith(f" {currency}**") and currency:
        return key, f"{heading(key)}: {value}."
    if key.lower() in _TOTALS or concepts(identifier_words(key)) == concepts(words(topic)):
        return key, f"You have {value} {topic} in total." if is_plural(
            last
        ) else f"{topic.capitalize()}: {value} in total."
    adjective = len(identifier_words(key)) == 1 and not concepts(identifier_words(key)) & concepts(words(topic))
    if is_plural(last) and adjective and isinstance(values[key], int):
        return key, f"You have {value} {said} {topic}."
    return key, f"{topic.capitalize()}: {value} {said}." if topic else f"{heading(key)}: {value}."


def _asked(values: Row, topic: str, heard: Phrase) -> str | None:
    figures = [key for key, value in values.items() if is_figure(value) and not key.lower().endswith("id")]
    about = concepts(words(topic))

    def rank(key: str) -> tuple[bool, int, int]:
        own = concepts(identifier_words(key))
        hits = own & heard.concepts
        return bool(hits) and own <= heard.concepts, len(hits - about), len(hits)

    best = max(figures, key=rank, default=None)
    if best is not None and rank(best)[2]:
        return best
    return next((key for key in figures if key.lower() in _TOTALS), figures[0] if len(figures) == 1 else None)


def row_sentence(rows: Sequence[Row], heard: Phrase, *, currency: str = "") -> str | None:
    """Return a sentence about the one row that the question asks for: named by its label, or the most or least."""
    label = _label(rows)
    if label is None:
        return None
    columns = [key for key, value in rows[0].items() if is_figure(value) and not key.lower().endswith("id")]
    named = _named(rows, label, heard)
    if len(named) == 1 and len(columns) > 1:
        name = str(named[0][label])
        told = [f"{shown(key, named[0].get(key), currency=currency, label=name)} {_said(key)}" for key in columns]
        told[0] = told[0].replace(
            first := shown(columns[0], named[0].get(columns[0]), currency=currency, label=name), f"**{first}**", 1
        )
        return f"{heading(name)}: {', '.join(told)}."
    return _extreme(rows, label, columns, heard, currency)


def _named(rows: Sequence[Row], label: str, heard: Phrase) -> list[Row]:
    """Return the rows whose label is said: in these words, else whole in synonyms, else in part."""
    said = {name for name in heard.concepts if not is_generic(name)}
    labels = [(row, words(str(row.get(label)))) for row in rows]
    literal = [row for row, own in labels if set(own) & set(heard.words) - lexicon.STOP and concepts(own) & said]
    whole = [row for row, own in labels if concepts(own) and concepts(own) <= said]
    return literal or whole or [row for row, own in labels if concepts(own) & said]


def _said(key: str) -> str:
    return plain(human(key).removesuffix(" percent"), 60)


def _extreme(rows: Sequence[Row], label: str, columns: list[str], heard: Phrase, currency: str) -> str | None:
    most = {"most", "best", "top", "highest", "biggest", "popular"} & set(heard.words)
    least = {"least", "fewest", "lowest", "smallest"} & set(heard.words)
    fitting = [key for key in columns if concepts(identifier_words(key)) & heard.concepts] or columns[:1]
    if not (most or least) or not fitting:
        return None
    counted = [(value, row) for row in rows if is_figure(value := row.get(fitting[0]))]
    if len(counted) < 2:
        return None
    value, row = (max if most else min)(counted, key=lambda pair: float(str(pair[0])))
    if sum(other == value for other, _ in counted) > 1:
        return None
    figure = shown(fitting[0], value, currency=currency)
    return (
        f"**{plain(str(row.get(label)))}** has the {'most' if most else 'least'} ({_said(fitting[0])}: **{figure}**)."
    )


def _label(rows: Sequence[Row]) -> str | None:
    texts = [key for key, value in rows[0].items() if isinstance(value, str)] if rows else []
    return next(
        (key for key in texts if concept(key) in {"name", "figure", "titl", "label"}), texts[0] if texts else None
    )

"""Tool data as Markdown. The invariant: no text from a tool keeps a meaning in Markdown or HTML."""

import re
from collections.abc import Mapping, Sequence

from demo import lexicon
from demo.language import human, identifier_words, words

MAX_ROWS, MAX_COLUMNS, MAX_VALUES, MAX_CHARACTERS = 10, 6, 20, 80

Row = Mapping[str, object]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&!$])")
_LEAD = re.compile(r"^(?=[-+=]\s|[-=]{2,})|^(\d+)(?=[.)]\s)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")


def plain(text: str, most: int = MAX_CHARACTERS) -> str:
    """Return the text on one line, shortened, with every character escaped that Markdown or HTML would read."""
    line = " ".join(text.split())
    line = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    line = _SPECIAL.sub(r"\\\1", line.replace("://", ":\N{ZERO WIDTH SPACE}//"))
    return _LEAD.sub(r"\1\\", line)


def is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(key: str, value: object, *, currency: str = "", label: str = "") -> str:
    """Return a value as a person reads it; an amount gets its currency where `key` or the row's `label` is about money."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(key, value, currency=currency, label=label)
        case str():
            return plain(_TIME.sub(r"\1 \2", value)) or "–"
        case Mapping():
            name = value.get("name") or value.get("title")
            return plain(name) if isinstance(name, str) else f"{len(value)} details"
        case Sequence():
            flat = [shown(key, item) for item in value[:5] if not isinstance(item, Mapping | list)]
            return ", ".join(flat) or f"{len(value)}"
        case _:
            return plain(str(value))


def _number(key: str, value: float, *, currency: str, label: str) -> str:
    said = set(identifier_words(key))
    if said & {"percent", "percentage", "pct"}:
        return f"{value:+,g}%" if said & {"change", "growth", "delta"} else f"{value:,g}%"
    by_label = set(words(label)) & lexicon.MONEY and not said & (lexicon.NO_MONEY - {"days"})
    if currency and (by_label or (said & lexicon.MONEY and not said & lexicon.NO_MONEY)):
        return f"{value:,.2f} {plain(currency, 8)}"
    if said & {"id", "year", "founded"} or (isinstance(value, int) and abs(value) < 10_000):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def heading(key: str) -> str:
    """Return a key as a column or line begins with it: `ends_on` -> Ends on."""
    text = plain(human(key).removesuffix(" percent"), 40)
    return text[:1].upper() + text[1:]


def table(rows: Sequence[Row], *, currency: str = "", total: int | None = None) -> str:
    """Return the first rows as a table, with how many more there are. `total` counts rows that were not given, too."""
    columns = _columns(rows)
    lines = [
        f"| {' | '.join(heading(column) for column in columns)} |",
        f"|{'|'.join(' --- ' for _ in columns)}|",
    ]
    for row in rows[:MAX_ROWS]:
        label = next((value for value in row.values() if isinstance(value, str)), "")
        cells = (shown(column, row.get(column), currency=currency, label=label) for column in columns)
        lines.append(f"| {' | '.join(cells)} |")
    more = max(total or 0, len(rows)) - min(len(rows), MAX_ROWS)
    return "\n".join(lines) + (f"\n\n…and {more} more." if more > 0 else "")


def _columns(rows: Sequence[Row]) -> list[str]:
    keys = dict.fromkeys(key for row in rows[:MAX_ROWS] for key in row)
    filled = [key for key in keys if any(row.get(key) not in (None, "") for row in rows[:MAX_ROWS])] or list(keys)
    kept = [key for key in filled if not key.lower().endswith(("_id", "uuid")) and len(key) <= 40]
    return (kept or filled)[:MAX_COLUMNS]


def bullets(values: Row, *, currency: str = "") -> str:
    """Return a list of the values, one line each; a mapping inside becomes one line of its own values."""
    lines = [f"- {heading(key)}: {_value(key, value, currency)}" for key, value in list(values.items())[:MAX_VALUES]]
    return "\n".join(lines + ([f"- …and {len(values) - MAX_VALUES} more"] if len(values) > MAX_VALUES else []))


def _value(key: str, value: object, currency: str) -> str:
    if not isinstance(value, Mapping):
        return shown(key, value, currency=currency)
    inner = (f"{plain(human(k), 40)} {shown(k, v, currency=currency, label=key)}" for k, v in list(value.items())[:8])
    return ", ".join(inner) or "–"

"""Tool data as Markdown. The invariant: no text from a tool keeps a meaning in Markdown or HTML."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from demo import lexicon
from demo.formats import ENGLISH, Form
from demo.language import human, identifier_words, words
from demo.schema import Choice

MAX_ROWS, MAX_COLUMNS, MAX_VALUES, MAX_CHARACTERS = 10, 6, 20, 80
FEW = 5
"""Values of a list within a cell; of others it is said how many they are."""

Row = Mapping[str, object]

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&!$])")
_LEAD = re.compile(r"^(?=[-+=]\s|[-=]{2,})|^(\d+)(?=[.)]\s)")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")


def plain(text: str, most: int = MAX_CHARACTERS) -> str:
    """Return the text on one line, shortened, with every character escaped that Markdown or HTML would read."""
    line = " ".join(text.split())
    line = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    line = _SPECIAL.sub(r"\\\1", line.replace("://", ":\N{ZERO WIDTH SPACE}//"))
    return _LEAD.sub(r"\1\\", line)


def is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def heading(key: str) -> str:
    """Return a key as a column or line begins with it: `ends_on` -> Ends on."""
    text = plain(human(key).removesuffix(" percent"), 40)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Sheet:
    """How values are written: in a locale's form, amounts in their currency, names as links to their pages.

    `pages` has the template of a page by what it is a page of; `spans` says what columns are about.
    """

    form: Form = ENGLISH
    currency: str = ""
    pages: Mapping[str, Choice] = field(default_factory=dict)
    spans: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of figures in the asker's language, by the English ones in small letters."""
    year: int | None = None
    """The running one, where it is known: days of it need not name it."""

    def label(self, text: str) -> str:
        """Return the name of a figure in the asker's language, where it is known; else as a column or line begins with it."""
        return self.labels.get(human(text)) or heading(text)

    def shown(self, key: str, value: object, *, label: str = "") -> str:
        """Return a value as a person reads it; an amount has its currency where `key` or the row's `label` is about money."""
        match value:
            case None:
                return "–"
            case bool():
                return "yes" if value else "no"
            case int() | float():
                return self._number(key, value, label=label)
            case str():
                return plain(self.form.dates(_TIME.sub(r"\1 \2", value))) or "–"
            case Mapping():
                name = value.get("name") or value.get("title")
                return plain(name) if isinstance(name, str) else f"{len(value)} details"
            case Sequence():
                plainly = [self.shown(key, item) for item in value if not isinstance(item, Mapping | list)]
                rest = [f"…and {len(plainly) - FEW} more"] if len(plainly) > FEW else []
                return ", ".join([*plainly[:FEW], *rest]) or (f"{len(value)}" if value else "–")
            case _:
                return plain(str(value))

    def _number(self, key: str, value: float, *, label: str) -> str:
        said = set(identifier_words(key))
        if said & {"percent", "percentage", "pct"}:
            return self.form.change(value) if said & {"change", "growth", "delta"} else f"{self.form.number(value)}%"
        by_label = set(words(label)) & lexicon.MONEY and not said & (lexicon.NO_MONEY - {"days"})
        if self.currency and (by_label or (said & lexicon.MONEY and not said & lexicon.NO_MONEY)):
            return self.form.money(value, plain(self.currency, 8))
        return str(value) if said & {"id", "ids", "year", "founded", "number"} else self.form.number(value)

    def named(self, row: Row, noun: str) -> str | None:
        """Return the name in a row, or in a record of a `noun`, as a link to its page; None where it has none."""
        name, of = row.get("name"), next((one for one in self.pages if f"{one}_id" in row), noun)
        identity = str(row.get(f"{of}_id", row.get("id", "")))
        if of not in self.pages or not isinstance(name, str) or not _ID.fullmatch(identity):
            return None
        return f"[{plain(name)}]({self.pages[of].with_id(identity)})"

    def table(self, rows: Sequence[Row], *, noun: str = "", total: int | None = None) -> str:
        """Return the first rows as a table, with how many more there are. `total` counts rows that were not given, too."""
        columns = _columns(rows)
        heads = (self.spans.get(column) or self.label(column) for column in columns)
        rules = (" ---: " if all(_is_right(row.get(key)) for row in rows[:MAX_ROWS]) else " --- " for key in columns)
        lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(rules)}|"]
        for row in rows[:MAX_ROWS]:
            label = next((value for value in row.values() if isinstance(value, str)), "")
            link = self.named(row, noun)
            cells = [link if link and key == "name" else self.shown(key, row.get(key), label=label) for key in columns]
            lines.append(f"| {' | '.join(cells)} |")
        more = max(total or 0, len(rows)) - min(len(rows), MAX_ROWS)
        return "\n".join(lines) + (f"\n\n…and {more} more." if more > 0 else "")

    def bullets(self, values: Row, *, noun: str = "") -> str:
        """Return a list of the values, one line each; a mapping inside becomes one line of its own values."""
        link = self.named(values, noun)
        lines = [
            f"- {self.label(key)}: {link if link and key == 'name' else self._value(key, value)}"
            for key, value in list(values.items())[:MAX_VALUES]
        ]
        return "\n".join(lines + ([f"- …and {len(values) - MAX_VALUES} more"] if len(values) > MAX_VALUES else []))

    def _value(self, key: str, value: object) -> str:
        if not isinstance(value, Mapping):
            return self.shown(key, value)
        inner = (f"{plain(human(k), 40)} {self.shown(k, v, label=key)}" for k, v in list(value.items())[:8])
        return ", ".join(inner) or "–"


def _is_right(value: object) -> bool:
    """Return whether a column of such values stands to the right."""
    return value is None or is_figure(value)


def _columns(rows: Sequence[Row]) -> list[str]:
    keys = dict.fromkeys(key for row in rows[:MAX_ROWS] for key in row)
    filled = [key for key in keys if any(row.get(key) not in (None, "") for row in rows[:MAX_ROWS])] or list(keys)
    kept = [key for key in filled if not key.lower().endswith(("_id", "uuid")) and len(key) <= 40]
    return (kept or filled)[:MAX_COLUMNS]

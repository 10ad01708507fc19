"""Numbers, money and dates as a locale writes them. Words are English here; `tongues` has those of other languages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "USD": "US$"}
_DAY = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])")
_NARROW, _HARD = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Form:
    """How a locale writes. A currency stands in front, unless `is_behind`."""

    group: str = ","
    decimal: str = "."
    is_behind: bool = False
    least_grouped: int = 1000
    is_american: bool = False

    def number(self, value: float, *, digits: int = 2, least: int = 0) -> str:
        """Return a number with thousands apart, with `least` to `digits` places."""
        whole, _, part = f"{abs(value):.{digits}f}".partition(".")
        part = part[:least] + part[least:].rstrip("0")
        if int(whole) >= self.least_grouped:
            whole = f"{int(whole):,}".replace(",", self.group)
        sign = "-" if value < 0 and (whole != "0" or part.strip("0")) else ""
        return f"{sign}{whole}{self.decimal}{part}" if part else f"{sign}{whole}"

    def money(self, value: float, currency: str) -> str:
        """Return an amount: whole ones without cents."""
        digits = 0 if value == int(value) else 2
        amount = self.number(value, digits=digits, least=digits)
        symbol = "$" if self.is_american and currency == "USD" else _SYMBOLS.get(currency, currency)
        if self.is_behind:
            return f"{amount}{_HARD}{symbol}"
        sign, amount = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
        return f"{sign}{symbol}{_HARD if symbol.isalpha() else ''}{amount}"

    def change(self, percent: float) -> str:
        """Return by how much something changed: +14%, −3.5%."""
        sign = "+" if percent > 0 else "−" if percent < 0 else "±"
        return f"{sign}{self.number(abs(percent), digits=1)}%"

    def dates(self, text: str) -> str:
        """Return the text with the days in it as people write them."""
        return _DAY.sub(lambda match: self._day(match[0]) or match[0], text)

    def span(self, start: str, end: str, *, years: bool) -> str:
        """Return days from one to another: 1–28 October. `years`: with the year, where the month alone could be another."""
        first, last = _date(start), _date(end)
        if first is None or last is None:
            return f"{start} – {end}"
        is_long = first.year != last.year
        year = f" {last.year}" if years or is_long else ""
        if is_long or first.month != last.month:
            return f"{self._in_year(first)}{f' {first.year}' if is_long else ''} – {self._in_year(last)}{year}"
        days = f"{first.day}–{last.day}" if first.day < last.day else f"{first.day}"
        month = MONTHS[first.month - 1]
        return f"{month} {days}{year}" if self.is_american else f"{days} {month}{year}"

    def _in_year(self, day: date) -> str:
        month = MONTHS[day.month - 1]
        return f"{month} {day.day}" if self.is_american else f"{day.day} {month}"

    def _day(self, text: str) -> str | None:
        day = _date(text)
        if day is None:
            return None
        if self.is_american:
            return f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}"
        month = "Sept" if day.month == 9 else MONTHS[day.month - 1][:3]
        return f"{day.day} {month} {day.year}"


_POINT, _SPACE = Form(".", ",", is_behind=True), Form(_HARD, ",", is_behind=True)
ENGLISH = Form()
_FORMS = {
    "en-us": Form(is_american=True),
    "de-ch": Form("’", "."),
    "de-at": Form(".", ","),
    "nl": Form(".", ","),
    "pt-br": Form(".", ","),
    "fr": Form(_NARROW, ",", is_behind=True),
    **dict.fromkeys(("de", "it", "da", "el", "tr", "id", "ro", "hr", "sl"), _POINT),
    **dict.fromkeys(("es", "pt", "ca"), Form(".", ",", is_behind=True, least_grouped=10_000)),
    **dict.fromkeys(("sv", "nb", "no", "fi", "cs", "sk", "uk", "ru", "hu", "bg"), _SPACE),
    "pl": Form(_HARD, ",", is_behind=True, least_grouped=10_000),
    "es-mx": Form(),
}


def form_of(locale: object) -> Form:
    """Return the form of a BCP 47 tag; the English one where there is none, or it is not known."""
    parts = locale.lower().split("-") if isinstance(locale, str) else []
    tags = ("-".join(parts[:size]) for size in range(len(parts), 0, -1))
    return next((_FORMS[tag] for tag in tags if tag in _FORMS), ENGLISH)


def is_span(value: object) -> bool:
    """Return whether it says from when to when."""
    return isinstance(value, Mapping) and all(_date(value.get(key)) is not None for key in ("from", "to"))


def years_of(spans: Sequence[Mapping[str, object]], running: int | None) -> bool:
    """Return whether the spans are of different years, or of another one than the running, if that is known."""
    years = {str(span[key])[:4] for span in spans for key in ("from", "to")}
    return len(years) > 1 or (running is not None and years != {str(running)})


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None

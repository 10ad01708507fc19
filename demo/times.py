"""Days that a text names, as dates: a month, a quarter, a year, yesterday, from one day to another, a year before.

What can be meant in two ways is no span: "the last 3 months", "two weeks ago", "until October". It is refused then.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from demo.formats import MONTHS

_SHORT = tuple(month[:3].lower() for month in MONTHS)
_MONTH = rf"(?:{'|'.join(MONTHS)}|sept|{'|'.join(short for short in _SHORT if short != 'may')})\b\.?"
_YEAR = r"(?:20\d\d|last year|this year)"
_IN_YEAR = rf"(?:,? (?:of |in )?(?:the )?(?P<{{}}>{_YEAR}))?"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_TO = r" ?(?:to|until|till|through|-|–) ?"
_ORDINALS = ("first", "second", "third", "fourth")
_UNTIL_NOW = r"(?: on(?:wards?)?\b| (?:to|until|till) (?:now|today)\b)"


def _named(pattern: str, name: str) -> str:
    return pattern + _IN_YEAR.format(name)


_PATTERNS: tuple[tuple[str, str], ...] = (
    ("same", r"(?:the )?same (?:month|week|quarter|days|period|time)(?: (?:of|in))?(?: the)? (?:last year|a year ago|year before)"),
    ("iso", rf"(?P<iso_from>\d{{4}}-\d\d-\d\d)(?:{_TO}(?P<iso_to>\d{{4}}-\d\d-\d\d))?"),
    ("days", _named(rf"(?P<first>{_DAY})(?:{_TO}(?P<last>{_DAY}))? (?:of )?(?P<days_month>{_MONTH})", "days_year")),
    ("turned", _named(rf"(?P<turned_month>{_MONTH}) (?P<turned_first>{_DAY})(?!\d)(?:{_TO}(?P<turned_last>{_DAY})(?!\d))?", "turned_year")),
    ("months", _named(rf"(?:from )?(?P<from_month>{_MONTH}) ?(?:to|until|till|through|-|–) ?(?P<to_month>{_MONTH})", "months_year")),
    ("before", rf"(?P<year_before>last year)(?:['’]s)?,? (?:in )?(?P<month_before>{_MONTH})"),
    ("since", _named(rf"since (?P<since>{_MONTH}|20\d\d)", "since_year") + rf"|from (?P<from_on>{_MONTH}){_UNTIL_NOW}"),
    ("month", _named(rf"(?P<which>this |last )?(?P<month>{_MONTH})", "month_year")),
    ("quartered", r"(?P<quartered_year>20\d\d)[ /-]?Q(?P<quartered>[1-4])\b"),
    ("quarter", _named(rf"(?:Q(?P<q>[1-4])|(?P<nth>{'|'.join(_ORDINALS)}) quarter)\b", "quarter_year")),
    ("unit", r"(?P<when>this|last) (?P<unit>week|month|quarter|year)"),
    ("earlier", r"(?:the )?(?:(?P<earlier>week|month|quarter|year) before last|day before yesterday)"),
    ("year", r"20\d\d(?!-\d)"),
    ("day", r"today|yesterday"),
)  # fmt: skip
_TIMES = re.compile(
    rf"(?<![\w.,/-])(?:{'|'.join(f'(?P<{kind}_>{pattern})' for kind, pattern in _PATTERNS)})(?![\w/]|[.,]\d)",
    re.IGNORECASE,
)
_IS_A_MONTH = re.compile(r"\b(?:in|of|since|for|from|during|last|this|and|to|between|vs|versus|with) $", re.IGNORECASE)
"""Words that stand before the month of May, and not before the word."""
_OPEN = re.compile(
    r"(?<!compared )\b(?:to|by|through|until|till|before|after|except|not|mid|early|late|week|next|coming|every|each|any)[ -](?:the )?$"
    r"|\bas of (?:the )?$"
    r"|\b(?:days?|weeks?|weekends?|half|end|start|beginning|middle|rest) (?:of|in) (?:the )?$",
    re.IGNORECASE,
)
"""Words that stand before a time of which only a part is meant, or what is outside of it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days from one to another, both of them too, and the words that name them with where they stand.

    `is_plain`: they are today, yesterday, or a running or a last unit of the calendar, for which tools have names.
    """

    said: str
    at: int
    start: date
    end: date
    is_plain: bool = False


def spans(text: str, today: date | None) -> tuple[Span, ...]:
    """Return the days that the text names, in its order; none where nobody knows which day it is."""
    return tuple(_spans(text, today)) if today else ()


def _spans(text: str, today: date) -> Iterator[Span]:
    found: list[Span] = []
    for match in _TIMES.finditer(text):
        before = text[: match.start()]
        if _OPEN.search(before) or (match[0].lower().startswith("may") and not _is_may(match, before)):
            continue
        try:
            if match["same_"]:
                yield from _a_year_before(match, text, found, today)
                continue
            start, end = _days(match, today)
        except ValueError:
            continue
        if start <= end:
            found.append(Span(match[0], match.start(), start, end, bool(match["unit_"] or match["day_"])))
            yield found[-1]


def _is_may(match: re.Match[str], before: str) -> bool:
    return bool(match["month_year"]) or bool(_IS_A_MONTH.search(before)) or bool(match["turned_"])


def _days(match: re.Match[str], today: date) -> tuple[date, date]:
    """Return the first and the last day. Raises ValueError for a day that there is not."""
    said = match.groupdict()
    kind = next(kind for kind, _ in _PATTERNS if said[f"{kind}_"])
    match kind:
        case "iso":
            return date.fromisoformat(said["iso_from"]), date.fromisoformat(said["iso_to"] or said["iso_from"])
        case "days":
            return _within(said["days_month"], said["days_year"], said["first"], said["last"], today)
        case "turned":
            return _within(said["turned_month"], said["turned_year"], said["turned_first"], said["turned_last"], today)
        case "months":
            return _from_to(said["from_month"], said["to_month"], said["months_year"], today)
        case "before":
            return _whole(_month(said["month_before"], said["year_before"], today))
        case "since":
            named = said["since"] or said["from_on"]
            year = named.isdecimal()
            return date(int(named), 1, 1) if year else _month(named, said["since_year"], today), today
        case "month":
            is_last = (said["which"] or "").lower() == "last "
            return _whole(_month(said["month"], said["month_year"], today, before_this=is_last))
        case "quartered":
            return _quarter(int(said["quartered"]), int(said["quartered_year"]), today)
        case "quarter":
            number = int(said["q"] or _ORDINALS.index(said["nth"].lower()) + 1)
            return _quarter(number, _year(said["quarter_year"], today), today)
        case "unit":
            return _unit(said["when"].lower(), said["unit"].lower(), today)
        case "earlier" if said["earlier"]:
            return _unit("last", said["earlier"].lower(), _unit("last", said["earlier"].lower(), today)[0])
        case "earlier":
            return today - timedelta(days=2), today - timedelta(days=2)
        case "year":
            return date(int(match[0]), 1, 1), date(int(match[0]), 12, 31)
        case _:
            day = today - timedelta(days=match[0].lower() == "yesterday")
            return day, day


def unit_of(span: Span) -> str:
    """Return which unit of the calendar a span is, as far as it has run; nothing where it is none."""
    told = next((unit for unit in ("week", "month", "quarter", "year") if unit in span.said.lower()), "")
    if told or span.start == span.end:
        return told or "day"
    whole = {
        "month": _whole(span.start)[1],
        "quarter": _after(span.start.replace(day=1), 3) - timedelta(days=1) if span.start.month % 3 == 1 else None,
        "year": date(span.start.year, 12, 31) if span.start.month == 1 else None,
    }
    return next((unit for unit, end in whole.items() if span.start.day == 1 and end == span.end), "")


def days_before(span: Span) -> str | None:
    """Return the days of the unit of the calendar before a span that is one itself, as a text names them."""
    unit, last = unit_of(span), span.start - timedelta(days=1)
    return _text(*(_unit("this", unit, last) if unit != "day" else (last, last))) if unit else None


def a_year_before(span: Span, said: str, today: date) -> str | None:
    """Return the days that "the same month last year" means after a span was spoken of, as a text names them."""
    found = spans(f"{span.said}, {said}", today)
    return _text(found[1].start, found[1].end) if len(found) > 1 else None


def _text(start: date, end: date) -> str:
    return f"{start.isoformat()} to {end.isoformat()}"


def _a_year_before(match: re.Match[str], text: str, found: list[Span], today: date) -> Iterator[Span]:
    """Yield the days a year before those that were named first, or before the running month; and as many of them as have run."""
    unit = next((unit for unit in ("week", "quarter", "month") if unit in match[0].lower()), "month")
    start, end = (found[0].start, found[0].end) if found else _unit("this", unit, today)
    if unit == "week":
        raise ValueError("a week of a year is no week of the year before")
    whole = _whole(start)[1] if start.day == 1 and start.month == end.month else end
    for last in dict.fromkeys((end, whole)):
        yield Span(match[0], match.start(), _year_earlier(start), _year_earlier(last))


def _year_earlier(day: date) -> date:
    is_last = day == _whole(day)[1]
    first = date(day.year - 1, day.month, 1)
    return _whole(first)[1] if is_last else day.replace(year=day.year - 1)


def _month(name: str, year: str | None, today: date, *, before_this: bool = False) -> date:
    """Return the first day of a month: of the year that is named, else of the last that has begun."""
    number = _SHORT.index(name[:3].lower()) + 1
    if year:
        return date(_year(year, today), number, 1)
    begun = number < today.month if before_this else number <= today.month
    return date(today.year if begun else today.year - 1, number, 1)


def _year(said: str | None, today: date) -> int:
    if said is None or not said.isdecimal():
        return today.year - (said is not None and said.lower() == "last year")
    return int(said)


def _within(month: str, year: str | None, first: str, last: str | None, today: date) -> tuple[date, date]:
    start = _month(month, year, today)
    days = [int(re.sub(r"\D", "", day)) for day in (first, last or first)]
    if not year and start.replace(day=days[0]) > today:
        start = start.replace(year=start.year - 1)
    return start.replace(day=days[0]), start.replace(day=days[1])


def _from_to(first: str, last: str, year: str | None, today: date) -> tuple[date, date]:
    end = _month(last, year, today)
    start = _month(first, str(end.year), today)
    return start if start <= end else start.replace(year=start.year - 1), _whole(end)[1]


def _quarter(number: int, year: int, today: date) -> tuple[date, date]:
    start = date(year, 3 * number - 2, 1)
    if start > today:
        start = start.replace(year=year - 1)
    return start, _after(start, 3) - timedelta(days=1)


def _unit(when: str, unit: str, today: date) -> tuple[date, date]:
    """Return this week, month, quarter or year as far as it is, or the one before; weeks begin on Monday."""
    starts = {
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "quarter": date(today.year, today.month - (today.month - 1) % 3, 1),
        "year": date(today.year, 1, 1),
    }
    start = starts[unit]
    before = start - timedelta(days=1)
    return (start, today) if when == "this" else (_unit("this", unit, before)[0], before)


def _whole(start: date) -> tuple[date, date]:
    return start, _after(start.replace(day=1)) - timedelta(days=1)


def _after(month: date, number: int = 1) -> date:
    """Return the first day of the month that comes `number` months after."""
    at = month.month - 1 + number
    return date(month.year + at // 12, at % 12 + 1, 1)

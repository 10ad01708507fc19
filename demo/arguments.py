"""Arguments taken from the words of a question. What is not said is not filled in, and no figure is cut or rounded."""

import re
from collections.abc import Sequence
from dataclasses import replace

from demo import lexicon
from demo.clues import COMMON, DATE, Clues
from demo.language import concept, concepts, identifier_words, stem, words
from demo.schema import Card, Choice, Parameter
from demo.times import Span

NUMBER = re.compile(
    r"(?<![\w.,/'’-])(?<!\d )([-−+]?(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,9})?|[-−+]?\.\d{1,9})"
    r"(?!\w|[.,/'’-]?\d| \d|\s?(?:hundred|thousand|million|billion|dozen)\b|\sand a half)",
    re.IGNORECASE,
)
"""A number that can be read in one way only: 12, -2.5, 1,200.50. Of 2,5 or 1/2 or 2-3 no part is one."""

_WHOLE = r"(?<![\w.,/'’-])(?<!\d )(?<!half )"
_AMOUNT_OF_TIME = re.compile(
    rf"{_WHOLE}(\d{{1,4}}|{'|'.join(lexicon.NUMBER_WORDS)})[ -](day|week|fortnight|month|quarter|year)s?\b(?! and a half)",
    re.IGNORECASE,
)
_NAMED_TIME = re.compile(
    r"\b(?:this|next|coming|last|within the)\s(week|fortnight|month|quarter|year)\b", re.IGNORECASE
)
_OF_THE_CALENDAR = re.compile(r"next\b|(?:this|coming)\s(?!week|fortnight)", re.IGNORECASE)
"""Times that are no number of days from today on, unless the tool says so: next month begins with its first day."""
_AHEAD = frozenset({"ahead", "next", "due", "soon", "coming", "upcoming", "future"})
_HOW_MANY = re.compile(
    r"\b(?:top|first|last|latest|newest|next|best|only)\s(\d{1,4})\b(?![.,]\d|\s?(?:day|week|month|year))",
    re.IGNORECASE,
)
_SOUGHT = re.compile(
    r"\b(?:named|called|search(?: for)?|find|look(?:ing)? (?:up|for))\s+([^\n,;.!?\d]{2,60})", re.IGNORECASE
)
_FROM = re.compile(r"\b(?:named|called|from|for|by)\s+([^\n,;.!?\d]{2,60})", re.IGNORECASE)
_IDENTITY = re.compile(r"\b([^\W\d_]{1,40})\s+(?:#|number |no\.? |id )?((?:[A-Za-z]{1,4}-?)?\d[\w-]{0,40})\b(?![.,]\d)")

_ID_WORDS = frozenset({"id", "number", "code", "reference"})
_PHONE_WORDS = frozenset({"phone", "telephone", "mobile"})
_SERIES = re.compile(r"\b(?:each|every|per|by|monthly|charts?|graphs?|plots?|diagrams?)\b", re.IGNORECASE)
"""Words that ask for one figure a month, and not for their sum."""
_FIRST_DAY = frozenset({"from", "start", "since", "begin", "after"})
_LAST_DAY = frozenset({"to", "end", "until", "till", "before"})
_LIMIT_WORDS = frozenset({"limit", "count", "top", "size", "n"})


def fill(card: Card, found: Clues) -> tuple[dict[str, object], list[Parameter]]:
    """Return the arguments that the text gives, and the required parameters that it does not."""
    arguments: dict[str, object] = {}
    ends = () if card.is_write else days_from_to(card)
    if ends and found.spans:
        found = replace(found, words=words(beside(found.text, [span for span in found.spans if not span.is_plain])))
    for parameter in card.parameters:
        if parameter.name in ends:
            continue
        value = _value(card, parameter, found)
        if value is not None and not (isinstance(value, str) and value in arguments.values()):
            arguments[parameter.name] = value
    told = {" ".join(words(value)) for value in arguments.values() if isinstance(value, str)}
    if ends and found.spans and not any(span.said.lower() in told for span in found.spans):
        arguments |= between(ends, found.spans[0])
    return arguments, [p for p in card.parameters if p.required and p.name not in arguments]


def days_from_to(card: Card) -> tuple[str, ...]:
    """Return the parameters that take a first and a last day, if the tool has both."""
    named = [p for p in card.parameters if p.kind == "string" and not p.choices]
    first = next((p.name for p in named if _FIRST_DAY & set(p.words)), None)
    last = next((p.name for p in named if _LAST_DAY & set(p.words)), None)
    return (first, last) if first and last and first != last else ()


def between(ends: tuple[str, ...], span: Span) -> dict[str, object]:
    """Return the arguments that say these days."""
    return {ends[0]: span.start.isoformat(), ends[1]: span.end.isoformat()}


def beside(text: str, some: Sequence[Span]) -> str:
    """Return the text with spaces in place of the days that it names."""
    for span in some:
        text = f"{text[: span.at]}{' ' * len(span.said)}{text[span.at + len(span.said) :]}"
    return text


def _value(card: Card, parameter: Parameter, found: Clues) -> object | None:
    if parameter.kind in {"array", "object"}:
        return None
    if parameter.kind == "boolean":
        return True if set(map(stem, parameter.words)) <= set(map(stem, found.words)) else None
    if parameter.choices and (parameter.closed or parameter.name == "value"):
        choice = best_choice(parameter, found.words)
        return choice.value if choice else None
    if is_id(parameter):
        return _identity(card, parameter, found)
    if parameter.kind in {"integer", "number"}:
        return _quantity(card, parameter, found)
    return _string(card, parameter, found)


def is_id(parameter: Parameter) -> bool:
    own = set(parameter.words)
    return bool(parameter.words) and parameter.words[-1] in _ID_WORDS and not own & _PHONE_WORDS


def best_choice(parameter: Parameter, some_words: tuple[str, ...]) -> Choice | None:
    """Return the allowed value that the words name: as a whole, else by its meaning; the longest, then the first said.

    Where "this" is compared with "last", it is this. A template is never named: it needs an id.
    """
    stems = [concept(word) for word in some_words]
    best: tuple[int, int, int] | None = None
    winner: Choice | None = None
    for choice in parameter.choices:
        parts = list(identifier_words(choice.value))
        at = _position(parts, list(some_words), stems, loose=parameter.name == "value")
        if choice.is_template or at is None:
            continue
        rank = (len(parts), parts[0] == "this", -at)
        if best is None or rank > best:
            best, winner = rank, choice
    return winner or _by_meaning(parameter, concepts(some_words))


def named_choices(parameter: Parameter, some_words: tuple[str, ...]) -> list[str]:
    """Return the allowed values that the words name as a whole, as they are said; of periods, which compare, none."""
    if not parameter.closed or any(choice.value.startswith("this") for choice in parameter.choices):
        return []
    parts = {choice.value: list(identifier_words(choice.value)) for choice in parameter.choices}
    places = {value: _position(own, list(some_words), [], loose=False) for value, own in parts.items()}
    stand = {value: range(at, at + len(parts[value])) for value, at in places.items() if at is not None}
    whole = [value for value, own in stand.items() if not any(set(own) < set(other) for other in stand.values())]
    return sorted(whole, key=lambda value: stand[value].start)


def _position(parts: list[str], raw: list[str], stems: list[str], *, loose: bool) -> int | None:
    wanted, size = [concept(part) for part in parts], len(parts)
    for at in range(len(raw) - size + 1) if size else ():
        said = raw[at : at + size]
        if said in (parts, [*parts[:-1], f"{parts[-1]}s"]) or (loose and stems[at : at + size] == wanted):
            return at
    return None


def _by_meaning(parameter: Parameter, said: frozenset[str]) -> Choice | None:
    if parameter.name != "value":
        return None
    plain = [choice for choice in parameter.choices if not choice.is_template]
    best = max(plain, key=lambda choice: len(choice.meaning & said), default=None)
    return best if best and best.meaning & said else None


def _identity(card: Card, parameter: Parameter, found: Clues) -> object | None:
    nouns = {concept(word) for word in parameter.words[:-1] or card.subject}
    said = [(m[1].lower(), m[2]) for m in _IDENTITY.finditer(found.text)]
    hits = [number for word, number in said if concept(word) in nouns or word in {"id", "number"}]
    hits += re.findall(r"#(\d{1,18})\b(?![.,]\d)", found.text)
    if parameter.kind in {"integer", "number"}:
        hits = [hit for hit in hits if hit.isdecimal() and hit.isascii()]
        return int(hits[0][:18]) if hits else None
    return hits[0] if hits else None


def _quantity(card: Card, parameter: Parameter, found: Clues) -> float | None:
    """Return the number meant, as it was said; what a tool only looks up with is kept within its bounds."""
    own = set(parameter.words)
    if {"month", "months"} & own and not _SERIES.search(found.text):
        return None
    amount: float | None = days(card, parameter, found.text)
    if amount is None and _LIMIT_WORDS & own and (match := _HOW_MANY.search(found.text)):
        amount = int(match[1])
    if amount is None and not {"limit", "offset", "page"} & own:
        amount = _labelled_number(parameter, found.text)
        amount = _ordered_number(card, found.text) if amount is None and card.is_write else amount
    if amount is None or (parameter.kind == "integer" and amount != int(amount)):
        return None
    if not card.is_write:
        amount = amount if parameter.minimum is None else max(amount, parameter.minimum)
        amount = amount if parameter.maximum is None else min(amount, parameter.maximum)
    return int(amount) if amount == int(amount) else amount


def _labelled_number(parameter: Parameter, text: str) -> float | None:
    """Return the number beside the parameter's last word: "price 12.50", "for 2.5 seconds"."""
    label = rf"\b{re.escape(parameter.words[-1].removesuffix('s') if parameter.words else 'amount')}s?\b"
    for match in NUMBER.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if re.search(rf"{label}\s*(?:is|of|=|:|to|at)?\s*[€$£]?$", before, re.IGNORECASE) or re.match(
            rf"[\s-]*{label}", after, re.IGNORECASE
        ):
            return number(match)
    return None


def _ordered_number(card: Card, text: str) -> float | None:
    """Return the number that stands behind the imperative, as in "refund 12.50 of membership 7", where nothing else can be meant."""
    takes = [p for p in card.parameters if p.kind in {"integer", "number"} and not is_id(p)]
    found = [match for match in NUMBER.finditer(text) if not _names_a_thing(text[: match.start()])]
    if len(takes) != 1 or len(found) != 1:
        return None
    said = [word for word in words(text[: found[0].start()]) if word not in lexicon.POLITE]
    is_ordered = len(said) == 1 and any(said[0] in group and card.verb in group for group in lexicon.VERB_GROUPS)
    is_of_it = re.match(r"\s+(?:of|from|for)\b", text[found[0].end() :], re.IGNORECASE)
    return number(found[0]) if is_of_it and (is_ordered or said == [card.verb]) else None


def _names_a_thing(before: str) -> bool:
    """Return whether what follows is the number of a thing: "membership 7"."""
    return bool(re.search(r"[^\W\d_]{3,}\s+(?:#|number |no\.? |id )?$", before)) and words(before)[-1] not in (
        lexicon.STOP | lexicon.WRITE_VERBS
    )


def number(match: re.Match[str]) -> float:
    """Return the value of a match of `NUMBER`."""
    return float(match[1].replace(",", "").replace("−", "-"))


def days(card: Card, parameter: Parameter, text: str) -> int | None:
    """Return the days, or months, that a text names for a parameter that takes these; None for past ones where it looks ahead."""
    if {"month", "months"} & set(parameter.words):
        return _months(text)
    if not {"day", "days"} & set(parameter.words):
        return None
    looks_ahead = bool(_AHEAD & set(re.findall(r"\w+", card.described)))
    if looks_ahead and re.search(r"\blast\b|\bago\b|\bsince\b", text, re.IGNORECASE):
        return None
    if match := _AMOUNT_OF_TIME.search(text):
        return _counted(match[1]) * lexicon.PERIOD_DAYS[match[2].lower()]
    match = _NAMED_TIME.search(text)
    if match and (match[0].lower() in card.described or not _OF_THE_CALENDAR.match(match[0])):
        return lexicon.PERIOD_DAYS[match[1].lower()]
    return 0 if looks_ahead and re.search(r"\btoday\b", text, re.IGNORECASE) else None


def _months(text: str) -> int | None:
    if re.search(r"\bhalf(?: a)? year\b", text, re.IGNORECASE):
        return 6
    match = _AMOUNT_OF_TIME.search(text)
    each = lexicon.UNIT_MONTHS.get(match[2].lower()) if match else None
    return _counted(match[1]) * each if match and each else None


def _counted(said: str) -> int:
    return int(said) if said.isdecimal() else lexicon.NUMBER_WORDS.get(said.lower(), 0)


def _string(card: Card, parameter: Parameter, found: Clues) -> str | None:
    own = set(parameter.words)
    if own & {"email", "mail"}:
        return found.email
    if own & _PHONE_WORDS:
        return found.phone
    if own & {"date", "day", "from", "to", "since", "until", "on"}:
        date = DATE.search(found.text)
        return date[0] if date else None
    if own & lexicon.NAME_LIKE:
        labelled = _labelled(card, parameter, found) if card.is_write and not found.quoted else None
        return labelled or next(iter(found.quoted + found.names), None) or _called(card, found)
    return _labelled(card, parameter, found) if card.is_write else _before_label(parameter, found)


def _called(card: Card, found: Clues) -> str | None:
    """Return a name in small letters: what is sought or called so, without the words that tools know."""
    match = (_FROM if card.is_write else _SOUGHT).search(found.text)
    said = match[1].split() if match else []
    own = [word for word in said if concept(word.lower()) not in found.vocabulary and word.lower() not in COMMON]
    return " ".join(own).strip(" \"'“”") or None


def _labelled(card: Card, parameter: Parameter, found: Clues) -> str | None:
    """Return what follows the parameter's name in the text, up to a comma or the next parameter's name."""
    label = concept(parameter.words[-1]) if parameter.words else ""
    others = {concept(p.words[-1]) for p in card.parameters if p.words} - {label}
    labels = [match for match in re.finditer(r"[^\W\d_]+", found.text) if concept(match[0].lower()) == label]
    if label in lexicon.SAID_AS:
        labels += re.finditer(rf"\b{lexicon.SAID_AS[label]}\b", found.text, re.IGNORECASE)
    for match in labels:
        rest = re.split(r"[,;\n!?]|\.\s|\.$|\band\b", found.text[match.end() :], maxsplit=1)[0]
        said = re.sub(r"^\W*(?:(?:in|is|as|to|for|of|the|a|an)\b\W*)*", "", rest).split()
        until = next((at for at, word in enumerate(said) if concept(word.lower()) in others), len(said))
        if said[:until]:
            return " ".join(said[:until])[:200].strip(" \"'“”:=")
    return None


def _before_label(parameter: Parameter, found: Clues) -> str | None:
    """Return the capitalised word before the parameter's name: "on the Gold plan" -> Gold."""
    label = re.escape(parameter.words[-1]) if parameter.words else "name"
    match = re.search(rf"\b([^\W\d_]{{1,40}})\s+{label}s?\b", found.text)
    return match[1] if match and match[1][0].isupper() and match[1].lower() not in lexicon.STOP else None

"""Arguments taken from the words of a question. What is not said is not filled in."""

import re

from demo import lexicon
from demo.clues import COMMON, DATE, Clues
from demo.language import concept, concepts, identifier_words, stem
from demo.schema import Card, Choice, Parameter

_AMOUNT_OF_TIME = re.compile(
    r"\b(\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten)[ -](day|week|fortnight|month|quarter|year)s?\b",
    re.IGNORECASE,
)
_NAMED_TIME = re.compile(
    r"\b(?:this|next|coming|last|past|within the|a)\s+(week|fortnight|month|quarter|year)\b", re.IGNORECASE
)
_HOW_MANY = re.compile(
    r"\b(?:top|first|last|latest|newest|next|best|only)\s+(\d{1,4})\b(?!\s*(?:day|week|month|year))", re.IGNORECASE
)
_SOUGHT = re.compile(
    r"\b(?:named|called|search(?: for)?|find|look(?:ing)? (?:up|for))\s+([^\n,;.!?\d]{2,60})", re.IGNORECASE
)
_FROM = re.compile(r"\b(?:named|called|from|for|by)\s+([^\n,;.!?\d]{2,60})", re.IGNORECASE)

_ID_WORDS = frozenset({"id", "number", "code", "reference"})
_PHONE_WORDS = frozenset({"phone", "telephone", "mobile"})


def fill(card: Card, found: Clues) -> tuple[dict[str, object], list[Parameter]]:
    """Return the arguments that the text gives, and the required parameters that it does not."""
    arguments: dict[str, object] = {}
    for parameter in card.parameters:
        taken = {value for value in arguments.values() if isinstance(value, str)}
        value = _value(card, parameter, found, taken)
        if value is not None:
            arguments[parameter.name] = value
    missing = [p for p in card.parameters if p.required and p.name not in arguments]
    return arguments, missing


def _value(card: Card, parameter: Parameter, found: Clues, taken: set[str]) -> object | None:
    if parameter.kind in {"array", "object"}:
        return None
    if parameter.kind == "boolean":
        return True if set(map(stem, parameter.words)) <= set(map(stem, found.words)) else None
    if parameter.choices and (parameter.closed or parameter.name == "value"):
        choice = best_choice(parameter, found.words)
        return choice.value if choice else _usual(parameter)
    if is_id(parameter):
        return _identity(card, parameter, found)
    if parameter.kind in {"integer", "number"}:
        return _quantity(parameter, found)
    text = _string(card, parameter, found)
    return None if text in taken else text


def is_id(parameter: Parameter) -> bool:
    own = set(parameter.words)
    return bool(parameter.words) and parameter.words[-1] in _ID_WORDS and not own & _PHONE_WORDS


def best_choice(parameter: Parameter, some_words: tuple[str, ...]) -> Choice | None:
    """Return the allowed value that the words name: as a whole, else by its meaning; the longest, then the first said.

    Where "this" is compared with "last", it is this. A template is never named: it needs an id.
    """
    stems = [concept(word) for word in some_words]
    raw = list(some_words)
    best: tuple[int, int, int] | None = None
    winner: Choice | None = None
    for choice in parameter.choices:
        parts = list(identifier_words(choice.value))
        at = _position(parts, raw, stems, loose=parameter.name == "value")
        if choice.is_template or at is None:
            continue
        rank = (len(parts), parts[0] == "this", -at)
        if best is None or rank > best:
            best, winner = rank, choice
    return winner or _by_meaning(parameter, concepts(some_words))


def _position(parts: list[str], raw: list[str], stems: list[str], *, loose: bool) -> int | None:
    wanted = [concept(part) for part in parts]
    size = len(parts)
    if not size:
        return None
    for at in range(len(raw) - size + 1):
        said = raw[at : at + size]
        if said == parts or said == [*parts[:-1], f"{parts[-1]}s"] or (loose and stems[at : at + size] == wanted):
            return at
    return None


def _by_meaning(parameter: Parameter, said: frozenset[str]) -> Choice | None:
    if parameter.name != "value":
        return None
    plain = [choice for choice in parameter.choices if not choice.is_template]
    shared = {name for name in said if sum(name in choice.meaning for choice in plain) > 1}
    named = [(len((choice.meaning & said) - shared), choice) for choice in plain]
    hits = max((hits for hits, _ in named), default=0)
    return next((choice for found, choice in named if found == hits), None) if hits else None


def _usual(parameter: Parameter) -> str | None:
    """Return the present period for a required period that was not said."""
    if not parameter.required or "period" not in parameter.words:
        return None
    return next((choice.value for choice in parameter.choices if choice.value.startswith("this")), None)


def _identity(card: Card, parameter: Parameter, found: Clues) -> object | None:
    nouns = {concept(word) for word in parameter.words[:-1] or card.subject}
    pattern = r"\b([^\W\d_]{1,40})\s+(?:#|number |no\.? |id )?((?:[A-Za-z]{1,4}-?)?\d[\w-]{0,40})\b"
    said = [(m[1], m[2]) for m in re.finditer(pattern, found.text)]
    hits = [number for word, number in said if concept(word.lower()) in nouns or word.lower() in {"id", "number"}]
    hits += re.findall(r"#(\d{1,18})\b", found.text)
    if parameter.kind in {"integer", "number"}:
        hits = [hit for hit in hits if hit.isdecimal() and hit.isascii()]
        return int(hits[0][:18]) if hits else None
    return hits[0] if hits else None


def _quantity(parameter: Parameter, found: Clues) -> int | None:
    amount = _days(parameter, found.text)
    if amount is None and {"limit", "count", "top", "size", "n"} & set(parameter.words):
        match = _HOW_MANY.search(found.text)
        amount = int(match[1]) if match else None
    if amount is None and not {"limit", "offset", "page"} & set(parameter.words):
        label = re.escape(parameter.words[-1]) if parameter.words else "amount"
        match = re.search(
            rf"\b{label}\s*(?:is|of|=|:|to)?\s*(\d{{1,9}})\b|\b(\d{{1,9}})\s+{label}\b", found.text, re.IGNORECASE
        )
        amount = int(match[1] or match[2]) if match else None
    if amount is None:
        return None
    low, high = parameter.minimum, parameter.maximum
    amount = max(amount, int(low)) if low is not None else amount
    return min(amount, int(high)) if high is not None else amount


def _days(parameter: Parameter, text: str) -> int | None:
    if not {"day", "days"} & set(parameter.words):
        return None
    match = _AMOUNT_OF_TIME.search(text)
    if match:
        low = match[1].lower()
        return (
            int(lexicon.NUMBER_WORDS.get(low, 0) or (int(low) if low.isdecimal() else 0))
            * lexicon.PERIOD_DAYS[match[2].lower()]
        )
    match = _NAMED_TIME.search(text)
    if match:
        return lexicon.PERIOD_DAYS[match[1].lower()]
    return next(
        (days for word, days in (("today", 0), ("tomorrow", 1)) if re.search(rf"\b{word}\b", text, re.IGNORECASE)), None
    )


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
    for match in re.finditer(r"[^\W\d_]+", found.text):
        if concept(match[0].lower()) != label:
            continue
        rest = re.split(r"[,;\n!?]|\.\s|\.$|\band\b", found.text[match.end() :], maxsplit=1)[0]
        said = re.sub(r"^\W*(?:(?:in|is|as|to|for|of|the|a|an)\b\W*)*", "", rest).split()
        until = next((at for at, word in enumerate(said) if concept(word.lower()) in others), len(said))
        if said[:until]:
            return " ".join(said[:until])[:200].strip(" \"'“”:=")
    return None


def _before_label(parameter: Parameter, found: Clues) -> str | None:
    """Return the capitalised or quoted word before the parameter's name: "on the Gold plan" -> Gold."""
    for label in parameter.words[-1:]:
        match = re.search(rf"\b([^\W\d_]{{1,40}})\s+{re.escape(label)}s?\b", found.text)
        if match and match[1][0].isupper() and match[1].lower() not in lexicon.STOP:
            return match[1]
    return None

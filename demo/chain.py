"""Two calls in a row: find who is meant by name, then do something with the id.

The invariant: the second call is made only for the one row that holds every word of the name.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from demo.arguments import is_id
from demo.clues import Clues
from demo.language import concept, concepts, words
from demo.schema import Card, Choice, Parameter
from demo.score import Shelf


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True)
class Chain:
    """The call to make once `lookup` has found who is meant. The id goes into `parameter`, inside `template` if given."""

    lookup: Call
    who: str
    name: str
    parameter: str
    template: Choice | None
    arguments: dict[str, object]


def chain(
    card: Card,
    parameter: Parameter,
    found: Clues,
    shelf: Shelf,
    *,
    template: Choice | None = None,
    arguments: dict[str, object] | None = None,
) -> Chain | None:
    """Return the chain that finds the id for the parameter by the first name in the text, if there is a tool for it."""
    who = next(iter(found.quoted + found.names), None)
    noun = template.noun if template else concept(parameter.words[0]) if is_id(parameter) else None
    able = [(c, s) for c in shelf.cards if not c.is_write and not c.is_action and (s := _search_parameter(c))]
    mentioned = [pair for pair in able if not template and pair[0].name in parameter.description]
    nouned = [pair for pair in able if noun in concepts(pair[0].subject)]
    for lookup, search in (mentioned + nouned)[:1] if who and noun else ():
        return Chain(Call(lookup.name, {search: who}), who or "", card.name, parameter.name, template, arguments or {})
    return None


def _search_parameter(card: Card) -> str | None:
    """Return the parameter that takes a name, if the tool needs nothing else."""
    names = [p.name for p in card.parameters if p.kind == "string" and {"search", "name", "query", "q"} & set(p.words)]
    others_needed = [p for p in card.parameters if p.required and p.name not in names[:1]]
    return names[0] if names and not others_needed else None


def matches(data: object, who: str) -> list[Mapping[str, object]]:
    """Return the rows of a search's result that are called so, or else those that hold every word of the name."""
    wanted = _folded(who)
    rows = [row for row in _rows(data) if wanted]
    exact = [row for row in rows if any(isinstance(value, str) and _folded(value) == wanted for value in row.values())]
    return exact or [row for row in rows if set(wanted) <= _said(row)]


def next_call(chain: Chain, row: Mapping[str, object]) -> Call | None:
    """Return the chained call for this row, or None if the row has no usable id."""
    own = chain.template.noun if chain.template else chain.parameter.removesuffix("_id")
    found = (row.get(key) for key in (f"{own}_id", f"{own}Id", "id"))
    identity = next((value for value in found if _is_identity(value)), None)
    if identity is None:
        return None
    value = chain.template.with_id(identity) if chain.template else identity
    return Call(chain.name, {**chain.arguments, chain.parameter: value})


def _rows(data: object) -> list[Mapping[str, object]]:
    values = data.values() if isinstance(data, Mapping) else [data]
    found = next((value for value in values if isinstance(value, list) and value), [])
    return [row for row in found if isinstance(row, Mapping)]


def _folded(text: str) -> tuple[str, ...]:
    apart = unicodedata.normalize("NFKD", text)
    return words("".join(char for char in apart if not unicodedata.combining(char)))


def _said(row: Mapping[str, object]) -> set[str]:
    return {word for value in row.values() if isinstance(value, str) for word in _folded(value)}


def _is_identity(value: object) -> bool:
    """Return whether it is an id that may stand in a path: letters, digits, - and _ only."""
    if not isinstance(value, int | str) or isinstance(value, bool):
        return False
    text = str(value)
    return 0 < len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()

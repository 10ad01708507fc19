"""From bound tools to cards: what the offline model needs to know of a tool, with a weight for every concept in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.models.text import clean
from demo import lexicon
from demo.language import concept, concepts, identifier_words, words

NAME, CHOICE, PARAMETER, DESCRIPTION, DETAIL = 3.0, 1.5, 1.0, 1.0, 0.4
"""Weight of a concept by where it stands: tool name, allowed value, parameter name, description, parameter description."""

_NEAR: dict[str, set[str]] = {}
for _first, *_others in (row.split() for row in lexicon.NEAR):
    for _other in _others:
        _NEAR.setdefault(_first, set()).add(_other)
        _NEAR.setdefault(_other, set()).add(_first)

_PLACEHOLDER = re.compile(r"\{([^{}/]*)\}")


@dataclass(frozen=True, slots=True)
class Choice:
    """An allowed value. `meaning` holds the concepts of what the descriptions say behind it."""

    value: str
    concepts: frozenset[str]
    meaning: frozenset[str]

    @property
    def is_template(self) -> bool:
        return bool(_PLACEHOLDER.search(self.value))

    @property
    def noun(self) -> str:
        """The concept that a template's placeholder is an id of: `/clients/{id}` -> client."""
        before = identifier_words(_PLACEHOLDER.split(self.value)[0])
        return concept(before[-1]) if before else ""

    def with_id(self, identity: object) -> str:
        return _PLACEHOLDER.sub(lambda _: str(identity), self.value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a tool. `kind` is its JSON type, without null; `choices` are its enum or examples."""

    name: str
    kind: str
    description: str
    required: bool
    choices: tuple[Choice, ...]
    closed: bool
    """Whether nothing but the choices is allowed (an enum), rather than values like them (examples)."""
    minimum: float | None
    maximum: float | None

    @property
    def words(self) -> tuple[str, ...]:
        return identifier_words(self.name)


@dataclass(frozen=True, slots=True)
class Card:
    """A tool as the offline model sees it. `subject` is its name without the verb."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    verb: str
    subject: tuple[str, ...]
    weights: Mapping[str, float]
    is_action: bool
    is_write: bool

    @property
    def is_statistic(self) -> bool:
        return any(concept(word) in {"statistic", "count"} for word in self.subject)

    @property
    def value_parameter(self) -> Parameter | None:
        return next((p for p in self.parameters if p.name == "value" and p.choices), None)

    def weight(self, name: str) -> float:
        """Return how strongly the tool is about this concept, 0 to 3; near concepts count for half."""
        near = (0.5 * self.weights.get(other, 0.0) for other in _NEAR.get(name, ()))
        return max(self.weights.get(name, 0.0), *near, 0.0)

    @property
    def described(self) -> str:
        """All that is said about the tool and its arguments, in small letters."""
        return "\n".join([self.description, *(p.description for p in self.parameters)]).lower()


def cards(tools: object) -> tuple[Card, ...]:
    """Return a card for each OpenAI function definition in `tools`, in order; anything else in it is left out."""
    if not isinstance(tools, Sequence) or isinstance(tools, str | bytes):
        return ()
    functions = (tool.get("function", tool) for tool in tools if isinstance(tool, Mapping))
    return tuple(_card(f) for f in functions if isinstance(f, Mapping) and _is_name(f.get("name")))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name) and clean(name) == name


def _card(function: Mapping[str, Any]) -> Card:
    name, description = function["name"], _text(function.get("description"))
    parameters = tuple(_parameters(function.get("parameters"), description))
    said = identifier_words(name)
    first, told = said[0] if said else "", next(iter(words(description[:40])), "").removesuffix("s")
    is_verb = first in lexicon.READ_VERBS | lexicon.WRITE_VERBS | lexicon.ACTION_VERBS
    subject = said[1:] if is_verb else said
    is_action = any(p.name == "value" and p.choices for p in parameters)
    is_write = first in lexicon.WRITE_VERBS or (first not in lexicon.READ_VERBS and told in lexicon.WRITE_VERBS)
    return Card(
        name=name,
        description=description,
        parameters=parameters,
        verb=first if is_verb else told,
        subject=subject,
        weights=_weights(subject, description, parameters),
        is_action=is_action,
        is_write=is_write and not is_action,
    )


def _weights(subject: tuple[str, ...], description: str, parameters: tuple[Parameter, ...]) -> dict[str, float]:
    found: dict[str, float] = {}

    def note(names: frozenset[str], weight: float) -> None:
        for name in names:
            found[name] = max(found.get(name, 0.0), weight)

    note(concepts(subject), NAME)
    note(concepts(words(description)), DESCRIPTION)
    for parameter in parameters:
        note(concepts(parameter.words), PARAMETER)
        note(concepts(words(parameter.description)), DETAIL)
        for choice in parameter.choices:
            note(choice.concepts, CHOICE)
    return found


def _parameters(schema: object, tool_description: str) -> Iterator[Parameter]:
    if not isinstance(schema, Mapping):
        return
    properties, required = schema.get("properties"), schema.get("required")
    names = set(required) if isinstance(required, list) and all(isinstance(name, str) for name in required) else set()
    for name, own in properties.items() if isinstance(properties, Mapping) else ():
        if not _is_name(name):
            continue
        parts = list(_parts(own, schema))
        description = " ".join(_text(part.get("description")) for part in parts)
        enum, examples = _strings(parts, "enum", "const"), _strings(parts, "examples")
        kinds = [part["type"] for part in parts if isinstance(part.get("type"), str) and part["type"] != "null"]
        yield Parameter(
            name=name,
            kind=kinds[0] if kinds else "string",
            description=description,
            required=name in names,
            choices=tuple(_choices([*enum, *examples], f"{description}\n{tool_description}")),
            closed=bool(enum) and not examples,
            minimum=_number(parts, "minimum"),
            maximum=_number(parts, "maximum"),
        )


def _parts(schema: object, root: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and what it refers to or offers as alternatives."""
    if not isinstance(schema, Mapping) or depth > 4:
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        definitions = root.get("$defs") or root.get("definitions")
        if isinstance(definitions, Mapping):
            yield from _parts(definitions.get(reference.rpartition("/")[2]), root, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        options = schema.get(key)
        for option in options if isinstance(options, list) else ():
            yield from _parts(option, root, depth + 1)


def _choices(values: list[str], described: str) -> Iterator[Choice]:
    for value in dict.fromkeys(values):
        others = {other for other in values if other != value and other.startswith(value)}
        said = identifier_words(_PLACEHOLDER.sub(" ", value))
        yield Choice(value, concepts(said), _meaning(value, others, described))


def _meaning(value: str, longer: set[str], described: str) -> frozenset[str]:
    """Return the concepts that stand behind the value on its line, up to the next `;`, where a longer value is not meant."""
    for match in re.finditer(re.escape(value), described):
        if not any(described.startswith(other, match.start()) for other in longer):
            rest = re.split(r"[;\n]|, /|\. ", described[match.end() : match.end() + 160], maxsplit=1)[0]
            return concepts(words(rest))
    return frozenset()


def _strings(parts: list[Mapping[str, Any]], *keys: str) -> list[str]:
    found = [part.get(key) for part in parts for key in keys]
    flat = [item for value in found for item in (value if isinstance(value, list) else [value])]
    return [clean(item) for item in flat if isinstance(item, str) and item]


def _number(parts: list[Mapping[str, Any]], key: str) -> float | None:
    found = (part.get(key) for part in parts)
    return next((value for value in found if isinstance(value, int | float) and abs(value) < 1e9), None)


def _text(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""

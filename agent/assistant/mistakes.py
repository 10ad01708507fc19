"""The mistakes in a definition, in the words of somebody who writes YAML."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.assistant.model import ToolWords
from agent.assistant.toolsets import ToolDefinition

WORDS = {
    "missing": "is missing",
    "model_type": "must be an object of names and values",
    "model_attributes_type": "must be an object of names and values",
    "dict_type": "must be an object of names and values",
    "tuple_type": "must be a list",
    "string_type": "must be a text: in quotes, where YAML takes it for a number, a date, or yes or no",
    "too_short": "must not be empty",
}
"""By pydantic's kinds of errors; what is not here is told as pydantic tells it."""
FORMS = {
    r"^[A-Za-z_]\w*$": "must be the name of a variable, like SHOP_KEY",
    r"^[A-Za-z0-9-]+$": "must be the name of a header, like X-Api-Key",
    r"^[\w.]+:\w+$": "must be a module and a name in it, like shop:create_app",
    r"^/[\w/-]*\w$": "must be a path, like /shop",
    r"^[A-Z]+ /\S*$": "must be a method and a path, like GET /orders/{id}",
    r"^[A-Z]{3}$": "must be a currency, like EUR",
    r"^[a-z][a-z0-9_]{0,39}$": "a name is small letters, digits and _, at most 40",
    r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$": "the name of a tool is letters, digits, _ and -, at most 64",
    r"^([A-Za-z_][A-Za-z0-9_-]{0,31})?$": "must be letters, digits, _ and -, at most 32",
    r"^[^\r\n<>]+$": "must be one line without < and >",
    r"^openai:.+$": "must be openai:<its name there>",
    r"^[^.]+(\.[^.]+)*$": "must be the name of an argument, or a path like lines.amount",
}
"""The form that a text has to have, by its pattern."""
OF_OURS = "Value error, "
"""How pydantic begins the words of a check of ours."""
FEW = 12
"""Up to so many names are listed where there is one that is none."""


def told(error: ValidationError, whole: type[BaseModel]) -> str:
    """Return the mistakes in one line, each with its place in `whole`."""
    mistakes = error.errors()
    return "; ".join(_told(one, whole) for one in mistakes if not _is_told_by_another(one, mistakes, whole))


def _is_told_by_another(mistake: ErrorDetails, mistakes: Sequence[ErrorDetails], whole: type[BaseModel]) -> bool:
    """Return whether what is wrong stands deeper: a list with a wrong entry is too short as well, an object is no word either."""
    if mistake["type"] not in ("too_short", "literal_error"):
        return False
    place = _walk(mistake["loc"], whole)[0]
    others = [(one, _walk(one["loc"], whole)[0]) for one in mistakes if one is not mistake]
    return any(
        other[: len(place)] == place and (len(other) > len(place) or one["type"] == "value_error")
        for one, other in others
    )


def _told(mistake: ErrorDetails, whole: type[BaseModel]) -> str:
    kind = mistake["type"]
    steps, parts = _walk(mistake["loc"], whole)
    if kind == "value_error" and not steps:
        return mistake["msg"].removeprefix(OF_OURS)  # which names its place itself
    place = ".".join(steps) or "the file"
    if kind == "extra_forbidden" and parts == [ToolWords] and steps[-1] in ToolDefinition.model_fields:
        return f"{place}: a toolset says that of its tools: put it below toolsets, in the tools of that one"
    if kind == "extra_forbidden":
        return f"{place}: there is no such name here{_near(steps[-1], parts)}"
    if kind == "string_pattern_mismatch":
        return f"{place}: {FORMS.get(mistake['ctx']['pattern'], mistake['msg'])}"
    return f"{place}: {WORDS.get(kind, mistake['msg']).removeprefix(OF_OURS)}"


def _walk(steps: Sequence[int | str], whole: type[BaseModel]) -> tuple[list[str], list[type[BaseModel]]]:
    """Return the names that lead to a mistake, and the parts of a definition that may stand there or may have its last name.

    pydantic's own place names each form of a value that it tried, too.
    """
    place: list[str] = []
    parts = [whole]
    for number, step in enumerate(map(str, steps)):
        if "[" in step:
            continue
        if tried := [part for part in parts if part.__name__ == step]:
            parts = tried
            continue
        place.append(step)
        if number < len(steps) - 1:
            below = [part.model_fields[step].annotation for part in parts if step in part.model_fields]
            parts = [one for annotation in below for one in _parts_in(annotation)] or parts
    return place, parts


def _parts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)


def _near(name: str, parts: Sequence[type[BaseModel]]) -> str:
    names = list(dict.fromkeys(name for part in parts for name in part.model_fields))
    if near := get_close_matches(name, names, n=1):
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(names)}" if 0 < len(names) <= FEW else ""

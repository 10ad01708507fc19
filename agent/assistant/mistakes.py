"""What is wrong with a definition, in the words of somebody who writes YAML."""

from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.assistant.model import Definition

WORDS = {
    "missing": "is missing",
    "model_type": "must be an object of names and values",
    "model_attributes_type": "must be an object of names and values",
    "dict_type": "must be an object of names and values",
    "tuple_type": "must be a list",
}
"""By pydantic's kinds of errors; what is not here is told as pydantic tells it."""
OF_OURS = "Value error, "
"""How pydantic begins the words of a check of ours."""


def told(error: ValidationError) -> str:
    """Return the mistakes in one line, each with its place."""
    return "; ".join(map(_told, error.errors()))


def _told(mistake: ErrorDetails) -> str:
    steps = (str(step) for step in mistake["loc"])
    place = ".".join(step for step in steps if "[" not in step) or "the file"  # without the forms it was tried as
    if mistake["type"] != "extra_forbidden":
        return f"{place}: {WORDS.get(mistake['type'], mistake['msg']).removeprefix(OF_OURS)}"
    near = get_close_matches(str(mistake["loc"][-1]), sorted(set(_names(Definition))), n=1)
    return f"{place}: there is no such name here" + (f"; did you mean {near[0]}?" if near else "")


def _names(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names that any part of a definition may have."""
    yield from model.model_fields
    for part in model.__subclasses__():
        yield from _names(part)

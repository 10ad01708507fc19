"""The base of all parts of a definition: frozen values that refuse what they do not know."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from agent.region import Locale
from agent.wording import Wording, Wordings, checked_line


class Definition(BaseModel):
    """A part of an assistant's file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Line = Annotated[str, AfterValidator(checked_line)]


class Words(Definition):
    """What people read of a call: `label` while it goes on, `done` when it is over."""

    label: Line | None = None
    done: Line | None = None


class ToolWords(Words):
    """What people read of a tool's calls, and the same in other languages."""

    languages: dict[Locale, Words] = {}

    @property
    def wordings(self) -> Wordings:
        """The same by language."""
        given = {"": Words(label=self.label, done=self.done), **self.languages}
        return {tag.lower(): Wording(one.label, one.done) for tag, one in given.items()}


WANTED = {
    "tuple_type": "must be a list",
    "dict_type": "must be an object: names with values",
    "model_type": "must be an object: names with values",
    "extra_forbidden": "there is no such key",
}
"""What is wrong with a value, in words of YAML and not of Python."""


def mistakes(error: ValidationError) -> str:
    """Return what is wrong with a definition, each mistake by its place, without which of several forms it was tried as."""
    said = []
    for one in error.errors():
        place = ".".join(str(step) for step in one["loc"] if "[" not in str(step))
        said.append(f"{place}: {WANTED.get(one['type'], one['msg'])}")
    return "; ".join(said)

"""The base of all parts of a definition, frozen values that refuse what they do not know; and the values that many parts share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.principal import is_tenant_id
from agent.region import Locale
from agent.wording import Wording, Wordings, checked_line


class Definition(BaseModel):
    """A part of an assistant's file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _of_a_token(tenant_id: str) -> str:
    if not is_tenant_id(tenant_id):
        raise ValueError(
            "no token can name this tenant: an id is letters, digits and _.:@-, at most 128, the first no sign"
        )
    return tenant_id


TenantId = Annotated[str, AfterValidator(_of_a_token)]
Role = Annotated[str, Field(min_length=1)]
"""A role, as tokens name it."""
Line = Annotated[str, AfterValidator(checked_line)]


def in_full(value: object) -> object:
    """Return what `true` or `false` stands for in place of a part: all of its defaults, or none of it; anything else as it is."""
    return ({} if value else None) if isinstance(value, bool) else value


class Words(Definition):
    """The words that people read of a call: `label` while it goes on, `done` when it is over."""

    label: Line | None = None
    done: Line | None = None


class ToolWords(Words):
    """The words that people read of a tool's calls, and the same in other languages."""

    languages: dict[Locale, Words] = {}

    @property
    def wordings(self) -> Wordings:
        """The same by language."""
        given = {"": Words(label=self.label, done=self.done), **self.languages}
        return {tag.lower(): Wording(one.label, one.done) for tag, one in given.items()}

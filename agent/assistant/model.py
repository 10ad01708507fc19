"""The base of all parts of a definition: frozen values that refuse what they do not know."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

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
Line = Annotated[str, AfterValidator(checked_line)]


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

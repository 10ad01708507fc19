"""Requests of pages about the calls that they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from agent.errors import InvalidRequestError
from agent.runs.page_answers import checked_answer
from agent.store.page_calls import PageAnswer, PageCall
from api.requests import NO_NUL, ToolCallId


class ClaimRequest(BaseModel):
    """Which call of the page this one is to make. Who says the same `claimant` again has it still."""

    model_config = ConfigDict(extra="forbid")

    tool_call_id: ToolCallId
    claimant: Annotated[str, StringConstraints(min_length=1, max_length=128), NO_NUL] | None = None


class ResultRequest(BaseModel):
    """The result of the page's tool, any JSON, null where it is left out; or an `error`, in words that the model is told."""

    model_config = ConfigDict(extra="forbid")

    tool_call_id: ToolCallId
    result: Any = None
    error: Annotated[str, StringConstraints(min_length=1, max_length=4000), NO_NUL] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.error is not None and "result" in self.model_fields_set:
            raise ValueError("give either result or error")
        return self


@dataclass(frozen=True, slots=True)
class PageSaid:
    """A page's word on a call: an error, or what its result may be, of which the first counts that the tool may return.

    Without either it says nothing that can be read.
    """

    results: Sequence[object] = ()
    error: str | None = None

    def to(self, call: PageCall) -> tuple[object, PageAnswer]:
        """Return the result as it is taken, and as it is kept.

        Raises:
            InvalidRequestError: it is too large, or none of this tool; the first of what it may be says it.
        """
        if self.error is not None:
            return None, checked_answer(call, result=None, error=self.error)
        refused: list[InvalidRequestError] = []
        for one in self.results:
            try:
                return one, checked_answer(call, result=one, error=None)
            except InvalidRequestError as exc:
                refused.append(exc)
        raise refused[0] if refused else InvalidRequestError("a result of the page is text")


def said_as_text(text: str, error: object = None) -> PageSaid:
    """Return what a page says in a text: JSON where it is some, or else the text itself; an empty one is often nothing."""
    if isinstance(error, str) and error:
        return PageSaid(error=error)
    if not text:
        return PageSaid((None, ""))
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return PageSaid((text,))
    is_other_number = isinstance(value, int | float) and orjson.dumps(value) != text.strip().encode()
    return PageSaid((text, value) if is_other_number else (value, text))

"""Answers to questions, as clients may send them, and how the runner takes them."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from agent.store.approvals import Decision
from api.requests import NO_NUL, ToolCallId, plain_bytes

ARGUMENTS_BYTES = 32 * 1024
MAX_DECISIONS = 128


def _as_arguments(arguments: dict[str, Any] | None) -> dict[str, Any] | None:
    if arguments is not None and plain_bytes(arguments) > ARGUMENTS_BYTES:
        raise ValueError(f"must be at most {ARGUMENTS_BYTES} bytes of JSON")
    return arguments


Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), NO_NUL]
Arguments = Annotated[dict[str, Any], AfterValidator(_as_arguments)]


class DecisionRequest(BaseModel):
    """A yes or a no to a call that waits. Changed `arguments` come with the `hash` of what was asked; `always` with a yes."""

    model_config = ConfigDict(extra="forbid")

    tool_call_id: ToolCallId
    approve: Annotated[bool, Field(strict=True)]
    reason: Reason | None = None
    arguments: Arguments | None = None
    hash: Annotated[str, StringConstraints(max_length=64), NO_NUL] | None = None
    always: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="a yes to all later calls of the tool in the conversation, too, where that may be"
    )

    @model_validator(mode="after")
    def _always_is_a_yes(self) -> Self:
        if self.always and not self.approve:
            raise ValueError("always: goes with a yes")
        return self

    def decision(self) -> Decision:
        """Return it as the runner takes it; to a no, arguments add nothing."""
        arguments = self.arguments if self.approve else None
        return Decision(self.tool_call_id, self.approve, self.reason or None, arguments, self.hash, self.always)


class DecisionByHash(BaseModel):
    """A yes or a no that comes with a post of another protocol, to a question that is known by its hash."""

    hash: Annotated[str, StringConstraints(min_length=1, max_length=64), NO_NUL]
    approve: Annotated[bool, Field(strict=True)]
    reason: Reason | None = None
    arguments: Arguments | None = None


class DecisionsRequest(BaseModel):
    """Several at once: all of them are taken, or none."""

    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[list[DecisionRequest], Field(min_length=1, max_length=MAX_DECISIONS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({one.tool_call_id for one in self.decisions}) < len(self.decisions):
            raise ValueError("decisions: a call is there twice")
        return self

"""What pages send about the calls that they are asked for."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from api.requests import NO_NUL, ToolCallId


class ClaimRequest(BaseModel):
    """Which call of the page this one is to make. Who says the same `claimant` again has it still."""

    model_config = ConfigDict(extra="forbid")

    tool_call_id: ToolCallId
    claimant: Annotated[str, StringConstraints(min_length=1, max_length=128), NO_NUL] | None = None


class ResultRequest(BaseModel):
    """What the page's tool returned, any JSON, null where it is left out; or an `error`, in words that the model is told."""

    model_config = ConfigDict(extra="forbid")

    tool_call_id: ToolCallId
    result: Any = None
    error: Annotated[str, StringConstraints(min_length=1, max_length=4000), NO_NUL] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.error is not None and "result" in self.model_fields_set:
            raise ValueError("give either result or error")
        return self

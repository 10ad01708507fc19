"""Answers that more than one route gives."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from agent.store.runs import Run
from api import __version__


class Health(BaseModel):
    status: Literal["healthy"] = "healthy"
    version: str = __version__


class Readiness(BaseModel):
    status: Literal["healthy", "degraded"] = "healthy"
    version: str = __version__


class UsageView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    input_tokens: int
    output_tokens: int


class Deleted(BaseModel):
    success: bool
    message: str


def is_none(value: object) -> bool:
    """Return whether a field says nothing, so that it is left out (`exclude_if`)."""
    return value is None


class ModelChangedView(BaseModel):
    """Why another model answers than the one that was asked for."""

    model_config = ConfigDict(serialize_by_alias=True)

    left: str = Field(alias="from")
    reason: str = Field(description="the code of its error, or `down`: it failed too often lately to be asked")


class RunView(BaseModel):
    """A run as it is now. Times are UTC."""

    id: UUID
    conversation_id: UUID
    message_id: UUID
    lane: int | None = Field(
        default=None, exclude_if=is_none, description="its number, of a run with others beside it in its turn"
    )
    state: str
    model: str
    model_changed: ModelChangedView | None = Field(
        default=None, exclude_if=is_none, description="the model that was asked for, where another one answers"
    )
    attempt: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    finish_reason: str | None
    error: str | None
    usage: UsageView
    waits_for: Literal["decision", "token"] | None = Field(
        default=None, exclude_if=is_none, description="of one that waits: somebody's answer, or its user's token"
    )


def run_view(run: Run) -> RunView:
    """Return what clients see of a run."""
    return RunView(
        id=run.id,
        conversation_id=run.conversation_id,
        message_id=run.message_id,
        lane=run.lane or None,
        state=run.state,
        model=run.model,
        model_changed=None if run.model_changed is None else ModelChangedView(**run.model_changed),
        attempt=run.attempt,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        finish_reason=run.finish_reason,
        error=run.error_code,
        usage=UsageView(input_tokens=run.usage.input_tokens, output_tokens=run.usage.output_tokens),
    )

"""Messages of a conversation as readers see them over HTTP, with the summaries that models read in place of some."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from agent.store.messages import StoredMessage
from agent.store.summaries import Summary
from api.views import UsageView, is_none


def _is_zero(value: object) -> bool:
    return value == 0


def _is_empty(value: object) -> bool:
    return not value


class SourceView(BaseModel):
    """Where something comes from. It is somebody else's text; `url` is http or https."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    url: str
    snippet: str
    tool_call_id: str | None = Field(default=None, exclude_if=is_none, description="whose result names it")


class ToolCallView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    arguments: dict[str, Any]
    label: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="in words, while the call goes on; without it the client finds some",
    )
    done: str | None = Field(default=None, exclude_if=is_none, description="the same for when it is over")


class AttachedView(BaseModel):
    """A file that came with a message, or that a tool gave; `GET /files/{id}` has its bytes."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    media_type: str
    bytes: int


class MessageView(BaseModel):
    """A stored message. Tool results have `tool_call_id`; `run_id` tells which messages make one answer.

    A `summary` is no part of what was said: models read it in place of what stands before it, and it has the place of the last
    message that it covers. Its text is a model's over what anybody said.

    Messages are in order of `turn`, then `position`. `superseded_by` is the turn that took the place of this one, and of
    those between the two; null while the message counts. Of a lane that is not its turn's answer it is that turn itself.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    run_id: UUID
    turn: int
    position: int
    superseded_by: int | None
    role: str
    text: str
    status: str
    created_at: datetime
    tool_calls: list[ToolCallView]
    tool_call_id: str | None
    tool_name: str | None
    is_error: bool
    model: str | None
    usage: UsageView | None
    sources: list[SourceView] = Field(
        default=[],
        exclude_if=_is_empty,
        description="what a result or a step cites; with a run's answer, all that the run does",
    )
    files: list[AttachedView] = Field(
        default=[],
        exclude_if=_is_empty,
        description="of a user's message what came with it, of a result what its tool gave",
    )
    lane: int = Field(default=0, exclude_if=_is_zero, description="of what one of several lanes of its turn has said")
    covers: int = Field(default=0, exclude_if=_is_zero, description="of a summary: so many messages")
    until: UUID | None = Field(
        default=None, exclude_if=is_none, description="of a summary: the last message that it covers"
    )
    is_void: bool = Field(
        default=False, exclude_if=_is_zero, description="of a summary: something that it covers was replaced since"
    )


def with_summaries(found: Sequence[StoredMessage], summaries: Sequence[Summary]) -> list[MessageView]:
    """Return what readers see of messages, each summary behind the last message that it covers, where that is among them."""
    seen = [MessageView.model_validate(one) for one in found]
    ids = {one.id for one in seen}
    told = [summary_view(one) for one in summaries if one.until.message_id in ids]
    return sorted([*seen, *told], key=lambda one: (one.turn, one.position)) if told else seen


def summary_view(summary: Summary) -> MessageView:
    """Return a summary as a message of the role `summary`."""
    return MessageView(
        id=summary.id,
        run_id=summary.run_id,
        turn=summary.until.turn,
        position=summary.until.position,
        superseded_by=None,
        role="summary",
        text=summary.text,
        status="complete",
        created_at=summary.created_at,
        tool_calls=[],
        tool_call_id=None,
        tool_name=None,
        is_error=False,
        model=summary.model,
        usage=UsageView.model_validate(summary.usage),
        covers=summary.messages,
        until=summary.until.message_id,
        is_void=summary.is_void,
    )

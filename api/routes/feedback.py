"""Feedback on answers."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from agent.store.feedback import Feedback, rate_message
from api.dependencies import InstallationDep, PrincipalDep
from api.errors import PROBLEMS
from api.requests import NO_NUL

router = APIRouter(tags=["feedback"], responses=PROBLEMS)

COMMENT_CHARACTERS = 2000


class FeedbackRequest(BaseModel):
    rating: Literal["up", "down"]
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=COMMENT_CHARACTERS), NO_NUL] | None = (
        None
    )


class FeedbackView(BaseModel):
    message_id: UUID
    rating: Literal["up", "down"]
    comment: str | None


@router.post("/messages/{message_id}/feedback")
async def give_feedback(
    message_id: UUID, body: FeedbackRequest, principal: PrincipalDep, services: InstallationDep
) -> FeedbackView:
    """Rate an answer; a second rating replaces the first."""
    given = Feedback(message_id, body.rating, body.comment or None)
    async with services.store.write(principal.tenant_id) as connection:
        await rate_message(connection, principal, given)
    return FeedbackView(message_id=message_id, rating=given.rating, comment=given.comment)

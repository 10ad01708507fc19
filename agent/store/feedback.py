"""Feedback: one rating per user and message; the last one counts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, delete, select

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.columns import OF_TENANT, OF_USER, ROW_ID
from agent.store.conversations import OWNED, of
from agent.store.statements import Hot
from agent.store.tables import conversations, feedback, messages
from agent.store.transaction import Transaction

Rating = Literal["up", "down"]

_owner = and_(conversations.c.tenant_id == messages.c.tenant_id, conversations.c.id == messages.c.conversation_id)
_IS_ANSWER = Hot(
    select(messages.c.id)
    .select_from(messages.join(conversations, _owner))
    .where(OWNED, messages.c.id == ROW_ID, messages.c.role == "assistant")
    .with_for_update(of=messages)  # of two ratings at once, the second waits and replaces the first
)
_DELETE = Hot(
    delete(feedback).where(
        feedback.c.tenant_id == OF_TENANT, feedback.c.user_id == OF_USER, feedback.c.message_id == ROW_ID
    )
)
_INSERT = Hot(
    feedback.insert().values(tenant_id=OF_TENANT, user_id=OF_USER, message_id=ROW_ID),
    *("rating", "comment", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Feedback:
    message_id: UUID
    rating: Rating
    comment: str | None


async def rate_message(connection: Transaction, principal: Principal, given: Feedback) -> None:
    """Store the principal's rating of an assistant message, in place of an earlier one. The caller commits.

    Raises:
        NotFoundError: the principal has no such message, or it is not an assistant's.
    """
    place = of(principal, given.message_id)
    if await connection.row(_IS_ANSWER, place) is None:
        raise NotFoundError("No such message.")
    await connection.change(_DELETE, place)
    rating = {"rating": given.rating, "comment": given.comment, "created_at": datetime.now(UTC)}
    await connection.change(_INSERT, {**place, **rating})

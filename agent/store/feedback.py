"""Feedback: one rating per user and message; the last one counts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.conversations import OWNED, of
from agent.store.tables import conversations, feedback, messages

Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Feedback:
    message_id: UUID
    rating: Rating
    comment: str | None


async def rate_message(connection: AsyncConnection, principal: Principal, given: Feedback) -> None:
    """Store the principal's rating of an assistant message, in place of an earlier one. The caller commits.

    Raises:
        NotFoundError: the principal has no such message, or it is not an assistant's.
    """
    owner = and_(conversations.c.tenant_id == messages.c.tenant_id, conversations.c.id == messages.c.conversation_id)
    found = await connection.execute(
        select(messages.c.id)
        .select_from(messages.join(conversations, owner))
        .where(OWNED, messages.c.id == given.message_id, messages.c.role == "assistant")
        .with_for_update(of=messages),  # of two ratings at once, the second waits and replaces the first
        of(principal),
    )
    if found.first() is None:
        raise NotFoundError("No such message.")
    key = {"tenant_id": principal.tenant_id, "message_id": given.message_id, "user_id": principal.user_id}
    await connection.execute(delete(feedback).where(*(feedback.c[name] == value for name, value in key.items())))
    await connection.execute(
        feedback.insert().values(**key, rating=given.rating, comment=given.comment, created_at=datetime.now(UTC))
    )

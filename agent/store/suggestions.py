"""Answers that somebody wants follow-up questions to. `transitions.py` keeps those that were made."""

from uuid import UUID

from sqlalchemy import and_, select

from agent.errors import InvalidRequestError, NotFoundError, SupersededError
from agent.principal import Principal
from agent.store.columns import ROW_ID
from agent.store.conversations import of
from agent.store.runs import OWNED_RUN, Run, get_run
from agent.store.tables import messages, runs
from agent.store.transaction import Transaction

_ANSWER = (
    select(runs.c.id, messages.c.superseded_by)
    .select_from(messages.join(runs, and_(runs.c.tenant_id == messages.c.tenant_id, runs.c.id == messages.c.run_id)))
    .where(OWNED_RUN, messages.c.id == ROW_ID, runs.c.message_id == ROW_ID)
)


async def find_answered(connection: Transaction, principal: Principal, message_id: UUID) -> Run:
    """Return the run that ended with this answer.

    Raises:
        NotFoundError: the principal has no such message, or it is no answer, or not yet.
        SupersededError: another version has taken its place.
        InvalidRequestError: the answer was stopped or failed.
    """
    row = (await connection.execute(_ANSWER, of(principal, message_id))).one_or_none()
    if row is None:
        raise NotFoundError("No such message.")
    if row.superseded_by is not None:
        raise SupersededError("Another version has taken the place of this message. Read the conversation again.")
    run = await get_run(connection, principal, row.id)
    if run.state != "completed":
        raise InvalidRequestError("message_id: this answer is not complete")
    return run

"""Lanes: runs beside each other in one turn, of which one is the turn's answer.

Which lane that is, `ranking.py` says. The invariant: only the answer's messages count, and the user's message is of its run, as
in a turn of one run. The other lanes' messages are superseded by their own turn, so whoever reads the conversation gets them as
versions.
"""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, select, update

from agent.errors import NotFoundError
from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.ranking import lane_order
from agent.store.runs import Run
from agent.store.statements import Hot
from agent.store.superseding import SUPERSEDED_BY
from agent.store.tables import conversations, messages, runs
from agent.store.transaction import Transaction

_OF_TURN = and_(
    messages.c.tenant_id == OF_TENANT,
    messages.c.conversation_id == ROW_ID,
    messages.c.turn == bindparam("of_turn"),
    messages.c.role != "user",
)
_ANSWER = Hot(
    select(runs.c.id, runs.c.state)
    .where(runs.c.tenant_id == OF_TENANT, runs.c.conversation_id == ROW_ID, runs.c.turn == bindparam("of_turn"))
    .order_by(*lane_order(runs))
    .limit(1)
)
_is_of_answer = messages.c.run_id == bindparam("answer", type_=runs.c.id.type)
_COUNT = Hot(
    update(messages)
    .where(_OF_TURN, _is_of_answer, messages.c.superseded_by == messages.c.turn)
    .values(superseded_by=SUPERSEDED_BY)
)
_DISCOUNT = Hot(
    update(messages)
    .where(_OF_TURN, ~_is_of_answer, messages.c.superseded_by.is_(None))
    .values(superseded_by=messages.c.turn)
)
_GIVE_QUESTION = Hot(
    update(messages)
    .where(
        messages.c.tenant_id == OF_TENANT,
        messages.c.conversation_id == ROW_ID,
        messages.c.turn == bindparam("of_turn"),
        messages.c.role == "user",
        ~_is_of_answer,
    )
    .values(run_id=bindparam("answer", type_=runs.c.id.type))
)
_NOTE_CHANGE = Hot(
    update(conversations)
    .where(conversations.c.tenant_id == OF_TENANT, conversations.c.id == ROW_ID)
    .values(answer_changes=conversations.c.answer_changes + 1)
)


class Settled(NamedTuple):
    """How a run stands in its turn: whether it is the answer, and whether all of the turn's lanes have failed."""

    is_answer: bool = True
    has_failed: bool = False


async def settle_answer(connection: Transaction, tenant_id: str, run: Run) -> Settled:
    """Let the messages of a turn's answer count, and those of its other lanes not; return how this run stands then.

    It follows whatever may change which one that is: an end, a choice, a new message. The caller has locked the conversation,
    and commits. Where the run has its turn for itself nothing is asked.

    Raises:
        NotFoundError: the run is gone.
    """
    if not run.lane:
        return Settled()
    turn = {"of_tenant": tenant_id, "of_id": run.conversation_id, "of_turn": run.turn}
    answer = await connection.row(_ANSWER, turn)
    if answer is None:
        raise NotFoundError("No such run.")
    changed = [
        await connection.change(one, {**turn, "answer": answer.id}) for one in (_COUNT, _DISCOUNT, _GIVE_QUESTION)
    ]
    if any(changed):
        await connection.change(_NOTE_CHANGE, turn)
    return Settled(answer.id == run.id, answer.state == "failed")

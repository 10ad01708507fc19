"""Which turn took the place of another one, as statements say it."""

from sqlalchemy import bindparam, exists, func, select

from agent.store.columns import OF_TENANT, ROW_ID
from agent.store.tables import runs

_later = runs.alias("later")
SUPERSEDED = exists().where(
    _later.c.tenant_id == runs.c.tenant_id,
    _later.c.conversation_id == runs.c.conversation_id,
    _later.c.turn > runs.c.turn,
    _later.c.replaces <= runs.c.turn,
)
"""The condition that a later turn took the place of a run's turn."""
SUPERSEDED_BY = (
    select(func.min(runs.c.turn))
    .where(runs.c.tenant_id == OF_TENANT, runs.c.conversation_id == ROW_ID)
    .where(runs.c.turn > bindparam("of_turn"), runs.c.replaces <= bindparam("of_turn"))
    .scalar_subquery()
)
"""The turn that took the place of the one that a message is written for: its run may not have stopped yet."""

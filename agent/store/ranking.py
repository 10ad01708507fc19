"""The order of a turn's lanes, as statements say it: the first of them is the turn's answer.

That is the lane that its user chose, unless it failed; else the first that neither failed nor was stopped.
"""

from sqlalchemy import ColumnElement, FromClause, case, or_, select

from agent.store.tables import runs


def lane_order(table: FromClause) -> list[ColumnElement[int]]:
    """Return what orders the lanes of a turn: the answer comes first."""
    return [
        case((table.c.state == "failed", 1), else_=0),
        case((table.c.chosen_at.is_(None), 1), else_=0),
        case((table.c.state == "cancelled", 1), else_=0),
        table.c.lane,
    ]


_beside = runs.alias("beside")
_FIRST_BESIDE = (
    select(_beside.c.id)
    .where(
        _beside.c.tenant_id == runs.c.tenant_id,
        _beside.c.conversation_id == runs.c.conversation_id,
        _beside.c.turn == runs.c.turn,
    )
    .order_by(*lane_order(_beside))
    .limit(1)
    .correlate(runs)
    .scalar_subquery()
)
IS_ANSWER = or_(runs.c.lane == 0, runs.c.id == _FIRST_BESIDE)
"""The condition that a run is the answer of its turn now: one run of each turn is."""

"""several runs beside each other in one turn, of which one is its answer

Revision: 0021, after 0020

A release before this one works on: it makes runs of lane 0, which have their turn for themselves.
"""

import sqlalchemy as sa
from alembic import op


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

RUNNING = sa.text("state = 'running'")
UNFINISHED = sa.text("state IN ('queued', 'running')")
FIRST_RUNNING = sa.text("state = 'running' AND lane < 2")
OTHERS = """
    FROM runs WHERE lane > 0 AND id <> (
        SELECT o.id FROM runs AS o
        WHERE o.tenant_id = runs.tenant_id AND o.conversation_id = runs.conversation_id AND o.turn = runs.turn
        ORDER BY CASE WHEN o.state = 'failed' THEN 1 ELSE 0 END, CASE WHEN o.chosen_at IS NULL THEN 1 ELSE 0 END,
            CASE WHEN o.state = 'cancelled' THEN 1 ELSE 0 END, o.lane
        LIMIT 1
    )"""
"""The lanes that are not the answers of their turns."""


def upgrade() -> None:

    op.add_column('conversations', sa.Column('answer_changes', sa.Integer(), server_default='0', nullable=False, comment='how often a turn has another answer'))
    op.add_column('runs', sa.Column('lane', sa.Integer(), server_default='0', nullable=False, comment='1, 2, … in one turn; 0: no other is beside it'))
    op.add_column('runs', sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=True, comment='since when its user has it for the answer of its turn'))
    op.drop_index('uq_runs_turn', table_name='runs')
    op.create_index('uq_runs_turn', 'runs', ['tenant_id', 'conversation_id', 'turn', 'lane'], unique=True)
    op.drop_index('uq_runs_active', table_name='runs')
    op.create_index('uq_runs_active', 'runs', ['tenant_id', 'conversation_id'], unique=True, sqlite_where=FIRST_RUNNING, postgresql_where=FIRST_RUNNING)
    prefer_the_few()


def prefer_the_few() -> None:
    """Let SQLite look among unfinished runs first: of two indexes that serve alike it takes the younger one."""
    if op.get_bind().dialect.name == 'sqlite':
        op.drop_index('ix_runs_unfinished_turn', table_name='runs')
        op.create_index('ix_runs_unfinished_turn', 'runs', ['tenant_id', 'conversation_id', 'turn'], unique=False, sqlite_where=UNFINISHED)


def downgrade() -> None:

    op.execute(f"""
        UPDATE messages SET run_id = (
            SELECT r.id FROM runs AS r
            WHERE r.tenant_id = messages.tenant_id AND r.conversation_id = messages.conversation_id AND r.turn = messages.turn
                AND NOT EXISTS (SELECT 1 {OTHERS} AND runs.tenant_id = r.tenant_id AND runs.id = r.id)
        ) WHERE role = 'user' AND EXISTS (
            SELECT 1 {OTHERS} AND runs.tenant_id = messages.tenant_id AND runs.id = messages.run_id
        )""")
    op.execute(f"DELETE {OTHERS}")
    op.drop_index('uq_runs_active', table_name='runs')
    op.create_index('uq_runs_active', 'runs', ['tenant_id', 'conversation_id'], unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING)
    op.drop_index('uq_runs_turn', table_name='runs')
    op.create_index('uq_runs_turn', 'runs', ['tenant_id', 'conversation_id', 'turn'], unique=True)
    prefer_the_few()
    op.drop_column('runs', 'chosen_at')
    op.drop_column('runs', 'lane')
    op.drop_column('conversations', 'answer_changes')

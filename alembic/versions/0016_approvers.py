"""other people who approve, a yes to all calls of a tool, and results that anybody may have written

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

from agent.store.columns import Json


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

SHARED = sa.text("state = 'open' AND approvers IS NOT NULL")
WAITING = sa.text("waits_until IS NOT NULL AND state = 'queued'")


def upgrade() -> None:

    op.add_column('approvals', sa.Column('approvers', Json, nullable=True, comment='the roles of other people who answer; NULL where the user does'))
    op.add_column('approvals', sa.Column('may_always', sa.Boolean(), nullable=False, server_default=sa.false(), comment='whether the yes may be one to all later calls of the tool in the conversation'))
    op.add_column('approvals', sa.Column('is_always', sa.Boolean(), nullable=False, server_default=sa.false(), comment='whether it is, until that ends'))
    op.create_index('ix_approvals_shared', 'approvals', ['tenant_id', 'created_at', 'tool_call_id'], unique=False, sqlite_where=SHARED, postgresql_where=SHARED)
    op.add_column('messages', sa.Column('is_untrusted', sa.Boolean(), nullable=True, comment='a result that anybody may have written; NULL where not'))
    op.create_index('ix_runs_waiting', 'runs', ['waits_until'], unique=False, sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:

    op.drop_index('ix_runs_waiting', table_name='runs')
    op.drop_column('messages', 'is_untrusted')
    op.drop_index('ix_approvals_shared', table_name='approvals')
    op.drop_column('approvals', 'is_always')
    op.drop_column('approvals', 'may_always')
    op.drop_column('approvals', 'approvers')

"""an index of the turns that are not over

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_index('ix_runs_unfinished_turn', 'runs', ['tenant_id', 'conversation_id', 'turn'], unique=False, sqlite_where=sa.text("state IN ('queued', 'running')"), postgresql_where=sa.text("state IN ('queued', 'running')"))


def downgrade() -> None:

    op.drop_index('ix_runs_unfinished_turn', 'runs')

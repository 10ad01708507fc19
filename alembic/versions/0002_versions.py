"""versions of a turn, and attempts that only waited

Revision: 0002, after 0001

Columns are added as they are, never by copying a table (alembic's batch mode): on SQLite the old table's removal would
delete, by its foreign keys, every row that belongs to it.
"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('replaces', sa.Integer(), nullable=True, comment='the turn whose place this one takes, with all turns between the two'))
    op.add_column('runs', sa.Column('begun_attempts', sa.Integer(), server_default='0', nullable=False, comment='attempts that began to work; those that died while they waited do not count towards the limit'))
    op.create_index('uq_runs_replaces', 'runs', ['tenant_id', 'conversation_id', 'replaces'], unique=True, sqlite_where=sa.text('replaces IS NOT NULL'), postgresql_where=sa.text('replaces IS NOT NULL'))

    op.add_column('messages', sa.Column('superseded_by', sa.Integer(), nullable=True, comment="the turn that took the place of this message's; NULL while it counts"))
    op.create_index('ix_messages_counting', 'messages', ['tenant_id', 'conversation_id', 'turn', 'position'], unique=False, sqlite_where=sa.text('superseded_by IS NULL'), postgresql_where=sa.text('superseded_by IS NULL'))


def downgrade() -> None:

    op.drop_index('ix_messages_counting', 'messages')
    op.drop_column('messages', 'superseded_by')
    op.drop_index('uq_runs_replaces', 'runs')
    op.drop_column('runs', 'begun_attempts')
    op.drop_column('runs', 'replaces')

"""conversations and messages by the names that their clients gave them

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

NAMED = sa.text('client_key IS NOT NULL AND deleted_at IS NULL')
SAID = sa.text('client_message_id IS NOT NULL')
KNOWN = sa.text('history_hash IS NOT NULL')


def upgrade() -> None:

    op.add_column('conversations', sa.Column('client_key', sa.String(length=255), nullable=True, comment='the id that its client gave it; NULL where it gave none'))
    op.create_index('uq_conversations_client_key', 'conversations', ['tenant_id', 'user_id', 'client_key'], unique=True, sqlite_where=NAMED, postgresql_where=NAMED)
    op.add_column('runs', sa.Column('client_message_id', sa.String(length=255), nullable=True, comment="the id that its client gave the user's message"))
    op.add_column('runs', sa.Column('history_hash', sa.String(length=64), nullable=True, comment='of all that was said up to here, where the client names no conversation but says that again'))
    op.create_index('ix_runs_client_message_id', 'runs', ['tenant_id', 'conversation_id', 'client_message_id', 'turn'], unique=False, sqlite_where=SAID, postgresql_where=SAID)
    op.create_index('ix_runs_history_hash', 'runs', ['tenant_id', 'user_id', 'history_hash', 'created_at'], unique=False, sqlite_where=KNOWN, postgresql_where=KNOWN)


def downgrade() -> None:

    op.drop_index('ix_runs_history_hash', table_name='runs')
    op.drop_index('ix_runs_client_message_id', table_name='runs')
    op.drop_column('runs', 'history_hash')
    op.drop_column('runs', 'client_message_id')
    op.drop_index('uq_conversations_client_key', table_name='conversations')
    op.drop_column('conversations', 'client_key')

"""deleted conversations, and an index for every foreign key

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('conversations', sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True, comment='since when nobody sees it; its rows go in batches'))
    op.create_index('ix_conversations_deleted', 'conversations', ['deleted_at', 'tenant_id', 'id'], unique=False, sqlite_where=sa.text('deleted_at IS NOT NULL'), postgresql_where=sa.text('deleted_at IS NOT NULL'))
    op.create_index('ix_messages_run', 'messages', ['tenant_id', 'run_id'], unique=False)


def downgrade() -> None:

    # What nobody sees must not come back into sight.
    op.execute(sa.text('DELETE FROM conversations WHERE deleted_at IS NOT NULL'))
    op.drop_index('ix_messages_run', 'messages')
    op.drop_index('ix_conversations_deleted', 'conversations')
    op.drop_column('conversations', 'deleted_at')

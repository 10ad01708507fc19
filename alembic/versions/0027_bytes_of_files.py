"""files: how much room they take of a user and of a tenant, read from an index alone

Revision: 0027, after 0026

A release before this one works on: it does not ask.
"""

import sqlalchemy as sa
from alembic import op


revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

KEPT = sa.text('deleted_at IS NULL')


def upgrade() -> None:

    op.create_index('ix_files_kept', 'files', ['tenant_id', 'user_id', 'conversation_id', 'bytes', 'text_bytes', 'deleted_at'], unique=False, sqlite_where=KEPT, postgresql_where=KEPT)


def downgrade() -> None:

    op.drop_index('ix_files_kept', table_name='files')

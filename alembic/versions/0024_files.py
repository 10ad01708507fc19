"""files: what users attach and tools give, and which messages have them

Revision: 0024, after 0023
"""

import sqlalchemy as sa
from alembic import op


revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

PARTIAL = (
    ('ix_files_conversation', ['tenant_id', 'conversation_id'], 'conversation_id IS NOT NULL'),
    ('ix_files_loose', ['tenant_id', 'user_id', 'created_at'], 'conversation_id IS NULL'),
    ('ix_files_waiting', ['created_at'], 'conversation_id IS NULL AND deleted_at IS NULL'),
    ('ix_files_unstored', ['created_at'], 'stored_at IS NULL'),
    ('ix_files_gone', ['deleted_at'], 'deleted_at IS NOT NULL'),
)


def upgrade() -> None:

    op.create_table('files',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=True, comment='a message of which has it, or a run of which gave it; NULL: none yet'),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('media_type', sa.String(length=128), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('storage_key', sa.String(length=64), nullable=False, comment='where the bytes are; no client ever names one'),
    sa.Column('text_bytes', sa.BigInteger(), nullable=True, comment='of its text, which lies beside it; NULL where it has none'),
    sa.Column('about', sa.JSON(none_as_null=True), nullable=True, comment='what is known of the content: pages, rows, width'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stored_at', sa.DateTime(timezone=True), nullable=True, comment='since when all bytes are there; NULL: not yet, or never'),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True, comment='since when nobody sees it; upkeep removes the bytes, then the row'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_files'))
    )
    for name, columns, condition in PARTIAL:
        only_where = sa.text(condition)
        op.create_index(name, 'files', columns, unique=False, sqlite_where=only_where, postgresql_where=only_where)
    op.add_column('messages', sa.Column('files', sa.JSON(none_as_null=True), nullable=True, comment='[{id, name, media_type, bytes}] that came with it, or that its tool gave'))
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE files ENABLE ROW LEVEL SECURITY')
        op.execute("CREATE POLICY tenant ON files USING (tenant_id = current_setting('frontdesk.tenant', true))")


def downgrade() -> None:

    op.drop_column('messages', 'files')
    op.drop_table('files')

"""summaries: what models read in place of turns that have left their window

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table('summaries',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False, comment='behind which it is made; the run may be gone'),
    sa.Column('until_turn', sa.Integer(), nullable=False, comment='the last turn that it covers'),
    sa.Column('until_position', sa.Integer(), nullable=False, comment='of the last message that it covers'),
    sa.Column('until_message_id', sa.Uuid(), nullable=False, comment='where that does not count any more, the summary is void'),
    sa.Column('text', sa.Text(), nullable=True, comment='NULL while it is made'),
    sa.Column('done', sa.JSON(none_as_null=True), nullable=True, comment='{calls: [{name, arguments, result}], earlier: {name: count}} of writes, by the ledger'),
    sa.Column('tools', sa.JSON(none_as_null=True), nullable=True, comment='the names of tools whose results it was made of'),
    sa.Column('is_untrusted', sa.Boolean(), nullable=True, comment='whether anybody may have written what it was made of'),
    sa.Column('messages', sa.Integer(), nullable=True, comment='how many it covers, with those of the summary before'),
    sa.Column('model', sa.String(length=200), nullable=True),
    sa.Column('input_tokens', sa.Integer(), nullable=True),
    sa.Column('output_tokens', sa.Integer(), nullable=True),
    sa.Column('worker_id', sa.String(length=64), nullable=False, comment='who makes it'),
    sa.Column('claimed_until', sa.Double(), nullable=False, comment="until when, in seconds since 1970, by the database's clock"),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'conversation_id'], ['conversations.tenant_id', 'conversations.id'], name=op.f('fk_summaries_conversations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_summaries'))
    )
    op.create_index('ix_summaries_conversation', 'summaries', ['tenant_id', 'conversation_id', 'until_turn'], unique=False)
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE summaries ENABLE ROW LEVEL SECURITY')
        op.execute("CREATE POLICY tenant ON summaries USING (tenant_id = current_setting('frontdesk.tenant', true))")


def downgrade() -> None:

    op.drop_table('summaries')

"""first tables

Revision: 0001, after None
"""

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table('conversations',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('last_position', sa.Integer(), nullable=False, comment='position of the newest message; 0 when there is none'),
    sa.Column('last_turn', sa.Integer(), nullable=False, comment='turn of the newest run'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_conversations'))
    )
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.create_index('ix_conversations_owner', ['tenant_id', 'user_id', 'updated_at', 'id'], unique=False)

    op.create_table('runs',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False, comment='1, 2, 3, … within the conversation; orders its messages'),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False, comment='the id that the answer has or will have'),
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('branch_id', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('page', sa.JSON(none_as_null=True), nullable=True, comment='what the client said about its page; data for the model'),
    sa.Column('idempotency_key', sa.String(length=255), nullable=True),
    sa.Column('request_hash', sa.String(length=64), nullable=True),
    sa.Column('worker_id', sa.String(length=64), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finish_reason', sa.String(length=32), nullable=True),
    sa.Column('error_code', sa.String(length=32), nullable=True),
    sa.Column('input_tokens', sa.Integer(), nullable=False),
    sa.Column('output_tokens', sa.Integer(), nullable=False),
    sa.Column('suggestions', sa.JSON(none_as_null=True), nullable=True),
    sa.CheckConstraint("state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f('ck_runs_state')),
    sa.ForeignKeyConstraint(['tenant_id', 'conversation_id'], ['conversations.tenant_id', 'conversations.id'], name=op.f('fk_runs_conversations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_runs'))
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index('ix_runs_unfinished', ['state', 'lease_until'], unique=False, sqlite_where=sa.text("state IN ('queued', 'running')"), postgresql_where=sa.text("state IN ('queued', 'running')"))
        batch_op.create_index('uq_runs_active', ['tenant_id', 'conversation_id'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('uq_runs_idempotency_key', ['tenant_id', 'user_id', 'idempotency_key'], unique=True)
        batch_op.create_index('uq_runs_turn', ['tenant_id', 'conversation_id', 'turn'], unique=True)

    op.create_table('messages',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False, comment='1, 2, 3, … within the conversation, in order of writing'),
    sa.Column('step', sa.Integer(), nullable=False, comment="0 for the user's message, then the step that wrote it"),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('tool_calls', sa.JSON(none_as_null=True), nullable=True, comment='[{id, name, arguments}] that an assistant message asks for'),
    sa.Column('tool_call_id', sa.String(length=64), nullable=True),
    sa.Column('tool_name', sa.String(length=128), nullable=True),
    sa.Column('is_error', sa.Boolean(), nullable=False, comment='the result of a tool call that failed'),
    sa.Column('model', sa.String(length=200), nullable=True),
    sa.Column('input_tokens', sa.Integer(), nullable=True),
    sa.Column('output_tokens', sa.Integer(), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(role = 'tool') = (tool_call_id IS NOT NULL)", name=op.f('ck_messages_tool_call_id')),
    sa.CheckConstraint("role IN ('user', 'assistant', 'tool')", name=op.f('ck_messages_role')),
    sa.CheckConstraint("status IN ('complete', 'partial')", name=op.f('ck_messages_status')),
    sa.ForeignKeyConstraint(['tenant_id', 'conversation_id'], ['conversations.tenant_id', 'conversations.id'], name=op.f('fk_messages_conversations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id', 'run_id'], ['runs.tenant_id', 'runs.id'], name=op.f('fk_messages_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_messages'))
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index('ix_messages_turn', ['tenant_id', 'conversation_id', 'turn', 'position'], unique=False)
        batch_op.create_index('uq_messages_position', ['tenant_id', 'conversation_id', 'position'], unique=True)
        batch_op.create_index('uq_messages_step', ['tenant_id', 'run_id', 'step'], unique=True, sqlite_where=sa.text("role = 'assistant'"), postgresql_where=sa.text("role = 'assistant'"))
        batch_op.create_index('uq_messages_tool_call_id', ['tenant_id', 'tool_call_id'], unique=True)

    op.create_table('tool_calls',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('risk', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('action', sa.JSON(none_as_null=True), nullable=True, comment='{type, value} that the page was asked to do'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('proposed', 'started', 'settled', 'unknown')", name=op.f('ck_tool_calls_state')),
    sa.ForeignKeyConstraint(['tenant_id', 'run_id'], ['runs.tenant_id', 'runs.id'], name=op.f('fk_tool_calls_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_tool_calls'))
    )
    with op.batch_alter_table('tool_calls', schema=None) as batch_op:
        batch_op.create_index('ix_tool_calls_run', ['tenant_id', 'run_id', 'step'], unique=False)

    op.create_table('feedback',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('rating', sa.String(length=8), nullable=False),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("rating IN ('up', 'down')", name=op.f('ck_feedback_rating')),
    sa.ForeignKeyConstraint(['tenant_id', 'message_id'], ['messages.tenant_id', 'messages.id'], name=op.f('fk_feedback_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'message_id', 'user_id', name=op.f('pk_feedback'))
    )



def downgrade() -> None:

    op.drop_table('feedback')
    with op.batch_alter_table('tool_calls', schema=None) as batch_op:
        batch_op.drop_index('ix_tool_calls_run')

    op.drop_table('tool_calls')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('uq_messages_tool_call_id')
        batch_op.drop_index('uq_messages_step', sqlite_where=sa.text("role = 'assistant'"), postgresql_where=sa.text("role = 'assistant'"))
        batch_op.drop_index('uq_messages_position')
        batch_op.drop_index('ix_messages_turn')

    op.drop_table('messages')
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_index('uq_runs_turn')
        batch_op.drop_index('uq_runs_idempotency_key')
        batch_op.drop_index('uq_runs_active', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.drop_index('ix_runs_unfinished', sqlite_where=sa.text("state IN ('queued', 'running')"), postgresql_where=sa.text("state IN ('queued', 'running')"))

    op.drop_table('runs')
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index('ix_conversations_owner')

    op.drop_table('conversations')


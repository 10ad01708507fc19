"""fewer and smaller indexes on what every turn writes

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

KEYED = sa.text('idempotency_key IS NOT NULL')
RESULT = sa.text('tool_call_id IS NOT NULL')
COUNTS = sa.text('superseded_by IS NULL')
UNFINISHED = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:

    op.drop_index('ix_runs_unfinished', table_name='runs')
    op.drop_index('uq_runs_idempotency_key', table_name='runs')
    op.create_index('uq_runs_idempotency_key', 'runs', ['tenant_id', 'user_id', 'idempotency_key'], unique=True, sqlite_where=KEYED, postgresql_where=KEYED)
    op.drop_index('ix_messages_counting', table_name='messages')
    op.drop_index('ix_messages_turn', table_name='messages')
    op.create_index('ix_messages_turn', 'messages', ['tenant_id', 'conversation_id', 'turn', 'position', 'superseded_by'], unique=False)
    op.drop_index('uq_messages_tool_call_id', table_name='messages')
    op.create_index('uq_messages_tool_call_id', 'messages', ['tenant_id', 'tool_call_id'], unique=True, sqlite_where=RESULT, postgresql_where=RESULT)


def downgrade() -> None:

    op.drop_index('uq_messages_tool_call_id', table_name='messages')
    op.create_index('uq_messages_tool_call_id', 'messages', ['tenant_id', 'tool_call_id'], unique=True)
    op.drop_index('ix_messages_turn', table_name='messages')
    op.create_index('ix_messages_turn', 'messages', ['tenant_id', 'conversation_id', 'turn', 'position'], unique=False)
    op.create_index('ix_messages_counting', 'messages', ['tenant_id', 'conversation_id', 'turn', 'position'], unique=False, sqlite_where=COUNTS, postgresql_where=COUNTS)
    op.drop_index('uq_runs_idempotency_key', table_name='runs')
    op.create_index('uq_runs_idempotency_key', 'runs', ['tenant_id', 'user_id', 'idempotency_key'], unique=True)
    op.create_index('ix_runs_unfinished', 'runs', ['state', 'worker_id'], unique=False, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)

"""row-level security on PostgreSQL

Revision: 0018, after 0017
"""

from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

TABLES = (
    *('conversations', 'runs', 'messages', 'tool_calls', 'approvals', 'page_calls', 'feedback', 'search_entries'),
    *('audit', 'audit_seals'),
)


def upgrade() -> None:
    # Not forced: the owner of the tables is who migrates and does the upkeep of all tenants.
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in TABLES:
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = current_setting('frontdesk.tenant', true))")
    # Behind a policy no index of words is used: who writes operators could see through them what a policy hides. Nobody
    # who searches writes operators here, so the same condition stands in a view, which reads as the owner does,
    # as an expression: an index of tenants finds all that a tenant ever said.
    op.execute("""
        CREATE VIEW search_entries_of_tenant AS SELECT tenant_id, user_id, id, conversation_id, words
        FROM search_entries WHERE tenant_id || '' = current_setting('frontdesk.tenant', true)
    """)


def downgrade() -> None:
    if op.get_bind().dialect.name != 'postgresql':
        return
    op.execute('DROP VIEW search_entries_of_tenant')
    for table in TABLES:
        op.execute(f'DROP POLICY tenant ON {table}')
        op.execute(f'ALTER TABLE {table} DISABLE ROW LEVEL SECURITY')

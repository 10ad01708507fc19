"""row-level security on PostgreSQL

Revision: 0018, after 0014
"""

from alembic import op


revision = '0018'
down_revision = '0014'
branch_labels = None
depends_on = None

TABLES = ('conversations', 'runs', 'messages', 'tool_calls', 'approvals', 'feedback', 'search_entries')


def upgrade() -> None:
    # Not forced: the owner of the tables is who migrates and does the upkeep of all tenants.
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in TABLES:
        op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
        op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = current_setting('frontdesk.tenant', true))")


def downgrade() -> None:
    if op.get_bind().dialect.name != 'postgresql':
        return
    for table in TABLES:
        op.execute(f'DROP POLICY tenant ON {table}')
        op.execute(f'ALTER TABLE {table} DISABLE ROW LEVEL SECURITY')
